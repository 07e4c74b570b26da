"""How many bytes of maps a network holds at once when it is run.

The operations run in the order of the graph, which is that of the exported ONNX file, on one image in float32. A map
exists from the operation that makes it to the last one that reads it; the inputs are there from the start, the outputs
stay to the end. What an operation fuses (`nasdsl.passes.kernels`) works in place: batch normalisation and relu behind a
convolution have no map of their own, unless somebody else reads what they read. `identity` and `dropout`, and sums and
concatenations of one map, make nothing. `resize_like(x, y)` reads y's size only, not y. Weights, and what a
kernel needs for itself, are not counted.

So for `image [3, 8, 8] >> conv(4, k = 3) >> bn() >> relu() >> conv(2, k = 1)` the first convolution holds the image and
its own result, 3 * 64 + 4 * 64 numbers; the second has 4 * 64 + 2 * 64, since the image is gone. The peak is
7 * 64 * 4 = 1792 bytes.
"""

from __future__ import annotations

from nasdsl.ir.graph import Graph, Node
from nasdsl.passes.kernels import demanded, following
from nasdsl.types import MapType

BYTES = 4
"""Of a float32."""


def activation_bytes(network: Graph) -> int:
    """The peak of the bytes of all maps that exist at once, at batch 1; `aux` tasks are left out.

    Args:
        network: A graph without decisions.
    """
    needed = demanded(network)
    alive = [node for node in network.nodes if node.id in needed]
    held = _buffers(network, alive)
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for step, node in enumerate(alive):
        starts.setdefault(held[node.id], -1 if node.op == "input" else step)
        ends[held[node.id]] = max(step, ends.get(held[node.id], -1))
        for read in reads(node):
            ends[held[read]] = step
    for task in network.tasks:
        if not task.aux:
            ends[held[task.output]] = len(alive)
    change = [0] * (len(alive) + 3)
    for buffer, start in starts.items():
        size = map_bytes(network.nodes[buffer].type)
        change[start + 1] += size
        change[ends[buffer] + 2] -= size
    peak = now = 0
    for step in change:
        now += step
        peak = max(peak, now)
    return peak


def map_bytes(kind: MapType) -> int:
    """The bytes of a map of one image, in a graph without decisions.

    >>> from fractions import Fraction
    >>> from nasdsl.number import Number
    >>> map_bytes(MapType(Number.of(3), (8, 8), Fraction(1))), map_bytes(MapType(Number.of(10), None, Fraction(0)))
    (768, 40)
    """
    channels = kind.channels.constant
    assert channels is not None, "a network has no decisions"
    height, width = kind.size or (1, 1)
    return int(channels) * height * width * BYTES


def passes_on(node: Node, inputs: int) -> bool:
    """Whether a node that reads some number of maps makes no map, but passes on the one it reads.

    >>> from nasdsl import load
    >>> from nasdsl.source import Source
    >>> text = '''space s { input image: [3, 8, 8]
    ...   task t = sum(image >> conv(2, k = 1)) { loss cross_entropy() } }'''
    >>> [node.op for node in load(Source("s.nas", text)).graph.nodes if passes_on(node, len(node.inputs))]
    ['sum']
    """
    return node.op in ("identity", "dropout") or (node.op in ("sum", "concat") and inputs == 1)


def reads(node: Node) -> tuple[int, ...]:
    """The nodes whose maps a node reads; of a map whose size it takes it reads nothing."""
    inputs = tuple(item.node for item in node.inputs)
    return inputs[:1] if node.op == "resize_like" else inputs


def _buffers(network: Graph, alive: list[Node]) -> list[int]:
    """For each node the one whose memory its map has: itself, or what it passes on or works on in place."""
    readers = [0] * len(network.nodes)
    for node in alive:
        for read in reads(node):
            readers[read] += 1
    for task in network.tasks:
        if not task.aux:
            readers[task.output] += 1
    fused = {after: before for before, after in following(network).items() if readers[before] == 1}
    held = list(range(len(network.nodes)))
    for node in alive:
        if passes_on(node, len(node.inputs)):
            held[node.id] = held[node.inputs[0].node]
        elif node.id in fused:
            held[node.id] = held[fused[node.id]]
    return held

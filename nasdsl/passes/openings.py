"""What alternatives of a choice begin with alike is done once: DARTS's four convolutions of an edge share their ReLU.

Only operations without weights, statistics and chance are shared, so values and gradients stay the same. And only where
a block loses its opening in all of its instances, so that one class still serves them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

from nasdsl.ir.graph import Graph, Node
from nasdsl.ops.catalogue import OPERATIONS


def with_shared_openings(graph: Graph) -> Graph:
    """The graph with one node, beside the choice, for what several of its alternatives do first to the same map.

    Ids stay; a node that another one stands for is read by nothing.
    """
    nodes = list(graph.nodes)
    found = [(mix, alike) for mix in graph.nodes if mix.op == "mix" for alike in _alike(graph, mix)]
    instances = Counter(scope.block for scope in graph.scopes)
    while True:
        losing = Counter(_block(graph, node) for _, alike in found for node in alike)
        kept = [
            (mix, [node for node in alike if losing[block := _block(graph, node)] == instances[block]])
            for mix, alike in found
        ]
        kept = [(mix, alike) for mix, alike in kept if len(alike) > 1]
        if kept == found:
            break
        found = kept
    for mix, alike in found:
        _share(nodes, mix, alike)
    return replace(graph, nodes=tuple(nodes))


def _block(graph: Graph, node: int) -> str:
    return graph.scopes[graph.nodes[node].scope].block


def _share(nodes: list[Node], mix: Node, alike: Sequence[int]) -> None:
    """Let the first of some nodes stand for all of them. Maps are still called as in the alternatives."""
    first = nodes[alike[0]]
    name = _name(nodes, first, mix.scope)
    called: dict[int, tuple[tuple[int, str], ...]] = {}
    for node in (nodes[number] for number in alike):
        read = node.inputs[0]
        called[node.id] = tuple(pair for pair in read.called if pair[0] == node.scope)
        outside = tuple(pair for pair in read.called if pair[0] != node.scope)
        nodes[node.id] = replace(node, scope=mix.scope, inputs=(replace(read, called=outside),), name=name)
    for reader in nodes[first.id + 1 : mix.id + 1]:
        inputs = tuple(
            replace(item, node=first.id, called=item.called + called[item.node]) if item.node in called else item
            for item in reader.inputs
        )
        nodes[reader.id] = replace(reader, inputs=inputs)


def _alike(graph: Graph, mix: Node) -> Iterator[list[int]]:
    """Nodes of different alternatives that do the same to the same map, which nothing else there reads."""
    nodes = graph.nodes
    arms = {arm for item in mix.inputs if (arm := _inner(graph, nodes[item.node].scope, mix.scope)) is not None}
    inside = {node.id: arm for node in nodes[: mix.id] if (arm := _inner(graph, node.scope, mix.scope)) in arms}
    readers = Counter((arm, item.node) for node, arm in inside.items() for item in nodes[node].inputs)
    groups: dict[Hashable, list[int]] = {}
    for number, arm in inside.items():
        node = nodes[number]
        if node.scope == arm and not graph.scopes[arm].weights and _opens(nodes, node, inside):
            source = node.inputs[0].node
            if readers[arm, source] == 1:
                groups.setdefault((node.op, tuple(sorted(node.attrs.items())), source, node.type), []).append(number)
    yield from (group for group in groups.values() if len(group) > 1)


def _opens(nodes: Sequence[Node], node: Node, inside: Mapping[int, int]) -> bool:
    """Whether a node turns one map from outside of the alternatives into another, and nothing in it is its own."""
    if node.op not in OPERATIONS or len(node.inputs) != 1 or node.inputs[0].when is not None:
        return False
    source = nodes[node.inputs[0].node]
    return source.id not in inside and OPERATIONS[node.op].pure([source.type], node.type, node.attrs)


def _inner(graph: Graph, scope: int, outer: int) -> int | None:
    """The instance directly in `outer` that a scope is or lies in."""
    while True:
        parent = graph.scopes[scope].parent
        if parent is None or parent == outer:
            return None if parent is None else scope
        scope = parent


def _name(nodes: Sequence[Node], node: Node, scope: int) -> str:
    """A name that no other map of a scope has."""
    taken = {other.name for other in nodes if other.scope == scope}
    name, number = node.op, 2
    while name in taken:
        name, number = f"{node.op}_{number}", number + 1
    return name

"""The same network at other input sizes: which are legal is what the operations' type rules say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import lcm

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Node
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import RuleError
from nasdsl.types import MapType

Sizes = tuple[tuple[int, int], ...]
"""Height and width of each input."""


def input_sizes(graph: Graph) -> Sizes:
    """Height and width of each input, in order."""
    sizes = [node.type.size for node in graph.inputs()]
    return tuple(size for size in sizes if size is not None)


def at_sizes(graph: Graph, sizes: Sequence[tuple[int, int]]) -> Graph:
    """A network with the types that its maps have when its inputs have other sizes.

    Args:
        graph: A graph without decisions.
        sizes: Height and width of each input, in order.

    Raises:
        NasError: An operation's rule forbids it.
    """
    nodes: list[Node] = []
    waiting = iter(sizes)
    for node in graph.nodes:
        inputs = [nodes[item.node].type for item in node.inputs]
        nodes.append(replace(node, type=_type(node, inputs, waiting)))
    return replace(graph, nodes=tuple(nodes))


def _type(node: Node, inputs: Sequence[MapType], sizes: Iterator[tuple[int, int]]) -> MapType:
    if node.op == "input":
        return replace(node.type, size=next(sizes))
    if node.op not in OPERATIONS:
        raise NasError(f"{node.span}: `{node.attrs['target']}` is an extern: its shape is the one that is declared")
    try:
        return OPERATIONS[node.op].type(inputs, node.attrs)
    except RuleError as error:
        raise NasError(f"{node.span}: {error.message}", help=error.help) from None


def other_sizes(graph: Graph, most: int = 2) -> tuple[Sizes, ...]:
    """Input sizes other than its own at which a network is legal: small ones first, at least one.

    Raises:
        NasError: None of those tried is legal; what forbids it is named.
    """
    found: list[Sizes] = []
    own = input_sizes(graph)
    reason = ""
    for sizes in _candidates(graph, own):
        try:
            at_sizes(graph, sizes)
        except NasError as error:
            reason = error.message
            continue
        found.append(sizes)
        if len(found) == most:
            break
    if not found:
        raise NasError(f"height and width of this network cannot be free: {reason}", help="--dynamic batch")
    return tuple(found)


def _candidates(graph: Graph, own: Sizes) -> Iterator[Sizes]:
    """Multiples of what one pixel of the smallest map stands for, then multiples of the network's own sizes."""
    step = lcm(*(node.type.rate.numerator for node in graph.nodes if node.type.rate))
    tried = {own}
    for rows, columns in ((2, 3), (4, 2), (3, 5), (8, 6), (5, 12)):
        small: Sizes = tuple((rows * step, columns * step) for _ in own)
        larger: Sizes = tuple((height + rows * step, width + columns * step) for height, width in own)
        for sizes in (small, larger):
            if sizes not in tried:
                tried.add(sizes)
                yield sizes
    for factor in (2, 3):
        yield tuple((factor * height, factor * width) for height, width in own)

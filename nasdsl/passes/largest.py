"""The architecture of a space that keeps most in training, nearly: each decision takes the value that brings most maps.

Widths and other numbers are at their greatest. A choice takes the alternative with most bytes of maps that nothing else
needs, a pick the members with most, a depth its last exit, a route the way with most. Where decisions share what they
need, another architecture can keep more. Rules are not asked: the paths of a supernet do not keep them either.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Atom, Cell, Decision, Graph, Kind, Value
from nasdsl.number import Number
from nasdsl.passes.memory import BYTES


def largest(graph: Graph) -> Architecture:
    """The architecture; every decision has a value, dead ones too."""
    sizes = _Regions(graph).sizes
    values: dict[str, Value] = {path: _value(graph, d, sizes) for path, d in graph.decisions.items()}
    return Architecture(graph.name, values, graph.preset)


def _value(graph: Graph, decision: Decision, sizes: Mapping[Atom, int]) -> Value:
    def size(value: Hashable) -> int:
        return sizes.get(Atom(decision.path, value), 0)

    if decision.kind is Kind.ROUTE:
        return _way(graph, decision, sizes)
    if decision.kind is Kind.PICK:
        first = sorted(decision.domain, key=size, reverse=True)[: decision.count]
        return tuple(member for member in decision.domain if member in first)
    if all(isinstance(value, int) for value in decision.real) and decision.kind is not Kind.DEPTH:
        return max(decision.real)
    return max(reversed(decision.real), key=size)


def _way(graph: Graph, route: Decision, sizes: Mapping[Atom, int]) -> tuple[Cell, ...]:
    """The longest way from the grid's source to the route's end."""
    grid = graph.grids[route.grid]
    best: dict[Cell, tuple[int, tuple[Cell, ...]]] = {grid.source: (0, (grid.source,))}
    for link in grid.links:
        if link.source in best:
            before, way = best[link.source]
            size = before + sizes.get(Atom(grid.path, (link.source, link.target)), 0)
            if link.target not in best or size > best[link.target][0]:
                best[link.target] = (size, (*way, link.target))
    return best[route.end][1]


def greatest(graph: Graph, symbol: str) -> int | Fraction:
    """The greatest value of a symbol."""
    return graph.domain(symbol)[-1]


class _Regions:
    """For each condition the bytes of the maps that only what it holds for needs."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._readers = [0] * len(graph.nodes)
        edges: dict[Atom, list[int]] = {}
        for node in graph.nodes:
            for item in node.inputs:
                self._readers[item.node] += 1
                if item.when is not None:
                    edges.setdefault(item.when, []).append(item.node)
        for task in graph.tasks:
            self._readers[task.output] += 1
        self.sizes = {atom: self._size(read) for atom, read in edges.items()}

    def _size(self, read: list[int]) -> int:
        """Bytes of the maps that are read by nothing but these edges, directly or not."""
        covered: dict[int, int] = {}
        stack, total = list(read), 0
        while stack:
            node = stack.pop()
            covered[node] = covered.get(node, 0) + 1
            if covered[node] == self._readers[node]:
                total += self._bytes(node)
                stack += [item.node for item in self._graph.nodes[node].inputs]
        return total

    def _bytes(self, node: int) -> int:
        kind = self._graph.nodes[node].type
        height, width = kind.size or (1, 1)
        return int(self._at_most(kind.channels)) * height * width * BYTES

    def _at_most(self, number: Number) -> Fraction:
        return number.evaluate(lambda symbol: greatest(self._graph, symbol))

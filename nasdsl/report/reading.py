"""What is read of a space: all of it, or what one architecture makes live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Decision, Graph, Input, Kind, Node, Value
from nasdsl.number import Number
from nasdsl.passes.derive import Demand, demand, validate


class Reading:
    """The live part of a graph, with its scope tree.

    Attributes:
        graph: The space.
        values: The decisions of the architecture; None for the space as a whole.
        alive: Ids of the nodes that are there.
        inputs: For each node, by id, the inputs that are read.
        links: For each grid the links that some route takes; all of them for the space as a whole.
    """

    def __init__(self, graph: Graph, architecture: Architecture | None = None) -> None:
        """Read a space, or one architecture of it.

        Raises:
            NasError: The architecture is none of this space.
        """
        self.graph = graph
        self.values: Mapping[str, Value] | None = None
        self._live: Demand | None = None
        self.alive = frozenset(range(len(graph.nodes)))
        self.inputs: tuple[tuple[Input, ...], ...] = tuple(node.inputs for node in graph.nodes)
        self.links = {path: {(x.source, x.target) for x in grid.links} for path, grid in graph.grids.items()}
        if architecture is not None:
            validate(graph, architecture)
            live = demand(graph, architecture)
            self.values, self._live = architecture.decisions, live
            self.alive = frozenset(node for node, _ in live.reads)
            sources: dict[int, set[int]] = {}
            for (place, _), reads in live.reads.items():
                sources.setdefault(place, set()).update(source for source, _ in reads)
            self.inputs = tuple(_read(live, node, sources.get(node.id, set())) for node in graph.nodes)
            self.links = {path: self._taken(path) for path in graph.grids}
        self._children: list[list[int]] = [[] for _ in graph.scopes]
        for scope in graph.scopes[1:]:
            assert scope.parent is not None, "only the space has no parent"
            self._children[scope.parent].append(scope.id)
        self._own: list[list[int]] = [[] for _ in graph.scopes]
        for node in graph.nodes:
            self._own[node.scope].append(node.id)

    def _taken(self, grid: str) -> set[tuple[Cell, Cell]]:
        return {step for route in self.live_routes(grid) for step in zip(route[1], route[1][1:], strict=False)}

    def live_routes(self, grid: str) -> list[tuple[Decision, tuple[Cell, ...]]]:
        """The routes of an architecture through a grid with their cells; none for the space as a whole."""
        found: list[tuple[Decision, tuple[Cell, ...]]] = []
        for route in self.graph.routes(grid):
            value = (self.values or {}).get(route.path)
            if isinstance(value, tuple):
                found.append((route, tuple(cell for cell in value if isinstance(cell, tuple))))
        return found

    def number(self, number: Number) -> Fraction:
        """What a number of a live node is in the architecture."""
        assert self._live is not None, "there is an architecture"
        return number.evaluate(self._live.number)

    def own(self, scope: int) -> list[int]:
        """The nodes of a scope itself."""
        return self._own[scope]

    def children(self, scope: int) -> list[int]:
        """The scopes directly inside a scope."""
        return self._children[scope]

    def below(self, scope: int) -> list[int]:
        """The nodes of a scope and of all scopes inside it, ascending; dead ones too."""
        found, stack = [], [scope]
        while stack:
            current = stack.pop()
            found += self._own[current]
            stack += self._children[current]
        return sorted(found)

    def value(self, decision: str) -> Value | None:
        """What the architecture decides; None for the space as a whole and for what is dead."""
        return None if self.values is None else self.values.get(decision)

    def lives(self, decision: str) -> bool:
        """Whether a decision has a value in the architecture; true of all for the space as a whole."""
        return self.values is None or decision in self.values

    def decisions(self, nodes: list[int]) -> list[str]:
        """The decisions that some nodes depend on (routes apart), in order of first use; live ones only."""
        found: dict[str, None] = {}
        for index in nodes:
            if index not in self.alive:
                continue
            node = self.graph.nodes[index]
            for i in self.inputs[index]:
                if i.when is not None and i.when.decision in self.graph.decisions:
                    found[i.when.decision] = None
            for symbol in symbols(node):
                if symbol in self.graph.decisions:
                    found[symbol] = None
        return [path for path in found if self.graph.decisions[path].kind is not Kind.ROUTE]


def _read(live: Demand, node: Node, sources: set[int]) -> tuple[Input, ...]:
    selects = node.op not in ("join", "route_last") and sources
    return tuple(i for i in node.inputs if i.node in sources and (not selects or i.when is None or live.holds(i.when)))


def symbols(node: Node) -> Iterator[str]:
    """The symbols that a node's type and attributes depend on."""
    yield from node.type.channels.symbols
    for value in node.attrs.values():
        if isinstance(value, Number):
            yield from value.symbols


def flow_inputs(reading: Reading, node: int) -> Iterator[Input]:
    """The maps that flow into a node; not the one of which `resize_like` takes only the size."""
    inputs = reading.inputs[node]
    yield from inputs[:1] if reading.graph.nodes[node].op == "resize_like" else inputs

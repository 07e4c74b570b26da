"""From a space and an architecture to the network: demand, followed back from the tasks.

Requires a verified graph and an architecture that decides all that is live. Ensures a graph without decisions, in which
every node knows its `origin`; nodes of a grid cell that two routes reach by different ways are there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Atom, Cell, Decision, Graph, Input, Kind, Node, Scope, Value
from nasdsl.number import Number
from nasdsl.ops.catalogue import SELECTING
from nasdsl.passes.rules import broken_rule
from nasdsl.types import MapType

Way = tuple[Cell, ...]
"""In a grid: the cells a route has passed up to here. Outside of grids: ()."""

Place = tuple[int, Way]
"""A node as read along a way."""


@dataclass(slots=True)
class Demand:
    """What an architecture makes live in a space.

    Attributes:
        reads: For each live place its inputs, in order.
        decisions: The live decisions.
    """

    graph: Graph
    architecture: Architecture
    reads: dict[Place, tuple[Place, ...]] = field(default_factory=dict)
    decisions: set[str] = field(default_factory=set)

    def value(self, path: str) -> Value:
        """The value of a decision, which is live because it is asked for."""
        self.decisions.add(path)
        try:
            return self.architecture.decisions[path]
        except KeyError:
            decision = self.graph.decisions[path]
            raise NasError(
                f"the architecture decides nothing for `{path}`, which is live ({decision.span})",
                help=f"add one of its values: {domain_text(decision)}",
            ) from None

    def number(self, symbol: str) -> Fraction:
        """The value of a symbol of a number."""
        if symbol in self.graph.cases:
            for atom, number in self.graph.cases[symbol].cases:
                if self.holds(atom):
                    return number.evaluate(self.number)
            raise AssertionError(f"no case of {symbol} holds")
        value = self.value(symbol)
        assert isinstance(value, int), symbol
        return Fraction(value)

    def holds(self, atom: Atom) -> bool:
        """Whether a condition holds; for a cell of a route: whether it is the route's last one at its rate."""
        value = self.value(atom.decision)
        kind = self.graph.decisions[atom.decision].kind
        if kind is Kind.PICK:
            assert isinstance(value, tuple)
            return atom.value in value
        if kind is Kind.ROUTE:
            assert isinstance(value, tuple)
            assert isinstance(atom.value, tuple)
            at_rate = [cell for cell in value if isinstance(cell, tuple) and cell[1] == atom.value[1]]
            return bool(at_rate) and at_rate[-1] == atom.value
        return atom.value == value

    def inputs(self, place: Place) -> tuple[Place, ...]:
        """What a live place reads."""
        node, way = self.graph.nodes[place[0]], place[1]
        if node.op == "join":
            if len(way) == 1:
                return ((node.inputs[0].node, ()),)
            link = (way[-2], way[-1])
            return tuple((i.node, way[:-1]) for i in node.inputs if i.when is not None and i.when.value == link)
        if node.op == "route_end":
            return ((node.inputs[0].node, self._way(node)),)
        if node.op == "route_last":
            live = next(i for i in node.inputs if i.when is not None and self.holds(i.when))
            route, cell = self._way(node), live.when.value if live.when else None
            return ((live.node, route[: route.index(cell) + 1]),)
        live_inputs = (i for i in node.inputs if i.when is None or self.holds(i.when))
        return tuple((i.node, self._inside(i.node, way)) for i in live_inputs)

    def _way(self, node: Node) -> Way:
        way = self.value(str(node.attrs["route"]))
        assert isinstance(way, tuple)
        return way  # type: ignore[return-value]

    def _inside(self, node: int, way: Way) -> Way:
        return way if self.graph.scopes[self.graph.nodes[node].scope].cell is not None else ()

    def follow(self) -> Demand:
        """Follow the demand of all tasks that are not auxiliary."""
        stack: list[Place] = [(task.output, ()) for task in self.graph.tasks if not task.aux]
        while stack:
            place = stack.pop()
            if place in self.reads:
                continue
            node = self.graph.nodes[place[0]]
            self.reads[place] = self.inputs(place)
            for number in (node.type.channels, *(a for a in node.attrs.values() if isinstance(a, Number))):
                for symbol in number.symbols:
                    self.number(symbol)
            stack.extend(self.reads[place])
        return self


def demand(graph: Graph, architecture: Architecture) -> Demand:
    """What is live in an architecture.

    Raises:
        NasError: The architecture lacks a live decision, or a value is outside its domain.
    """
    for path, value in architecture.decisions.items():
        if path in graph.decisions:
            check_value(graph, graph.decisions[path], value)
    return Demand(graph, architecture).follow()


def canonical(graph: Graph, architecture: Architecture) -> Architecture:
    """The architecture without values of dead decisions."""
    live = demand(graph, architecture).decisions
    return replace(architecture, decisions={p: v for p, v in architecture.decisions.items() if p in live})


def validate(graph: Graph, architecture: Architecture) -> None:
    """Check that an architecture is one of the space: every live decision has a value of its domain, no other has, and
    all rules hold.

    Raises:
        NasError: It names the difference, or the rule.
    """
    if architecture.space != graph.name:
        raise NasError(
            f"this is an architecture of the space `{architecture.space}`, not of `{graph.name}`",
            help="give the .nas file of that space, or draw one of this: nasdsl sample",
        )
    if architecture.preset != graph.preset:
        mine, its = graph.preset or "no preset", architecture.preset or "no preset"
        raise NasError(f"the architecture belongs to {its} of `{graph.name}`, found {mine}", help="pass --preset")
    unknown = [path for path in architecture.decisions if path not in graph.decisions]
    if unknown:
        raise NasError(f"the space `{graph.name}` has no decision `{unknown[0]}`", help="`nasdsl show` lists them")
    live = demand(graph, architecture).decisions
    dead = [path for path in architecture.decisions if path not in live]
    if dead:
        raise NasError(f"`{dead[0]}` has a value but is not live in this architecture", help="leave it out")
    broken = broken_rule(graph, architecture)
    if broken is not None:
        raise NasError(broken, help="change one of these decisions")


def check_value(graph: Graph, decision: Decision, value: Value) -> None:
    """Check that a value is in the domain of a decision.

    Raises:
        NasError: It is not.
    """
    legal = False
    if decision.kind is Kind.PICK:
        legal = (
            isinstance(value, tuple)
            and len(set(value)) == len(value) == decision.count
            and list(value) == [m for m in decision.domain if m in value]
        )
    elif decision.kind is Kind.ROUTE:
        grid = graph.grids[decision.grid]
        links = {(link.source, link.target) for link in grid.links}
        legal = (
            isinstance(value, tuple)
            and len(value) > 0
            and value[0] == grid.source
            and value[-1] == decision.end
            and all(step in links for step in pairwise(value))
        )
    else:
        legal = value in decision.real
    if not legal:
        raise NasError(f"`{decision.path}` cannot be {value!r}", help=f"its values: {domain_text(decision)}")


def domain_text(decision: Decision) -> str:
    """The domain of a decision, for messages."""
    if decision.kind is Kind.ROUTE:
        return f"the cells of a way through `{decision.grid}` to {list(decision.end)}, as [[0, 8], [1, 8], ...]"
    members = ", ".join(map(str, decision.real))
    return f"{decision.count} of {members}, in this order" if decision.kind is Kind.PICK else members


def derive(graph: Graph, architecture: Architecture) -> Graph:
    """The network of an architecture: a graph without decisions.

    Raises:
        NasError: The architecture is none of this space.
    """
    validate(graph, architecture)
    return _Network(demand(graph, architecture)).graph()


_AMONG_LINKS = frozenset({"join", "route_end", "route_last"})
"""Nodes that pass on a map that a route decides."""


class _Network:
    """Copies the live part of a space."""

    def __init__(self, live: Demand) -> None:
        self.live, self.space = live, live.graph
        self.nodes: list[Node] = []
        self.scopes: list[Scope] = [self.space.scopes[0]]
        self._scope_of: dict[tuple[int, Way], int] = {(0, ()): 0}
        self._node_of: dict[Place, int] = {}
        self._ways = self._ways_through_cells()
        self._cells_of_weights: dict[str, set[tuple[str, Cell] | None]] = {}
        for scope in self.space.scopes:
            self._cells_of_weights.setdefault(scope.weights, set()).add(scope.cell)

    def graph(self) -> Graph:
        for place in sorted(self.live.reads):
            node = self.space.nodes[place[0]]
            if node.op in SELECTING:
                (source,) = self.live.reads[place]
                self._node_of[place] = self._node_of[source]
            else:
                self._node_of[place] = self._copy(node, place)
        tasks = tuple(replace(task, output=self._node_of[task.output, ()]) for task in self.space.tasks if not task.aux)
        for (old, way), new in self._scope_of.items():
            results = {
                self._node_of[node, way]: name
                for node, name in self.space.scopes[old].results.items()
                if (node, way) in self._node_of
            }
            self.scopes[new] = replace(self.scopes[new], results=results)
        return replace(
            self.space,
            nodes=tuple(self.nodes),
            scopes=tuple(self.scopes),
            decisions={},
            grids={},
            cases={},
            tasks=tasks,
            rules=(),
            decided={path: self.live.architecture.decisions[path] for path in sorted(self.live.decisions)},
        )

    def _copy(self, node: Node, place: Place) -> int:
        sources = self.live.reads[place]
        inputs = tuple(Input(self._node_of[source], called=self._called(place, i)) for i, source in enumerate(sources))
        attrs: dict[str, Any] = {k: self._fixed(v) if isinstance(v, Number) else v for k, v in node.attrs.items()}
        kind = MapType(self._fixed(node.type.channels), node.type.size, node.type.rate)
        scope = self._scope(node.scope, place[1])
        new = Node(len(self.nodes), node.op, inputs, attrs, kind, scope, node.name, node.span, origin=node.id)
        self.nodes.append(new)
        return new.id

    def _called(self, reader: Place, i: int) -> tuple[tuple[int, str], ...]:
        """By which parameters a map came to its reader, past the nodes that only passed it on."""
        around = set(self._around(self.space.nodes[reader[0]].scope))
        found: dict[int, str] = {}
        place = reader
        while True:
            node = self.space.nodes[place[0]]
            read = self.live.reads[place][i]
            live = (
                [item for item in node.inputs if item.node == read[0]]
                if node.op in _AMONG_LINKS
                else [item for item in node.inputs if item.when is None or self.live.holds(item.when)]
            )
            for scope, name in live[0 if node.op in _AMONG_LINKS else i].called:
                if scope in around:
                    found.setdefault(self._scope(scope, reader[1]), name)
            if self.space.nodes[read[0]].op not in SELECTING:
                return tuple(found.items())
            place, i = read, 0

    def _around(self, scope: int | None) -> Iterator[int]:
        while scope is not None:
            yield scope
            scope = self.space.scopes[scope].parent

    def _fixed(self, number: Number) -> Number:
        return Number.of(number.evaluate(self.live.number))

    def _scope(self, old: int, way: Way) -> int:
        scope = self.space.scopes[old]
        key = (old, way if scope.cell is not None else ())
        if key not in self._scope_of:
            assert scope.parent is not None, "scope 0 is known from the start"
            parent = self._scope(scope.parent, way)
            name, weights = scope.name, scope.weights
            if scope.cell is not None and self.space.scopes[scope.parent].cell is None:
                name += self._owner(scope.cell, way)
            if weights and scope.cell is not None and self._cells_of_weights[weights] == {scope.cell}:
                # What is shared within a cell is there once in each copy of the cell.
                weights += self._owner(scope.cell, way)
            self._scope_of[key] = len(self.scopes)
            self.scopes.append(replace(scope, id=len(self.scopes), parent=parent, name=name, weights=weights))
        return self._scope_of[key]

    def _ways_through_cells(self) -> dict[tuple[str, Cell], list[Way]]:
        ways: dict[tuple[str, Cell], set[Way]] = {}
        for node, way in self.live.reads:
            cell = self.space.scopes[self.space.nodes[node].scope].cell
            if cell is not None:
                ways.setdefault(cell, set()).add(way)
        return {cell: sorted(found) for cell, found in ways.items()}

    def _owner(self, cell: tuple[str, Cell], way: Way) -> str:
        """What distinguishes the copies of a cell: nothing for the first, the route for the others."""
        if self._ways[cell].index(way) == 0:
            return ""
        return f".{next(self._routes_along(way), '')}"

    def _routes_along(self, way: Way) -> Iterator[str]:
        for path in sorted(self.live.decisions):
            value = self.live.architecture.decisions[path]
            if self.space.decisions[path].kind is Kind.ROUTE and isinstance(value, tuple) and value[: len(way)] == way:
                yield path

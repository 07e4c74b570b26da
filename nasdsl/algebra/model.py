"""From a space to its factor graph: decisions are variables, "a dead decision has no value" and the rules are factors.

The possible assignments of the model are, one for one, the architectures of the space.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import TypeVar

from nasdsl.algebra.demand import Demand, Follower
from nasdsl.algebra.events import Either, Event, Events, Is, happens, implied, variables
from nasdsl.algebra.factors import Factor, FactorGraph, Row
from nasdsl.algebra.routes import NOTHING, Flow, Groups, LinkName, add_tables, flow
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import AtMost, Cell, Decision, Graph, Kind, Relation, Value

T = TypeVar("T")

MAX_SUBSETS = 10_000
"""How many subsets a pick may have."""

MAX_TABLE = 1_000
"""How many joint values an event may depend on before it is put together from smaller ones."""


@dataclass(frozen=True, slots=True)
class Model:
    """The factor graph of a space.

    Attributes:
        space: The space.
        graph: Its variables and hard factors.
        choices: The variable of each decision but routes.
        flows: The variables of each grid.
        demand: When what is live.
        events: The arithmetic of events over the variables.
    """

    space: Graph
    graph: FactorGraph
    choices: Mapping[str, int]
    flows: Mapping[str, Flow]
    demand: Demand
    events: Events

    def decisions(self, assignment: Mapping[int, int]) -> dict[str, Value]:
        """The values of the live decisions in a possible assignment, sorted by path."""
        found: dict[str, Value] = {}
        for path, variable in self.choices.items():
            if assignment[variable]:
                found[path] = self.graph.variables[variable].values[assignment[variable]]  # type: ignore[assignment]
        return dict(sorted((found | self.ways(assignment)).items()))

    def ways(self, assignment: Mapping[int, int]) -> dict[str, Value]:
        """The live routes in a possible assignment of at least the variables of links."""
        found: dict[str, Value] = {}
        for grid in self.flows.values():
            carried = {
                link: frozenset().union(*self._groups(passage.groups, assignment))
                for link, passage in grid.links.items()
            }
            live = frozenset().union(*self._groups(grid.start, assignment))
            found.update({route.path: _way(grid, route, carried) for route in grid.routes if route.path in live})
        return found

    def _groups(self, variable: int, assignment: Mapping[int, int]) -> Groups:
        return self.graph.variables[variable].values[assignment[variable]]  # type: ignore[return-value]

    def architecture(self, assignment: Mapping[int, int]) -> Architecture:
        """The architecture that a possible assignment stands for."""
        return Architecture(self.space.name, self.decisions(assignment), self.space.preset)

    def assignment(self, architecture: Architecture) -> dict[int, int]:
        """The assignment of a valid architecture (see `nasdsl.passes.derive.validate`)."""
        found: dict[int, int] = {}
        for path, variable in self.choices.items():
            values = self.graph.variables[variable].values
            found[variable] = values.index(architecture.decisions[path]) if path in architecture.decisions else 0
        for grid in self.flows.values():
            ways = {r.path: architecture.decisions[r.path] for r in grid.routes if r.path in architecture.decisions}
            start = frozenset([frozenset(ways)]) if ways else NOTHING
            found[grid.start] = self.graph.variables[grid.start].values.index(start)
            taken: dict[LinkName, dict[Value, set[str]]] = {link: {} for link in grid.links}
            for path, way in ways.items():
                assert isinstance(way, tuple)
                for place in range(2, len(way) + 1):
                    taken[way[place - 2 : place]].setdefault(way[:place], set()).add(path)  # type: ignore[index]
            for link, passage in grid.links.items():
                groups = frozenset(frozenset(some) for some in taken[link].values())
                found[passage.groups] = self.graph.variables[passage.groups].values.index(groups)
        return self.graph.completed(found)


def model(space: Graph) -> Model:
    """The factor graph of a space.

    Raises:
        NasError: A pick has more than `MAX_SUBSETS` subsets, or routes are used in a way that cannot be counted.
    """
    graph = FactorGraph()
    choices = {
        d.path: graph.add(d.path, (None, *_values(d)), 0, decision=True)
        for d in space.decisions.values()
        if d.kind is not Kind.ROUTE
    }
    flows = {path: flow(space, grid, graph) for path, grid in space.grids.items()}
    follower = Follower(space, graph, choices, flows)
    demand = follower.run()
    for path, variable in choices.items():
        graph.place(variable, follower.position(path, demand))
    tables = Tables(graph, {v: demand.decisions[path] for path, v in choices.items()})
    for path, variable in choices.items():
        tables.live(variable, demand.decisions[path])
    for grid in flows.values():
        together = tables.starts(grid, demand.routes)
        add_tables(graph, grid, together)
    for rule in space.rules:
        if isinstance(rule, AtMost):
            tables.at_most(rule, choices)
        else:
            tables.relation(rule, choices)
    return Model(space, graph, choices, flows, demand, follower.events)


class Tables:
    """Writes events as factors.

    Args:
        graph: Where to.
        live: For each variable of a decision when it is live.
    """

    def __init__(self, graph: FactorGraph, live: Mapping[int, Event]) -> None:
        self._graph, self._live = graph, live
        self._known: dict[Event, int] = {}

    def live(self, variable: int, event: Event) -> None:
        """A decision has a value where an event happens, and nowhere else."""
        event = self.readable(event)
        scope = sorted(variables(event))
        rows = {}
        for values in self._joint(scope):
            if happens(event, dict(zip(scope, values, strict=True))):
                rows.update({(*values, n): 0 for n in range(1, self._graph.size(variable))})
            else:
                rows[*values, 0] = 0
        self._graph.factors.append(Factor((*scope, variable), rows))

    def starts(self, grid: Flow, routes: Mapping[str, Event]) -> set[frozenset[str]]:
        """What enters a grid is the group of its live routes; returns the groups there are."""
        events = {route.path: self.readable(routes[route.path]) for route in grid.routes}
        if prod(self._graph.size(v) for v in {v for e in events.values() for v in variables(e)}) > MAX_TABLE:
            events = {path: frozenset([Is(self.boolean(e), frozenset([1]))]) for path, e in events.items()}
        scope = sorted({v for event in events.values() for v in variables(event)})
        number = {value: n for n, value in enumerate(self._graph.variables[grid.start].values)}
        rows, together = {}, set()
        for values in self._joint(scope):
            point = dict(zip(scope, values, strict=True))
            live = frozenset(path for path, event in events.items() if happens(event, point))
            together.add(live)
            rows[*values, number[frozenset([live]) if live else NOTHING]] = 0
        self._graph.factors.append(Factor((*scope, grid.start), rows))
        return together

    def at_most(self, rule: AtMost, choices: Mapping[str, int]) -> None:
        """At most some number of decisions have one of some values: a chain of counters."""
        before: int | None = None
        counted = sorted((choices[p] for p in rule.decisions if p in choices), key=lambda v: self._place(v))
        for variable in counted:
            values = self._graph.variables[variable].values
            hits = [value in rule.values and n > 0 for n, value in enumerate(values)]
            most = rule.count + 1
            after = self._graph.add(f"count up to {values!r}", range(most), self._place(variable))
            rows: dict[Row, int] = {}
            for count in range(most) if before is not None else (0,):
                for n, hit in enumerate(hits):
                    if count + hit < most:
                        rows[(count, n, count + hit) if before is not None else (n, count + hit)] = 0
            self._graph.define(after, Factor((*(() if before is None else (before,)), variable, after), rows))
            before = after

    def relation(self, rule: Relation, choices: Mapping[str, int]) -> None:
        """Decisions that are all live have values that go together."""
        if any(path not in choices for path in rule.decisions):
            return
        scope = tuple(choices[path] for path in rule.decisions)
        values = [self._graph.variables[variable].values for variable in scope]
        rows = {
            row: 0
            for row in self._joint(scope)
            if 0 in row or tuple(some[n] for some, n in zip(values, row, strict=True)) in rule.allowed
        }
        self._graph.factors.append(Factor(scope, rows))

    def readable(self, event: Event) -> Event:
        """The same event over few variables: if need be, parts of it become variables of their own."""
        event = frozenset(part for part in event if not self._said_by_others(part, event))
        if self._small(event):
            return event
        if len(event) > 1:
            return frozenset().union(*map(self._short, _halves(sorted(event, key=lambda part: _order([part])))))
        (part,) = event
        assert isinstance(part, Either), "one variable alone is small"
        some = [self.readable(inner) for inner in sorted(part.events, key=_order)]
        whole = frozenset([Either(frozenset(some))])
        if self._small(whole):
            return whole
        halves = [self._short([Either(frozenset(half))]) for half in _halves(some)]
        return frozenset([Either(frozenset(halves))])

    def _short(self, parts: Iterable[Is | Either]) -> Event:
        return frozenset([Is(self.boolean(frozenset(parts)), frozenset([1]))])

    def boolean(self, event: Event) -> int:
        """A variable that is 1 where an event happens, else 0."""
        if event not in self._known:
            read = self.readable(event)
            scope = sorted(variables(read))
            position = max((self._place(v) for v in scope), default=0)
            variable = self._graph.add(f"event {len(self._known)}", (False, True), position)
            rows = {
                (*values, int(happens(read, dict(zip(scope, values, strict=True))))): 0 for values in self._joint(scope)
            }
            self._graph.define(variable, Factor((*scope, variable), rows))
            self._known[event] = variable
        return self._known[event]

    def _said_by_others(self, part: Is | Either, event: Event) -> bool:
        """Whether a part of an event follows from another part: that a decision has a value says when it is live."""
        return any(
            other != part and isinstance(other, Is) and implied(part, self._live.get(other.variable, frozenset()))
            for other in event
        )

    def _small(self, event: Event) -> bool:
        sizes = [self._graph.size(variable) for variable in variables(event)]
        return len(sizes) < 2 or prod(sizes) <= MAX_TABLE

    def _joint(self, scope: Iterable[int]) -> Iterable[tuple[int, ...]]:
        return product(*(range(self._graph.size(variable)) for variable in scope))

    def _place(self, variable: int) -> int:
        return self._graph.variables[variable].position


def _order(event: Iterable[Is | Either]) -> list[int]:
    return sorted(variables(frozenset(event)))


def _halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _values(decision: Decision) -> Sequence[Value]:
    if decision.kind is not Kind.PICK:
        return decision.real
    if comb(len(decision.domain), decision.count) > MAX_SUBSETS:
        raise NasError(
            f"{decision.span}: `{decision.path}` picks {decision.count} of {len(decision.domain)}, which are more than "
            f"{MAX_SUBSETS} subsets: too many to count",
            help="split it into picks from fewer members",
        )
    return list(combinations(decision.domain, decision.count))


def _way(grid: Flow, route: Decision, carried: Mapping[LinkName, frozenset[str]]) -> tuple[Cell, ...]:
    way = [grid.grid.source]
    while way[-1] != route.end:
        way += [link[1] for link in grid.out_of(way[-1]) if route.path in carried[link]]
    return tuple(way)

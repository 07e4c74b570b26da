"""Hard factors: when decisions have values, which routes start, and the rules of a space, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import TypeVar

from nasdsl.algebra.elimination.factors import Factor, FactorGraph, Row
from nasdsl.algebra.model.events import Either, Event, Is, happens, implied, variables
from nasdsl.algebra.model.routes import NOTHING, Flow
from nasdsl.ir.graph import AtMost, Relation

T = TypeVar("T")

MAX_TABLE = 1_000
"""How many joint values an event may depend on before it is put together from smaller ones."""


class HardFactors:
    """Writes hard factors into a graph.

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

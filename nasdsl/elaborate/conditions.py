"""Conditions on decisions, and what is selected by decisions: `y[d]`, `a if leave == 3 else b`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from nasdsl.elaborate.builder import MAX_JOINT_DOMAIN, GraphBuilder
from nasdsl.elaborate.values import Choice, MapValue, Mistake, describe
from nasdsl.ir.graph import Atom, Input, Kind
from nasdsl.number import Number
from nasdsl.source import Span

DecisionValue = int | str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on decisions: their paths, and the joint values for which it holds."""

    decisions: tuple[str, ...]
    holds: frozenset[tuple[DecisionValue, ...]]


class Conditions:
    """Tabulates conditions over the domains of the decisions that a graph has so far."""

    def __init__(self, graph: GraphBuilder) -> None:
        self._graph = graph
        self._mixes: dict[tuple[int, tuple[Input, ...]], MapValue] = {}

    def domain(self, decision: str) -> tuple[DecisionValue, ...]:
        """The values of a decision, soft ones too."""
        return self._graph.decisions[decision].domain

    def among(self, values: Sequence[Any], test: Callable[..., bool], span: Span) -> bool | Condition:
        """The condition that a test holds for the values that numbers and choices take."""
        decisions = self.decisions_of(values, span)
        holds = set()
        for point in self.points(decisions, span):
            if test(*(value_at(value, point) for value in values)):
                holds.add(tuple(point[d] for d in decisions))
        return self._simple(decisions, holds)

    def both(self, a: Condition, b: Condition, span: Span) -> bool | Condition:
        """Where both hold."""
        return self._joined(a, b, span, lambda x, y: x and y)

    def either(self, a: Condition, b: Condition, span: Span) -> bool | Condition:
        """Where at least one holds."""
        return self._joined(a, b, span, lambda x, y: x or y)

    def negated(self, a: Condition) -> Condition:
        """Where it does not hold."""
        everything = product(*(self.domain(decision) for decision in a.decisions))
        return Condition(a.decisions, frozenset(everything) - a.holds)

    def _joined(self, a: Condition, b: Condition, span: Span, join: Callable[[bool, bool], bool]) -> bool | Condition:
        decisions = tuple(sorted({*a.decisions, *b.decisions}))
        holds = {
            tuple(point[d] for d in decisions)
            for point in self.points(decisions, span)
            if join(_holds(a, point), _holds(b, point))
        }
        return self._simple(decisions, holds)

    def _simple(self, decisions: tuple[str, ...], holds: set[tuple[DecisionValue, ...]]) -> bool | Condition:
        if not holds:
            return False
        if len(holds) == prod(len(self.domain(decision)) for decision in decisions):
            return True
        return Condition(decisions, frozenset(holds))

    def points(self, decisions: tuple[str, ...], span: Span) -> list[dict[str, DecisionValue]]:
        """Every joint value of some decisions."""
        domains = [self.domain(decision) for decision in decisions]
        if prod(map(len, domains)) > MAX_JOINT_DOMAIN:
            message = f"a condition on {len(decisions)} decisions has {prod(map(len, domains))} cases"
            raise Mistake("E0701", f"{message}, over the limit of {MAX_JOINT_DOMAIN}", span)
        return [dict(zip(decisions, values, strict=True)) for values in product(*domains)]

    def decisions_of(self, values: Sequence[Any], span: Span) -> tuple[str, ...]:
        """The decisions that numbers and choices depend on, sorted; each must be one that a condition may ask for."""
        found = set()
        for value in values:
            if isinstance(value, Choice):
                found.add(value.decision)
            elif isinstance(value, Number):
                found.update(value.symbols)
        for name in sorted(found):
            decision = self._graph.decisions.get(name)
            if decision is None or decision.kind is Kind.WIDTH:
                kind = "the channels of a route's last map" if decision is None else f"`{name}`, a width,"
                hint = "all values of a width share one computation; ask for a depth or a choice"
                if decision is not None:
                    values = ", ".join(map(str, decision.domain))
                    hint += f", or make it one: choose {name.rpartition('.')[2]} in {{{values}}}"
                raise Mistake(
                    "E0307",
                    f"a condition must not depend on {kind}".rstrip(","),
                    span,
                    "depends on it",
                    help=hint if decision is not None else None,
                )
        return tuple(sorted(found))

    # selection

    def select(
        self,
        decisions: tuple[str, ...],
        value_of: Callable[[Mapping[str, DecisionValue]], Any],
        scope: int,
        name: str,
        span: Span,
    ) -> Any:
        """What a function of decisions gives, as maps that the decisions select among.

        A value that is the same everywhere is given as it is; tuples of maps are selected one by one.
        """
        table = {tuple(point[d] for d in decisions): value_of(point) for point in self.points(decisions, span)}
        values = list(table.values())
        if all(value == values[0] for value in values):
            return values[0]
        if all(isinstance(value, tuple) and len(value) == len(values[0]) for value in values):
            columns = range(len(values[0]))
            return tuple(
                self._select({key: value[i] for key, value in table.items()}, decisions, scope, name, span)
                for i in columns
            )
        return self._select(table, decisions, scope, name, span)

    def _select(
        self,
        table: Mapping[tuple[DecisionValue, ...], Any],
        decisions: tuple[str, ...],
        scope: int,
        name: str,
        span: Span,
    ) -> Any:
        for value in table.values():
            if not isinstance(value, MapValue):
                message = f"decisions select among feature maps, found {describe(value)}"
                raise Mistake("E0303", message, span, help="for numbers that are decided, declare: choose c in {8, 16}")
        return self._mixed(table, decisions, (), scope, name, span)

    def _mixed(
        self,
        table: Mapping[tuple[DecisionValue, ...], MapValue],
        decisions: tuple[str, ...],
        prefix: tuple[DecisionValue, ...],
        scope: int,
        name: str,
        span: Span,
    ) -> MapValue:
        """The map for some values of the first decisions: a mix over the next, unless that makes no difference."""
        if len(prefix) == len(decisions):
            return table[prefix]
        decision = decisions[len(prefix)]
        maps = [self._mixed(table, decisions, (*prefix, value), scope, name, span) for value in self.domain(decision)]
        if all(each == maps[0] for each in maps):
            return maps[0]
        inputs = tuple(
            Input(each.node, Atom(decision, value), each.called)
            for each, value in zip(maps, self.domain(decision), strict=True)
        )
        if (scope, inputs) not in self._mixes:
            self._mixes[scope, inputs] = MapValue(self._graph.select("mix", list(inputs), {}, scope, name, span))
        return self._mixes[scope, inputs]


def value_at(value: Any, point: Mapping[str, DecisionValue]) -> Any:
    """A number or the label of a choice, when decisions have these values."""
    if isinstance(value, Number):
        numbers = {name: number for name, number in point.items() if isinstance(number, int)}
        return value.evaluate(numbers.__getitem__)
    return point[value.decision] if isinstance(value, Choice) else value


def _holds(condition: Condition, point: Mapping[str, DecisionValue]) -> bool:
    return tuple(point[decision] for decision in condition.decisions) in condition.holds

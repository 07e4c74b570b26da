"""Costs as exponents of polynomials, perhaps counted in steps: for counts of every value of every variable.

Some dozens of costs add up, and so does their rounding. So limits are looked at twice: with each cost rounded so that
what keeps them in steps is a subset of what really does, and so that it is a superset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from nasdsl.algebra.costs.priced import Priced, UnitLimit
from nasdsl.algebra.elimination.elimination import Table, eliminate, elimination_order, tables
from nasdsl.algebra.elimination.factors import Factor, FactorGraph
from nasdsl.algebra.elimination.polynomial import Polynomials
from nasdsl.algebra.elimination.semiring import COUNT

Rounding = Literal["down", "up"]

LEAST_BINS, MOST_BINS = 100, 50_000
"""How many costs are told apart at least and at most, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A limit as an axis of a polynomial: exponents are `scale` times the cost in steps.

    Attributes:
        limit: The limit.
        step: How many units are counted as one.
        rounding: How the costs of each factor become whole steps.
        scale: How many exponents the axes before this one need.
    """

    limit: UnitLimit
    step: int
    rounding: Rounding
    scale: int

    @property
    def length(self) -> int:
        """How many costs in steps there can be."""
        rounded = len(self.limit.metric.factors) if self.rounding == "up" else 0
        return self.limit.metric.most // self.step + 1 + rounded

    @property
    def factors(self) -> list[Factor]:
        """What the parts add to the exponent."""
        add = {"down": 0, "up": self.step - 1}[self.rounding]
        return [
            Factor(f.scope, {row: (cost + add) // self.step * self.scale for row, cost in f.rows.items()})
            for f in self.limit.metric.factors
        ]

    @property
    def degree(self) -> int | None:
        """If this is the last axis: the highest exponent that can keep the limit, if there is one."""
        return self.scale * (self.limit.value // self.step + 1) - 1 if self.limit.relation == "<=" else None

    def keeps(self, exponent: int) -> bool:
        """Whether an exponent keeps the limit."""
        cost, value = exponent // self.scale % self.length, self.limit.value
        return cost <= value // self.step if self.limit.relation == "<=" else cost >= -(-value // self.step)


def steps(limits: Sequence[UnitLimit], bins: int) -> list[int]:
    """How many units of each metric to count as one, to tell some number of costs apart."""
    reach = [min(one.value, one.metric.most) if one.relation == "<=" else one.metric.most for one in limits]
    return [-(-cost // bins) or 1 for cost in reach]


def axes(limits: Sequence[UnitLimit], steps: Sequence[int], *, inner: bool) -> list[Axis]:
    """The limits as axes; what keeps them in steps is a subset (`inner`) or a superset of what really does."""
    found: list[Axis] = []
    scale = 1
    for limit, step in sorted(zip(limits, steps, strict=True), key=lambda item: item[0].relation == "<="):
        found.append(Axis(limit, step, "up" if inner == (limit.relation == "<=") else "down", scale))
        scale *= found[-1].length
    return found


def graph_of(priced: Priced, axes: Sequence[Axis]) -> FactorGraph:
    """The factor graph whose costs are the exponents of some axes."""
    return replace(priced.graph, factors=[*priced.graph.factors, *(f for axis in axes for f in axis.factors)])


def arithmetic(priced: Priced, axes: Sequence[Axis]) -> Polynomials:
    """Polynomials over some axes, with fields that hold every count of an elimination."""
    graph, largest = graph_of(priced, axes), priced.size

    def notice(message: Table[int]) -> None:
        nonlocal largest
        largest = max([largest, *message.rows.values()])

    eliminate(tables(graph, COUNT), elimination_order(graph), COUNT, keep=False, notice=notice)
    return Polynomials(largest.bit_length() // 8 * 8 + 8, axes[-1].degree)

"""A space with costs: bounds, how many architectures cost how much, how many keep some limits.

Costs are integers, and everything here is exact in them. Only the range may be too long to tell every cost apart: then
costs are counted in steps, and since some dozens of parts add up, so does their rounding. A count under a limit is then
done twice, with each part rounded down and with each rounded up: the true count lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import Any, Literal

from nasdsl.algebra.costs import Costs
from nasdsl.algebra.elimination import Table, eliminate, elimination_order, tables
from nasdsl.algebra.factors import Factor, FactorGraph
from nasdsl.algebra.metrics import Part
from nasdsl.algebra.model import Model
from nasdsl.algebra.polynomial import Polynomials
from nasdsl.algebra.semiring import SUMMARY, Summary
from nasdsl.diagnostics.errors import NasError

Relation = Literal["<=", ">="]
Rounding = Literal["down", "nearest", "up"]

BINS = (100, 50_000)
"""How many costs are told apart at least and at most, unless asked otherwise."""

MOST_BINS = 5_000
"""How many costs are told apart at most where a rough answer will do."""

MEMORY = 1_000_000_000
"""Bytes that polynomials may need, if all of them had all terms; in use is about a fifth of that."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit on a metric (its number), in the metric's own integer unit."""

    metric: int
    relation: Relation
    value: int


@dataclass(frozen=True, slots=True)
class Bracket:
    """A number that is known to lie between two others; where they are equal, it is exact."""

    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many architectures cost how much.

    Attributes:
        counts: For each cost how many architectures there are.
        slack: Architectures counted at a cost cost that much or up to `slack` more; 0: the histogram is exact.
    """

    counts: Mapping[int, int]
    slack: int


class Metric:
    """A cost of a space: every architecture costs `offset` and a multiple of `unit`, the sum of its factors.

    Args:
        factors: What the parts cost, given the variables of a graph.
        rest: The graph.
    """

    def __init__(self, factors: Sequence[Factor], rest: FactorGraph) -> None:
        lows = [min(factor.rows.values(), default=0) for factor in factors]
        self.offset = sum(lows)
        spread = [cost - low for factor, low in zip(factors, lows, strict=True) for cost in factor.rows.values()]
        self.unit = gcd(*spread) or 1
        self.factors = [
            Factor(factor.scope, {row: (cost - low) // self.unit for row, cost in factor.rows.items()})
            for factor, low in zip(factors, lows, strict=True)
        ]
        self._largest = 0
        graph = replace(rest, factors=[*rest.factors, *self.factors])
        found = eliminate(tables(graph, SUMMARY), elimination_order(graph), SUMMARY, keep=False, notice=self._notice)
        self.size, self.least, self.most = found.total
        self.rows = found.most_rows
        self.bits = max(self._largest, self.size).bit_length() // 8 * 8 + 8

    def _notice(self, message: Table[Summary]) -> None:
        self._largest = max([self._largest, *(count for count, _, _ in message.rows.values())])

    def units(self, assignment: Mapping[int, int]) -> int:
        """How many units above the offset a possible assignment costs."""
        return sum(f.rows[tuple(assignment[v] for v in f.scope)] for f in self.factors)

    def in_units(self, bound: Bound) -> int:
        """The limit that a bound is on the sum of the factors."""
        over = bound.value - self.offset
        return over // self.unit if bound.relation == "<=" else -(-over // self.unit)


@dataclass(frozen=True, slots=True)
class UnitLimit:
    """A limit on a metric, in its units."""

    metric: Metric
    relation: Relation
    value: int

    @property
    def reach(self) -> int:
        """The greatest cost that is of interest."""
        return min(self.value, self.metric.most) if self.relation == "<=" else self.metric.most

    def keeps(self, units: Any) -> Any:
        """Whether a cost in units (or each of an array) keeps the limit."""
        return units <= self.value if self.relation == "<=" else units >= self.value


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
        rounded = len(self.limit.metric.factors) if self.rounding != "down" else 0
        return self.limit.metric.most // self.step + 1 + rounded

    @property
    def factors(self) -> list[Factor]:
        """What the parts add to the exponent."""
        add = {"down": 0, "nearest": self.step // 2, "up": self.step - 1}[self.rounding]
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


class Priced:
    """A space with some costs.

    Args:
        model: The space.
        parts: For each metric the parts that add up to it.
        memory: Bytes that polynomials may need, if all of them had all terms, before costs are counted in steps.

    Raises:
        NasError: A price is not known, a part depends on too much, or the space has no architecture.
    """

    def __init__(self, model: Model, parts: Sequence[Iterable[Part]], *, memory: int = MEMORY) -> None:
        costs = Costs(model)
        factors = [costs.factors(some) for some in parts]
        self.model, self.graph, self._memory = model, costs.graph, memory
        self.metrics = [Metric(some, costs.graph) for some in factors]
        if any(not metric.size for metric in self.metrics):
            raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")

    def bounds(self, metric: int = 0) -> tuple[int, int]:
        """The least and the greatest cost of an architecture."""
        found = self.metrics[metric]
        return found.offset + found.least * found.unit, found.offset + found.most * found.unit

    def histogram(self, metric: int = 0, bins: int | None = None) -> Histogram:
        """How many architectures have each cost.

        Args:
            metric: The number of the metric.
            bins: About how many costs to tell apart at most; by default as many as memory allows.
        """
        found = self.metrics[metric]
        whole = UnitLimit(found, "<=", found.most)
        (step,) = self._steps([whole], bins)
        axis = Axis(whole, step, "down", 1)
        counts = {found.offset + cost * step * found.unit: n for cost, n in self._terms([axis])}
        return Histogram(counts, (step - 1) * len(found.factors) * found.unit)

    def around(self, limit: UnitLimit, bins: int) -> list[tuple[int, int]]:
        """About how many architectures cost how much, in units, within a limit and as far again beyond it."""
        metric, below = limit.metric, limit.relation == "<="
        room = limit.value - metric.least if below else metric.most - limit.value
        step = max(2 * room // bins, metric.most // MOST_BINS, 1)
        end = min(metric.least + 2 * room + bins, metric.most) if below else 0
        axis = Axis(UnitLimit(metric, limit.relation, end), step, "nearest", 1)
        return [(cost * step, n) for cost, n in self._terms([axis])]

    def count(self, bounds: Sequence[Bound], bins: int | None = None) -> Bracket:
        """How many architectures keep all of some bounds.

        Args:
            bounds: The bounds.
            bins: About how many costs to tell apart at most; by default as many as memory allows.
        """
        limits = self.limits(bounds)
        if limits is None:
            return Bracket(0, 0)
        if not limits:
            return Bracket(self.size, self.size)
        steps = self._steps(limits, bins)
        inner = self._kept(axes(limits, steps, inner=True))
        return Bracket(inner, inner if set(steps) == {1} else self._kept(axes(limits, steps, inner=False)))

    def limits(self, bounds: Sequence[Bound]) -> list[UnitLimit] | None:
        """The bounds, in units, that some architectures keep and some do not; None if one of them excludes all."""
        found = []
        for bound in bounds:
            metric = self.metrics[bound.metric]
            value, below = metric.in_units(bound), bound.relation == "<="
            if value < metric.least if below else value > metric.most:
                return None
            if value < metric.most if below else value > metric.least:
                found.append(UnitLimit(metric, bound.relation, value))
        return found

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return self.metrics[0].size

    def graph_of(self, axes: Sequence[Axis]) -> FactorGraph:
        """The factor graph whose costs are the exponents of some axes."""
        return replace(self.graph, factors=[*self.graph.factors, *(f for axis in axes for f in axis.factors)])

    def _kept(self, axes: Sequence[Axis]) -> int:
        """How many architectures keep a limit on each axis."""
        return sum(count for exponent, count in self._terms(axes) if all(axis.keeps(exponent) for axis in axes))

    def _terms(self, axes: Sequence[Axis]) -> Iterator[tuple[int, int]]:
        """The exponents of the polynomial of all architectures with their coefficients."""
        graph, polynomials = self.graph_of(axes), arithmetic(axes)
        semiring = polynomials.semiring
        found = eliminate(tables(graph, semiring), elimination_order(graph), semiring, keep=False)
        return polynomials.terms(found.total)

    def _steps(self, limits: Sequence[UnitLimit], bins: int | None) -> list[int]:
        """How many units of each metric to count as one."""
        if bins is None:
            most = self._memory * 8 // max(limit.metric.bits * limit.metric.rows or 1 for limit in limits)
            bins = min(max(int(most ** (1 / len(limits))), BINS[0]), BINS[1])
        return steps(limits, bins)


def steps(limits: Sequence[UnitLimit], bins: int) -> list[int]:
    """How many units of each metric to count as one, to tell some number of costs apart."""
    return [-(-limit.reach // bins) or 1 for limit in limits]


def axes(limits: Sequence[UnitLimit], steps: Sequence[int], *, inner: bool) -> list[Axis]:
    """The limits as axes; what keeps them in steps is a subset (`inner`) or a superset of what really does."""
    found: list[Axis] = []
    scale = 1
    for limit, step in sorted(zip(limits, steps, strict=True), key=lambda item: item[0].relation == "<="):
        found.append(Axis(limit, step, "up" if inner == (limit.relation == "<=") else "down", scale))
        scale *= found[-1].length
    return found


def arithmetic(axes: Sequence[Axis]) -> Polynomials:
    """Polynomials over some axes."""
    return Polynomials(max(axis.limit.metric.bits for axis in axes), axes[-1].degree)

"""A space with costs: bounds, how many architectures cost how much, how many keep some limits.

Costs are integers, and everything here is exact in them. Only the range may be too long to tell every cost apart: then
costs are counted in steps, and since some dozens of terms add up, so does their rounding. How much it takes off at most
is known, so a count under a limit is given as two numbers that the true one lies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, isqrt
from typing import Any, Literal

from nasdsl.algebra.costs.costs import Costs
from nasdsl.algebra.costs.metrics import Part
from nasdsl.algebra.elimination.circuit import Circuit, compiled
from nasdsl.algebra.elimination.convolution import affordable, coefficients
from nasdsl.algebra.elimination.factors import Factor
from nasdsl.algebra.elimination.windows import Axis, Plan, Point, extremes
from nasdsl.algebra.model.model import Model
from nasdsl.diagnostics.errors import NasError

Relation = Literal["<=", ">="]

MEMORY = 250_000_000
"""Bytes that polynomials may take before costs are counted in steps, unless asked otherwise."""

TRIES = 8
"""How often a number of bins is tried."""

ENOUGH = 0.4
"""What part of what can be afforded is worth no further try."""

MOST_MEMORY = 4_000_000_000
"""Bytes that polynomials may take at all."""

BINS = 2_000
"""About how many costs a histogram tells apart at most, unless asked otherwise."""


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


@dataclass(frozen=True, slots=True)
class Metric:
    """A cost of a space: every architecture costs `offset` and a multiple of `unit`, the sum of its factors.

    Attributes:
        number: Its place among the metrics.
        offset: What every architecture costs at least.
        unit: What all differences of costs are multiples of.
        factors: What the parts add, in units, given the variables of a graph.
        least: The least sum, in units.
        most: The greatest.
        size: How many architectures there are.
    """

    number: int
    offset: int
    unit: int
    factors: Sequence[Factor]
    least: int
    most: int
    size: int

    def units(self, assignment: Mapping[int, int]) -> int:
        """How many units above the offset a possible assignment costs."""
        return sum(f.rows[tuple(assignment[v] for v in f.scope)] for f in self.factors)

    def in_units(self, bound: Bound) -> int:
        """The limit that a bound is on the sum of the factors."""
        over = bound.value - self.offset
        return over // self.unit if bound.relation == "<=" else -(-over // self.unit)


@dataclass(frozen=True, slots=True)
class UnitLimit:
    """A limit on a metric, in its units, that some architectures keep and some do not."""

    metric: Metric
    relation: Relation
    value: int

    @property
    def sign(self) -> int:
        """A limit from below is one from above on what is turned around."""
        return 1 if self.relation == "<=" else -1

    @property
    def room(self) -> int:
        """How many units there are from the best cost to the limit."""
        return self.value - self.metric.least if self.relation == "<=" else self.metric.most - self.value

    def keeps(self, units: Any) -> Any:
        """Whether a cost in units (or each of an array) keeps the limit."""
        return units <= self.value if self.relation == "<=" else units >= self.value


@dataclass(frozen=True, slots=True)
class Range:
    """The limits on one metric.

    Attributes:
        limit: One of them.
        other: The one in the other direction, if there is one.
    """

    limit: UnitLimit
    other: UnitLimit | None

    def axis(self, bins: int | None) -> Axis:
        """The costs that may keep the first, in steps so that about `bins` are told apart; None: all."""
        sign = self.limit.sign
        step = 1 if bins is None else _step(self.limit.room, bins)
        least = None if self.other is None else sign * self.other.value
        return Axis(self.limit.metric.number, sign, step, sign * self.limit.value, least)


class Priced:
    """A space with some costs.

    Args:
        model: The space.
        parts: For each metric the parts that add up to it.

    Attributes:
        model: The space.
        graph: Its variables and hard factors, with the variables that costs need.
        metrics: Its costs.
        circuit: The sum over its architectures.

    Raises:
        NasError: A price is not known, a part depends on too much, or the space has no architecture.
    """

    def __init__(self, model: Model, parts: Sequence[Iterable[Part]]) -> None:
        costs = Costs(model)
        scaled = [_scaled(costs.factors(some)) for some in parts]
        self.model, self.graph = model, costs.graph
        self.circuit: Circuit = compiled(costs.graph, [factors for _, _, factors in scaled])
        if not self.circuit.nodes:
            raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")
        self.metrics = []
        for n, (offset, unit, factors) in enumerate(scaled):
            units = [[self.circuit.costs(cost)[n] for cost in weights] for weights in self.circuit.weights]
            least, most = (extremes(self.circuit, units, best)[-1] for best in (min, max))
            self.metrics.append(Metric(n, offset, unit, factors, least, most, self.size))

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return self.circuit.sizes[-1]

    def bounds(self, metric: int = 0) -> tuple[int, int]:
        """The least and the greatest cost of an architecture."""
        found = self.metrics[metric]
        return found.offset + found.least * found.unit, found.offset + found.most * found.unit

    def histogram(self, metric: int = 0, bins: int | None = None) -> Histogram:
        """How many architectures have each cost.

        Args:
            metric: The number of the metric.
            bins: About how many costs to tell apart at most.

        Raises:
            NasError: So many costs need too much memory.
        """
        found = self.metrics[metric]
        step = _step(found.most - found.least, bins or BINS)
        plan = self._plan([Axis(metric, 1, step)])
        ((least, most),) = plan.taken
        counts = {
            found.offset + (cost * step + least) * found.unit: count for (cost,), count in sorted(coefficients(plan))
        }
        return Histogram(counts, (most - least) * found.unit)

    def count(self, bounds: Sequence[Bound], bins: int | None = None) -> Bracket:
        """How many architectures keep all of some bounds.

        Args:
            bounds: The bounds.
            bins: About how many costs to tell apart at most; by default as many as some seconds and `MEMORY` allow.

        Raises:
            NasError: So many costs need too much memory.
        """
        limits = self.limits(bounds)
        if limits is None:
            return Bracket(0, 0)
        if not limits:
            return Bracket(self.size, self.size)
        plan = self._within(limits, bins)
        found = list(coefficients(plan))
        return Bracket(*(_kept(found, plan, sure=sure) for sure in (True, False)))

    def limits(self, bounds: Sequence[Bound]) -> list[UnitLimit] | None:
        """The bounds, in units, that some architectures keep and some do not; None if one of them excludes all.

        Of several on one metric in one direction it is the tightest.
        """
        found = []
        for bound in bounds:
            metric = self.metrics[bound.metric]
            value, below = metric.in_units(bound), bound.relation == "<="
            if value < metric.least if below else value > metric.most:
                return None
            if value < metric.most if below else value > metric.least:
                found.append(UnitLimit(metric, bound.relation, value))
        tightest: dict[tuple[int, Relation], UnitLimit] = {}
        for limit in sorted(found, key=lambda limit: limit.room):
            tightest.setdefault((limit.metric.number, limit.relation), limit)
        return list(tightest.values())

    def _within(self, limits: Sequence[UnitLimit], bins: int | None) -> Plan:
        """The polynomials for some limits, an axis for each metric; by default the finest that can be afforded."""
        ranges = _ranges(limits)
        if bins is not None:
            return self._plan([own.axis(bins) for own in ranges])
        plan = Plan(self.circuit, [own.axis(None) for own in ranges])
        if _need(plan) <= 1:
            return plan
        fits, breaks = 1, max(own.limit.room for own in ranges)
        best, tried = None, int(breaks / _need(plan) ** (1 / len(ranges)))
        for _ in range(TRIES):
            plan = Plan(self.circuit, [own.axis(tried) for own in ranges])
            if _need(plan) <= 1:
                best, fits = plan, tried
            else:
                breaks = tried
            if ENOUGH < _need(plan) <= 1 or breaks <= fits + 1:
                break
            tried = isqrt(fits * breaks)
        return best or self._plan([own.axis(1) for own in ranges])

    def _plan(self, axes: Sequence[Axis]) -> Plan:
        plan = Plan(self.circuit, axes)
        if plan.memory > MOST_MEMORY:
            lengths = " x ".join(f"{length:,}" for length in plan.windows[-1].shape)
            raise NasError(
                f"telling {lengths} costs apart takes {plan.memory / 1e9:,.1f} GB, more than {MOST_MEMORY / 1e9:.0f}",
                help="give fewer --bins",
                status=3,
            )
        return plan


def _need(plan: Plan) -> float:
    """How many times as much as can be afforded polynomials need."""
    return max(plan.work / affordable(len(plan.spans)), plan.memory / MEMORY)


def _scaled(factors: Sequence[Factor]) -> tuple[int, int, list[Factor]]:
    """The offset, the unit, and factors that say how many units more a part costs than it does at least."""
    lows = [min(factor.rows.values(), default=0) for factor in factors]
    unit = gcd(*(cost - low for factor, low in zip(factors, lows, strict=True) for cost in factor.rows.values())) or 1
    found = [
        Factor(factor.scope, {row: (cost - low) // unit for row, cost in factor.rows.items()})
        for factor, low in zip(factors, lows, strict=True)
    ]
    return sum(lows), unit, found


def _step(units: int, bins: int) -> int:
    """How many units to count as one, to tell some number of costs apart."""
    return -(-units // max(bins, 1)) or 1


def _ranges(limits: Sequence[UnitLimit]) -> list[Range]:
    """The limits by metric."""
    found: dict[int, list[UnitLimit]] = {}
    for limit in limits:
        found.setdefault(limit.metric.number, []).append(limit)
    return [Range(own[0], own[1] if len(own) > 1 else None) for own in found.values()]


def _kept(counts: Iterable[tuple[Point, int]], plan: Plan, *, sure: bool) -> int:
    """How many architectures surely keep all limits, or perhaps do."""
    ends = [plan.kept(axis, sure=sure) for axis in range(len(plan.spans))]
    return sum(
        n for point, n in counts if all(first <= cost <= last for cost, (first, last) in zip(point, ends, strict=True))
    )

"""Uniform architectures under a budget, however few keep it.

Drawing from all architectures until one keeps the budget takes for ever where few do. So architectures are drawn with a
weight that falls with their cost, 2^(-rate * cost), and an architecture that keeps the budget T is then accepted with
probability 2^(rate * (cost - T)): which makes all those that keep it equally likely again, whatever the rate. The rate
is the one for which most draws are accepted; some tenths are, for a budget in the middle as for one in the far tail.

Nothing here is rounded away: each factor's weight is an integer not below 2^(-rate * cost), an architecture's is their
product W, and it is accepted with probability L / W, where L is an integer that no W of an architecture within the
budget is below. Costs count in the metric's own integer unit. So draws are uniform exactly, under the budget exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import exp2, floor, log2, prod
from typing import Any

from nasdsl.algebra.arrays import CHUNK, ArraySampler, Batch, numpy
from nasdsl.algebra.descent import Descent
from nasdsl.algebra.factors import Factor, FactorGraph, Row
from nasdsl.algebra.priced import Bound, Priced, UnitLimit
from nasdsl.algebra.variation import Variation
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture

SPARE = 20
"""log2 of the least weight of a row of a factor: weights are rounded to integers."""

MOST_HALVINGS = 3_000
"""log2 of the greatest ratio of two weights of a factor."""

LOSS = 0.3
"""log2 of how many times fewer draws may be accepted than at the best rate."""

BINS = 200
"""How many costs to tell apart when the rate is chosen."""

NEAR = 1e-9
"""Relative error that floating-point numbers here stay below by far."""

MAX_DRAWS = 100_000
"""How many draws in a row may be rejected."""

MAX_CHILDREN = 1_000
"""How many mutants or crossings in a row may be rejected."""


class Limited:
    """Uniform draws from the architectures that keep some bounds.

    Args:
        priced: The space with its costs.
        bounds: The bounds.

    Raises:
        NasError: No architecture can keep them.
    """

    def __init__(self, priced: Priced, bounds: Sequence[Bound]) -> None:
        limits = priced.limits(bounds)
        if limits is None:
            raise _nothing(priced)
        self._model = priced.model
        self._tilts = [_Tilt(limit, _rate(priced, limit)) for limit in limits]
        self._weights = [weights for tilt in self._tilts for _, weights in tilt.pairs]
        self._graph = replace(priced.graph, factors=[*priced.graph.factors, *self._weights])
        self._least = prod(tilt.least for tilt in self._tilts)
        self._descent = Descent(self._graph, _itself)
        self._arrays: ArraySampler | None = None

    def sample(self, generator: random.Random) -> Architecture:
        """A uniformly random architecture of those that keep the bounds.

        Raises:
            NasError: `MAX_DRAWS` in a row are rejected.
        """
        for _ in range(MAX_DRAWS):
            values, spare = self._descent.assignment(generator.randrange(self._descent.total))
            if spare < self._least and all(tilt.keeps(values) for tilt in self._tilts):
                return self._model.architecture(values)
        raise self._rejected()

    @cached_property
    def variation(self) -> Variation:
        """Mutation and crossover, whatever the result costs."""
        return Variation(self._model, Descent(self._model.graph))

    def keeps(self, architecture: Architecture) -> bool:
        """Whether a valid architecture (see `nasdsl.passes.derive.validate`) keeps the bounds."""
        values = self._graph.completed(self._model.assignment(architecture))
        return all(tilt.keeps(values) for tilt in self._tilts)

    def mutate(self, parent: Architecture, generator: random.Random) -> Architecture:
        """A mutant that keeps the bounds (see `Variation.mutate`): other mutants are made until one does.

        Under bounds there may be architectures that mutations from one do not reach.

        Raises:
            NasError: The parent is none of the space or does not keep the bounds, or none of `MAX_CHILDREN` mutants
                does.
        """
        return self._child([parent], lambda: self.variation.mutate(parent, generator))

    def crossover(self, mother: Architecture, father: Architecture, generator: random.Random) -> Architecture:
        """A uniformly random one of the architectures that have each decision from one of two and keep the bounds.

        Raises:
            NasError: A parent is none of the space or does not keep the bounds, or none of `MAX_CHILDREN` crossings
                does.
        """
        return self._child([mother, father], lambda: self.variation.crossover(mother, father, generator))

    def _child(self, parents: Sequence[Architecture], make: Callable[[], Architecture]) -> Architecture:
        for parent in parents:
            self.variation.numbered(parent)
            if not self.keeps(parent):
                raise NasError(
                    f"the parent {parent.hash} does not keep the limits itself",
                    help="start from one that does: `nasdsl sample --under` draws them, `nasdsl cost --arch` says what "
                    "one costs",
                )
        for _ in range(MAX_CHILDREN):
            child = make()
            if self.keeps(child):
                return child
        raise NasError(
            f"none of {MAX_CHILDREN:,} children of {' and '.join(parent.hash for parent in parents)} keeps the limits",
            help="loosen them, or start from an architecture that is further below them",
        )

    def batches(self, count: int, seed: int) -> Iterator[Batch]:
        """Many of them as arrays, the same for the same seed.

        Raises:
            NasError: `MAX_DRAWS` in a row are rejected, or numpy is missing.
        """
        if self._arrays is None:
            self._arrays = ArraySampler(self._descent, self._model)
            self._tables = [[_Table(*pair, self._graph) for pair in tilt.pairs] for tilt in self._tilts]
        source = numpy().random.PCG64(seed)
        rejected = 0
        while count:
            batch = self._arrays.batch(CHUNK, source)
            kept = self._accepted(batch.columns, source)[:count]
            rejected = 0 if len(kept) else rejected + CHUNK
            if rejected >= MAX_DRAWS:
                raise self._rejected()
            count -= len(kept)
            yield Batch(self._model, {variable: column[kept] for variable, column in batch.columns.items()})

    def _accepted(self, columns: Mapping[int, Any], source: Any) -> Any:
        """The places of the draws that are accepted."""
        np = numpy()
        keeps, logs = np.ones(CHUNK, bool), np.zeros(CHUNK)
        for tilt, tables in zip(self._tilts, self._tables, strict=True):
            costs = np.zeros(CHUNK, np.int64)
            for table in tables:
                table.add(columns, costs, logs)
            keeps &= tilt.limit.keeps(costs)
        bits = source.random_raw(CHUNK)
        drawn, chance = np.log2(np.maximum(bits, 1).astype(float)) - 64, log2(self._least) - logs
        accepted = keeps & (drawn < chance)
        unsure = keeps & ((np.abs(drawn - chance) <= NEAR) | (bits < 1 << 40))
        for n in np.flatnonzero(unsure).tolist():
            weight = prod(f.rows[tuple(int(columns[v][n]) for v in f.scope)] for f in self._weights)
            accepted[n] = _below(int(bits[n]), self._least, weight, source)
        return np.flatnonzero(accepted)

    def _rejected(self) -> NasError:
        return NasError(
            f"{MAX_DRAWS:,} draws in a row were rejected: hardly any architecture keeps all limits together",
            help="`nasdsl count --under` says how many there are; loosen one of the limits",
        )


def _itself(weight: int) -> int:
    return weight


def _nothing(priced: Priced) -> NasError:
    bounds = [" to ".join(f"{cost:,}" for cost in priced.bounds(n)) for n in range(len(priced.metrics))]
    return NasError(
        f"no architecture of `{priced.model.space.name}` keeps the limits",
        help=f"its architectures cost {', and '.join(bounds)} (latencies in ns)",
    )


class _Tilt:
    """Weights that favour the architectures within a limit.

    Args:
        limit: The limit.
        rate: How often a cost of one unit halves the weight.

    Attributes:
        limit: The limit.
        pairs: The factors of its metric, each with its weights.
        least: No architecture that keeps the limit has a product of weights below this.
    """

    def __init__(self, limit: UnitLimit, rate: float) -> None:
        below = limit.relation == "<="
        self.limit, room = limit, limit.value if below else -limit.value
        self.pairs: list[tuple[Factor, Factor]] = []
        bits = 0.0
        for factor in limit.metric.factors:
            low, high = min(factor.rows.values()), max(factor.rows.values())
            own = SPARE + rate * (high - low) if rate and high > low else 0.0
            best = low if below else high
            room, bits = room - (best if below else -best), bits + own
            rows = {row: _weight(own - rate * abs(cost - best)) for row, cost in factor.rows.items()}
            self.pairs.append((factor, Factor(factor.scope, rows)))
        whole, part = divmod(bits - rate * room, 1)
        shift = int(whole) - 60
        mantissa = int(exp2(60 + part) * (1 - NEAR))
        self.least = max(mantissa << shift if shift >= 0 else mantissa >> -shift, 1)

    def keeps(self, assignment: Mapping[int, int]) -> bool:
        """Whether a possible assignment keeps the limit."""
        return bool(self.limit.keeps(self.limit.metric.units(assignment)))


def _weight(bits: float) -> int:
    """An integer not below 2^bits, and hardly above; 1 for no bits."""
    if not bits:
        return 1
    whole, part = divmod(bits, 1)
    mantissa = floor(exp2(60 + part) * (1 + NEAR)) + 1
    return mantissa << int(whole) - 60 if whole >= 60 else (mantissa >> 60 - int(whole)) + 1


def _rate(priced: Priced, limit: UnitLimit) -> float:
    """The least rate at which nearly as many draws are accepted as can be.

    With N(c) architectures of cost c, each of those within the limit T is accepted in 2^-loss(rate) of the draws, where
    loss(rate) = rate * T + log2(sum of N(c) * 2^(-rate * c)): a convex function.
    """
    sign = 1 if limit.relation == "<=" else -1
    counts = [(sign * cost, log2(n)) for cost, n in priced.around(limit, BINS)]
    target = max(sign * limit.value, min(cost for cost, _ in counts))
    spread = max(max(factor.rows.values()) - min(factor.rows.values()) for factor in limit.metric.factors)

    def loss(rate: float) -> float:
        logs = [n - rate * cost for cost, n in counts]
        most = max(logs)
        return rate * target + most + log2(sum(exp2(log - most) for log in logs))

    low, high = 0.0, MOST_HALVINGS / spread
    for _ in range(100):
        third = (high - low) / 3
        low, high = (low, high - third) if loss(low + third) <= loss(high - third) else (low + third, high)
    best, low = loss(high), 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if loss(middle) <= best + LOSS else (middle, high)
    return high if loss(0.0) > best + LOSS else 0.0


class _Table:
    """A factor and its weights as arrays.

    Args:
        costs: The factor.
        weights: Its weights: the same rows.
        graph: The graph of its variables.
    """

    def __init__(self, costs: Factor, weights: Factor, graph: FactorGraph) -> None:
        np = numpy()
        self._scope = costs.scope
        self._lookups = _lookups(list(costs.rows), [graph.size(variable) for variable in costs.scope])
        self._costs = np.array(list(costs.rows.values()), np.int64)
        self._logs = np.array([log2(weight) for weight in weights.rows.values()])

    def add(self, columns: Mapping[int, Any], costs: Any, logs: Any) -> None:
        """Add to the costs of a batch, and to the logarithms of its weights."""
        row: Any = 0
        for variable, (size, table) in zip(self._scope, self._lookups, strict=True):
            row = table.take(row * size + columns[variable])
        costs += self._costs.take(row)
        logs += self._logs.take(row)


def _lookups(rows: Sequence[Row], sizes: Sequence[int]) -> list[tuple[int, Any]]:
    """Tables that turn a row, one variable after the other, into its place in a list: from the place of what came
    before times the variable's number of values plus its value, to the place of both.
    """
    np = numpy()
    before: dict[Row, int] = {(): 0}
    found = []
    for depth, size in enumerate(sizes, start=1):
        after: dict[Row, int] = {}
        table = np.zeros(len(before) * size, dtype=np.int32)
        for row in rows:
            table[before[row[: depth - 1]] * size + row[depth - 1]] = after.setdefault(row[:depth], len(after))
        found.append((size, table))
        before = after
    return found


def _below(u: int, least: int, weight: int, source: Any) -> bool:
    """Whether a random number whose first 64 bits are `u` is below least / weight; more bits are taken as needed."""
    bits = 64
    while True:
        if (u + 1) * weight <= least << bits:
            return True
        if u * weight >= least << bits:
            return False
        u, bits = u << 64 | int(source.random_raw()), bits + 64

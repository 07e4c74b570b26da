"""Uniform architectures under a budget, however few keep it.

Drawing from all architectures until one keeps the budget takes for ever where few do. So architectures are drawn with a
chance q that falls with their cost, about as 2^(-rate * cost), and one that keeps the budget is then accepted with
probability L / q, where L is a number that no q of an architecture within the budget is below. That makes all of them
equally likely again, whatever the rate, and whatever q is exactly: it only has to be known. The rate is the one for
which most draws are accepted; some tenths are, for a budget in the middle as for one in the far tail.

Nothing is rounded where it matters: q is a product of whole numbers of 2^-32 (see
`nasdsl.algebra.elimination.chances`), and a draw so close to the border that floating point could mistake it is
decided in integers. Costs count in the metric's own integer unit. So draws are uniform exactly, under the budget
exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import exp2, prod
from typing import Any

from nasdsl.algebra.costs.priced import Bound, Priced, UnitLimit
from nasdsl.algebra.elimination.chances import BITS, Chances, worth
from nasdsl.algebra.elimination.circuit import compiled
from nasdsl.algebra.elimination.descent import Descent
from nasdsl.algebra.model.batch import Batch, numpy
from nasdsl.algebra.sampling.arrays import CHUNK
from nasdsl.algebra.sampling.variation import Variation
from nasdsl.algebra.sampling.walk import Ceiling, Walker, Walks
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture

LITTLE = 0.01
"""log2 of how many times more draws must be accepted for a rate to be doubled once more."""

NARROWED = 3
"""How often the interval in which the best rate lies is halved then: at the best rate little depends on it."""

NEAR = 1e-9
"""What errors of floating-point logarithms here stay below by far."""

MAX_DRAWS = 100_000
"""How many draws in a row may be rejected."""

MAX_CHILDREN = 1_000
"""How many mutants or crossings in a row may be rejected."""


class Limited:
    """Uniform draws from the architectures that keep some bounds.

    Args:
        priced: The space with its costs.
        bounds: The bounds.

    Attributes:
        chances: With what chances architectures are drawn before some are rejected.
        least: log2 of a number that is above the chance of none that keeps the bounds.

    Raises:
        NasError: No architecture can keep them.
    """

    def __init__(self, priced: Priced, bounds: Sequence[Bound]) -> None:
        limits = priced.limits(bounds)
        if limits is None:
            raise _nothing(priced)
        self._priced, self._model, self._limits = priced, priced.model, limits
        tilts = _tilts(priced, limits)
        decided = priced.model.telling
        self._circuit = compiled(priced.graph, [metric.factors for metric in priced.metrics], decided)
        self.chances = Chances(self._circuit, _by_metric(priced, limits, tilts))
        self.least = self.chances.least - _border(limits, tilts) - NEAR
        self._variables = decided
        self._walker: Walker | None = None

    def sample(self, generator: random.Random) -> Architecture:
        """A uniformly random architecture of those that keep the bounds.

        Raises:
            NasError: `MAX_DRAWS` in a row are rejected.
        """
        for _ in range(MAX_DRAWS):
            values, costs, parts = self.chances.walk(generator)
            units = self._circuit.costs(costs)
            if all(limit.keeps(units[limit.metric.number]) for limit in self._limits) and below(
                generator.getrandbits(64), self.least, parts, lambda: generator.getrandbits(64)
            ):
                assignment = dict.fromkeys(self._variables, 0) | values
                return self._model.architecture(assignment)
        raise self._rejected()

    @cached_property
    def variation(self) -> Variation:
        """Mutation and crossover, whatever the result costs."""
        return Variation(self._model, Descent(self._model.graph))

    def keeps(self, architecture: Architecture) -> bool:
        """Whether a valid architecture (see `nasdsl.passes.derive.validate`) keeps the bounds."""
        values = self._priced.graph.completed(self._model.assignment(architecture))
        return all(limit.keeps(limit.metric.units(values)) for limit in self._limits)

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
        source = numpy().random.PCG64(seed)
        if self._walker is None:
            ceilings = [Ceiling(limit.metric.number, limit.sign, limit.sign * limit.value) for limit in self._limits]
            self._walker = Walker(self._circuit, self.chances, ceilings)
        rejected = 0
        while count:
            walks = self._walker.walks(CHUNK, source)
            kept = self._accepted(self._walker, walks, source)[:count]
            rejected = 0 if len(kept) else rejected + CHUNK
            if rejected >= MAX_DRAWS:
                raise self._rejected()
            count -= len(kept)
            nothing = dict.fromkeys(self._variables, numpy().zeros(len(kept), numpy().int32))
            yield Batch(self._model, nothing | self._walker.columns(walks, kept))

    def _accepted(self, walker: Walker, walks: Walks, source: Any) -> Any:
        """The places of the walks that are accepted."""
        np = numpy()
        bits = source.random_raw(len(walks.logs))
        drawn, chance = np.log2(np.maximum(bits, 1).astype(float)) - 64, self.least - walks.logs
        accepted = drawn < chance
        unsure = (np.abs(drawn - chance) <= NEAR) | (bits < 1 << 40)
        for n in np.flatnonzero(unsure).tolist():
            parts = walker.parts(walks, n)
            accepted[n] = below(int(bits[n]), self.least, parts, lambda: int(source.random_raw()))
        return np.flatnonzero(accepted)

    def _rejected(self) -> NasError:
        return NasError(
            f"{MAX_DRAWS:,} draws in a row were rejected: hardly any architecture keeps all limits together",
            help="`nasdsl count --under` says how many there are; loosen one of the limits",
        )


def _nothing(priced: Priced) -> NasError:
    bounds = [" to ".join(f"{cost:,}" for cost in priced.bounds(n)) for n in range(len(priced.metrics))]
    return NasError(
        f"no architecture of `{priced.model.space.name}` keeps the limits",
        help=f"its architectures cost {', and '.join(bounds)} (latencies in ns, energies in nJ)",
    )


def _tilts(priced: Priced, limits: Sequence[UnitLimit]) -> list[float]:
    """For each limit the rate at which most draws are accepted, given those of the limits before it.

    With N(c) architectures of cost c, each of those within the limit T is accepted in 2^-loss(rate) of the draws, where
    loss(rate) = rate * T + log2(sum of N(c) * 2^(-rate * c)): a convex function.
    """
    found = [0.0] * len(limits)

    def loss(n: int, rate: float) -> float:
        tried = [*found[:n], rate, *found[n + 1 :]]
        return worth(priced.circuit, _by_metric(priced, limits, tried)) + _border(limits, tried)

    for n, limit in enumerate(limits):
        found[n] = _least_at(lambda rate, n=n: loss(n, rate), 1 / (limit.room + 1))  # type: ignore[misc]
    return found


def _least_at(value: Callable[[float], float], start: float) -> float:
    """About where a convex function of a number that is not negative is least: doubled, then narrowed down."""
    low, middle, best = 0.0, start, value(start)
    if value(0.0) <= best:
        return 0.0
    while (further := value(2 * middle)) < best - LITTLE:
        low, middle, best = middle, 2 * middle, further
    high = 2 * middle
    for _ in range(NARROWED):
        lower, upper = (low + middle) / 2, (middle + high) / 2
        if (left := value(lower)) < best:
            high, middle, best = middle, lower, left
        elif (right := value(upper)) < best:
            low, middle, best = middle, upper, right
        else:
            low, high = lower, upper
    return middle


def _by_metric(priced: Priced, limits: Sequence[UnitLimit], tilts: Sequence[float]) -> list[float]:
    """How often a cost of one unit of each metric halves the weight."""
    found = [0.0] * len(priced.metrics)
    for limit, tilt in zip(limits, tilts, strict=True):
        found[limit.metric.number] += tilt * limit.sign
    return found


def _border(limits: Sequence[UnitLimit], tilts: Sequence[float]) -> float:
    """How often the weight is halved by costs that are all at their limits."""
    return sum(tilt * limit.sign * limit.value for limit, tilt in zip(limits, tilts, strict=True))


def below(u: int, log: float, parts: Sequence[int], more: Callable[[], int]) -> bool:
    """Whether a random number whose first 64 bits are `u` is below 2^log over the product of some parts of 2^BITS; more
    bits are taken as needed.
    """
    whole, part = divmod(log, 1)
    least, weight = int(exp2(60 + part)), prod(parts)
    shift = int(whole) - 60 + BITS * len(parts)
    least, weight = (least << shift, weight) if shift >= 0 else (least, weight << -shift)
    bits = 64
    while True:
        if (u + 1) * weight <= least << bits:
            return True
        if u * weight >= least << bits:
            return False
        u, bits = u << 64 | more(), bits + 64

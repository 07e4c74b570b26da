"""The architectures that keep some limits, as an array: uniform draws under a budget.

The elimination is the one that counts them, in polynomials; going back through its buckets, an index is split as in
`nasdsl.algebra.ranking`, only that every part also gets its share of the cost. Where costs are counted in steps, the
array is that of all architectures whose cost, with each part rounded down, keeps the limits: some of them exceed a
limit, and a draw is repeated until it does not. Either way draws are exactly uniform over those that keep the limits.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Any

from nasdsl.algebra.elimination import Bucket, eliminate, elimination_order, picker, tables
from nasdsl.algebra.factors import Row
from nasdsl.algebra.polynomial import FEW, Polynomial, Polynomials
from nasdsl.algebra.priced import Bound, Priced, arithmetic, axes, steps
from nasdsl.algebra.ranking import Ranking
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture

MEMORY = 500_000_000
"""Bytes that the polynomials of all buckets may need, before costs are counted in steps."""

COMBINED = 64
"""How many terms the product of polynomials with few terms may have to be written down."""

MAX_DRAWS = 10_000
"""How often a draw is repeated."""


class Limited:
    """Uniform draws from the architectures that keep some bounds.

    Args:
        priced: The space with its costs.
        bounds: The bounds.
        bins: About how many costs to tell apart; by default as many as memory allows.

    Raises:
        NasError: No architecture keeps the bounds.

    Attributes:
        size: How many architectures there are; where `exact` is false, some of them exceed a bound.
        exact: Whether costs are told apart exactly.
    """

    def __init__(self, priced: Priced, bounds: Sequence[Bound], bins: int | None = None) -> None:
        limits = priced.limits(bounds)
        if limits is None:
            raise _nothing(priced)
        self._priced, self._bounds = priced, bounds
        self._all = None if limits else Ranking(priced.model)
        self.exact, self.size = True, priced.size
        if limits:
            if bins is None:
                rows = max(limit.metric.all_rows * limit.metric.bits // 8 for limit in limits)
                bins = max(int((MEMORY // rows) ** (1 / len(limits))), 64)
            sizes = steps(limits, bins)
            self.exact = set(sizes) == {1}
            self._eliminate(axes(limits, sizes, inner=False))

    def _eliminate(self, found: list[Any]) -> None:
        graph = self._priced.graph_of(found)
        self._polynomials = arithmetic(found)
        semiring = self._polynomials.semiring
        result = eliminate(tables(graph, semiring), elimination_order(graph), semiring)
        self._steps = [_Step(bucket, graph.size(bucket.variable), self._polynomials) for bucket in result.buckets]
        inner = {source for bucket in result.buckets for source in bucket.sources}
        roots = [n for n in range(len(self._steps)) if n not in inner]
        self._root = _Share([(root, result.buckets[root].message.rows.get((), 0)) for root in roots], self._polynomials)
        kept = [(e, n) for e, n in self._polynomials.terms(result.total) if all(axis.keeps(e) for axis in found)]
        if not kept:
            raise _nothing(self._priced)
        self._exponents = [exponent for exponent, _ in kept]
        self._ends = list(accumulate(count for _, count in kept))
        self.size = self._ends[-1]

    def sample(self, generator: random.Random) -> Architecture:
        """A uniformly random architecture of those that keep the bounds.

        Raises:
            NasError: `MAX_DRAWS` in a row exceed a bound.
        """
        if self._all is not None:
            return self._all.sample(generator)
        for _ in range(MAX_DRAWS):
            values = self.assignment(generator.randrange(self.size))
            if self.exact or self._keeps(values):
                return self._priced.model.architecture(values)
        raise NasError(
            f"none of {MAX_DRAWS} architectures that seemed to keep the limits does",
            help="tell more costs apart: more bins",
        )

    def assignment(self, index: int) -> dict[int, int]:
        """The values of all variables in the architecture with an index, from 0 to one less than the size."""
        place = bisect_right(self._ends, index)
        digit = index - (self._ends[place - 1] if place else 0)
        shares: dict[int, tuple[int, int]] = dict(self._root.split(self._exponents[place], digit))
        found: dict[int, int] = {}
        for n in range(len(self._steps) - 1, -1, -1):
            step = self._steps[n]
            value, parts = step.split(tuple(found[v] for v in step.given), *shares.pop(n))
            found[step.variable] = value
            shares.update(parts)
        return found

    def _keeps(self, values: dict[int, int]) -> bool:
        """Whether an assignment really keeps the bounds."""
        for bound in self._bounds:
            cost = self._priced.metrics[bound.metric].cost(values)
            if cost > bound.value if bound.relation == "<=" else cost < bound.value:
                return False
        return True


def _nothing(priced: Priced) -> NasError:
    bounds = [" to ".join(f"{cost:,}" for cost in priced.bounds(n)) for n in range(len(priced.metrics))]
    return NasError(
        f"no architecture of `{priced.model.space.name}` keeps the limits",
        help=f"its architectures cost {', and '.join(bounds)} (latencies in ns)",
    )


class _Share:
    """The product of some polynomials, of which each belongs to a bucket (or to none): how an index into the
    coefficient of an exponent splits into one index and exponent for each of them.
    """

    __slots__ = ("_few", "_many", "_polynomials", "_rest")

    def __init__(self, parts: Sequence[tuple[int | None, Polynomial]], polynomials: Polynomials) -> None:
        few: list[tuple[int | None, dict[int, int]]] = []
        self._many: list[tuple[int | None, Polynomial]] = []
        self._polynomials, combined = polynomials, 1
        for source, part in sorted(parts, key=lambda item: len(item[1]) if isinstance(item[1], dict) else FEW + 1):
            if isinstance(part, dict) and combined * len(part) <= COMBINED:
                few.append((source, part))
                combined *= len(part)
            else:
                self._many.append((source, part))
        self._few: list[tuple[int, int, list[tuple[int | None, int, int]]]] = []
        for chosen in product(*(part.items() for _, part in few)):
            exponent, coefficient, shares = 0, 1, []
            for (source, _), (e, n) in zip(few, chosen, strict=True):
                exponent, coefficient = exponent + e, coefficient * n
                shares.append((source, e, n))
            self._few.append((exponent, coefficient, shares))
        self._rest: list[Polynomial] = [{0: 1}]
        for _, part in reversed(self._many):
            self._rest.append(polynomials.times(self._rest[-1], part))
        self._rest.reverse()

    def weight(self, exponent: int) -> int:
        """The coefficient of an exponent."""
        at = self._polynomials.coefficient
        return sum(n * at(self._rest[0], exponent - e) for e, n, _ in self._few if e <= exponent)

    def split(self, exponent: int, index: int) -> list[tuple[int, tuple[int, int]]]:
        """For each bucket its exponent and its index, given an index below the coefficient of an exponent."""
        at = self._polynomials.coefficient
        for e, n, shares in self._few:
            rest = at(self._rest[0], exponent - e) if e <= exponent else 0
            if index >= n * rest:
                index -= n * rest
                continue
            found = []
            for source, own, count in shares:
                index, digit = divmod(index, count)
                if source is not None:
                    found.append((source, (own, digit)))
            return found + self._split_many(exponent - e, index)
        raise AssertionError("the index is below the weight")

    def _split_many(self, exponent: int, index: int) -> list[tuple[int, tuple[int, int]]]:
        at, found = self._polynomials.coefficient, []
        for (source, part), rest in zip(self._many, self._rest[1:], strict=True):
            assert source is not None, "factors have few terms"
            for own in sorted(part) if isinstance(part, dict) else range(exponent + 1):
                count = at(part, own)
                ways = count * at(rest, exponent - own) if count and own <= exponent else 0
                if index < ways:
                    break
                index -= ways
            index, digit = divmod(index, count)
            found.append((source, (own, digit)))
            exponent -= own
        return found


@dataclass(slots=True)
class _Options:
    values: list[int]
    shares: list[_Share]


class _Step:
    """Going back through one bucket."""

    def __init__(self, bucket: Bucket[Polynomial], size: int, polynomials: Polynomials) -> None:
        self.variable, self.given = bucket.variable, bucket.message.scope
        scope = (*self.given, self.variable)
        self._size, self._polynomials = size, polynomials
        self._parts = [
            (picker([scope.index(v) for v in table.scope]), table.rows, source)
            for table, source in zip(bucket.tables, bucket.sources, strict=True)
        ]
        self._known: dict[Row, _Options] = {}

    def split(self, given: Row, exponent: int, index: int) -> tuple[int, list[tuple[int, tuple[int, int]]]]:
        """The value that an index falls on, and what is left of exponent and index for each bucket below."""
        options = self._known.get(given)
        if options is None:
            options = self._known[given] = self._options(given)
        if len(options.values) == 1:
            return options.values[0], options.shares[0].split(exponent, index)
        for value, share in zip(options.values, options.shares, strict=True):
            weight = share.weight(exponent)
            if index < weight:
                return value, share.split(exponent, index)
            index -= weight
        raise AssertionError("the index is below the coefficient of the message")

    def _options(self, given: Row) -> _Options:
        found = _Options([], [])
        for value in range(self._size):
            row = (*given, value)
            parts = [(source, rows.get(pick(row), 0)) for pick, rows, source in self._parts]
            if all(part != 0 for _, part in parts):
                found.values.append(value)
                found.shares.append(_Share(parts, self._polynomials))
        return found

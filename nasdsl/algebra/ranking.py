"""A space as an array: architectures by index, in the order that elimination gives.

Elimination in the semiring of counts leaves, for each variable and each value of those it depends on, how many ways
there are to go on. Going back through the buckets, an index is split: which value of the variable it falls on, then
one digit for each bucket that the rest depends on. That is a bijection between 0 .. n-1 and the architectures, so a
uniform index is a uniform architecture, and a range of indices is a shard.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

from nasdsl.algebra.elimination import Bucket, Elimination, eliminate, elimination_order, picker, tables
from nasdsl.algebra.factors import Row
from nasdsl.algebra.model import Model
from nasdsl.algebra.semiring import COUNT
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture


@dataclass(frozen=True, slots=True)
class Options:
    """The values a variable can have where those it depends on are given.

    Attributes:
        values: In ascending order.
        ends: For each how many ways there are to go on with it or one before it.
    """

    values: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def alike(self) -> bool:
        """Whether all values are equally likely."""
        return all(end == self.ends[0] * n for n, end in enumerate(self.ends, start=1))


class Step:
    """Going back through one bucket.

    Args:
        bucket: Of an elimination in the semiring of counts, with its tables.
        size: How many values the variable has.

    Attributes:
        variable: The variable it decides.
        given: The variables it depends on.
        children: The buckets that the rest depends on, with the way to find their rows in (*given, variable).
    """

    def __init__(self, bucket: Bucket[int], size: int) -> None:
        self.variable, self.given = bucket.variable, bucket.message.scope
        scope = (*self.given, self.variable)
        self._size = size
        self._parts = [(picker([scope.index(v) for v in table.scope]), table.rows) for table in bucket.tables]
        self.children = [
            (source, part[0], table.rows)
            for part, table, source in zip(self._parts, bucket.tables, bucket.sources, strict=True)
            if source is not None
        ]
        self._known: dict[Row, Options] = {}

    def options(self, given: Row) -> Options:
        """What the variable can be, given the variables it depends on."""
        found = self._known.get(given)
        if found is None:
            ways = [prod(rows.get(pick((*given, n)), 0) for pick, rows in self._parts) for n in range(self._size)]
            values = tuple(n for n, way in enumerate(ways) if way)
            found = Options(values, tuple(accumulate(way for way in ways if way)))
            self._known[given] = found
        return found


class Ranking:
    """The architectures of a space as an array.

    Args:
        model: The factor graph of the space.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.elimination: Elimination[int] = eliminate(
            tables(model.graph, COUNT), elimination_order(model.graph), COUNT
        )
        self.steps = [Step(bucket, model.graph.size(bucket.variable)) for bucket in self.elimination.buckets]
        inner = {source for step in self.steps for source, _, _ in step.children}
        self._roots = [n for n in range(len(self.steps)) if n not in inner]
        self._sizes = [self.elimination.buckets[root].message.rows.get((), 0) for root in self._roots]

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return self.elimination.total

    def __getitem__(self, index: int) -> Architecture:
        """The architecture with an index from 0.

        Raises:
            NasError: The index is out of range.
        """
        return self.model.architecture(self.assignment(index))

    def __iter__(self) -> Iterator[Architecture]:
        """All architectures, one after the other."""
        return (self[index] for index in range(self.size))

    def assignment(self, index: int) -> dict[int, int]:
        """The values of all variables in the architecture with an index."""
        if not 0 <= index < self.size:
            raise NasError(
                f"there is no architecture {index}: `{self.model.space.name}` has {self.size}, counted from 0",
                help="give an index from 0 to one less than `nasdsl count` says",
            )
        found: dict[int, int] = {}
        digits = [0] * len(self.steps)
        for root, size in zip(self._roots, self._sizes, strict=True):
            index, digits[root] = divmod(index, size)
        for n in range(len(self.steps) - 1, -1, -1):
            step, digit = self.steps[n], digits[n]
            given = tuple(found[v] for v in step.given)
            options = step.options(given)
            place = bisect_right(options.ends, digit)
            found[step.variable] = value = options.values[place]
            if place:
                digit -= options.ends[place - 1]
            row = (*given, value)
            for source, pick, rows in step.children:
                digit, digits[source] = divmod(digit, rows[pick(row)])
        return found

    def index(self, architecture: Architecture) -> int:
        """The index of a valid architecture (see `nasdsl.passes.derive.validate`): `self[i]` has index i."""
        known = self.model.assignment(architecture)
        digits: list[int] = []
        for step in self.steps:
            given = tuple(known[v] for v in step.given)
            options = step.options(given)
            place = options.values.index(known[step.variable])
            row = (*given, known[step.variable])
            digits.append((options.ends[place - 1] if place else 0) + _together(step.children, row, digits))
        index = 0
        for root, size in zip(reversed(self._roots), reversed(self._sizes), strict=True):
            index = index * size + digits[root]
        return index

    def sample(self, generator: random.Random) -> Architecture:
        """A uniformly random architecture."""
        if not self.size:
            raise NasError(f"`{self.model.space.name}` has no architecture", help="let its rules forbid less")
        return self[generator.randrange(self.size)]


def _together(children: list[tuple[int, Any, Mapping[Row, int]]], row: Row, digits: list[int]) -> int:
    """The number that the digits of some buckets make."""
    total = 0
    for source, pick, rows in reversed(children):
        total = total * rows[pick(row)] + digits[source]
    return total

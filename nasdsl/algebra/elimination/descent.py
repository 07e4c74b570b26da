"""Going back through an elimination: from an index to an assignment, and from an assignment to its index.

Elimination in natural numbers leaves, for each variable and each joint value of those it depends on, how much there is
to go on with each of its values. Going back through the buckets, an index splits: which value of the variable it falls
on, then one digit for each bucket that the rest depends on. If every factor is one where it is possible, that is a
bijection between 0 .. total-1 and the possible assignments. If factors have other weights, an assignment has as many
indices as the product of its weights; what is left of the index says which one it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import prod
from typing import Any

from nasdsl.algebra.elimination.elimination import Bucket, eliminate, elimination_order, picker, tables
from nasdsl.algebra.elimination.factors import FactorGraph, Row
from nasdsl.algebra.elimination.semiring import COUNT


@dataclass(frozen=True, slots=True)
class Options:
    """The values a variable can have where those it depends on are given.

    Attributes:
        values: In ascending order.
        ends: For each how much there is to go on with it or one before it.
    """

    values: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def alike(self) -> bool:
        """Whether all values are equally likely."""
        return all(end == self.ends[0] * n for n, end in enumerate(self.ends, start=1))


Finder = tuple[Callable[[Row], Row], Mapping[Row, int]]
"""The rows of a table, and how to find the one that belongs to the rows of another scope."""


class Step:
    """Going back through one bucket.

    Args:
        bucket: The bucket, with its tables.
        size: How many values the variable has.

    Attributes:
        variable: The variable it decides.
        given: The variables it depends on.
        children: The buckets that the rest depends on, and their messages, by (*given, variable).
        weights: The factors, by (*given, variable).
    """

    def __init__(self, bucket: Bucket[int], size: int) -> None:
        self.variable, self.given = bucket.variable, bucket.message.scope
        scope = (*self.given, self.variable)
        self._size = size
        self.children: list[tuple[int, Finder]] = []
        self.weights: list[Finder] = []
        for table, source in zip(bucket.tables, bucket.sources, strict=True):
            finder: Finder = (picker([scope.index(v) for v in table.scope]), table.rows)
            if source is None:
                self.weights.append(finder)
            else:
                self.children.append((source, finder))
        self._known: dict[Row, Options] = {}

    def options(self, given: Row) -> Options:
        """What the variable can be, given the variables it depends on."""
        found = self._known.get(given)
        if found is None:
            finders = [*self.weights, *(finder for _, finder in self.children)]
            ways = [prod(rows.get(pick((*given, n)), 0) for pick, rows in finders) for n in range(self._size)]
            values = tuple(n for n, way in enumerate(ways) if way)
            found = self._known[given] = Options(values, tuple(accumulate(way for way in ways if way)))
        return found

    def weight(self, row: Row) -> int:
        """The product of the factors in a row of (*given, variable)."""
        return prod(rows[pick(row)] for pick, rows in self.weights)


class Descent:
    """The way back through an elimination of a factor graph in natural numbers.

    Args:
        graph: The graph.
        weigh: The weight of a row of a factor, by its cost; by default one.

    Attributes:
        total: The sum of the weights of all possible assignments.
        steps: One for each bucket, in the order of elimination.
        roots: The buckets that depend on nothing; every other one is a child of one bucket.
    """

    def __init__(self, graph: FactorGraph, weigh: Callable[[int], int] | None = None) -> None:
        semiring = COUNT if weigh is None else replace(COUNT, of_cost=weigh)
        self._weighted = weigh is not None
        result = eliminate(tables(graph, semiring), elimination_order(graph), semiring)
        self.total = result.total
        self.steps = [Step(bucket, graph.size(bucket.variable)) for bucket in result.buckets]
        inner = {source for step in self.steps for source, _ in step.children}
        self.roots = [n for n in range(len(self.steps)) if n not in inner]
        self._sizes = [result.buckets[root].message.rows.get((), 0) for root in self.roots]

    def assignment(self, index: int) -> tuple[dict[int, int], int]:
        """The assignment with an index below the total, and which of the assignment's own indices it is, from 0."""
        found: dict[int, int] = {}
        digits = [0] * len(self.steps)
        spare = 0
        for root, size in zip(self.roots, self._sizes, strict=True):
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
            for source, (pick, rows) in step.children:
                digit, digits[source] = divmod(digit, rows[pick(row)])
            if self._weighted:
                spare = spare * step.weight(row) + digit
        return found, spare

    def index(self, assignment: Mapping[int, int]) -> int:
        """The (first) index of a possible assignment of all variables."""
        digits: list[int] = []
        for step in self.steps:
            given = tuple(assignment[v] for v in step.given)
            row = (*given, assignment[step.variable])
            options = step.options(given)
            place = options.values.index(assignment[step.variable])
            inner = _number([(rows[pick(row)], digits[source]) for source, (pick, rows) in step.children])
            digits.append((options.ends[place - 1] if place else 0) + inner)
        return _number([(size, digits[root]) for root, size in zip(self.roots, self._sizes, strict=True)])


def _number(digits: Sequence[tuple[int, Any]]) -> int:
    """The number that digits make, each with its base, the lowest first."""
    total = 0
    for base, digit in reversed(digits):
        total = total * base + digit
    return total

"""The possible assignments near a given one: those that a walk back through an elimination meets when each variable
may have few of its values, and how many of them are the cheapest.

A neighbourhood of an architecture is a small part of its space, so only the rows of buckets that can be met are looked
at. Where a bucket is met with the row that the given assignment has there, and nothing below it is meant to change, it
is not even entered: the given assignment goes on there, and it alone (see `nasdsl.algebra.sampling.variation`).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from math import prod

from nasdsl.algebra.elimination.descent import Descent
from nasdsl.algebra.elimination.factors import Row

Known = list[int]
"""A possible assignment, by variable."""

Prices = Callable[[int], Mapping[int, int] | None]
"""For a variable what each of its values costs; a value that is missing is excluded. None: all are free."""


class BucketTree:
    """The buckets of a descent, by what they decide and what they depend on.

    Args:
        descent: The way back through an elimination in natural numbers.
    """

    def __init__(self, descent: Descent) -> None:
        self.steps, self.roots = descent.steps, descent.roots
        self._of = {step.variable: n for n, step in enumerate(self.steps)}
        self._above = {child: n for n, step in enumerate(self.steps) for child, _ in step.children}

    def above(self, variables: Iterable[int]) -> set[int]:
        """The buckets of some variables and all that those depend on."""
        found: set[int] = set()
        for variable in variables:
            bucket: int | None = self._of[variable]
            while bucket is not None and bucket not in found:
                found.add(bucket)
                bucket = self._above.get(bucket)
        return found

    def possible(self) -> dict[int, set[int]]:
        """For each variable the values that it has in some assignment."""
        rows: list[set[Row]] = [set() for _ in self.steps]
        found: dict[int, set[int]] = {step.variable: set() for step in self.steps}
        for root in self.roots:
            rows[root].add(())
        for n in range(len(self.steps) - 1, -1, -1):
            step = self.steps[n]
            for given in rows[n]:
                for value in step.options(given).values:
                    found[step.variable].add(value)
                    for child, (pick, _) in step.children:
                        rows[child].add(pick((*given, value)))
        return found


class Region:
    """The cheapest assignments, where the values of each variable have a price.

    Args:
        tree: The buckets.
        known: A possible assignment, by variable. It is the only one that is free, among those that agree with it in
            all variables whose buckets are `entered`.
        entered: The buckets that may not be left as they are: with each one all that it depends on.
        prices: What values cost.

    Attributes:
        size: How many cheapest assignments there are; 0: every assignment has a value that is excluded.
    """

    def __init__(self, tree: BucketTree, known: Known, entered: Collection[int], prices: Prices) -> None:
        self._steps, self._known = tree.steps, known
        met = self._met([root for root in tree.roots if root in entered], entered, prices)
        self._best: dict[int, dict[Row, _Best]] = {}
        for n in sorted(met):
            price, rows = met[n]
            self._best[n] = {row: self._weighed(n, row, values, price) for row, values in rows.items()}
        self.size = prod(self._best[root][()].total for root in tree.roots if root in met)

    def draw(self, generator: random.Random) -> Known:
        """One of the cheapest assignments, each as likely as any other."""
        found = list(self._known)
        for n in reversed(self._best):
            step = self._steps[n]
            best = self._best[n].get(tuple([found[v] for v in step.given]))
            if best is not None:
                place = bisect_right(best.ends, generator.randrange(best.total)) if len(best.ends) > 1 else 0
                found[step.variable] = best.values[place]
        return found

    def _met(self, roots: Iterable[int], entered: Collection[int], prices: Prices) -> dict[int, _Met]:
        """The buckets that are met from the roots on."""
        steps, known = self._steps, self._known
        waiting: dict[int, dict[Row, list[int]]] = {root: {(): []} for root in roots}
        home: dict[int, Row] = {}
        met: dict[int, _Met] = {}
        for n in range(max(waiting, default=-1), -1, -1):
            if n not in waiting:
                continue
            step, rows = steps[n], waiting[n]
            price = prices(step.variable)
            met[n] = price, rows
            for given in rows:
                values = step.options(given).values
                rows[given] = kept = [v for v in values if v in price] if price is not None else list(values)
                for child, (pick, _) in step.children:
                    if child not in home:
                        home[child] = tuple([known[v] for v in steps[child].given])
                    for value in kept:
                        row = pick((*given, value))
                        if child in entered or row != home[child]:
                            waiting.setdefault(child, {})[row] = []
        return met

    def _weighed(self, n: int, given: Row, values: Iterable[int], price: Mapping[int, int] | None) -> _Best:
        """The values with which the cheapest assignments go on, and in how many ways."""
        best = _Best()
        below = [(pick, self._best[child]) for child, (pick, _) in self._steps[n].children if child in self._best]
        for value in values:
            cost, ways = price[value] if price is not None else 0, 1
            for pick, rows in below:
                inner = rows.get(pick((*given, value)))
                if inner is not None:
                    cost, ways = cost + inner.cost, ways * inner.total
            if ways:
                best.add(value, cost, ways)
        return best


_Met = tuple[Mapping[int, int] | None, dict[Row, list[int]]]
"""What the values of a bucket's variable cost, and those that it can have in each of the rows in which it is met."""


class _Best:
    """The cheapest values of a variable in a row, and how many ways go on with each one or one before it."""

    __slots__ = ("cost", "ends", "values")

    def __init__(self) -> None:
        self.cost = 0
        self.values: list[int] = []
        self.ends: list[int] = []

    @property
    def total(self) -> int:
        return self.ends[-1] if self.ends else 0

    def add(self, value: int, cost: int, ways: int) -> None:
        if not self.values or cost < self.cost:
            self.cost, self.values, self.ends = cost, [value], [ways]
        elif cost == self.cost:
            self.values.append(value)
            self.ends.append(self.ends[-1] + ways)

"""The possible assignments near a given one: those that a walk back through an elimination meets when each variable
may have few of its values, and how many of them are the cheapest.

A neighbourhood of an architecture is a small part of its space, so only the rows of buckets that can be met are looked
at. Where a bucket is met with the row that the given assignment has there, and nothing below it is meant to change, it
is not even entered: the given assignment goes on there, and it alone (see `nasdsl.algebra.variation`).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from nasdsl.algebra.descent import Descent, Step
from nasdsl.algebra.factors import Row

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
                    for child, row in below(step, (*given, value)):
                        rows[child].add(row)
        return found


def below(step: Step, row: Row) -> Iterator[tuple[int, Row]]:
    """The buckets below a step, each with its row, in a row of the step's (*given, variable)."""
    for child, (pick, _) in step.children:
        yield child, pick(row)


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

    def __init__(self, tree: BucketTree, known: Sequence[int], entered: Collection[int], prices: Prices) -> None:
        self._steps, self._known = tree.steps, known
        met = self._met([root for root in tree.roots if root in entered], entered, prices)
        self._best: dict[int, dict[Row, _Best]] = {}
        for n in sorted(met):
            price = prices(self._steps[n].variable)
            self._best[n] = {row: self._weighed(n, row, values, price) for row, values in met[n].items()}
        self._buckets = sorted(met, reverse=True)
        self.size = 1
        for root in tree.roots:
            if root in met:
                self.size *= self._best[root][()].total

    def draw(self, generator: random.Random) -> list[int]:
        """One of the cheapest assignments, each as likely as any other."""
        found = list(self._known)
        for n in self._buckets:
            step = self._steps[n]
            best = self._best[n].get(tuple([found[v] for v in step.given]))
            if best is not None:
                place = bisect_right(best.ends, generator.randrange(best.total)) if len(best.ends) > 1 else 0
                found[step.variable] = best.values[place]
        return found

    def _met(self, roots: Iterable[int], entered: Collection[int], prices: Prices) -> dict[int, dict[Row, list[int]]]:
        """The rows in which buckets are met, from the roots down, with the values that may be there."""
        met: dict[int, dict[Row, list[int]]] = {root: {(): []} for root in roots}
        home: dict[int, Row] = {}
        for n in range(max(met, default=-1), -1, -1):
            if n not in met:
                continue
            step = self._steps[n]
            price = prices(step.variable)
            for given, values in met[n].items():
                values += [v for v in step.options(given).values if price is None or v in price]
                for value in values:
                    for child, row in below(step, (*given, value)):
                        if child not in home:
                            home[child] = tuple([self._known[v] for v in self._steps[child].given])
                        if child in entered or row != home[child]:
                            met.setdefault(child, {}).setdefault(row, [])
        return met

    def _weighed(self, n: int, given: Row, values: Iterable[int], price: Mapping[int, int] | None) -> _Best:
        """The values with which the cheapest assignments go on, and in how many ways."""
        step, best = self._steps[n], _Best()
        for value in values:
            cost, ways = price[value] if price is not None else 0, 1
            for child, row in below(step, (*given, value)):
                inner = self._best[child].get(row) if child in self._best else None
                if inner is not None:
                    cost, ways = cost + inner.cost, ways * inner.total
            if ways:
                best.add(value, cost, ways)
        return best


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

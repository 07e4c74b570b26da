"""Mutants of many architectures at once, as arrays; `nasdsl.algebra.sampling.variation` makes one at a time.

Which decision changes, to what, and whether all others can stay as they are is asked for the whole batch. Where
something follows from the change, the mutant is repaired by itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from nasdsl.algebra.elimination.factors import Factor, FactorGraph
from nasdsl.algebra.model.batch import Batch, numpy
from nasdsl.algebra.sampling.detours import Change
from nasdsl.algebra.sampling.region import Known
from nasdsl.algebra.sampling.variation import Variation
from nasdsl.ir.architecture import Architecture


class ArrayMutator:
    """Makes mutants of batches.

    Args:
        variation: Mutation in the space.

    Raises:
        NasError: There is no numpy.
    """

    def __init__(self, variation: Variation) -> None:
        np = numpy()
        graph = variation.model.graph
        self._variation, self._variables = variation, range(len(graph.variables))
        changing = {variable: others for variable, others in variation.others.items() if others}
        self._decisions = []
        for variable, others in changing.items():
            table = np.zeros((graph.size(variable), len(others) - 1), np.int32)
            for value, rest in others.items():
                table[value] = rest
            rows = [_Rows(factor, graph) for factor in graph.factors if variable in factor.scope]
            self._decisions.append((variable, table, rows))

    def batch(self, architectures: Iterable[Architecture]) -> Batch:
        """Architectures as arrays.

        Raises:
            NasError: One of them is none of the space.
        """
        np = numpy()
        known = [self._variation.numbered(architecture) for architecture in architectures]
        columns = np.array(known, np.int32).reshape(len(known), len(self._variables)).T
        return Batch(self._variation.model, dict(enumerate(np.ascontiguousarray(columns))))

    def mutants(self, parents: Batch, seed: int) -> Batch:
        """One mutant of each parent, the same for the same parents and seed.

        Raises:
            NasError: The space has one architecture only.
        """
        np = numpy()
        columns = {variable: parents.columns[variable].copy() for variable in self._variables}
        source, generator = np.random.Generator(np.random.PCG64(seed)), random.Random(seed)
        chosen = self._chosen(columns, source, generator)
        known = np.stack(list(columns.values()), axis=1)
        for place, (variable, table, factors) in enumerate(self._decisions):
            which = np.flatnonzero(chosen == place)
            values = table[columns[variable][which], source.integers(0, table.shape[1], len(which))]
            quiet = np.ones(len(which), bool)
            for rows in factors:
                quiet &= rows.hold(known, which, variable, values)
            columns[variable][which[quiet]] = values[quiet]
            for n, value in zip(which[~quiet].tolist(), values[~quiet].tolist(), strict=True):
                self._repair(columns, n, known[n].tolist(), Change(variable, value), generator)
        for place, route in enumerate(self._variation.turns, start=len(self._decisions)):
            for n in np.flatnonzero(chosen == place).tolist():
                before = known[n].tolist()
                self._repair(columns, n, before, route.change(before, generator), generator)
        return Batch(parents.model, columns)

    def _chosen(self, columns: dict[int, Any], source: Any, generator: random.Random) -> Any:
        """Which decision of each parent changes."""
        np = numpy()
        live = [columns[variable] > 0 for variable, _, _ in self._decisions]
        live += [np.isin(columns[route.start], sorted(route.starts)) for route in self._variation.turns]
        if not live:
            self._variation.change([0] * len(self._variables), generator)
        before = np.cumsum(np.stack(live), axis=0, dtype=np.int32)
        return (before <= source.integers(0, before[-1])).sum(axis=0, dtype=np.int32)

    def _repair(
        self, columns: dict[int, Any], place: int, known: Known, change: Change, generator: random.Random
    ) -> None:
        after = self._variation.repaired(known, change, generator)
        for variable, (old, new) in enumerate(zip(known, after, strict=True)):
            if old != new:
                columns[variable][place] = new


class _Rows:
    """The rows of a factor as numbers, to ask for many rows whether it has them.

    Args:
        factor: The factor.
        graph: The graph of its variables.
    """

    def __init__(self, factor: Factor, graph: FactorGraph) -> None:
        np = numpy()
        self._scope: Sequence[int] = factor.scope
        self._bases: list[int] = []
        base = 1
        for variable in factor.scope:
            self._bases.append(base)
            base *= graph.size(variable)
        numbers = [sum(base * n for base, n in zip(self._bases, row, strict=True)) for row in factor.rows]
        self._numbers = np.array(numbers, np.int64)

    def hold(self, known: Any, which: Any, variable: int, values: Any) -> Any:
        """Whether the factor has the rows of some assignments, a variable having other values in them."""
        np = numpy()
        number = np.zeros(len(which), np.int64)
        for base, other in zip(self._bases, self._scope, strict=True):
            number += base * (values if other == variable else known[which, other]).astype(np.int64)
        return np.isin(number, self._numbers)

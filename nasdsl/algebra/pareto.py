"""Exact Pareto sets: what no architecture of a space beats in two costs at once.

The semiring of fronts: an element is a set of pairs of costs of which none is at least as good as another in both;
sums are unions, products are sums of every pair with every pair, and what is beaten is left out. Elimination in it
ends with the front of the whole space. Costs are integers, so the front is exact; a cost that is wanted large counts
with its sign changed.

A front is one sorted array: both costs of a point share an integer, the first in its upper bits, so that adding points
is adding integers, and sorting by the first cost and then the second is sorting integers. Points that are equal in both
costs are one point; going back through the circuit finds one architecture for each, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import gcd
from typing import Any, Literal

from nasdsl.algebra.arrays import Batch
from nasdsl.algebra.circuit import Circuit, Product, circuit
from nasdsl.algebra.costs import Costs
from nasdsl.algebra.elimination import Table, elimination_order
from nasdsl.algebra.factors import Factor, Row
from nasdsl.algebra.metrics import Part
from nasdsl.algebra.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture

Sense = Literal["least", "most"]

WORD = 62
"""Bits of a machine integer that a point may take; wider points are Python's integers."""

MAX_POINTS = 100_000_000
"""How many points all fronts of a computation may have together: eight bytes each."""

CHUNK = 4_000_000
"""How many sums of points are looked at together."""


class ParetoFront:
    """The pairs of costs that no architecture of a space beats, and an architecture for each.

    Args:
        model: The space.
        parts: For each of two metrics the parts that add up to it.
        senses: For each whether little or much of it is wanted.

    Attributes:
        costs: The pairs, in the metrics' integer units, the best in the first metric first.

    Raises:
        NasError: A price is not known, a part depends on too much, the space has no architecture, its fronts are too
            long, or numpy is missing.
    """

    def __init__(self, model: Model, parts: Sequence[Iterable[Part]], senses: Sequence[Sense] = ("least",) * 2) -> None:
        _numpy()
        pricing = Costs(model)
        axes = [_Axis(pricing.factors(some), sense) for some, sense in zip(parts, senses, strict=True)]
        self._model, self._sizes = model, [len(variable.values) for variable in pricing.graph.variables]
        tables, pairs = self._priced(axes)
        factors = [*pricing.graph.factors, *(Factor(table.scope, table.rows) for table in tables)]
        order = elimination_order(replace(pricing.graph, factors=factors))
        self._circuit = circuit(pricing.graph.factors, tables, order)
        if not self._circuit.sums:
            raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")
        self._fronts = _Fronts(pairs, [axis.most for axis in axes])
        self._fronts.evaluate(self._circuit)
        found = self._fronts.pairs(self._fronts.known[-1])
        self.costs = [(axes[0].cost(first), axes[1].cost(second)) for first, second in found]

    def architectures(self, places: Sequence[int] | None = None) -> list[Architecture]:
        """An architecture for each of some points (by default all)."""
        np = _numpy()
        front = self._fronts.known[-1]
        targets = front if places is None else front[np.array(places, dtype=np.int64)]
        columns = {variable: np.zeros(len(targets), np.int32) for variable in range(len(self._sizes))}
        for atom, at in self._fronts.way_back(self._circuit, targets):
            scope, row = self._atoms[atom]
            for variable, value in zip(scope, row, strict=True):
                columns[variable][at] = value
        return list(Batch(self._model, columns).architectures())

    def _priced(self, axes: Sequence[_Axis]) -> tuple[list[Table[int]], list[tuple[int, int]]]:
        """The factors of both metrics with atoms for rows, each with its pair of costs.

        Variables of which an architecture is made and no metric speaks have a factor of their own, so that the atoms of
        an architecture say what it is.
        """
        by_scope: dict[tuple[int, ...], dict[Row, tuple[int, int]]] = {}
        for first in axes[0].factors:
            by_scope[first.scope] = {row: (cost, 0) for row, cost in first.rows.items()}
        for second in axes[1].factors:
            other = by_scope.get(second.scope, dict.fromkeys(second.rows, (0, 0)))
            by_scope[second.scope] = {r: (other[r][0], cost) for r, cost in second.rows.items() if r in other}
        spoken = {variable for scope in by_scope for variable in scope}
        for variable in sorted(_telling(self._model) - spoken):
            by_scope[variable,] = {(value,): (0, 0) for value in range(self._sizes[variable])}
        self._atoms: list[tuple[tuple[int, ...], Row]] = [(scope, row) for scope in by_scope for row in by_scope[scope]]
        numbers = iter(range(len(self._atoms)))
        tables = [Table(scope, {row: next(numbers) for row in rows}) for scope, rows in by_scope.items()]
        return tables, [by_scope[scope][row] for scope, row in self._atoms]


def _telling(model: Model) -> set[int]:
    """The variables whose values say which architecture an assignment is."""
    links = {passage.groups for flow in model.flows.values() for passage in flow.links.values()}
    return {*model.choices.values(), *(flow.start for flow in model.flows.values()), *links}


class _Axis:
    """A metric as a sum of numbers from 0, the less the better.

    Attributes:
        factors: What the parts add.
        most: The sum is not above this.
    """

    def __init__(self, factors: Sequence[Factor], sense: Sense) -> None:
        self._sign = 1 if sense == "least" else -1
        lows = [min((self._sign * cost for cost in factor.rows.values()), default=0) for factor in factors]
        self._offset = sum(lows)
        over = [
            {row: self._sign * cost - low for row, cost in factor.rows.items()}
            for factor, low in zip(factors, lows, strict=True)
        ]
        self._unit = gcd(*(cost for rows in over for cost in rows.values())) or 1
        self.factors = [
            Factor(factor.scope, {row: cost // self._unit for row, cost in rows.items()})
            for factor, rows in zip(factors, over, strict=True)
        ]
        self.most = sum(max(factor.rows.values(), default=0) for factor in self.factors)

    def cost(self, total: int) -> int:
        """The cost that a sum stands for, in the metric's integer unit."""
        return self._sign * (self._offset + total * self._unit)


class _Fronts:
    """Fronts as arrays: arithmetic, and the way back.

    Args:
        pairs: The costs of each atom.
        most: For both costs a number that no sum exceeds.

    Attributes:
        known: For each sum of a circuit its front.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], most: Sequence[int]) -> None:
        np = _numpy()
        self._shift = most[1].bit_length()
        self._mask = (1 << self._shift) - 1
        self._type: Any = np.int64 if self._shift + most[0].bit_length() <= WORD else object
        self._atoms = [(first << self._shift) + second for first, second in pairs]
        self.known: list[Any] = []

    def pairs(self, front: Any) -> list[tuple[int, int]]:
        """The points of a front as pairs."""
        return [(point >> self._shift, point & self._mask) for point in front.tolist()]

    def evaluate(self, circuit: Circuit) -> None:
        """Find the fronts of all sums.

        Raises:
            NasError: They have more than `MAX_POINTS` points.
        """
        points = 0
        for products in circuit.sums:
            self.known.append(self._sum(products))
            points += len(self.known[-1])
            if points > MAX_POINTS:
                raise NasError(
                    f"the fronts of parts of this space have more than {MAX_POINTS:,} points together",
                    help="ask about a preset that narrows some decisions, or about a coarser cost",
                    status=3,
                )

    def _sum(self, products: Sequence[Product]) -> Any:
        np = _numpy()
        found, single = [], []
        for product in products:
            offset = self._offset(product)
            if not product.sums:
                single.append(offset)
            elif len(product.sums) == 1:
                found.append(self.known[product.sums[0]] + offset)
            else:
                found.append(self._times(*(self.known[n] for n in product.sums)) + offset)
        if single:
            found.append(np.array(single, self._type))
        return found[0] if len(found) == 1 and not single else self._best(np.concatenate(found))

    def _offset(self, product: Product) -> int:
        return sum(self._atoms[atom] for atom in product.atoms)

    def _times(self, a: Any, b: Any) -> Any:
        np = _numpy()
        few, many = (a, b) if len(a) <= len(b) else (b, a)
        if len(few) == 1:
            return many + few[0]
        size = max(CHUNK // len(many), 1)
        parts = [self._best((few[n : n + size, None] + many[None, :]).ravel()) for n in range(0, len(few), size)]
        return parts[0] if len(parts) == 1 else self._best(np.concatenate(parts))

    def _best(self, points: Any) -> Any:
        """The points that no other one beats, sorted: those with a second cost below that of all before them."""
        np = _numpy()
        points.sort(kind="stable")  # merges the sorted runs that points come in
        second = points & self._mask
        kept = np.ones(len(points), bool)
        kept[1:] = second[1:] < np.minimum.accumulate(second)[:-1]
        return points[kept]

    def way_back(self, circuit: Circuit, targets: Any) -> Iterable[tuple[int, Any]]:
        """How some points of the total come about.

        Yields:
            Atoms, each with the places of the points that it is a part of.
        """
        np = _numpy()
        waiting: list[list[tuple[Any, Any]]] = [[] for _ in circuit.sums]
        waiting[-1].append((np.arange(len(targets)), targets))
        for n in range(len(circuit.sums) - 1, -1, -1):
            if not waiting[n]:
                continue
            at = np.concatenate([places for places, _ in waiting[n]])
            points = np.concatenate([points for _, points in waiting[n]])
            waiting[n] = []
            for product in circuit.sums[n]:
                made, parts = self._made(product, points)
                for atom in product.atoms:
                    yield atom, at[made]
                for number, part in zip(product.sums, parts, strict=True):
                    waiting[number].append((at[made], part))
                at, points = at[~made], points[~made]
                if not len(at):
                    break

    def _made(self, product: Product, points: Any) -> tuple[Any, list[Any]]:
        """Which points a product makes, and of which points of its sums."""
        np = _numpy()
        left = points - self._offset(product)
        if not product.sums:
            return left == 0, []
        if len(product.sums) == 1:
            made = _has(self.known[product.sums[0]], left)
            return made, [left[made]]
        first, second = (self.known[n] for n in product.sums)
        swapped = len(first) > len(second)
        few, many = (second, first) if swapped else (first, second)
        made, chosen = np.zeros(len(left), bool), np.zeros(len(left), self._type)
        size = max(CHUNK // len(few), 1)
        for n in range(0, len(left), size):
            hits = _has(many, left[n : n + size, None] - few[None, :])
            made[n : n + size], chosen[n : n + size] = hits.any(axis=1), few[hits.argmax(axis=1)]
        parts = [chosen[made], (left - chosen)[made]]
        return made, parts[::-1] if swapped else parts


def _has(front: Any, points: Any) -> Any:
    """Which of some points a sorted array has."""
    np = _numpy()
    at = np.minimum(np.searchsorted(front, points), len(front) - 1)
    return front[at] == points


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise NasError("Pareto sets need numpy", help="pip install 'nasdsl[onnx]'", status=3) from None
    return numpy

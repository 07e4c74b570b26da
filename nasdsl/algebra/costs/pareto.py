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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from math import gcd
from typing import Any, Literal

from nasdsl.algebra.costs.costs import Costs
from nasdsl.algebra.costs.metrics import Part
from nasdsl.algebra.elimination.circuit import Circuit, Label, compiled
from nasdsl.algebra.elimination.factors import Factor
from nasdsl.algebra.model.batch import Batch
from nasdsl.algebra.model.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture

Sense = Literal["least", "most"]

Children = tuple[int, ...]
"""The nodes that a term goes on with."""

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
        self._model, self._decided = model, model.telling
        # The first cost in the upper bits.
        self._circuit = compiled(pricing.graph, [axes[1].factors, axes[0].factors], self._decided)
        if not self._circuit.nodes:
            raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")
        self._fronts = _Fronts(self._circuit)
        found = self._fronts.pairs(self._fronts.known[-1])
        self.costs = [(axes[0].cost(first), axes[1].cost(second)) for first, second in found]

    def architectures(self, places: Sequence[int] | None = None) -> list[Architecture]:
        """An architecture for each of some points (by default all)."""
        np = _numpy()
        front = self._fronts.known[-1]
        targets = front if places is None else front[np.array(places, dtype=np.int64)]
        columns = {variable: np.zeros(len(targets), np.int32) for variable in self._decided}
        for (variable, value), at in self._fronts.way_back(targets):
            columns[variable][at] = value
        return list(Batch(self._model, columns).architectures())


class _Axis:
    """A metric as a sum of numbers from 0, the less the better.

    Attributes:
        factors: What the parts add.
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

    def cost(self, total: int) -> int:
        """The cost that a sum stands for, in the metric's integer unit."""
        return self._sign * (self._offset + total * self._unit)


class _Fronts:
    """Fronts as arrays: arithmetic, and the way back.

    Args:
        circuit: A circuit of two costs, the first of a point in the upper bits of what terms cost.

    Attributes:
        known: For each node of the circuit its front.

    Raises:
        NasError: They have more than `MAX_POINTS` points.
    """

    def __init__(self, circuit: Circuit) -> None:
        np = _numpy()
        self._circuit = circuit
        self._mask = (1 << circuit.bits) - 1
        self._type: Any = np.int64 if 2 * circuit.bits <= WORD else object
        self._weights = [self._best(np.array(sorted(costs), self._type)) for costs in circuit.weights]
        self.known: list[Any] = []
        points = 0
        for node in circuit.merged:
            self.known.append(self._sum(node))
            points += len(self.known[-1])
            if points > MAX_POINTS:
                raise NasError(
                    f"the fronts of parts of this space have more than {MAX_POINTS:,} points together",
                    help="ask about a preset that narrows some decisions, or about a coarser cost",
                    status=3,
                )

    def pairs(self, front: Any) -> list[tuple[int, int]]:
        """The points of a front as pairs."""
        return [(point >> self._circuit.bits, point & self._mask) for point in front.tolist()]

    def _sum(self, node: Mapping[Children, int]) -> Any:
        np = _numpy()
        found = []
        for children, number in node.items():
            weights = self._weights[number]
            found.append(self._times(self._product(children), weights) if children else weights)
        return found[0] if len(found) == 1 else self._best(np.concatenate(found))

    def _product(self, children: Children) -> Any:
        """The front of the product of some nodes."""
        return reduce(self._times, (self.known[child] for child in children))

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

    def way_back(self, targets: Any) -> Iterator[tuple[Label, Any]]:
        """How some points of the whole come about.

        Yields:
            What is decided, each with the places of the points that it is decided for.
        """
        np = _numpy()
        nodes = self._circuit.nodes
        waiting: list[list[tuple[Any, Any]]] = [[] for _ in nodes]
        waiting[-1].append((np.arange(len(targets)), targets))
        for n in range(len(nodes) - 1, -1, -1):
            if not waiting[n]:
                continue
            at = np.concatenate([places for places, _ in waiting[n]])
            points = np.concatenate([points for _, points in waiting[n]])
            waiting[n] = []
            for cost, children, labels in nodes[n]:
                made, parts = self._split(children, points - cost)
                for label in labels:
                    yield label, at[made]
                for child, part in zip(children, parts, strict=True):
                    waiting[child].append((at[made], part))
                at, points = at[~made], points[~made]
                if not len(at):
                    break

    def _split(self, children: Children, points: Any) -> tuple[Any, list[Any]]:
        """Which points a product of nodes makes, and of which points of the nodes."""
        if not children:
            return points == 0, []
        first, *rest = children
        if not rest:
            made = _has(self.known[first], points)
            return made, [points[made]]
        made, chosen = self._halves(self.known[first], self._product(tuple(rest)), points)
        _, parts = self._split(tuple(rest), (points - chosen)[made])
        return made, [chosen[made], *parts]

    def _halves(self, first: Any, second: Any, points: Any) -> tuple[Any, Any]:
        """Which points are the sum of one of the first front and one of the second, and of which of the first."""
        np = _numpy()
        swapped = len(first) > len(second)
        few, many = (second, first) if swapped else (first, second)
        made, chosen = np.zeros(len(points), bool), np.zeros(len(points), self._type)
        size = max(CHUNK // len(few), 1)
        for n in range(0, len(points), size):
            hits = _has(many, points[n : n + size, None] - few[None, :])
            made[n : n + size], chosen[n : n + size] = hits.any(axis=1), few[hits.argmax(axis=1)]
        return made, points - chosen if swapped else chosen


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

"""Sums over all architectures in floating point, along a compiled elimination: vectorised, and differentiable.

Weights of factors are vectors over their rows. Arrays are numpy's, or PyTorch's where a gradient is wanted: tensors
bring their own functions, so nothing here imports PyTorch. All terms are non-negative, so nothing cancels; messages are
scaled to a greatest entry of one, so products over many decisions do not underflow.

The expectation of a cost that adds up over factors is carried along as the second half of pairs (weight, weight times
cost): the expectation semiring (Eisner, ACL 2002; Li and Eisner, EMNLP 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from math import inf, log, nan
from operator import mul
from typing import TYPE_CHECKING, Any, Protocol

from nasdsl.algebra.elimination.plan import Plan
from nasdsl.algebra.model.batch import numpy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

Vector = Any
"""A one-dimensional array of numpy or PyTorch, in double precision."""

Pair = tuple[Vector | None, Vector | None]
"""Weights, and weights times costs; None: all one, and all nothing."""


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A step with its indices as arrays."""

    variable: int
    sources: tuple[int, ...]
    places: tuple[Any, ...]
    targets: Any
    values: Integers
    size: int


class Sums:
    """Sums along a plan.

    Args:
        plan: The plan; it must be possible.
    """

    def __init__(self, plan: Plan) -> None:
        np = numpy()
        self.plan = plan
        self._steps = [
            _Indexed(
                step.variable,
                step.sources,
                tuple(np.array(places, np.int64) for places in step.places),
                np.array(step.targets, np.int64),
                np.array(step.values, np.int64),
                step.size,
            )
            for step in plan.steps
        ]
        self._on_device: dict[str, list[_Indexed]] = {}

    def expectation(self, weights: Mapping[int, Vector], costs: Mapping[int, Vector]) -> tuple[Any, Any]:
        """The logarithm of the total weight, and the weighted mean of the total cost.

        Args:
            weights: For some factors their rows' weights; those of the others are one. All of one library.
            costs: For some factors their rows' costs, times their weights; those of the others cost nothing.

        Returns:
            Two scalars; where the total weight is zero, minus infinity and "not a number".
        """
        some = next((weight for weight in weights.values() if hasattr(weight, "requires_grad")), None)
        library: _Library = _Numpy() if some is None else _Tensors(some)
        steps = self._steps if some is None else self._tensors(some)
        known: dict[int, Pair] = {n: (weights.get(n), costs.get(n)) for n in {*weights, *costs}}
        log_total, mean = library.zero, library.zero + sum(costs[n][0] for n in self.plan.constants if n in costs)
        for n, step in enumerate(steps):
            pair: Pair = (None, None)
            for source, places in zip(step.sources, step.places, strict=True):
                weight, cost = known.get(source, (None, None))
                pair = _product(pair, (_at(weight, places), _at(cost, places)))
            whole = library.ones(len(step.values)) if pair[0] is None else pair[0]
            message = library.segment_sum(whole, step.targets, step.size)
            scale = message.max().item()
            if not scale:
                return library.zero - inf, library.zero + nan
            second = None if pair[1] is None else library.segment_sum(pair[1], step.targets, step.size) / scale
            known[self.plan.factors + n] = (message / scale, second)
            log_total = log_total + log(scale)
        for root in self.plan.roots:
            total, second = known[self.plan.factors + root]
            assert total is not None
            log_total = log_total + library.log(total[0])
            mean = mean if second is None else mean + second[0] / total[0]
        return log_total, mean

    def marginals(self, weights: Mapping[int, Floats]) -> dict[int, Floats]:
        """For every variable the share of each of its values in the total weight, which must not be zero.

        The derivative of log(total) by the logarithm of a weight: one pass up, one down.
        """
        known: dict[int, Floats] = dict(weights)
        products, scales = [], []
        for n, step in enumerate(self._steps):
            product = self._product(n, known)
            message = _added(product, step.targets, step.size)
            scales.append(float(message.max()))
            products.append(product)
            known[self.plan.factors + n] = message / scales[-1]
        outside: dict[int, Floats] = {
            root: 1 / known[self.plan.factors + root] for root in self.plan.roots
        }  # by step: what an entry of its scaled message is multiplied with in the total, over the total
        found: dict[int, Floats] = {}
        for n in range(len(self._steps) - 1, -1, -1):
            step = self._steps[n]
            above = (outside.pop(n) / scales[n])[step.targets]
            found[step.variable] = _added(above * products[n], step.values)
            for child, place in self.plan.children(self.plan.steps[n]):
                share = above * self._product(n, known, place)
                size = self.plan.steps[child].size
                outside[child] = _added(share, step.places[place], size)
        return found

    def _product(self, n: int, known: Mapping[int, Floats], without: int | None = None) -> Floats:
        """The products of a step, without one of its sources."""
        step = self._steps[n]
        factors = [
            known[source][places]
            for place, (source, places) in enumerate(zip(step.sources, step.places, strict=True))
            if place != without and source in known
        ]
        return reduce(mul, factors) if factors else numpy().ones(len(step.values))

    def best(self, logs: Mapping[int, Floats]) -> tuple[float, dict[int, int]]:
        """The assignment with the greatest sum of logarithms of weights, and that sum.

        Max-plus with back-pointers (Viterbi); of several the one with the smallest values of what is eliminated last.

        Args:
            logs: For some factors the logarithms of their rows' weights; those of the others are nothing.
        """
        np = numpy()
        known: dict[int, Floats] = dict(logs)
        arg: list[Integers] = []
        for n, step in enumerate(self._steps):
            total = np.zeros(len(step.values))
            for source, places in zip(step.sources, step.places, strict=True):
                if source in known:
                    total += known[source][places]
            starts = np.flatnonzero(np.diff(step.targets, prepend=-1))
            message = np.maximum.reduceat(total, starts) if len(starts) else total
            reached = np.flatnonzero(total == message[step.targets])
            arg.append(reached[np.unique(step.targets[reached], return_index=True)[1]])
            known[self.plan.factors + n] = message
        row = dict.fromkeys(self.plan.roots, 0)
        found: dict[int, int] = {}
        for n in range(len(self._steps) - 1, -1, -1):
            step, product = self._steps[n], arg[n][row[n]]
            found[step.variable] = int(step.values[product])
            for child, place in self.plan.children(self.plan.steps[n]):
                row[child] = int(step.places[place][product])
        return sum((float(known[self.plan.factors + root][0]) for root in self.plan.roots), start=0.0), found

    def _tensors(self, some: Any) -> list[_Indexed]:
        """The steps with their indices as tensors on the device of a tensor."""
        device = str(some.device)
        if device not in self._on_device:
            integers = some.new_zeros(0).long()
            self._on_device[device] = [
                _Indexed(
                    step.variable,
                    step.sources,
                    tuple(integers.new_tensor(places) for places in step.places),
                    integers.new_tensor(step.targets),
                    step.values,
                    step.size,
                )
                for step in self._steps
            ]
        return self._on_device[device]


class _Library(Protocol):
    """What sums need of an array library."""

    zero: Any

    def ones(self, size: int) -> Vector: ...

    def log(self, scalar: Any) -> Any: ...

    def segment_sum(self, vector: Vector, targets: Any, size: int) -> Vector: ...


class _Numpy:
    zero: Any = 0.0

    def ones(self, size: int) -> Vector:
        return numpy().ones(size)

    def log(self, scalar: Any) -> Any:
        return log(scalar)

    def segment_sum(self, vector: Vector, targets: Any, size: int) -> Vector:
        return _added(vector, targets, size)


class _Tensors:
    """PyTorch, by the methods of one of its tensors."""

    def __init__(self, some: Any) -> None:
        self._some, self.zero = some, some.new_zeros(())

    def ones(self, size: int) -> Vector:
        return self._some.new_ones(size)

    def log(self, scalar: Any) -> Any:
        return scalar.log()

    def segment_sum(self, vector: Vector, targets: Any, size: int) -> Vector:
        return vector.new_zeros(size).index_add(0, targets, vector)


def _added(vector: Floats, targets: Integers, size: int = 0) -> Floats:
    found: Floats = numpy().bincount(targets, weights=vector, minlength=size).astype(float, copy=False)
    return found


def _at(vector: Vector | None, places: Any) -> Vector | None:
    return None if vector is None else vector[places]


def _product(a: Pair, b: Pair) -> Pair:
    """The product of two pairs (w, w c): None is a weight of one and a cost of nothing."""
    weight = b[0] if a[0] is None else a[0] if b[0] is None else a[0] * b[0]
    left = None if b[1] is None else b[1] if a[0] is None else a[0] * b[1]
    right = None if a[1] is None else a[1] if b[0] is None else a[1] * b[0]
    return weight, right if left is None else left if right is None else left + right

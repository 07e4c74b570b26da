"""How many architectures have which costs: the polynomials of a circuit, each within the window that matters.

In the polynomial of a node the coefficient of x^c counts what costs c. Two passes over the circuit come first: upwards,
the least and the greatest cost of every node; downwards, the least that what surrounds a node adds. What exceeds a
limit with even that is never computed, and how long every polynomial is, and what all of them take, is known before the
first is made.

Where costs are counted in steps, each term rounds its own down to whole steps, and the same passes say how much that
takes off an architecture at least and at most: so the limits in steps that surely keep and surely break a limit are
known, and one computation serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, prod
from operator import add

from nasdsl.algebra.elimination.circuit import Circuit

WORD = 48
"""Bits of a coefficient that a machine word holds; the others are room for sums."""

LONG_STEP = 50
"""Bytes that additions read while Python multiplies two digits of long integers; measured."""

Point = tuple[int, ...]
"""A cost in steps on each axis."""

Children = tuple[int, ...]
"""The nodes that a term goes on with."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A metric whose costs are told apart.

    Attributes:
        metric: Its number.
        sign: -1 to turn its costs around, so that a limit from below is one from above.
        step: How many units are counted as one.
        most: The greatest cost that is wanted, in units times `sign`; None: all.
        least: The least.
    """

    metric: int
    sign: int = 1
    step: int = 1
    most: int | None = None
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What is computed of the polynomial of a node.

    Attributes:
        low: The lowest exponent on each axis.
        shape: How many exponents from there on; a 0: nothing.
        size: A bound on the coefficients.
    """

    low: Point
    shape: Point
    size: int

    @property
    def words(self) -> int:
        """Machine words of a coefficient."""
        return self.size.bit_length() // WORD + 1

    @property
    def bytes(self) -> int:
        """Of all coefficients."""
        return 8 * self.words * prod(self.shape)


class Plan:
    """The polynomials of a circuit, before they are computed.

    Args:
        circuit: The circuit of at least one architecture.
        axes: Which costs to tell apart.

    Attributes:
        windows: One for each node.
        spans: How many exponents the whole sum has on each axis, limits aside.
        taken: For each axis how many units rounding takes off an architecture at least and at most.
        work: Bytes that all additions read.
        memory: Bytes that are in use at one time.
    """

    def __init__(self, circuit: Circuit, axes: Sequence[Axis]) -> None:
        self._circuit, self._axes = circuit, axes
        exact = [
            [[axis.sign * circuit.costs(cost)[axis.metric] for cost in weights] for weights in circuit.weights]
            for axis in axes
        ]
        steps = [[[units // axis.step for units in own] for own in of] for of, axis in zip(exact, axes, strict=True)]
        self._points = [
            _together(zip(zip(*own, strict=True), weights.values(), strict=True))
            for *own, weights in zip(*steps, circuit.weights, strict=True)
        ]
        self.taken = []
        for of, axis in zip(exact, axes, strict=True):
            residues = [[units % axis.step for units in own] for own in of]
            least, most = (extremes(circuit, residues, best)[-1] if axis.step > 1 else 0 for best in (min, max))
            self.taken.append((least, most))
        self.spans: list[int] = []
        windows = [self._window(n, of) for n, of in enumerate(steps)]
        sizes = circuit.sizes
        self.windows = [
            Window(tuple(low for low, _ in own), tuple(length for _, length in own), size)
            for *own, size in zip(*windows, sizes, strict=True)
        ]
        self.work, self.memory = self._estimate()

    def kept(self, number: int, *, sure: bool) -> tuple[float, float]:
        """The first and the last cost in steps on an axis of which all (sure) or some may be wanted."""
        axis, (least, most) = self._axes[number], self.taken[number]
        first = -inf if axis.least is None else -(((least if sure else most) - axis.least) // axis.step)
        last = inf if axis.most is None else (axis.most - (most if sure else least)) // axis.step
        return first, last

    def _window(self, number: int, steps: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
        """The lowest exponent of each node on an axis, and how many there are."""
        merged, (_, last) = self._circuit.merged, self.kept(number, sure=False)
        low, high = extremes(self._circuit, steps, min), extremes(self._circuit, steps, max)
        self.spans.append(high[-1] - low[-1] + 1)
        own = [min(some) for some in steps]
        rest: list[int | None] = [None] * len(merged)
        rest[-1] = 0
        for n in range(len(merged) - 1, -1, -1):
            outside = rest[n]
            if outside is None or outside + low[n] > last:
                continue
            for children, weights in merged[n].items():
                least = outside + own[weights] + sum([low[child] for child in children])
                for child in children:
                    known, without = rest[child], least - low[child]
                    rest[child] = without if known is None else min(known, without)
        found = []
        for bottom, top, outside in zip(low, high, rest, strict=True):
            end = bottom - 1 if outside is None else min(top, last - outside)
            found.append((bottom, max(int(end) - bottom + 1, 0)))
        return found

    def _estimate(self) -> tuple[int, int]:
        size = [window.bytes for window in self.windows]
        work = memory = most = 0
        for window, node, freed in zip(self.windows, self._circuit.merged, self.freed(), strict=True):
            own, needed = window.bytes, 0
            for children, weights in node.items() if own else ():
                added = max([size[child] for child in children], default=0)
                if len(children) > 1 and all(size[child] for child in children):
                    steps, added = product_work([self.windows[child].shape for child in children], window.words)
                    work, needed = work + steps, max(needed, 3 * added)
                work += len(self._points[weights]) * min(own, added)
            memory += own
            most = max(most, memory + needed)
            memory -= sum([size[child] for child in freed])
        return work, most

    def freed(self) -> list[list[int]]:
        """For each node those that are not needed after it."""
        found: list[list[int]] = [[] for _ in self.windows]
        last = {child: n for n, node in enumerate(self._circuit.merged) for children in node for child in children}
        for child, n in last.items():
            found[n].append(child)
        return found

    def terms(self, number: int) -> Iterator[tuple[Children, list[tuple[Point, int]]]]:
        """What a node adds up: for some children how often each shift of their product, in its window."""
        low = self.windows[number].low
        for children, weights in self._circuit.merged[number].items():
            base = [sum([self.windows[c].low[axis] for c in children]) - own for axis, own in enumerate(low)]
            yield children, [(tuple(map(add, point, base)), count) for point, count in self._points[weights].items()]


def product_work(shapes: Sequence[Point], words: int) -> tuple[int, int]:
    """What it takes to multiply polynomials as long integers: as many bytes as additions read in that time, and the
    bytes of the product. Python's method is Karatsuba's, of n^1.585 steps, and takes the longer number in pieces.
    """
    work, whole = 0, list(shapes[0])
    for shape in shapes[1:]:
        joined = [m + n - 1 for m, n in zip(whole, shape, strict=True)]
        row = WORD // 8 * words * prod(joined[1:])
        short, long = sorted((row * whole[0], row * shape[0]))
        work += int(LONG_STEP * long / short * (short / 4) ** 1.585)
        whole = joined
    return work, WORD // 8 * words * prod(whole)


def extremes(circuit: Circuit, values: Sequence[Sequence[int]], best: Callable[[Iterable[int]], int]) -> list[int]:
    """For each node the least or the greatest sum of the values of its terms, one for each cost of the weights."""
    of = [best(own) for own in values]
    found: list[int] = []
    for node in circuit.merged:
        found.append(best([of[n] + sum([found[child] for child in children]) for children, n in node.items()]))
    return found


def _together(weights: Iterable[tuple[Point, int]]) -> dict[Point, int]:
    """How many terms have each cost in steps."""
    found: dict[Point, int] = {}
    for point, count in weights:
        found[point] = found.get(point, 0) + count
    return found

"""Computing the polynomials of a plan: with numpy as arrays of machine words, else as Python integers.

Both are exact. Adding a polynomial at a shift is all that is needed but for products of two long ones, and that is what
arrays are good at: a coefficient is spread over words of 48 bits each, sums go into the 16 bits above, and before these
could overflow, carries are propagated. Products, which are rare, go through Python's long integers: 48 bits are six
bytes, so a polynomial becomes the bytes of one number with a field for each coefficient (Kronecker substitution).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING

from nasdsl.algebra.elimination.polynomial import Polynomial, Polynomials
from nasdsl.algebra.elimination.windows import WORD, Plan, Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

FULL = (1 << WORD) - 1
"""The greatest number a word holds once carries are propagated."""

ROOM = 1 << 64
"""What no word reaches."""

SPARE = 1 << 57
"""Words are kept below this between nodes."""


def affordable(axes: int) -> int:
    """About how many bytes additions read in some seconds; with several axes they are in short pieces."""
    if not find_spec("numpy"):
        return 6_000_000_000
    return 40_000_000_000 if axes == 1 else 12_000_000_000


def coefficients(plan: Plan) -> Iterator[tuple[Point, int]]:
    """How many architectures have each cost in steps; some of those that cannot keep a limit may be missing."""
    return _words(plan) if find_spec("numpy") else packed(plan)


def packed(plan: Plan) -> Iterator[tuple[Point, int]]:
    """The same by Python's integers alone."""
    lengths = (plan.windows[-1].shape[0], *plan.spans[1:])
    scales = [prod(lengths[n + 1 :]) for n in range(len(lengths))]
    root = plan.windows[-1]
    polynomials = Polynomials(root.size.bit_length() // 8 * 8 + 8, max(prod(lengths) - 1, 0))
    found: dict[int, Polynomial] = {}
    for n, freed in enumerate(plan.freed()):
        total: Polynomial = 0
        if all(plan.windows[n].shape):
            for children, shifts in plan.terms(n):
                few: dict[int, int] = {}
                for shift, count in shifts:
                    few[sum(map(int.__mul__, shift, scales))] = count
                value = polynomials.times(few, {0: 1})
                for child in children:
                    value = polynomials.times(value, found[child])
                total = polynomials.plus(total, value)
        found[n] = total
        for child in freed:
            del found[child]
    for exponent, count in polynomials.terms(found[len(plan.windows) - 1]):
        point = []
        for scale in scales:
            place, exponent = divmod(exponent, scale)
            point.append(place)
        yield tuple(map(int.__add__, point, root.low)), count


class _Polynomial:
    """A polynomial as words.

    Args:
        words: [the words of a coefficient, the lowest first; the exponents of each axis].
        most: No word is greater.
    """

    def __init__(self, words: Words, most: int) -> None:
        self.words, self.most, self.shape = words, most, words.shape[1:]

    def carry(self) -> None:
        """Leave `WORD` bits in each word."""
        for lower, upper in zip(self.words[:-1], self.words[1:], strict=True):
            upper += lower >> WORD
            lower &= FULL
        self.most = FULL

    def add(self, other: _Polynomial, shift: Point, count: int) -> None:
        """Add another, shifted, some times; what falls off the end is dropped."""
        lengths = [min(n, own - by) for n, own, by in zip(other.shape, self.shape, shift, strict=True)]
        if min(lengths) <= 0 or not other.most:
            return
        part = other.words[:, *[slice(length) for length in lengths]]
        target = self.words[: len(part), *[slice(by, by + n) for by, n in zip(shift, lengths, strict=True)]]
        while count:
            if self.most + other.most >= ROOM:
                self.carry()
            if self.most + other.most >= ROOM:
                other.carry()
            times = min(count, (ROOM - 1 - self.most) // other.most)
            target += part if times == 1 else part * target.dtype.type(times)
            self.most += times * other.most
            count -= times


def _words(plan: Plan) -> Iterator[tuple[Point, int]]:
    import numpy as np

    found: dict[int, _Polynomial] = {}
    one = _Polynomial(np.ones((1, *(1 for _ in plan.spans)), np.uint64), 1)
    for n, (window, freed) in enumerate(zip(plan.windows, plan.freed(), strict=True)):
        if all(window.shape):
            total = _Polynomial(np.zeros((window.words, *window.shape), np.uint64), 0)
            for children, shifts in plan.terms(n):
                if all(child in found for child in children):
                    part = one if not children else found[children[0]]
                    for child in children[1:]:
                        part = _product(part, found[child], window.words)
                    for shift, count in shifts:
                        total.add(part, shift, count)
            if total.most >= SPARE:
                total.carry()
            found[n] = total
        for child in freed:
            found.pop(child, None)
    root = found.get(len(plan.windows) - 1)
    if root is not None:
        root.carry()
        for point in zip(*(axis.tolist() for axis in np.nonzero(root.words.any(axis=0))), strict=True):
            count = sum(int(word) << WORD * n for n, word in enumerate(root.words[:, *point].tolist()))
            yield tuple(map(int.__add__, point, plan.windows[-1].low)), count


def _product(a: _Polynomial, b: _Polynomial, words: int) -> _Polynomial:
    """The product, whose coefficients have some number of words."""
    shape = [m + n - 1 for m, n in zip(a.words.shape[1:], b.words.shape[1:], strict=True)]
    size = prod(shape)
    value = _number(a, words, shape) * _number(b, words, shape)
    return _Polynomial(_from_bytes(value.to_bytes(6 * words * size, "little"), words, shape), FULL)


def _number(a: _Polynomial, words: int, shape: Sequence[int]) -> int:
    """A polynomial as one number, with the fields of a longer one."""
    import numpy as np

    a.carry()
    wide = np.zeros((*shape, words), np.uint64)
    wide[*(slice(n) for n in a.words.shape[1:]), : len(a.words)] = np.moveaxis(a.words, 0, -1)
    return int.from_bytes(wide.view(np.uint8).reshape(-1, 8)[:, :6].tobytes(), "little")


def _from_bytes(data: bytes, words: int, shape: Sequence[int]) -> Words:
    import numpy as np

    wide = np.zeros((prod(shape) * words, 8), np.uint8)
    wide[:, :6] = np.frombuffer(data, np.uint8).reshape(-1, 6)
    return np.ascontiguousarray(np.moveaxis(wide.view("<u8").reshape(*shape, words), -1, 0)).astype(np.uint64)

"""Uniform architectures by the million: the way back through the buckets, for many architectures at once.

What `nasdsl.algebra.elimination.descent` does with one index, this does with arrays: at each bucket every
architecture of a batch draws a value of the variable, each value as likely as there are ways to go on with it. A draw
takes 32 random bits; where these do not yet say on which side of a border between two values it falls, more are
taken, as many as it needs, and compared in integers. So the draws are uniform exactly, not up to rounding.

Needs numpy, which comes with the extras `torch` and `onnx`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.elimination.descent import Descent, Options, Step
from nasdsl.algebra.elimination.factors import Row
from nasdsl.algebra.model.batch import Batch, numpy
from nasdsl.algebra.model.model import Model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.int32]

BITS = 32
"""Random bits of a draw, unless it needs more."""

CHUNK = 16_384
"""Architectures drawn together: few enough for their columns to stay in the cache."""


class ArraySampler:
    """Draws assignments as arrays, each as likely as its weight.

    Args:
        descent: The way back through an elimination whose total is not 0.
        model: The space.
        bits: Random bits of a draw, unless it needs more; at most 32.

    Raises:
        NasError: There is no numpy.
    """

    def __init__(self, descent: Descent, model: Model, bits: int = BITS) -> None:
        numpy()
        self._model = model
        rows: list[dict[Row, int]] = [{} for _ in descent.steps]
        for root in descent.roots:
            rows[root][()] = 0
        self._columns = []
        for n in range(len(descent.steps) - 1, -1, -1):
            self._columns.append(_Column(n, descent.steps[n], rows, bits))
        self._roots = descent.roots

    def draw(self, count: int, seed: int) -> Iterator[Batch]:
        """Assignments, the same for the same seed, in batches of at most `CHUNK`."""
        source = numpy().random.PCG64(seed)
        for start in range(0, count, CHUNK):
            yield self.batch(min(CHUNK, count - start), source)

    def batch(self, size: int, source: Any) -> Batch:
        """One batch, with the bits of a numpy bit generator."""
        np = numpy()
        rows: dict[int, Array] = {root: np.zeros(size, np.int32) for root in self._roots}
        found: dict[int, Array] = {}
        for column in self._columns:
            found[column.variable] = column.draw(rows, source)
        return Batch(self._model, found)


class _Column:
    """How the value of one variable is drawn, given the row of its bucket's message that an architecture is in.

    Args:
        number: The number of the bucket.
        step: The way back through it.
        rows: For each bucket the rows that an architecture can be in, numbered; those of its children are added.
        bits: Random bits of a draw.
    """

    def __init__(self, number: int, step: Step, rows: Sequence[dict[Row, int]], bits: int) -> None:
        np = numpy()
        self.variable, self._bucket, self._bits = step.variable, number, bits
        own = list(rows[number])
        self._options = [step.options(row) for row in own]
        self._most = most = max(len(options.values) for options in self._options)
        values = np.zeros((len(own), most), dtype=np.int32)
        borders = np.full((len(own), most - 1), 1 << bits, dtype=np.uint64)
        below = [(child, np.zeros((len(own), most), dtype=np.int32)) for child, _ in step.children]
        for n, (row, options) in enumerate(zip(own, self._options, strict=True)):
            values[n, : len(options.values)] = options.values
            borders[n, : len(options.values) - 1] = [(end << bits) // options.ends[-1] for end in options.ends[:-1]]
            for (child, (pick, _)), (_, table) in zip(step.children, below, strict=True):
                table[n, : len(options.values)] = [
                    rows[child].setdefault(pick((*row, value)), len(rows[child])) for value in options.values
                ]
        self._values, self._borders = values.ravel(), np.ascontiguousarray(borders.T)
        self._below = [(child, table.ravel()) for child, table in below]
        self._number = np.array([len(options.values) for options in self._options], dtype=np.uint64)
        self._alike = all(options.alike for options in self._options)

    def draw(self, rows: dict[int, Array], source: Any) -> Array:
        """A value for each architecture of a batch; its rows in the buckets below are added to `rows`."""
        np = numpy()
        place = row = rows.pop(self._bucket)
        if self._most > 1:
            u = source.random_raw((len(row) + 1) // 2).view(np.uint32)[: len(row)].astype(np.uint64)
            u >>= np.uint64(32 - self._bits)
            chosen, unsure = self._equal(u, row) if self._alike else self._weighted(u, row)
            for n in np.flatnonzero(unsure).tolist():
                chosen[n] = _settled(self._options[row[n]], int(u[n]), self._bits, source)
            place = row * self._most + chosen
        for child, table in self._below:
            rows[child] = table.take(place)
        values: Array = self._values.take(place)
        return values

    def _equal(self, u: Any, row: Array) -> tuple[Array, Any]:
        """Which of equally likely values each draw falls on, and where that is not sure."""
        np = numpy()
        number = self._number.take(row)
        scaled = u * number
        place = (scaled >> np.uint64(self._bits)).astype(np.int32)
        scaled &= np.uint64((1 << self._bits) - 1)
        return place, scaled + number > np.uint64(1 << self._bits)

    def _weighted(self, u: Any, row: Array) -> tuple[Array, Any]:
        """The same where some values are likelier than others."""
        np = numpy()
        place, unsure = np.zeros(len(u), dtype=np.int32), np.zeros(len(u), dtype=bool)
        for borders in self._borders:
            border = borders.take(row)
            place += u >= border
            unsure |= u == border
        return place, unsure


def _settled(options: Options, u: int, bits: int, source: Any) -> int:
    """Which value a draw falls on whose first bits are `u`: more bits are taken until that is sure."""
    while True:
        place = bisect_right(options.ends, u * options.ends[-1] >> bits)
        if (u + 1) * options.ends[-1] <= options.ends[place] << bits:
            return place
        u, bits = u << 64 | int(source.random_raw()), bits + 64

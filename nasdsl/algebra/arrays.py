"""Uniform architectures by the million: the way back through the buckets, for many architectures at once.

What `nasdsl.algebra.descent` does with one index, this does with arrays: at each bucket every architecture of a batch
draws a value of the variable, each value as likely as there are ways to go on with it. A draw takes 32 random bits;
where these do not yet say on which side of a border between two values it falls, more are taken, as many as it needs,
and compared in integers. So the draws are uniform exactly, not up to rounding.

Needs numpy, which comes with the extras `torch` and `onnx`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.descent import Descent, Options, Step
from nasdsl.algebra.factors import FactorGraph, Row
from nasdsl.algebra.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.int32]

BITS = 32
"""Random bits of a draw, unless it needs more."""

CHUNK = 16_384
"""Architectures drawn together: few enough for their columns to stay in the cache."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Architectures as columns.

    Attributes:
        model: The factor graph of their space.
        columns: For each variable of it the number of its value in each architecture.
    """

    model: Model
    columns: Mapping[int, Array]

    def column(self, path: str) -> Array:
        """The values of a decision, as numbers: 0 where it is dead, 1 for the first value of its domain (for a pick:
        of its subsets in the order of `itertools.combinations`), and so on. Routes have no column.
        """
        return self.columns[self.model.choices[path]]

    def architectures(self) -> Iterator[Architecture]:
        """The architectures as objects."""
        space, variables = self.model.space, self.model.graph.variables
        paths = sorted(self.model.choices)
        named = []
        for path in paths:
            values = variables[self.model.choices[path]].values
            named.append([values[n] for n in self.column(path).tolist()])
        size = len(next(iter(self.columns.values()), ()))
        rows: Iterator[tuple[Any, ...]] = zip(*named, strict=True) if named else iter([()] * size)
        for row, ways in zip(rows, self._ways(size), strict=True):
            decisions: dict[str, Value] = {p: value for p, value in zip(paths, row, strict=True) if value is not None}
            decisions.update(ways)
            yield Architecture(space.name, decisions, space.preset)

    def _ways(self, size: int) -> Iterator[Mapping[str, Value]]:
        """The live routes of each architecture; those of equal links are made once."""
        import numpy as np

        used = [v for flow in self.model.flows.values() for v in (flow.start, *(p.groups for p in flow.links.values()))]
        if not used:
            yield from ({} for _ in range(size))
            return
        keys = np.stack([self.columns[variable] for variable in used], axis=1).astype(np.int16)
        known: dict[bytes, Mapping[str, Value]] = {}
        for key in keys:
            text = key.tobytes()
            if text not in known:
                known[text] = self.model.ways(dict(zip(used, key.tolist(), strict=True)))
            yield known[text]


class ArraySampler:
    """Draws assignments as arrays, each as likely as its weight.

    Args:
        descent: The way back through an elimination whose total is not 0.
        model: The space.
        graph: The graph that was eliminated, if it is not that of the model but one that extends it.
        bits: Random bits of a draw, unless it needs more; at most 32.

    Raises:
        NasError: There is no numpy.
    """

    def __init__(self, descent: Descent, model: Model, graph: FactorGraph | None = None, bits: int = BITS) -> None:
        numpy()
        self._model = model
        size_of = (graph or model.graph).size
        self._columns = [_Column(step, size_of, bits) for step in reversed(descent.steps)]

    def draw(self, count: int, seed: int) -> Iterator[Batch]:
        """Assignments, the same for the same seed, in batches of at most `CHUNK`."""
        source = numpy().random.PCG64(seed)
        for start in range(0, count, CHUNK):
            yield self.batch(min(CHUNK, count - start), source)

    def batch(self, size: int, source: Any) -> Batch:
        """One batch, with the bits of a numpy bit generator."""
        found: dict[int, Array] = {}
        for column in self._columns:
            found[column.variable] = column.draw(found, size, source)
        return Batch(self._model, found)


def numpy() -> Any:
    """The library.

    Raises:
        NasError: It is not there.
    """
    try:
        import numpy
    except ImportError:
        raise NasError("drawing arrays needs numpy", help="pip install 'nasdsl[onnx]'", status=3) from None
    return numpy


class _Column:
    """How the value of one variable is drawn, given those it depends on.

    Args:
        step: The way back through its bucket.
        size_of: How many values a variable has.
        bits: Random bits of a draw.
    """

    def __init__(self, step: Step, size_of: Callable[[int], int], bits: int) -> None:
        import numpy as np

        rows = step.rows
        self.variable, self._given, self._bits = step.variable, step.given, bits
        self._lookups = lookups(rows, [size_of(variable) for variable in step.given])
        self._options = [step.options(row) for row in rows]
        self._most = most = max(len(options.values) for options in self._options)
        values = np.zeros((len(rows), most), dtype=np.int32)
        borders = np.full((len(rows), most - 1), 1 << bits, dtype=np.uint64)
        for n, options in enumerate(self._options):
            values[n, : len(options.values)] = options.values
            borders[n, : len(options.values) - 1] = [(end << bits) // options.ends[-1] for end in options.ends[:-1]]
        self._values, self._borders = values.ravel(), np.ascontiguousarray(borders.T)
        self._number = np.array([len(options.values) for options in self._options], dtype=np.uint64)
        self._alike = all(options.alike for options in self._options)

    def draw(self, found: Mapping[int, Array], size: int, source: Any) -> Array:
        """A value for each architecture of a batch, given the values of other variables."""
        import numpy as np

        row = np.zeros(size, dtype=np.int32)
        for variable, (values, table) in zip(self._given, self._lookups, strict=True):
            row = table.take(row * values + found[variable])
        if self._most == 1:
            return self._values.take(row)
        u = source.random_raw((size + 1) // 2).view(np.uint32)[:size].astype(np.uint64)
        u >>= np.uint64(32 - self._bits)
        place, unsure = self._equal(u, row) if self._alike else self._weighted(u, row)
        for n in np.flatnonzero(unsure).tolist():
            place[n] = _settled(self._options[row[n]], int(u[n]), self._bits, source)
        return self._values.take(row * self._most + place)

    def _equal(self, u: Any, row: Array) -> tuple[Array, Any]:
        """Which of equally likely values each draw falls on, and where that is not sure."""
        import numpy as np

        number = self._number.take(row)
        scaled = u * number
        place = (scaled >> np.uint64(self._bits)).astype(np.int32)
        scaled &= np.uint64((1 << self._bits) - 1)
        return place, scaled + number > np.uint64(1 << self._bits)

    def _weighted(self, u: Any, row: Array) -> tuple[Array, Any]:
        """The same where some values are likelier than others."""
        import numpy as np

        place, unsure = np.zeros(len(u), dtype=np.int32), np.zeros(len(u), dtype=bool)
        for borders in self._borders:
            border = borders.take(row)
            place += u >= border
            unsure |= u == border
        return place, unsure


def lookups(rows: Sequence[Row], sizes: Sequence[int]) -> list[tuple[int, Array]]:
    """Tables that turn a row, one variable after the other, into its place in a list: from the place of what came
    before times the variable's number of values plus its value, to the place of both.
    """
    import numpy as np

    before: dict[Row, int] = {(): 0}
    found = []
    for depth, size in enumerate(sizes, start=1):
        after: dict[Row, int] = {}
        table = np.zeros(len(before) * size, dtype=np.int32)
        for row in rows:
            table[before[row[: depth - 1]] * size + row[depth - 1]] = after.setdefault(row[:depth], len(after))
        found.append((size, table))
        before = after
    return found


def _settled(options: Options, u: int, bits: int, source: Any) -> int:
    """Which value a draw falls on whose first bits are `u`: more bits are taken until that is sure."""
    while True:
        place = bisect_right(options.ends, u * options.ends[-1] >> bits)
        if (u + 1) * options.ends[-1] <= options.ends[place] << bits:
            return place
        u, bits = u << 64 | int(source.random_raw()), bits + 64

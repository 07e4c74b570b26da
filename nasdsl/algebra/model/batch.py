"""Architectures as columns: many at once, as numpy arrays.

Needs numpy, which comes with the extras `torch` and `onnx`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.model.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.int32]


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
        np = numpy()
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

"""Latencies of all 15,625 architectures of NAS-Bench-201 on many devices, as published with HELP (Lee et al., NeurIPS
2021): a .npz file with `arch`, the architectures as texts, and `lat_ms/DEVICE_BATCH`.

Where a latency is a sum over the six edges to a millionth, the table has an entry for each edge and operation;
elsewhere one for each architecture, which is as good and reads every way a sum does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published.files import arrays, chosen, identifier, names
from nasdsl.hardware.table import Entry, Table
from nasdsl.ir.graph import Graph
from nasdsl.notations import read_notation
from nasdsl.passes.prices import CALL, of_values

_PREFIX = "lat_ms/"
EXACT = 1e-6
"""Relative error up to which a latency counts as a sum."""


def read(path: Path, device: str | None, space: Graph | None) -> Table:
    """The table of one device.

    Raises:
        NasError: The file is not in this form, or no space is given.
    """
    if space is None:
        help_ = "name it: spaces/nasbench201.nas"
        raise NasError("NAS-Bench-201's tables price the decisions of a space", help=help_, status=2)
    name = chosen(path, device, [n.removeprefix(_PREFIX) for n in names(path) if n.startswith(_PREFIX)])
    content = arrays(path, ["arch", _PREFIX + name])
    texts, ms = [str(text) for text in content["arch"]], np.asarray(content[_PREFIX + name], dtype=np.float64)
    if len(texts) != len(ms) or not np.isfinite(ms).all() or not (ms > 0).all():
        raise NasError(f"{path}: `{_PREFIX}{name}`: expected a positive latency for each of {len(texts)} architectures")
    paths = list(read_notation("nasbench201", texts[0], space).decisions)
    rows = [_operations(path, text, paths, space) for text in texts]
    labels = sorted({label for row in rows for label in row})
    costs, constant = _as_sum(rows, labels, ms)
    if costs is None:
        entries = {of_values(paths, row): Entry(ms=float(own)) for row, own in zip(rows, ms, strict=True)}
        groups: tuple[tuple[str, ...], ...] = (tuple(paths),)
    else:
        entries = {
            of_values([path_], [label]): Entry(ms=max(0.0, float(costs[edge, n])))
            for edge, path_ in enumerate(paths)
            for n, label in enumerate(labels)
        }
        entries[CALL] = Entry(ms=constant)
        groups = tuple((path_,) for path_ in paths)
    batch = re.search(r"_(\d+)$", name)
    return Table(
        device=identifier(name),
        machine=name,
        threads=1,
        batch=int(batch[1]) if batch else 1,
        source=f"NAS-Bench-201's architectures on {name}, {'a sum over edges' if costs is not None else 'one by one'}",
        space=space.name,
        decisions=groups,
        entries=entries,
    )


def _operations(path: Path, text: str, paths: list[str], space: Graph) -> tuple[str, ...]:
    """The operations of an architecture, in the order of the decisions."""
    found = tuple(re.findall(r"([a-z_0-9]+)~[0-9]", text))
    if len(found) != len(paths):
        raise NasError(f"{path}: `{text}` is no architecture with {len(paths)} edges")
    for decision, label in zip(paths, found, strict=True):
        if label not in space.decisions[decision].domain:
            raise NasError(f"{path}: `{text}`: there is no operation `{label}` in `{space.name}`")
    return found


def _as_sum(rows: list[tuple[str, ...]], labels: list[str], ms: NDArray[Any]) -> tuple[NDArray[Any] | None, float]:
    """Costs [edges, labels], the least of each edge 0, and a constant, if the latencies are their sums."""
    edges, place = len(rows[0]), {label: n for n, label in enumerate(labels)}
    indicator = np.zeros((len(rows), edges * len(labels) + 1))
    indicator[:, -1] = 1
    for n, row in enumerate(rows):
        for edge, label in enumerate(row):
            indicator[n, edge * len(labels) + place[label]] = 1
    solution = np.linalg.lstsq(indicator, ms, rcond=None)[0]
    if np.abs(indicator @ solution / ms - 1).max() > EXACT:
        return None, 0.0
    costs = solution[:-1].reshape(edges, len(labels))
    least = costs.min(axis=1)
    return costs - least[:, None], float(solution[-1] + least.sum())

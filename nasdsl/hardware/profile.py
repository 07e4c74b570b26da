"""Filling a lookup table for a space."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from nasdsl.files import check_writable
from nasdsl.hardware.device import Device, Measurement
from nasdsl.hardware.footprint import footprint
from nasdsl.hardware.table import LEAST_MJ, LEAST_MS, Entry, Table, load_table, unwritable
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import Signature, signatures

SAVE_EVERY_S = 5.0

PASSES = 2
"""How often everything is measured, from the first to the last: what disturbs one pass is over in the next."""

MOST_PASSES = 5

OUTLIER = 0.1
"""Measurements that lie apart by more than this share of their median are repeated."""

OUTLIER_MS = 0.002
"""Unless they lie apart by less than this."""


def profile(
    graph: Graph,
    device: Device,
    table_path: str | Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    energy: bool = False,
) -> Table:
    """Measure every kernel that an architecture of a space can reach and that the table does not have yet.

    Everything is measured `PASSES` times, then what these passes do not agree about up to `MOST_PASSES` times. The
    table is saved as it goes, beside what others put there: after an interruption the same call goes on where it was.

    Args:
        graph: The space (or a network).
        device: Where to measure.
        table_path: The table's file; made if it does not exist.
        progress: Called with how many measurements are done and how many there are to do as far as is known.
        energy: Whether entries without energy are to be measured again; the device must have been opened with `energy`.

    Returns:
        The table as the file has it.

    Raises:
        NasError: The file exists and is not a table of this device with these threads, or cannot be written; or the
            architectures of the space cannot be drawn.
    """
    path = Path(table_path)
    table = Table(
        device=device.name,
        machine=device.describe(),
        threads=device.threads,
        batch=device.batch,
        precision=device.precision,
    )
    if path.exists():
        table = load_table(path, **table.setting)
    wanted = signatures(graph)
    texts = missing_from(table, wanted, energy=energy)
    if not texts:
        return table
    try:
        check_writable(path)
    except OSError as error:
        raise unwritable(path, error) from None
    table = table.model_copy(
        update={
            "machine": device.describe(),
            "libraries": dict(device.libraries()),
            "date": datetime.now(UTC).date().isoformat(),
        }
    )
    return _Session(device, path, table, footprint(graph), progress).run({text: wanted[text] for text in texts})


def missing_from(table: Table, needed: Mapping[str, Signature], *, energy: bool = False) -> list[str]:
    """What a table lacks, or has measured too seldom, or without energy where that is wanted."""

    def is_known(text: str) -> bool:
        entry = table.entries.get(text)
        return entry is not None and entry.passes >= PASSES and not (energy and entry.energy_mj is None)

    return [text for text in needed if not is_known(text)]


class _Session:
    """Measures until a table is full."""

    def __init__(
        self,
        device: Device,
        path: Path,
        table: Table,
        footprint: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._device, self._path, self._table, self._progress = device, path, table, progress
        self._footprint = footprint
        self._found: dict[str, list[Measurement]] = {}
        self._done = 0
        self._saved = time.monotonic()

    def run(self, wanted: Mapping[str, Signature]) -> Table:
        """Measure all of them, fill the table and save it, also when something is raised in the middle."""
        texts = list(wanted)
        for text in texts:
            known = self._table.entries.get(text)
            if known is not None and known.alone_ms is not None and known.passes < PASSES:
                self._found[text] = [Measurement(known.ms, known.alone_ms, known.rounds, known.energy_mj)]
        try:
            for n in range(1, MOST_PASSES + 1):
                some = [wanted[text] for text in texts if self._wants(text, n)]
                later = sum(PASSES - max(n, len(self._found.get(text, ()))) for text in texts if n < PASSES)
                self._pass(some, self._done + len(some) + later)
        finally:
            self._table = self._table.merge_into(self._path)
        return self._table

    def _wants(self, text: str, n: int) -> bool:
        """Whether something is to be measured in the n-th pass."""
        found = self._found.get(text, [])
        return len(found) < n and (n <= PASSES or _apart(found))

    def _pass(self, some: Sequence[Signature], total: int) -> None:
        for text, measurement in self._device.measure(some, self._footprint):
            self._found.setdefault(text, []).append(measurement)
            self._table.entries[text] = _entry(self._found[text])
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, total)
            if time.monotonic() - self._saved > SAVE_EVERY_S:
                self._table = self._table.merge_into(self._path)
                self._saved = time.monotonic()


def _apart(found: Sequence[Measurement]) -> bool:
    """Whether measurements of the same kernel do not agree; of more than two the nearest two may."""
    times = sorted(m.ms for m in found)
    nearest = min(b - a for a, b in pairwise(times))
    return nearest > max(OUTLIER_MS, OUTLIER * median(times))


def _entry(found: Sequence[Measurement]) -> Entry:
    """An entry of some measurements.

    Each is a difference of minima, which noise can make too small as well as too large, so it is their median that
    counts; the time alone is a minimum.
    """
    times = [m.ms for m in found]
    energies = [m.energy_mj for m in found if m.energy_mj is not None]
    return Entry(
        ms=max(LEAST_MS, round(median(times), 6)),
        alone_ms=max(LEAST_MS, round(min(m.alone_ms for m in found), 6)),
        rounds=sum(m.rounds for m in found),
        passes=len(found),
        spread_ms=round(max(times) - min(times), 6) if len(found) > 1 else None,
        energy_mj=max(LEAST_MJ, round(median(energies), 6)) if energies else None,
    )

"""Filling a lookup table for a space."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nasdsl.hardware.device import Device
from nasdsl.hardware.table import Entry, Table, load_table
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import signatures

SAVE_EVERY_S = 5.0


def profile(
    graph: Graph, device: Device, table_path: str | Path, progress: Callable[[int, int], None] | None = None
) -> Table:
    """Measure every kernel that an architecture of a space can reach and that the table does not have yet.

    The table is saved as it goes: after an interruption the same call goes on where it was.

    Args:
        graph: The space (or a network).
        device: Where to measure.
        table_path: The table's file; made if it does not exist.
        progress: Called with how many kernels are done and how many there are to do.

    Raises:
        NasError: The file exists and is not a table of this device with these threads, or cannot be written.
    """
    path = Path(table_path)
    table = (
        load_table(path, device=device.name, threads=device.threads)
        if path.exists()
        else Table(device=device.name, machine=device.describe(), threads=device.threads, libraries={}, date="")
    )
    missing = [signature for text, signature in signatures(graph).items() if text not in table.entries]
    if not missing:
        return table
    table.machine, table.libraries = device.describe(), dict(device.libraries())
    table.date = datetime.now(UTC).date().isoformat()
    saved = time.monotonic()
    try:
        for done, (text, found) in enumerate(device.measure(missing), start=1):
            table.entries[text] = Entry(ms=found.ms, alone_ms=found.alone_ms, rounds=found.rounds)
            if progress is not None:
                progress(done, len(missing))
            if time.monotonic() - saved > SAVE_EVERY_S:
                table.save(path)
                saved = time.monotonic()
    finally:
        table.save(path)
    return table

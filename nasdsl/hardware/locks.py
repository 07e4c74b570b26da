"""One process at a time, for what several of them write."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nasdsl.files import resolved


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a file that is about to be read and replaced; others who ask for a file of the same folder wait.

    It is the folder that is locked, by the operating system: nothing is left behind, and the lock of a process that
    dies is free at once. Where a file system knows no locks, nothing is locked.

    Raises:
        OSError: There is no such folder, and none can be made.
    """
    folder = resolved(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

"""One process at a time, for what several of them write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a file that is about to be read and replaced; others who ask for a file of the same folder wait.

    It is the folder that is locked, by the operating system: nothing is left behind, and the lock of a process that
    dies is free at once. Where a file system knows no locks, nothing is locked.
    """
    folder = Path(path).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
    finally:
        os.close(handle)

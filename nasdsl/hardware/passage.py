"""Memory that goes through the processor's caches, so that they are as cold as a network leaves them.

A network uses each of its weights once, and before it does so again, all its other weights and its maps have gone
through the caches. A kernel that is run over and over would find its weights there.
"""

from __future__ import annotations

import mmap

import numpy as np

MOST_BYTES = 2**28
"""The largest passage."""

LINE_BYTES = 64


class Passage:
    """Memory that can be sent through the caches of this machine's processor.

    Args:
        size: How much, in bytes; at most `MOST_BYTES` are.
    """

    def __init__(self, size: int) -> None:
        self.size = min(size, MOST_BYTES)
        self._lines = _memory(self.size)[::LINE_BYTES] if size >= LINE_BYTES else None

    def send(self) -> None:
        """Read and write each of its cache lines."""
        if self._lines is not None:
            self._lines += 1


def _memory(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Memory in pages of the usual size, where the system has a choice: engines have theirs in such."""
    pages = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        pages.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(pages, np.uint8)

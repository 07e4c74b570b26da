"""How warm the caches are where a kernel is measured: as warm as a network leaves them.

A network uses each of its weights once, and before it does so again, all its other weights and its maps have gone
through the caches. So the deep convolutions of a network that does not fit into the caches, which have many weights and
little to compute, take up to twice what they take when they are run over and over.
"""

from __future__ import annotations

import mmap
import random
from statistics import mean

import numpy as np

from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import derive
from nasdsl.passes.kernels import costs
from nasdsl.passes.memory import BYTES, activation_bytes

DRAWS = 16
"""Networks of which the mean is taken: those of a space rarely differ by more than a factor of two."""

MOST_BYTES = 2**28
"""More than any processor's caches hold."""

LINE_BYTES = 64


def footprint(graph: Graph) -> int:
    """The bytes that a network of a space holds when it runs, weights and maps: the mean of some random networks.

    Weights are in float32, maps those of one image (see `nasdsl.passes.memory`).
    """
    ranking = Ranking(model(graph))
    networks = (derive(graph, ranking.sample(random.Random(seed))) for seed in range(DRAWS))
    return round(mean(BYTES * costs(network).params + activation_bytes(network) for network in networks))


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

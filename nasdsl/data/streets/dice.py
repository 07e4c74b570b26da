"""Random draws that stay the same on every machine and with every version of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")

_POOL = 256
_UNIT = 2.0**-53


class Dice:
    """A stream of draws named by a key of non-negative integers.

    Only the raw 64-bit output of PCG64 is used, which numpy promises never to change; the methods of
    ``numpy.random.Generator`` carry no such promise.

    >>> Dice(1, 2, 3).between(2.0, 4.0) == Dice(1, 2, 3).between(2.0, 4.0)
    True
    >>> Dice(1, 2, 3).unit() == Dice(1, 2, 4).unit()
    False
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))
        self._pool: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._pool:
            raw = np.asarray(self._bits.random_raw(_POOL), dtype=np.uint64)
            self._pool = ((raw >> np.uint64(11)).astype(np.float64) * _UNIT).tolist()
        return self._pool.pop()

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.unit() < probability

    def index(self, count: int) -> int:
        """An integer in [0, count)."""
        return int(self.unit() * count)

    def whole(self, low: int, high: int) -> int:
        """An integer in [low, high], both ends included."""
        return low + self.index(high - low + 1)

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.index(len(items))]

    def weighted(self, items: Sequence[Item], weights: Sequence[float]) -> Item:
        """One of the items, each with a probability proportional to its weight."""
        left = self.unit() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0:
                return item
        return items[-1]

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.unit() < 0.5 else -1

    def octets(self, count: int) -> NDArray[np.uint8]:
        """Uniform bytes, shape [count]."""
        raw = np.asarray(self._bits.random_raw((count + 7) // 8), dtype=np.uint64)
        return raw.astype("<u8").view(np.uint8)[:count]

    def units(self, count: int) -> NDArray[np.float32]:
        """Numbers in [0, 1], 256 levels, shape [count]."""
        return self.octets(count).astype(np.float32) / np.float32(255)

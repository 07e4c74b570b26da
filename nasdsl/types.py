"""Types of feature maps: channels may depend on decisions, sizes never do."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from nasdsl.number import Number


@dataclass(frozen=True, slots=True)
class MapType:
    """A batch of feature maps [N, C, H, W], or of vectors [N, C] when `size` is None.

    Attributes:
        channels: C, an exact number that may depend on decisions.
        size: (H, W) in pixels, the same in every architecture.
        rate: How many pixels of the input one pixel stands for, per axis; 0 where the question makes no sense (vectors,
            globally pooled maps).
    """

    channels: Number
    size: tuple[int, int] | None
    rate: Fraction

    def __str__(self) -> str:
        sides = "" if self.size is None else f", {self.size[0]}, {self.size[1]}"
        return f"[N, {self.channels}{sides}]"

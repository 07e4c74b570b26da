"""Uniform paths."""

from __future__ import annotations

from nasdsl.runtime.relaxations.even import Even
from nasdsl.runtime.relaxations.single_path import SinglePath
from nasdsl.runtime.space import Space


class Uniform(SinglePath):
    """Every path alike: one value of every decision, one way of every route (SPOS, Guo et al., ECCV 2020).

    Hard: all decisions. Nothing is learned but the supernet's weights.

    Args:
        space: The decisions.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(Even(space))

"""No relaxation at all: one architecture."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.choices import Choices
from nasdsl.runtime.relaxations.decided import one_hot
from nasdsl.runtime.relaxations.relaxation import Relaxation
from nasdsl.runtime.space import Space


class Fixed(Relaxation):
    """Every pass is that of one architecture: the supernet computes what the network derived for it computes.

    All decisions are hard, and nothing is learned.

    Args:
        space: The decisions.
        architecture: Their values; those that are dead may be missing.
    """

    def __init__(self, space: Space, architecture: Architecture) -> None:
        super().__init__(space)
        self.architecture = architecture

    def draw(self, generator: torch.Generator | None = None, *, step: int = 0, steps: int = 1) -> Choices:
        """The architecture."""
        return self.fixed(self.architecture)

    def probabilities(self) -> dict[str, Tensor]:
        """One for each value of the architecture; a decision that is dead there has none."""
        return one_hot(self.space, self.architecture)

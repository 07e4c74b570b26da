"""What every relaxation offers."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.choices import Choices
from nasdsl.runtime.relaxations.decided import decided
from nasdsl.runtime.space import Space


class Relaxation(nn.Module, ABC):
    """Decides, pass by pass, what a supernet computes. Its parameters are what a search learns about architectures.

    Args:
        space: The decisions, as generated files hold them.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space

    @abstractmethod
    def draw(self, generator: torch.Generator | None = None, *, step: int = 0, steps: int = 1) -> Choices:
        """The decisions for one forward pass.

        Where gradients are off, none is prepared: what would run for its gradient only does not run.

        Args:
            generator: Where random numbers come from; the same generator gives the same draw. None: PyTorch's own.
            step: How many steps of the search are done, for the temperature.
            steps: How many there are.
        """

    @abstractmethod
    def probabilities(self) -> dict[str, Tensor]:
        """choose, width, depth: [n] over the domain; pick: [subsets]; route: [links], p(link | its target)."""

    def fixed(self, architecture: Architecture) -> Choices:
        """Exactly one architecture. What it does not decide, since it is dead there, is decided anyhow."""
        return decided(self.space, architecture.decisions)

"""Mixtures drawn from a Dirichlet distribution."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw
from nasdsl.runtime.relaxations.concentrations import Concentrations
from nasdsl.runtime.relaxations.gates import mixture, sampled
from nasdsl.runtime.relaxations.rule import Rule


class Dirichlet(Rule[Concentrations]):
    """All alternatives, weighted by a point of the simplex drawn from Dirichlet(a); the concentrations a are learned
    through it (DrNAS, Chen et al., ICLR 2021; its pull of a towards one, which is a loss, and its
    progressive schedule are left to the search).

    Soft: choices, depths, picks and routes. Hard: numbers, drawn with the point's probabilities, straight-through.

    Args:
        distribution: The concentrations.
    """

    mixes_links = True

    def __init__(self, distribution: Concentrations) -> None:
        super().__init__(distribution)

    def weights(self, name: str, temperature: float, generator: torch.Generator | None) -> Tensor:
        """A point of the simplex."""
        return self.distribution.simplex(name, generator)

    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """All; of a number one."""
        return mixture(soft) if mixable else sampled(soft, generator)

"""Concentrations: what the Dirichlet relaxation learns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.runtime.relaxations.distribution import Distribution, key, names, size
from nasdsl.runtime.space import Space

START = 1e-3
"""Standard deviation of the parameters at the start: all concentrations are about one."""

FLOOR = 0.01
"""The least concentration. PyTorch's single-precision sampler returns the centre instead of a corner at 1e-4."""


class Concentrations(Distribution):
    """A distribution that is the mean of Dirichlet distributions, one for each decision and for the links into each
    cell of a grid: p = a / sum(a), a = elu(parameter) + 1 + `FLOOR` (the form of DrNAS).

    A pick has a concentration for each subset.

    Args:
        space: The decisions.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        for name in names(space):
            self.register_parameter(key(name), nn.Parameter(START * torch.randn(size(space, name))))

    def concentrations(self, name: str) -> Tensor:
        """Of a decision's values, of a pick's subsets or of a grid's links; above 0."""
        return F.elu(self.get_parameter(key(name))) + (1 + FLOOR)

    def chances(self, name: str) -> Tensor:
        """The means of the Dirichlet distributions."""
        return self.normalised(name, self.concentrations(name).log())

    def simplex(self, name: str, generator: torch.Generator | None = None) -> Tensor:
        """A point drawn from the Dirichlet distribution of a decision, or from those of a grid's cells, as one vector
        by link; differentiable (`torch.distributions.Dirichlet.rsample`: implicit reparametrisation).
        """
        concentrations = self.concentrations(name)
        grid = self.space.grids.get(name)
        with _seeded_by(generator):
            if grid is None:
                return torch.distributions.Dirichlet(concentrations).rsample()
            shares: dict[int, Tensor] = {}
            for places in grid.into.values():
                if places:
                    point = torch.distributions.Dirichlet(concentrations[list(places)]).rsample()
                    shares |= dict(zip(places, point.unbind(), strict=True))
        return torch.stack([shares[place] for place in range(len(grid.links))])


@contextmanager
def _seeded_by(generator: torch.Generator | None) -> Iterator[None]:
    """`torch.distributions` draws from the global generator: seed it from this one, and put it back."""
    if generator is None:
        yield
        return
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield

"""The distribution of those who prefer nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.relaxations.distribution import Distribution, key, names, size
from nasdsl.runtime.space import Cell, Choose, Grid, Space


class Even(Distribution):
    """All values of a decision are equally probable, without soft alternatives; all subsets of a pick; all ways of a
    route. Nothing is learned.

    Whether a decision is live plays no part: for architectures drawn uniformly see `nasdsl.algebra`.

    Args:
        space: The decisions.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        for name in names(space):
            self.register_buffer(key(name), _even(space, name), persistent=False)

    def chances(self, name: str) -> Tensor:
        """Of a link: the share of the ways to its target that come along it."""
        return self.get_buffer(key(name))


def _even(space: Space, name: str) -> Tensor:
    if name in space.grids:
        return _by_ways(space.grids[name])
    decision = space.decisions[name]
    count = size(space, name)
    real = decision.real if isinstance(decision, Choose) else range(count)
    return torch.tensor([1 / len(real) if place in real else 0.0 for place in range(count)])


def _by_ways(grid: Grid) -> Tensor:
    ways: dict[Cell, int] = {grid.source: 1}
    for cell in grid.cells:
        if cell != grid.source:
            ways[cell] = sum(ways[grid.links[place][0]] for place in grid.into[cell])
    return torch.tensor([ways[source] / ways[target] for source, target in grid.links])

"""Decisions by what they decide, and a distribution that prefers nothing, for when a group is held.

FasterSeg (Chen et al., ICLR 2020) tells three groups apart, operators, downsampling and widths. In a space of any form
they are the choices of an operation; which way and how far data go; and the numbers that channels depend on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

from nasdsl.runtime.space import Choose, Depth, Grid, Pick, Route, Space

Group = Literal["operators", "paths", "widths"]
"""What decisions decide."""

GROUPS: tuple[Group, ...] = get_args(Group)


def group_of(decision: Choose | Pick | Route) -> Group:
    """The group of a decision: routes, picks and depths are `paths`; widths and choices of numbers `widths`.

    >>> [group_of(d) for d in (Choose(("conv", "skip")), Choose((3, 5)), Depth((1, 2)), Pick((0, 1, 2), count=2))]
    ['operators', 'widths', 'paths', 'paths']
    """
    if isinstance(decision, Pick | Route | Depth):
        return "paths"
    return "widths" if decision.is_number else "operators"


def members(space: Space) -> dict[Group, tuple[str, ...]]:
    """The decisions of each group that has any, by path."""
    found = {
        group: tuple(path for path, decision in space.decisions.items() if group_of(decision) == group)
        for group in GROUPS
    }
    return {group: paths for group, paths in found.items() if paths}


def held(space: Space) -> dict[str, Tensor]:
    """What decisions are held at, as in FasterSeg's public code: operators and paths at equal probabilities, numbers at
    their largest. Probabilities in the form of `Relaxation.probabilities()`, in double precision.

    Soft alternatives have none. Of a route the links into a cell are equally probable.
    """
    return {path: _held(decision, space.grids) for path, decision in space.decisions.items()}


def _held(decision: Choose | Pick | Route, grids: Mapping[str, Grid]) -> Tensor:
    if isinstance(decision, Route):
        grid = grids[decision.grid]
        shares = [1 / len(grid.into[target]) for _, target in grid.links]
    elif isinstance(decision, Pick):
        shares = [1 / len(decision.subsets)] * len(decision.subsets)
    elif group_of(decision) == "widths":
        largest = max(decision.domain)
        shares = [float(value == largest) for value in decision.domain]
    else:
        shares = [(place in decision.real) / len(decision.real) for place in range(len(decision.domain))]
    return torch.tensor(shares, dtype=torch.float64)

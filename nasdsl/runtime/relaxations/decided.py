"""Decisions that are no matter of chance: one architecture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.choices import Choices, Draw, Drawn
from nasdsl.runtime.space import Cell, Pick, Route, Space


def decided(space: Space, values: Mapping[str, Any]) -> Choices:
    """What is decided, without gradients. Decisions that have no value, since they are dead, are decided anyhow."""
    draws: dict[str, Draw] = {}
    ways: dict[str, tuple[Cell, ...]] = {}
    for path, decision in space.decisions.items():
        if isinstance(decision, Route):
            ways[path] = values[path] if path in values else _any_way(space, decision)
        elif isinstance(decision, Pick):
            draws[path] = Draw(decision.subsets.index(values[path]) if path in values else 0)
        else:
            draws[path] = Draw(decision.domain.index(values[path]) if path in values else decision.real[0])
    return Choices(Drawn(space, draws, ways))


def one_hot(space: Space, architecture: Architecture) -> dict[str, Tensor]:
    """Probabilities, all on one architecture: [n] by value, [subsets] or [links]; what it does not decide has none."""
    found: dict[str, Tensor] = {}
    for path, decision in space.decisions.items():
        value: Any = architecture.decisions.get(path)
        if isinstance(decision, Route):
            steps = set(pairwise(value)) if value is not None else set()
            chances = [float(link in steps) for link in space.grids[decision.grid].links]
        else:
            values = decision.subsets if isinstance(decision, Pick) else decision.domain
            chances = [float(value == other) for other in values]
        found[path] = torch.tensor(chances)
    return found


def _any_way(space: Space, route: Route) -> tuple[Cell, ...]:
    grid, way = space.grids[route.grid], [route.end]
    while way[-1] != grid.source:
        way.append(grid.links[grid.into[way[-1]][0]][0])
    return tuple(reversed(way))

"""A distribution over architectures: what a search learns, or is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.space import Cell, Grid, Pick, Route, Space

LEAST = 1e-30
"""The least probability whose logarithm is asked for."""


class Distribution(nn.Module, ABC):
    """Independent decisions. The routes of a grid share the probabilities of its links, p(link | the cell it leads to):
    a route is drawn backwards from its end.

    In what follows a name is the path of a decision other than a route, which has a probability for each value (of a
    pick: for each subset), or of a grid, which has one for each link; these sum to one over the links into a cell.

    Args:
        space: The decisions, as generated files hold them.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space

    @abstractmethod
    def chances(self, name: str) -> Tensor:
        """The probabilities of a decision's values, or of a grid's links."""

    def log_probabilities(self, name: str) -> Tensor:
        """The logarithms of `chances`, finite."""
        return self.chances(name).clamp_min(LEAST).log()

    def normalised(self, name: str, scores: Tensor) -> Tensor:
        """The softmax of scores for a decision's values, or for a grid's links over those into each cell."""
        grid = self.space.grids.get(name)
        return scores.softmax(dim=0) if grid is None else _softmax_by_target(grid, scores)

    def probabilities(self) -> dict[str, Tensor]:
        """choose, width, depth: [n] over the domain; pick: [subsets]; route: [links], p(link | its target)."""
        links = {name: self.chances(name) for name in self.space.grids}
        return {
            path: links[decision.grid] if isinstance(decision, Route) else self.chances(path)
            for path, decision in self.space.decisions.items()
        }

    @torch.no_grad()
    def most_probable(self) -> Architecture:
        """The most probable value of every decision; `nasdsl.passes.derive.canonical` drops those that are dead."""
        values: dict[str, Any] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                values[path] = self._best_way(decision)
            elif isinstance(decision, Pick):
                values[path] = decision.subsets[int(self.log_probabilities(path).argmax())]
            else:
                known = self.log_probabilities(path)[list(decision.real)]
                values[path] = decision.domain[decision.real[int(known.argmax())]]
        return Architecture(self.space.name, values, self.space.preset)

    def _best_way(self, route: Route) -> tuple[Cell, ...]:
        """The most probable way of a route."""
        grid = self.space.grids[route.grid]
        known = self.log_probabilities(route.grid).tolist()
        best: dict[Cell, tuple[float, tuple[Cell, ...]]] = {route.end: (0.0, (route.end,))}
        for cell in reversed(grid.cells):
            if cell in best:
                score, rest = best[cell]
                for place in grid.into[cell]:
                    source = grid.links[place][0]
                    if source not in best or score + known[place] > best[source][0]:
                        best[source] = (score + known[place], (source, *rest))
        return best[grid.source][1]

    @torch.no_grad()
    def sample_architectures(self, count: int, generator: torch.Generator | None = None) -> list[Architecture]:
        """Architectures drawn from the distribution, without soft alternatives; all decisions have values, dead ones
        too (see `most_probable`).
        """
        paths = [path for path, decision in self.space.decisions.items() if not isinstance(decision, Route)]
        tables = {name: self.log_probabilities(name).exp() for name in (*paths, *self.space.grids)}
        return [self._sampled(tables, generator) for _ in range(count)]

    def _sampled(self, tables: Mapping[str, Tensor], generator: torch.Generator | None) -> Architecture:
        values: dict[str, Any] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                grid, way = self.space.grids[decision.grid], [decision.end]
                while way[-1] != grid.source:
                    into = grid.into[way[-1]]
                    way.append(grid.links[_drawn(tables[decision.grid], into, generator)][0])
                values[path] = tuple(reversed(way))
            elif isinstance(decision, Pick):
                places = range(len(decision.subsets))
                values[path] = decision.subsets[_drawn(tables[path], places, generator)]
            else:
                values[path] = decision.domain[_drawn(tables[path], decision.real, generator)]
        return Architecture(self.space.name, values, self.space.preset)


def size(space: Space, name: str) -> int:
    """How many probabilities a name has: values, subsets or links."""
    if name in space.grids:
        return len(space.grids[name].links)
    decision = space.decisions[name]
    assert not isinstance(decision, Route), "a route has those of its grid"
    return len(decision.subsets if isinstance(decision, Pick) else decision.domain)


def names(space: Space) -> list[str]:
    """All decisions but routes, then all grids."""
    plain = [path for path, decision in space.decisions.items() if not isinstance(decision, Route)]
    return [*plain, *space.grids]


def key(name: str) -> str:
    """The name of a parameter or buffer, in which there can be no dot."""
    return name.replace(".", "/")


def _drawn(chances: Tensor, places: Sequence[int], generator: torch.Generator | None) -> int:
    """One of some places, with these chances."""
    if len(places) == 1:
        return places[0]
    return places[int(torch.multinomial(chances[list(places)], 1, generator=generator))]


def _softmax_by_target(grid: Grid, logits: Tensor) -> Tensor:
    """The softmax over the links into each cell."""
    shares: list[Tensor | None] = [None] * len(grid.links)
    for places in grid.into.values():
        if places:
            for place, share in zip(places, logits[list(places)].softmax(dim=0).unbind(), strict=True):
                shares[place] = share
    return torch.stack([share for share in shares if share is not None])

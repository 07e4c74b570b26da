"""A distribution over architectures with learned parameters, and what is drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.choices import Choices, Draw, Drawn
from nasdsl.runtime.space import Cell, Choose, Decision, Grid, Pick, Route, Space, Width

START = 1e-3
"""Standard deviation of the logits at the start."""


class Relaxation(nn.Module):
    """Independent decisions with logits as parameters.

    A choose, width or depth has a logit for each value; a pick one for each member, p(S) ~ exp(sum of the logits of S);
    a grid one for each link, which all its routes share: p(link | the cell it leads to) is their softmax over the links
    into that cell, and a route is drawn backwards from its end.

    Args:
        space: The decisions, as generated files hold them.
    """

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space
        for path, decision in space.decisions.items():
            if not isinstance(decision, Route):
                self._add(path, len(decision.domain))
        for path, grid in space.grids.items():
            self._add(path, len(grid.links))
        for path, decision in space.decisions.items():
            if isinstance(decision, Pick):
                members = [[float(member in subset) for member in decision.domain] for subset in decision.subsets]
                self.register_buffer(f"{_key(path)}/members", torch.tensor(members), persistent=False)

    def _add(self, path: str, count: int) -> None:
        self.register_parameter(_key(path), nn.Parameter(START * torch.randn(count)))

    def logits(self, path: str) -> Tensor:
        """The logits of a choose, width, depth or pick, or of a grid's links."""
        return self.get_parameter(_key(path))

    def _log_probabilities(self, path: str) -> Tensor:
        decision = self.space.decisions[path]
        logits = self.logits(path)
        if isinstance(decision, Pick):
            logits = self.get_buffer(f"{_key(path)}/members") @ logits
        return logits.log_softmax(dim=0)

    def _link_log_probabilities(self, grid: str) -> Tensor:
        """For each link its log-probability given its target."""
        return _softmax_by_target(self.space.grids[grid], self.logits(grid)).clamp_min(1e-30).log()

    def probabilities(self) -> dict[str, Tensor]:
        """choose, width, depth: [n] over the domain; pick: [subsets]; route: [links], p(link | its target)."""
        shares = {name: _softmax_by_target(grid, self.logits(name)) for name, grid in self.space.grids.items()}
        return {
            path: shares[decision.grid] if isinstance(decision, Route) else self._log_probabilities(path).exp()
            for path, decision in self.space.decisions.items()
        }

    def one_hot_probabilities(self, architecture: Architecture) -> dict[str, Tensor]:
        """As `probabilities`, all on one architecture; what it does not decide has no probability at all."""
        found: dict[str, Tensor] = {}
        for path, decision in self.space.decisions.items():
            value: Any = architecture.decisions.get(path)
            if isinstance(decision, Route):
                steps = set(pairwise(value)) if value is not None else set()
                chances = [float(link in steps) for link in self.space.grids[decision.grid].links]
            else:
                values = decision.subsets if isinstance(decision, Pick) else decision.domain
                chances = [float(value == other) for other in values]
            found[path] = torch.tensor(chances)
        return found

    def sample(self, temperature: float, generator: torch.Generator | None = None, *, hard: bool) -> Choices:
        """Decisions drawn with the Gumbel-softmax (Jang et al., ICLR 2017).

        Args:
            temperature: Of the softmax; the lower, the nearer the soft weights are to one-hot.
            generator: Where the noise comes from.
            hard: One alternative each, with the gradient of its soft weight (straight-through); else mixtures of
                alternatives, of exits and of links. Numbers and picks are hard in any case.
        """
        draws = {
            path: self._draw(path, decision, temperature, generator, hard)
            for path, decision in self.space.decisions.items()
            if not isinstance(decision, Route)
        }
        if not hard:
            shares = {}
            for name, grid in self.space.grids.items():
                noisy = self._link_log_probabilities(name) + self._noise(len(grid.links), generator)
                shares[name] = _softmax_by_target(grid, noisy / temperature)
            return Choices(Drawn(self.space, draws, shares=shares))
        ways: dict[str, tuple[Cell, ...]] = {}
        weights: dict[str, tuple[Tensor, ...]] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                ways[path], weights[path] = self._draw_way(decision, temperature, generator)
        return Choices(Drawn(self.space, draws, ways, weights))

    def _noise(self, count: int, generator: torch.Generator | None) -> Tensor:
        uniform = torch.rand(count, generator=generator).clamp_min(1e-20)
        return -(-uniform.log()).clamp_min(1e-20).log()

    def _draw(
        self, path: str, decision: Decision, temperature: float, generator: torch.Generator | None, hard: bool
    ) -> Draw:
        known = self._log_probabilities(path)
        soft = ((known + self._noise(len(known), generator)) / temperature).softmax(dim=0)
        if not hard and isinstance(decision, Choose) and not decision.is_number:
            return Draw(int(soft.argmax()), soft, mixed=True)
        return _straight_through(soft)

    def _draw_way(
        self, route: Route, temperature: float, generator: torch.Generator | None
    ) -> tuple[tuple[Cell, ...], tuple[Tensor, ...]]:
        grid = self.space.grids[route.grid]
        noisy = (self._link_log_probabilities(route.grid) + self._noise(len(grid.links), generator)) / temperature
        way, weights = [route.end], []
        while way[-1] != grid.source:
            into = grid.into[way[-1]]
            draw = _straight_through(noisy[list(into)].softmax(dim=0))
            way.append(grid.links[into[draw.place]][0])
            if draw.weights is not None:
                weights.append(draw.weights[draw.place])
        return tuple(reversed(way)), tuple(reversed(weights))

    def fixed(self, architecture: Architecture) -> Choices:
        """Exactly one architecture. What it does not decide, since it is dead there, is decided anyhow."""
        return self._plain(dict(architecture.decisions))

    def widest(self, generator: torch.Generator | None = None) -> Choices:
        """Every width at its greatest (the sandwich rule: Yu and Huang, ICCV 2019); else most probable, or drawn."""
        return self._extreme(-1, generator)

    def narrowest(self, generator: torch.Generator | None = None) -> Choices:
        """Every width at its least; all else most probable, or drawn."""
        return self._extreme(0, generator)

    def _extreme(self, place: int, generator: torch.Generator | None) -> Choices:
        chosen = self.sample_architectures(1, generator)[0] if generator is not None else self.most_probable()
        widths = {path: d.domain[place] for path, d in self.space.decisions.items() if isinstance(d, Width)}
        return self._plain({**chosen.decisions, **widths})

    def _plain(self, values: Mapping[str, Any]) -> Choices:
        draws: dict[str, Draw] = {}
        ways: dict[str, tuple[Cell, ...]] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                ways[path] = values[path] if path in values else self._any_way(decision)
            elif isinstance(decision, Pick):
                draws[path] = Draw(decision.subsets.index(values[path]) if path in values else 0)
            else:
                known = path in values
                draws[path] = Draw(decision.domain.index(values[path]) if known else decision.real[0])
        return Choices(Drawn(self.space, draws, ways))

    def _any_way(self, route: Route) -> tuple[Cell, ...]:
        grid, way = self.space.grids[route.grid], [route.end]
        while way[-1] != grid.source:
            way.append(grid.links[grid.into[way[-1]][0]][0])
        return tuple(reversed(way))

    @torch.no_grad()
    def most_probable(self) -> Architecture:
        """The most probable value of every decision; `nasdsl.passes.derive.canonical` drops those that are dead."""
        values: dict[str, Any] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                values[path] = self._best_way(decision)
            elif isinstance(decision, Pick):
                values[path] = decision.subsets[int(self._log_probabilities(path).argmax())]
            else:
                known = self._log_probabilities(path)[list(decision.real)]
                values[path] = decision.domain[decision.real[int(known.argmax())]]
        return Architecture(self.space.name, values, self.space.preset)

    def _best_way(self, route: Route) -> tuple[Cell, ...]:
        """The most probable way of a route."""
        grid = self.space.grids[route.grid]
        known = self._link_log_probabilities(route.grid).tolist()
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
        tables = {
            path: self._log_probabilities(path).exp()
            for path, decision in self.space.decisions.items()
            if not isinstance(decision, Route)
        }
        links = {name: self._link_log_probabilities(name).exp() for name in self.space.grids}
        return [self._sampled(tables, links, generator) for _ in range(count)]

    def _sampled(
        self, tables: Mapping[str, Tensor], links: Mapping[str, Tensor], generator: torch.Generator | None
    ) -> Architecture:
        values: dict[str, Any] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                grid, way = self.space.grids[decision.grid], [decision.end]
                while way[-1] != grid.source:
                    into = grid.into[way[-1]]
                    way.append(grid.links[_drawn(links[decision.grid], into, generator)][0])
                values[path] = tuple(reversed(way))
            elif isinstance(decision, Pick):
                places = range(len(decision.subsets))
                values[path] = decision.subsets[_drawn(tables[path], places, generator)]
            else:
                values[path] = decision.domain[_drawn(tables[path], decision.real, generator)]
        return Architecture(self.space.name, values, self.space.preset)


def _key(path: str) -> str:
    return path.replace(".", "/")


def _drawn(chances: Tensor, places: Sequence[int], generator: torch.Generator | None) -> int:
    """One of some places, with these chances."""
    if len(places) == 1:
        return places[0]
    return places[int(torch.multinomial(chances[list(places)], 1, generator=generator))]


def _straight_through(soft: Tensor) -> Draw:
    place = int(soft.argmax())
    if not soft.requires_grad:
        return Draw(place)
    hard = torch.zeros_like(soft)
    hard[place] = 1
    return Draw(place, hard - soft.detach() + soft)


def _softmax_by_target(grid: Grid, logits: Tensor) -> Tensor:
    """The softmax over the links into each cell."""
    shares: list[Tensor | None] = [None] * len(grid.links)
    for places in grid.into.values():
        if places:
            for place, share in zip(places, logits[list(places)].softmax(dim=0).unbind(), strict=True):
                shares[place] = share
    return torch.stack([share for share in shares if share is not None])

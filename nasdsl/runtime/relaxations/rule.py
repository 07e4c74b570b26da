"""Relaxations that draw from a distribution: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

import torch
from torch import Tensor

from nasdsl.runtime.choices import Choices, Draw, Drawn
from nasdsl.runtime.relaxations.decided import decided
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.relaxation import Relaxation
from nasdsl.runtime.relaxations.schedules import ONE, Schedule
from nasdsl.runtime.space import Cell, Choose, Route, Width

D = TypeVar("D", bound=Distribution)


class Rule(Relaxation, Generic[D]):
    """How a step draws from a distribution. A method says which soft weights a decision gets (`weights`) and which of
    its alternatives run with them (`decide`); that is all.

    Args:
        distribution: What is learned. Several rules may share one.
        temperature: Of the softmax, where the rule has one.
    """

    mixes_links = False
    """Whether the map that enters a grid's cell is a mixture over the links into it; else every route has one way."""

    def __init__(self, distribution: D, temperature: Schedule = ONE) -> None:
        super().__init__(distribution.space)
        self.distribution = distribution
        self.temperature = temperature

    @abstractmethod
    def weights(self, name: str, temperature: float, generator: torch.Generator | None) -> Tensor:
        """The soft weights of a decision, [n] or [subsets], or of a grid's links, [links]: these sum to one over the
        links into each cell.
        """

    @abstractmethod
    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """What runs.

        Args:
            soft: Weights, which sum to one.
            generator: Where random numbers come from.
            mixable: Whether more than one alternative can run. Not of a number, on which channels depend, nor of the
                links of a way.
        """

    def probabilities(self) -> dict[str, Tensor]:
        """choose, width, depth: [n] over the domain; pick: [subsets]; route: [links], p(link | its target)."""
        return self.distribution.probabilities()

    def draw(self, generator: torch.Generator | None = None, *, step: int = 0, steps: int = 1) -> Choices:
        """The decisions for one forward pass (see `Relaxation.draw`)."""
        temperature = self.temperature.at(step, steps)
        draws: dict[str, Draw] = {}
        for path, decision in self.space.decisions.items():
            if not isinstance(decision, Route):
                soft = self.weights(path, temperature, generator)
                mixable = not (isinstance(decision, Choose) and decision.is_number)
                draws[path] = self.decide(soft, generator, mixable=mixable)
        if self.mixes_links:
            shares = {name: self.weights(name, temperature, generator) for name in self.space.grids}
            return Choices(Drawn(self.space, draws, shares=shares))
        ways: dict[str, tuple[Cell, ...]] = {}
        strides: dict[str, tuple[Tensor, ...]] = {}
        for path, decision in self.space.decisions.items():
            if isinstance(decision, Route):
                links = self.weights(decision.grid, temperature, generator)
                ways[path], strides[path] = self._way(decision, links, generator)
        return Choices(Drawn(self.space, draws, ways, strides))

    def _way(
        self, route: Route, links: Tensor, generator: torch.Generator | None
    ) -> tuple[tuple[Cell, ...], tuple[Tensor, ...]]:
        """A way, drawn backwards from its end, and the weights of its links."""
        grid = self.space.grids[route.grid]
        way, weights = [route.end], []
        while way[-1] != grid.source:
            into = grid.into[way[-1]]
            draw = self.decide(links[list(into)], generator, mixable=False)
            way.append(grid.links[into[draw.place]][0])
            if draw.weights is not None:
                weights.append(draw.weights[draw.place])
        return tuple(reversed(way)), tuple(reversed(weights))

    def widest(self, generator: torch.Generator | None = None) -> Choices:
        """Every width at its greatest (the sandwich rule: Yu and Huang, ICCV 2019); else most probable, or drawn."""
        return self._extreme(-1, generator)

    def narrowest(self, generator: torch.Generator | None = None) -> Choices:
        """Every width at its least; all else most probable, or drawn."""
        return self._extreme(0, generator)

    def _extreme(self, place: int, generator: torch.Generator | None) -> Choices:
        known = self.distribution
        chosen = known.sample_architectures(1, generator)[0] if generator is not None else known.most_probable()
        widths = {path: d.domain[place] for path, d in self.space.decisions.items() if isinstance(d, Width)}
        return decided(self.space, {**chosen.decisions, **widths})

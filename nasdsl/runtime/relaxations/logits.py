"""Logits: what most relaxations learn."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasdsl.runtime.relaxations.distribution import Distribution, key
from nasdsl.runtime.space import Pick, Route, Space

START = 1e-3
"""Standard deviation of the logits at the start (as in the code of DARTS)."""


class Logits(Distribution):
    """A distribution with logits as parameters.

    A choose, width or depth has a logit for each value; a pick one for each member, p(S) ~ exp(sum of the logits of S);
    a grid one for each link, which all its routes share: p(link | the cell it leads to) is their softmax over the links
    into that cell.

    Args:
        space: The decisions.
    """

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        for path, decision in space.decisions.items():
            if not isinstance(decision, Route):
                self._add(path, len(decision.domain))
        for path, grid in space.grids.items():
            self._add(path, len(grid.links))
        for path, decision in space.decisions.items():
            if isinstance(decision, Pick):
                members = [[float(member in subset) for member in decision.domain] for subset in decision.subsets]
                self.register_buffer(f"{key(path)}/members", torch.tensor(members), persistent=False)

    def _add(self, name: str, count: int) -> None:
        self.register_parameter(key(name), nn.Parameter(START * torch.randn(count)))

    def logits(self, name: str) -> Tensor:
        """The parameters of a choose, width, depth or pick, or of a grid's links."""
        return self.get_parameter(key(name))

    def chances(self, name: str) -> Tensor:
        """Softmax of the logits."""
        if name in self.space.grids:
            return self.normalised(name, self.logits(name))
        return self.log_probabilities(name).exp()

    def log_probabilities(self, name: str) -> Tensor:
        """Log-softmax of the logits; of a grid's links over those into each cell."""
        if name in self.space.grids:
            return super().log_probabilities(name)
        logits = self.logits(name)
        if isinstance(self.space.decisions[name], Pick):
            logits = self.get_buffer(f"{key(name)}/members") @ logits
        return logits.log_softmax(dim=0)

"""The continuous relaxation of DARTS."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.gates import mixture, sampled
from nasdsl.runtime.relaxations.rule import Rule


class Softmax(Rule[Distribution]):
    """All alternatives, weighted by their probabilities: o(x) = sum_i softmax(a / T)_i o_i(x) (DARTS, Liu et al., ICLR
    2019, equation 2, where T = 1).

    Soft: choices, depths (their exits), picks (each place takes the expectation of the maps that may stand there) and
    routes (the map that enters a cell). Hard: numbers, drawn with their probabilities, straight-through. Without
    numbers nothing is random.

    Unlike in DARTS a pick has probabilities of its own: of the edges into a node as many count as it takes, where DARTS
    adds up all of them and chooses by the strongest operation afterwards.

    Args:
        distribution: What is learned, as a rule `Logits`.
        temperature: T.
    """

    mixes_links = True

    def weights(self, name: str, temperature: float, generator: torch.Generator | None) -> Tensor:
        """softmax(log p / T)."""
        return self.distribution.normalised(name, self.distribution.log_probabilities(name) / temperature)

    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """All; of a number one."""
        return mixture(soft) if mixable else sampled(soft, generator)

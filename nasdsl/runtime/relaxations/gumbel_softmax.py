"""The Gumbel-softmax, soft or straight-through."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.gates import besides, mixture, one_hot
from nasdsl.runtime.relaxations.schedules import ONE, Schedule
from nasdsl.runtime.relaxations.single_path import SinglePath


class GumbelSoftmax(SinglePath):
    """All alternatives, weighted by softmax((log p + g) / T) with Gumbel noise g (Jang et al., ICLR 2017, equation 2;
    SNAS, Xie et al., ICLR 2019; FBNet, Wu et al., CVPR 2019). Straight-through, the value is that of the greatest alone
    and the gradient that of the mixture (Jang et al., section 2.2), for which all of them run.

    Soft: choices, depths and picks; routes in the mixture only, for straight-through mixed cells of several widths
    would not be those of an architecture: there each route has one way. Hard: numbers, straight-through.

    Args:
        distribution: What is learned, as a rule `Logits`.
        temperature: T: the lower, the nearer the weights are to one-hot.
        straight_through: Whether values are one-hot.
    """

    def __init__(
        self, distribution: Distribution, temperature: Schedule = ONE, *, straight_through: bool = False
    ) -> None:
        super().__init__(distribution, temperature)
        self.straight_through = straight_through
        self.mixes_links = not straight_through

    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """All; of a number one."""
        if mixable and not self.straight_through:
            return mixture(soft)
        place = int(soft.argmax())
        return one_hot(soft, place, besides(len(soft), place) if mixable else ())

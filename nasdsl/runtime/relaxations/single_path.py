"""One path a step, drawn by Gumbel-softmax."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.gates import gumbel, one_hot
from nasdsl.runtime.relaxations.rule import Rule


class SinglePath(Rule[Distribution]):
    """One alternative of every decision, drawn with its probability; no other runs. With h = softmax((log p + g) / T),
    g Gumbel noise, the value is that of one_hot(argmax h), and the gradient goes through h at the alternative that ran
    (GDAS, Dong and Yang, CVPR 2019).

    Hard: all decisions. A number's gradient is that of its weight, through the maps it shapes.

    Args:
        distribution: What is learned, as a rule `Logits`.
        temperature: T; it changes gradients, not what is drawn.
    """

    def weights(self, name: str, temperature: float, generator: torch.Generator | None) -> Tensor:
        """softmax((log p + g) / T)."""
        known = self.distribution.log_probabilities(name)
        return self.distribution.normalised(name, (known + gumbel(known, generator)) / temperature)

    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """The one of the greatest weight."""
        return one_hot(soft, int(soft.argmax()))

"""Two paths a step, of which one counts."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.gates import gumbel, one_hot
from nasdsl.runtime.relaxations.rule import Rule


class TwoPath(Rule[Distribution]):
    """Two alternatives are drawn without replacement, all others masked; of their renormalised probabilities,
    q_i = p_i / (p_i + p_j), one binary gate is drawn, and the gradient of the gates goes through q (ProxylessNAS, Cai
    et al., ICLR 2019, equations 3 and 4 and section 3.2.1). Where gradients are off only the one that counts runs:
    weights are trained on single paths.

    Two run: of choices, depths (exits) and picks (subsets, whose members run once each). Numbers and the links of
    routes run alone, with a gradient between two. The value is always that of one architecture. (The published code
    also moves both logits after a step so that the probabilities of the others stay; here it is left to the optimiser.)

    Args:
        distribution: What is learned, as a rule `Logits`.
    """

    def __init__(self, distribution: Distribution) -> None:
        super().__init__(distribution)

    def weights(self, name: str, temperature: float, generator: torch.Generator | None) -> Tensor:
        """The probabilities."""
        return self.distribution.normalised(name, self.distribution.log_probabilities(name))

    def decide(self, soft: Tensor, generator: torch.Generator | None, *, mixable: bool) -> Draw:
        """Two, the greatest of log p + Gumbel noise; the gate between them by their shares."""
        if len(soft) == 1:
            return one_hot(soft, 0)
        pair = (soft.detach().log() + gumbel(soft, generator)).topk(2).indices
        shares = soft[pair] / soft[pair].sum()
        active = int(torch.multinomial(shares.detach(), 1, generator=generator))
        renormalised = torch.zeros_like(soft).index_put((pair,), shares)
        return one_hot(renormalised, int(pair[active]), (int(pair[1 - active]),) if mixable else ())

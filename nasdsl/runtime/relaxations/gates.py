"""From the soft weights of a decision to what runs."""

from __future__ import annotations

import torch
from torch import Tensor

from nasdsl.runtime.choices import Draw


def gumbel(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Independent draws from the Gumbel distribution, as many as `like` has elements: the place of the greatest of
    log p + gumbel is distributed as p.
    """
    uniform = torch.rand(len(like), generator=generator).clamp_min(1e-20)
    return -(-uniform.log()).clamp_min(1e-20).log()


def one_hot(soft: Tensor, place: int, others: tuple[int, ...] = ()) -> Draw:
    """Straight-through: the value is one-hot, to the last bit, and the gradient that of the soft weights.

    Args:
        soft: [n], weights.
        place: Where the one is.
        others: Alternatives that run too, at weight 0, for the gradient; not if no gradient is wanted.
    """
    if not soft.requires_grad:
        return Draw(place)
    hard = torch.zeros_like(soft)
    hard[place] = 1
    return Draw(place, hard + (soft - soft.detach()), others)


def sampled(soft: Tensor, generator: torch.Generator | None) -> Draw:
    """One place drawn with the probabilities `soft`, [n], straight-through."""
    return one_hot(soft, int(torch.multinomial(soft.detach(), 1, generator=generator)))


def mixture(soft: Tensor) -> Draw:
    """All alternatives with these weights, [n]."""
    place = int(soft.argmax())
    return Draw(place, soft, besides(len(soft), place))


def besides(count: int, place: int) -> tuple[int, ...]:
    """All places but one."""
    return tuple(other for other in range(count) if other != place)

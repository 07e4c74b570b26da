"""Losses: callables `loss(logits, target) -> scalar tensor`.

Logits are maps [N, C, h, w] with class targets [N, H, W], or vectors [N, C] with targets [N]; targets are int64, and
255 (`IGNORE`) stands for "no class". A target map of another size than the logits is resized to them (nearest pixel).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from nasdsl.tasks.catalogue import IGNORE


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """Mean cross-entropy over the labelled pixels (or examples).

    Attributes:
        label_smoothing: Share of the target's mass that is spread evenly over all classes.

    >>> loss = CrossEntropy()
    >>> round(loss(torch.zeros(1, 4, 2, 2), torch.tensor([[[0, 1], [2, 255]]])).item(), 4)
    1.3863
    """

    label_smoothing: float = 0.0

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where nothing is labelled."""
        target = resize_target(target, logits)
        total = F.cross_entropy(
            logits, target, ignore_index=IGNORE, reduction="sum", label_smoothing=self.label_smoothing
        )
        return total / (target != IGNORE).sum().clamp(min=1)


@dataclass(frozen=True, slots=True)
class OnlineHardExampleMining:
    """Cross-entropy over the hard pixels only (Shrivastava et al., CVPR 2016; in this form in FasterSeg, ICLR 2020).

    Hard are those whose true class has at most probability `thresh`, and at least the hardest `min_kept` of all pixels.

    Attributes:
        thresh: A pixel whose true class is given more than this probability is easy.
        min_kept: Share of all pixels of the batch, ignored ones included, of which the loss is made at least.
    """

    thresh: float = 0.7
    min_kept: float = 1 / 16

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where nothing is labelled."""
        target = resize_target(target, logits)
        losses = F.cross_entropy(logits, target, ignore_index=IGNORE, reduction="none").flatten()
        labelled = (target != IGNORE).flatten()
        losses = losses[labelled]
        if losses.numel() == 0:
            return logits.sum() * 0
        hard = losses >= -math.log(self.thresh)
        least = min(int(self.min_kept * target.numel()), losses.numel())
        if int(hard.sum()) < least:
            return losses.topk(least, sorted=False).values.mean()
        return losses[hard].mean() if bool(hard.any()) else losses.sum() * 0


def resize_target(target: Tensor, logits: Tensor) -> Tensor:
    """A target map [N, H, W] at the size of logits [N, C, h, w]: each pixel takes the label at its centre."""
    if target.shape[1:] == logits.shape[2:]:
        return target
    return F.interpolate(target[:, None].float(), size=logits.shape[2:], mode="nearest-exact")[:, 0].to(torch.int64)

"""Losses: callables `loss(output, target) -> scalar tensor`.

Those about classes take logits, maps [N, C, h, w] with class targets [N, H, W], or vectors [N, C] with targets [N];
targets are int64, and 255 (`IGNORE`) stands for "no class". A target map of another size than the logits is resized to
them (nearest pixel). Those about numbers take targets of the output's shape, in which NaN stands for "no number".
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


@dataclass(frozen=True, slots=True)
class BootstrappedCrossEntropy:
    """Mean cross-entropy of the pixels it is largest for (Yang et al., "DeeperLab", 2019).

    Attributes:
        top: Share of all pixels of the batch of which the loss is made. Pixels without a class count in it, with loss
            0, as in the public code of Panoptic-DeepLab.

    >>> loss = BootstrappedCrossEntropy(top=0.5)
    >>> round(loss(torch.zeros(1, 4, 2, 2), torch.tensor([[[0, 255], [255, 255]]])).item(), 4)
    0.6931
    """

    top: float = 0.2

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where nothing is labelled."""
        target = resize_target(target, logits)
        losses = F.cross_entropy(logits, target, ignore_index=IGNORE, reduction="none").flatten()
        return losses.topk(max(1, int(self.top * losses.numel())), sorted=False).values.mean()


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """Mean binary cross-entropy of logits against probabilities of the same shape."""

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where the target has no number."""
        output, target, count = _with_numbers(output, target)
        return F.binary_cross_entropy_with_logits(output, target, reduction="sum") / count


@dataclass(frozen=True, slots=True)
class Focal:
    """The focal loss of logits against zeros and ones of the same shape, divided by the number of ones (Lin et al.,
    ICCV 2017).

    Attributes:
        alpha: Weight of the ones; the zeros have 1 - alpha.
        gamma: How far what is certain already is weighted down; 0: not at all.

    >>> round(Focal()(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])).item(), 4)
    0.1733
    """

    alpha: float = 0.25
    gamma: float = 2.0

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where the target has no number."""
        output, target, _ = _with_numbers(output, target)
        losses = F.binary_cross_entropy_with_logits(output, target, reduction="none")
        wrong = torch.where(target > 0.5, 1 - output.sigmoid(), output.sigmoid())
        weight = torch.where(target > 0.5, self.alpha, 1 - self.alpha)
        return (weight * wrong**self.gamma * losses).sum() / (target > 0.5).sum().clamp(min=1)


@dataclass(frozen=True, slots=True)
class MeanSquaredError:
    """Mean squared difference where the target has a number.

    >>> MeanSquaredError()(torch.tensor([1.0, 3.0]), torch.tensor([3.0, float("nan")])).item()
    4.0
    """

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where the target has no number."""
        output, target, count = _with_numbers(output, target)
        return F.mse_loss(output, target, reduction="sum") / count


@dataclass(frozen=True, slots=True)
class MeanAbsoluteError:
    """Mean absolute difference where the target has a number."""

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss; 0 (with zero gradients) where the target has no number."""
        output, target, count = _with_numbers(output, target)
        return F.l1_loss(output, target, reduction="sum") / count


def _with_numbers(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor, int]:
    """The elements for which the target has numbers, and how many there are, at least 1."""
    known = ~target.isnan()
    return output[known], target[known], max(1, int(known.sum()))


def resize_target(target: Tensor, logits: Tensor) -> Tensor:
    """A target map [N, H, W] at the size of logits [N, C, h, w]: each pixel takes the label at its centre."""
    if target.shape[1:] == logits.shape[2:]:
        return target
    return F.interpolate(target[:, None].float(), size=logits.shape[2:], mode="nearest-exact")[:, 0].to(torch.int64)

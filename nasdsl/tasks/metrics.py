"""Metrics: accumulate over batches of predictions, then give one number in 0..1 (greater is better) with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from nasdsl.tasks.catalogue import IGNORE


class Metric(Protocol):
    """What accumulates predictions and judges them."""

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Count predicted classes against true ones: int64 of equal shape; 255 in `target` is not judged."""

    def value(self) -> float:
        """The number, of all that was counted."""

    def parts(self) -> dict[str, float]:
        """What the number is made of, by name; empty where it is one piece."""


class MeanIou:
    """Mean intersection over union, from one confusion matrix over all pixels (PASCAL VOC, Everingham et al. 2010).

    Classes that occur neither in the truth nor in the predictions have no IoU and are left out of the mean.

    >>> metric = MeanIou(["road", "sky", "car"])
    >>> metric.update(torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1]))
    >>> metric.parts(), round(metric.value(), 3)
    ({'road': 0.6666666666666666, 'sky': 0.5}, 0.583)
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.confusion = torch.zeros(len(classes), len(classes), dtype=torch.int64)
        """Rows: true class; columns: predicted class; counts of pixels."""

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add the pixels of a batch to the confusion matrix."""
        judged = target != IGNORE
        count = len(self.classes)
        cells = target[judged] * count + prediction[judged]
        self.confusion += torch.bincount(cells, minlength=count * count).reshape(count, count)

    def value(self) -> float:
        """The mean of the IoUs; 0 where nothing was counted."""
        parts = self.parts()
        return sum(parts.values()) / len(parts) if parts else 0.0

    def parts(self) -> dict[str, float]:
        """IoU by class."""
        hit = self.confusion.diagonal()
        union = self.confusion.sum(0) + self.confusion.sum(1) - hit
        return {name: h / u for name, h, u in zip(self.classes, hit.tolist(), union.tolist(), strict=True) if u}


class Accuracy:
    """Share of the judged pixels (or examples) whose class is right.

    >>> metric = Accuracy()
    >>> metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 255]))
    >>> metric.value()
    0.5
    """

    def __init__(self) -> None:
        self.right = 0
        self.judged = 0

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Count a batch."""
        judged = target != IGNORE
        self.right += int((prediction[judged] == target[judged]).sum())
        self.judged += int(judged.sum())

    def value(self) -> float:
        """The share; 0 where nothing was counted."""
        return self.right / self.judged if self.judged else 0.0

    def parts(self) -> dict[str, float]:
        """Nothing: the share is one piece."""
        return {}


def predicted_classes(logits: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Classes [N, H, W] from logits [N, C, h, w] resized to `size` (bilinear, pixel centres), or [N] from [N, C]."""
    if size is not None and logits.shape[2:] != size:
        logits = F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
    return logits.argmax(1)

"""Judging a network on data, with PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from nasdsl.search.objective import Objective
from nasdsl.tasks.metrics import Metric, predicted_classes

Batch = tuple[Tensor, Tensor]
"""Images [N, 3, H, W] and targets: [N, h, w] at the size of the labels, or [N]."""


def judge(network: nn.Module, batches: Iterable[Batch], objective: Objective) -> tuple[dict[str, Metric], float]:
    """The metrics of the main task over batches, predictions resized to the labels, and the mean loss per batch."""
    network.eval()
    metrics = objective.metrics()
    losses = []
    with torch.inference_mode():
        for images, target in batches:
            logits = network(images)
            losses.append(objective.losses[objective.main.name][0](logits, target).item())
            prediction = predicted_classes(logits, (target.shape[1], target.shape[2]) if target.dim() == 3 else None)
            for metric in metrics.values():
                metric.update(prediction, target)
    return metrics, sum(losses) / len(losses) if losses else 0.0

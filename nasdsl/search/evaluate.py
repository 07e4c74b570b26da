"""Judging networks on data: in PyTorch while searching, in ONNX Runtime once they are lowered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.data.dataset import Split, open_data
from nasdsl.diagnostics.errors import NasError
from nasdsl.search.batches import Batches
from nasdsl.search.observer import Observer
from nasdsl.search.onnx_network import OnnxNetwork
from nasdsl.tasks.catalogue import Loss, metric_by_name
from nasdsl.tasks.metrics import Metric, predicted_classes

Batch = tuple[Tensor, Tensor]
"""Normalised images [N, 3, H, W] and targets: [N, h, w] at the size of the labels, or [N]."""


def judge(
    predict: Callable[[Tensor], Tensor], batches: Iterable[Batch], metrics: Mapping[str, Metric], loss: Loss
) -> float:
    """Count the predictions on batches in the metrics, at the size of the labels; returns the mean loss of a batch."""
    losses = []
    with torch.inference_mode():
        for images, target in batches:
            logits = predict(images)
            losses.append(loss(logits, target).item())
            _count(logits, target, metrics)
    return sum(losses) / len(losses) if losses else 0.0


def judge_module(network: nn.Module, batches: Iterable[Batch], metrics: Mapping[str, Metric], loss: Loss) -> float:
    """As `judge`, for a PyTorch network in evaluation mode."""
    network.eval()
    return judge(network, batches, metrics, loss)


def judge_model(
    model: OnnxNetwork, name: str, batches: Iterable[Batch], count: int, metrics: Mapping[str, Metric], watch: Observer
) -> dict[str, Any]:
    """The metrics of a lowered network over the `count` images of a split, as they are written to `metrics.json`."""
    watch.phase(name, count, 0)
    done = 0
    for images, target in batches:
        _count(torch.from_numpy(model.logits(images.numpy())), target, metrics)
        done += len(images)
        watch.step(done, {})
    return report(metrics)


def judge_on(model: OnnxNetwork, data: str, split: Split, watch: Observer) -> dict[str, Any]:
    """The metrics of a lowered network on a split of data, named as on the command line.

    Raises:
        NasError: The data cannot be opened, or their classes are not the model's.
    """
    opened = open_data(data, size=model.size)
    names = model.facts.classes.names
    if opened.classes.names != names:
        raise NasError(
            f"the model tells apart {len(names)} classes ({', '.join(names)}), the data have "
            f"{len(opened.classes)} ({', '.join(opened.classes.names)})",
            help="give the data it was trained on",
        )
    metrics = {name: metric_by_name(name, names) for name in model.facts.metrics}
    batches = Batches(opened, model.size, 0)
    return judge_model(model, f"judge {split}", batches.evaluation(split), batches.length(split), metrics, watch)


def report(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """The metrics by name, with their parts under `NAME_parts`."""
    found: dict[str, Any] = {}
    for name, metric in metrics.items():
        found[name] = round(metric.value(), 6)
        if metric.parts():
            found[f"{name}_parts"] = {part: round(value, 6) for part, value in metric.parts().items()}
    return found


def _count(logits: Tensor, target: Tensor, metrics: Mapping[str, Metric]) -> None:
    size = (target.shape[1], target.shape[2]) if target.dim() == 3 else None
    prediction = predicted_classes(logits, size)
    for metric in metrics.values():
        metric.update(prediction, target)

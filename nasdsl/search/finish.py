"""The end of a run: weights, ONNX, metrics, pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn

from nasdsl.data.dataset import Split
from nasdsl.hardware.ort_cpu import measure_model
from nasdsl.ir.architecture import Architecture
from nasdsl.lowering.export import export_onnx
from nasdsl.passes.kernels import costs
from nasdsl.search.evaluate import judge_model
from nasdsl.search.observer import Observer
from nasdsl.search.onnx_network import ModelFacts, OnnxNetwork
from nasdsl.search.pictures import contact_sheet, overlay, paint, png
from nasdsl.search.run_directory import RunDirectory, disk
from nasdsl.search.strategy import Candidate, Problem
from nasdsl.tasks.metrics import predicted_classes

WEIGHTS, MODEL, METRICS, SHEET, PICTURES = (
    "weights.safetensors",
    "model.onnx",
    "metrics.json",
    "predictions.png",
    "predictions",
)

JUDGED: tuple[Split, ...] = ("val", "test")

SHOWN = 4
"""Pictures of the test split on the contact sheet."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has found.

    Attributes:
        run: Its directory.
        architecture: The chosen architecture.
        metrics: What `metrics.json` holds.
        onnx: The model.
    """

    run: Path
    architecture: Architecture
    metrics: dict[str, Any]
    onnx: Path


def finish(
    directory: RunDirectory, problem: Problem, candidate: Candidate, network: nn.Module, watch: Observer
) -> Outcome:
    """Lower the trained network, judge the model file on the validation and test pictures, measure it, draw.

    Raises:
        NasError: The ONNX model and the PyTorch network disagree, or something cannot be written.
    """
    config = problem.config
    watch.phase("lower", 0, 0)
    network.eval()
    directory.write(WEIGHTS, save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}))
    path = directory.path / MODEL
    with disk(path):
        difference = export_onnx(candidate.network, network, path, facts_of(problem).metadata())
    model = OnnxNetwork(path, config.threads)
    found: dict[str, Any] = {}
    for split in JUDGED:
        batches, count = problem.batches.evaluation(split), problem.batches.length(split)
        found[split] = judge_model(model, f"judge {split}", batches, count, problem.objective.metrics(), watch)
    measured = measure_model(path)
    cost = costs(candidate.network)
    metrics = {
        "architecture": candidate.architecture.hash,
        **found,
        "params": int(cost.params),
        "macs": int(cost.macs),
        "onnx_max_abs_diff": difference,
        "latency_ms": {"device": config.device, "table": round(candidate.latency_ms, 4), "measured": round(measured, 4)},
    }
    directory.write(METRICS, json.dumps(metrics, indent=1) + "\n")
    _draw(directory, problem, model)
    return Outcome(directory.path, candidate.architecture, metrics, path)


def facts_of(problem: Problem) -> ModelFacts:
    """What the model file says about itself."""
    objective, batches = problem.objective, problem.batches
    return ModelFacts(
        task=objective.main.name,
        classes=objective.classes,
        palette=batches.palette,
        mean=batches.mean,
        std=batches.std,
        metrics=tuple(objective.metrics()),
    )


def _draw(directory: RunDirectory, problem: Problem, model: OnnxNetwork) -> None:
    batches, palette = problem.batches, problem.batches.palette
    rows: list[list[NDArray[np.uint8]]] = []
    count = batches.length("test")
    for index in sorted({round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)}):
        sample = batches.sample("test", index)
        logits = torch.from_numpy(model.logits(batches.normalised(sample.image)[None].numpy()))
        size = (sample.label.shape[0], sample.label.shape[1])
        prediction = predicted_classes(logits, size)[0].to(torch.uint8).numpy()
        tinted = overlay(sample.image, prediction, palette)
        rows.append([sample.image, paint(sample.label, palette), paint(prediction, palette), tinted])
        directory.write(f"{PICTURES}/{sample.name}.png", png(tinted))
    legend = list(zip(problem.objective.classes, palette, strict=True))
    directory.write(SHEET, contact_sheet(rows, ["image", "truth", "prediction", "overlay"], legend))

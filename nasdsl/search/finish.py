"""The end of a run: weights, ONNX, metrics, pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from nasdsl.codegen import module_paths
from nasdsl.data.dataset import Split
from nasdsl.data.pictures import Row, contact_sheet, overlay, save_picture
from nasdsl.hardware.device import device_here
from nasdsl.ir.architecture import Architecture
from nasdsl.lowering.export import export_onnx
from nasdsl.lowering.metadata import described
from nasdsl.passes.kernels import costs
from nasdsl.search.evaluate import judge_model
from nasdsl.search.observer import Observer
from nasdsl.search.onnx_network import ModelFacts, OnnxNetwork
from nasdsl.search.predict import classes_of
from nasdsl.search.run_directory import RunDirectory
from nasdsl.search.strategy import Candidate, Problem
from nasdsl.search.weights import weights_file

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
        target_ms: The latency bound, if there was one.
    """

    run: Path
    architecture: Architecture
    metrics: dict[str, Any]
    onnx: Path
    target_ms: float | None


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
    directory.write(WEIGHTS, weights_file(network, candidate.architecture))
    path = directory.path / MODEL
    difference = export_onnx(
        candidate.network,
        network,
        path,
        paths=module_paths(candidate.network),
        metadata=described(candidate.network, candidate.architecture) | facts_of(problem).metadata(),
    )
    model = OnnxNetwork(path, config.threads)
    found: dict[str, Any] = {}
    for split in JUDGED:
        batches, count = problem.batches.evaluation(split), problem.batches.length(split)
        found[split] = judge_model(model, f"judge {split}", batches, count, problem.objective.metrics(), watch)
    measured = None
    device = device_here(config.device, threads=config.device_threads)
    if device is not None:
        measured = round(device.measure_model(path), 4)
    cost = costs(candidate.network)
    metrics = {
        "architecture": candidate.architecture.hash,
        **found,
        "params": int(cost.params),
        "macs": int(cost.macs),
        "onnx_max_abs_diff": difference,
        "latency_ms": {
            "device": config.device,
            "table": round(candidate.latency_ms, 4),
            "measured": measured,
        },
    }
    watch.phase("draw", 0, 0)
    _draw(directory, problem, model)
    directory.write(METRICS, json.dumps(metrics, indent=1) + "\n")
    return Outcome(directory.path, candidate.architecture, metrics, path, problem.target_ms)


def facts_of(problem: Problem) -> ModelFacts:
    """What the model file says about itself."""
    return ModelFacts(problem.objective.main.name, tuple(problem.objective.metrics()), problem.batches.classes)


def _draw(directory: RunDirectory, problem: Problem, model: OnnxNetwork) -> None:
    batches, rows = problem.batches, []
    count = batches.length("test")
    for index in sorted({round(i * (count - 1) / (SHOWN - 1)) for i in range(SHOWN)}):
        sample = batches.sample("test", index)
        prediction = classes_of(model, sample.image)
        rows.append(Row(sample.image, sample.label, prediction, sample.name))
        save_picture(
            overlay(sample.image, prediction, batches.classes), directory.path / PICTURES / f"{sample.name}.png"
        )
    title = f"{problem.space.graph.name} on {problem.config.data.partition(':')[0]}, test pictures"
    save_picture(contact_sheet(rows, batches.classes, title=title), directory.path / SHEET)

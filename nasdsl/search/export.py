"""An architecture with trained weights as a file that others can run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from nasdsl.codegen import module_paths
from nasdsl.data.dataset import SegmentationData, open_data
from nasdsl.hardware.device import open_device
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.lowering.export import check_target, export_onnx, write_model
from nasdsl.lowering.metadata import described
from nasdsl.lowering.onnx import Dynamic
from nasdsl.lowering.opset import OPSET, check_opset
from nasdsl.passes.input_size import input_sizes, other_sizes
from nasdsl.passes.lowerable import check_lowerable
from nasdsl.search.batches import Batches
from nasdsl.search.evaluate import judge_model
from nasdsl.search.objective import Objective
from nasdsl.search.observer import Observer
from nasdsl.search.onnx_network import ModelFacts, OnnxNetwork
from nasdsl.search.weights import with_weights
from nasdsl.space import Space

CALIBRATED_ON = 64
"""Training pictures from which the ranges of activations are taken."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is to be written.

    Attributes:
        format: An ONNX model, or an ExportedProgram of PyTorch.
        opset: Version of the ONNX operator set.
        dynamic: What of the inputs is free.
        int8: Whether weights and activations are quantised.
        data: The data set, as on the command line, whose classes the model names and that calibrates it; without one
            `eval` and `predict` cannot use the model.
    """

    format: Literal["onnx", "torch-export"] = "onnx"
    opset: int = OPSET
    dynamic: Dynamic = "batch"
    int8: bool = False
    data: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model is worth: its metrics on the test pictures and its latency on one thread of ONNX Runtime."""

    metrics: dict[str, float]
    latency_ms: float
    size: int


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        size: Bytes of the file.
        difference: The largest absolute difference from PyTorch, of the model in float32.
        fp32: With int8: what the model in float32 is worth.
        int8: With int8: what the written model is worth.
    """

    size: int
    difference: float
    fp32: Judgement | None = None
    int8: Judgement | None = None


def export(
    space: Space, architecture: Architecture, weights: Path, output: Path, form: Form, watch: Observer
) -> Exported:
    """Write an architecture's network with trained weights, once the file computes what PyTorch computes.

    Args:
        space: The architecture's space.
        architecture: The decisions.
        weights: A safetensors file with the network's state dict.
        output: The file to write.
        form: What to write.
        watch: Is told what happens.

    Raises:
        NasError: The weights are not those of this network, the network has no such form, the two disagree, or the file
            cannot be written.
    """
    check_target(output)
    graph = space.derive(architecture)
    if form.format == "onnx":
        check_lowerable(graph)
        check_opset(graph, form.opset)
    if form.dynamic == "size":
        other_sizes(graph)
    network = with_weights(graph, architecture, weights)
    metadata = described(graph, architecture)
    data = None
    if form.data is not None:
        data = open_data(form.data, size=input_sizes(graph)[0])
        objective = Objective.of(space.graph, data.classes.names)
        metadata |= ModelFacts(objective.main.name, tuple(objective.metrics()), data.classes).metadata()
    if form.format == "torch-export":
        from nasdsl.lowering.torch_export import export_program

        assert form.dynamic != "size", "refused by the command line"
        difference = export_program(graph, network, output, metadata=metadata, dynamic=form.dynamic)
    elif form.int8 and data is not None:
        return _quantised(graph, network, output, metadata, form, data, objective, watch)
    else:
        paths = module_paths(graph)
        difference = export_onnx(
            graph, network, output, paths=paths, metadata=metadata, opset=form.opset, dynamic=form.dynamic
        )
    return Exported(output.stat().st_size, difference)


def _quantised(
    graph: Graph,
    network: nn.Module,
    output: Path,
    metadata: dict[str, str],
    form: Form,
    data: SegmentationData,
    objective: Objective,
    watch: Observer,
) -> Exported:
    """Write the network in int8; the model in float32, which it is made of and compared with, goes."""
    from nasdsl.lowering.int8 import quantised

    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        paths = module_paths(graph)
        difference = export_onnx(
            graph, network, whole, paths=paths, metadata=metadata, opset=form.opset, dynamic=form.dynamic
        )
        batches = Batches(data, input_sizes(graph)[0], 0)
        watch.phase("calibrate", 0, 0)
        pictures = (images.numpy() for images, _ in batches.calibration(CALIBRATED_ON))
        content = quantised(whole.read_bytes(), pictures)
        write_model(small, content)
        fp32 = _judged(whole, "judge fp32", batches, objective, watch)
        int8 = _judged(small, "judge int8", batches, objective, watch)
    write_model(output, content)
    return Exported(len(content), difference, fp32, int8)


def _judged(path: Path, name: str, batches: Batches, objective: Objective, watch: Observer) -> Judgement:
    metrics = objective.metrics()
    model = OnnxNetwork(path)
    found = judge_model(model, name, batches.evaluation("test"), batches.length("test"), metrics, watch)
    latency = open_device("ort_cpu").measure_model(path)
    scalars = {name: value for name, value in found.items() if isinstance(value, float)}
    return Judgement(scalars, latency, path.stat().st_size)

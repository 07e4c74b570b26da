"""Writing a trained network as ONNX, and the proof that the file computes what PyTorch computes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.lowering.onnx import onnx_model

TOLERANCE = 1e-4
"""How far outputs may lie apart, relative to the largest output (to 1 where that is smaller)."""


def export_onnx(
    graph: Graph,
    network: nn.Module,
    path: str | Path,
    *,
    paths: Mapping[int, str],
    metadata: Mapping[str, str] | None = None,
) -> float:
    """Write a network as ONNX, after ONNX Runtime has agreed with PyTorch on three random inputs (batches of 1, 2, 3).

    Args:
        graph: The network as a graph without decisions.
        network: The same as a PyTorch module; called with images [N, C, H, W] it returns a tensor, or tensors by the
            names of the tasks. Evaluated in inference mode; its mode is restored.
        path: Where to write; an existing file is replaced at once or not at all.
        paths: For each node with weights the path of its module.
        metadata: What to write into the model's metadata.

    Returns:
        The largest absolute difference found.

    Raises:
        NasError: The outputs differ by more than `TOLERANCE`, or the file cannot be written.
    """
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    content = onnx_model(graph, weights, paths=paths, metadata=metadata).SerializeToString(deterministic=True)
    difference = _difference(graph, network, content)
    _write(Path(path), content)
    return difference


def _difference(graph: Graph, network: nn.Module, content: bytes) -> float:
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    generator = torch.Generator().manual_seed(0)
    was_training = network.training
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    network.eval()
    worst = 0.0
    try:
        for batch in (1, 2, 3):
            inputs = [
                torch.randn(_shape(graph, item.name, batch, session), generator=generator) for item in graph.inputs()
            ]
            with torch.inference_mode():
                wanted = _by_name(network(*(x.to(device) for x in inputs)), names)
            found = session.run(
                names, {item.name: x.numpy() for item, x in zip(session.get_inputs(), inputs, strict=True)}
            )
            for name, value in zip(names, found, strict=True):
                expected = wanted[name].cpu().numpy()
                difference = float(np.abs(value - expected).max())
                limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
                if value.shape != expected.shape or not difference <= limit:
                    raise NasError(
                        f"the ONNX model and the PyTorch network differ in `{name}` by {difference:.3g} at batch size "
                        f"{batch}; at most {limit:.3g} was expected, so nothing was written",
                        help="this is a bug of nasdsl: please report it with the .nas file and the architecture",
                        status=3,
                    )
                worst = max(worst, difference)
    finally:
        network.train(was_training)
    return worst

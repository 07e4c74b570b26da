"""Writing a trained network as ONNX, and the proof that the file computes what PyTorch computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
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
    difference = _difference(network, content)
    _write(Path(path), content)
    return difference


def _difference(network: nn.Module, content: bytes) -> float:
    """The largest absolute difference over random inputs, if none is too large."""
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    shapes = {item.name: item.shape[1:] for item in session.get_inputs()}
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    was_training = network.training
    network.eval()
    worst = 0.0
    try:
        for batch in (1, 2, 3):
            inputs = {name: torch.randn(batch, *shape, generator=generator) for name, shape in shapes.items()}
            with torch.inference_mode():
                wanted = _by_name(network(*(x.to(device) for x in inputs.values())), names)
            found = session.run(names, {name: x.numpy() for name, x in inputs.items()})
            for name, value in zip(names, found, strict=True):
                worst = max(worst, _compared(name, batch, value, wanted[name].cpu().numpy()))
    finally:
        network.train(was_training)
    return worst


def _compared(name: str, batch: int, found: NDArray[Any], expected: NDArray[Any]) -> float:
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
    if not difference <= limit:
        raise NasError(
            f"the ONNX model and the PyTorch network differ in `{name}` by {difference:.3g} at batch size {batch}; "
            f"expected at most {limit:.3g}, so nothing was written",
            help="this is a bug of nasdsl: please report it with the .nas file and the architecture",
            status=3,
        )
    return difference


def _by_name(outputs: Tensor | Mapping[str, Tensor], names: Sequence[str]) -> Mapping[str, Tensor]:
    return {names[0]: outputs} if isinstance(outputs, Tensor) else outputs


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise NasError(f"cannot write {path}: {error.strerror}", help="choose a folder that exists", status=3) from None

"""The proof that a model file computes what PyTorch computes: both run on random inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.lowering.onnx import Dynamic
from nasdsl.passes.input_size import Sizes, input_sizes, other_sizes

TOLERANCE = 1e-4
"""How far outputs may lie apart, relative to the largest output (to LEAST where that is smaller)."""
LEAST = 0.01
"""Below it rounding within the network may outweigh the output."""

Shape = tuple[int, ...]
Outputs = Mapping[str, NDArray[Any]]
Run = Callable[[Sequence[Tensor]], Outputs]
"""A model: from its inputs to its outputs by the names of the tasks."""


def trials(graph: Graph, dynamic: Dynamic) -> list[list[Shape]]:
    """The shapes of three inputs on which a network is tried: with as many batch sizes and sizes as are free."""
    own = input_sizes(graph)
    sizes: list[Sizes] = [own, *(other_sizes(graph) if dynamic == "size" else (own, own))]
    batches = (1, 1, 1) if dynamic == "none" else (1, 2, 3)
    channels = [node.type.channels.constant for node in graph.inputs()]
    return [
        [(batch, int(c or 0), *size) for c, size in zip(channels, each, strict=True)]
        for batch, each in zip(batches, [*sizes, own][:3], strict=True)
    ]


def largest_difference(
    network: nn.Module, names: Sequence[str], found: Run, shapes: Sequence[Sequence[Shape]], what: str
) -> float:
    """The largest absolute difference over random inputs, if none is too large.

    Args:
        network: The PyTorch network. Evaluated in inference mode; its mode is restored.
        names: Of its outputs.
        found: What is compared with it.
        shapes: For each input that is tried the shapes of its parts.
        what: What `found` is, for people.

    Raises:
        NasError: Outputs differ by more than `TOLERANCE`, or in shape.
    """
    device = next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    was_training = network.training
    network.eval()
    worst = 0.0
    try:
        for shape in shapes:
            inputs = [torch.randn(*part, generator=generator) for part in shape]
            with torch.inference_mode():
                wanted = by_name(network(*(x.to(device) for x in inputs)), names)
            computed = found(inputs)
            for name in names:
                worst = max(worst, _compared(name, shape, computed[name], wanted[name], what))
    finally:
        network.train(was_training)
    return worst


def by_name(outputs: Tensor | Mapping[str, Tensor], names: Sequence[str]) -> Outputs:
    """A network's outputs as arrays by the names of the tasks."""
    tensors = {names[0]: outputs} if isinstance(outputs, Tensor) else outputs
    return {name: tensors[name].detach().cpu().numpy() for name in names}


def _compared(name: str, shape: Sequence[Shape], found: NDArray[Any], expected: NDArray[Any], what: str) -> float:
    limit = TOLERANCE * max(LEAST, float(np.abs(expected).max()))
    difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
    if not difference <= limit:
        sizes = " and ".join("x".join(map(str, part)) for part in shape)
        raise NasError(
            f"{what} and the PyTorch network differ in `{name}` by {difference:.3g} on an input of {sizes}; "
            f"expected at most {limit:.3g}, so nothing was written",
            help="this is a bug of nasdsl: please report it with the .nas file and the architecture",
            status=3,
        )
    return difference


def in_onnx_runtime(content: bytes) -> tuple[Run, list[str]]:
    """A model that ONNX Runtime has opened, and the names of its outputs.

    Raises:
        NasError: ONNX Runtime cannot open it.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
        raise NasError(
            f"ONNX Runtime {ort.__version__} cannot open the model, so nothing was written: "
            f"{str(error).splitlines()[0][:200]}",
            help="an older --opset may help; without --opset, please report it with the .nas file",
            status=3,
        ) from None
    inputs, names = [item.name for item in session.get_inputs()], [item.name for item in session.get_outputs()]

    def run(tensors: Sequence[Tensor]) -> Outputs:
        fed = {name: x.numpy() for name, x in zip(inputs, tensors, strict=True)}
        return dict(zip(names, session.run(names, fed), strict=True))

    return run, names

"""Writing a trained network as ONNX, once the file computes what PyTorch computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
from nasdsl.ir.graph import Graph
from nasdsl.lowering.compare import in_onnx_runtime, largest_difference, trials
from nasdsl.lowering.onnx import Dynamic, onnx_model
from nasdsl.lowering.opset import OPSET


def export_onnx(
    graph: Graph,
    network: nn.Module,
    path: str | Path,
    *,
    paths: Mapping[int, str],
    metadata: Mapping[str, str] | None = None,
    opset: int = OPSET,
    dynamic: Dynamic = "batch",
) -> float:
    """Write a network as ONNX, after ONNX Runtime has agreed with PyTorch on three random inputs.

    Args:
        graph: The network as a graph without decisions.
        network: The same as a PyTorch module; called with images [N, C, H, W] it returns a tensor, or tensors by the
            names of the tasks. Evaluated in inference mode; its mode is restored.
        path: Where to write; an existing file is replaced at once or not at all.
        paths: For each node with weights the path of its module.
        metadata: What to write into the model's metadata.
        opset: Version of the ONNX operator set.
        dynamic: What of the inputs is free; the three random inputs differ in that.

    Returns:
        The largest absolute difference found.

    Raises:
        NasError: The network has no such form, the outputs differ by more than `nasdsl.lowering.compare.TOLERANCE`, or
            the file cannot be written.
    """
    check_target(Path(path))
    weights = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    model = onnx_model(graph, weights, paths=paths, metadata=metadata, opset=opset, dynamic=dynamic)
    content = model.SerializeToString(deterministic=True)
    run, names = in_onnx_runtime(content)
    difference = largest_difference(network, names, run, trials(graph, dynamic), "the ONNX model")
    write_model(Path(path), content)
    return difference


def check_target(path: Path) -> None:
    """Refuse a target that cannot become a file before anything is computed for it.

    Raises:
        NasError: It is a folder, or lies in a file.
    """
    if path.is_dir():
        raise NasError(f"{path} is a folder", help="name the file to write in it", status=2)
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise NasError(f"cannot write {path}: {parent} is a file", help="choose another folder", status=2)


def write_model(path: Path, content: bytes) -> None:
    """Write a model file; an existing one is replaced at once or not at all.

    Raises:
        NasError: It cannot be written.
    """
    try:
        write_atomically(path, content)
    except OSError as error:
        raise NasError(f"cannot write {path}: {error.strerror}", help="choose another folder", status=3) from None

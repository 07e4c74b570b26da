"""Writing a trained network as an ExportedProgram of PyTorch, the file that `torch.export.load` reads."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.lowering.compare import Outputs, by_name, largest_difference, trials
from nasdsl.lowering.export import check_target, write_model

METADATA = "nasdsl.json"
"""The extra file in the program that holds the metadata."""


def export_program(
    graph: Graph,
    network: nn.Module,
    path: str | Path,
    *,
    metadata: Mapping[str, str] | None = None,
    dynamic: Literal["batch", "none"] = "batch",
) -> float:
    """Write a network as an ExportedProgram, after that, loaded again, has agreed with it on three random inputs.

    Args:
        graph: The network as a graph without decisions.
        network: The same as a PyTorch module.
        path: Where to write; an existing file is replaced at once or not at all.
        metadata: What to write into the extra file `nasdsl.json`.
        dynamic: Whether the batch size is free.

    Returns:
        The largest absolute difference found.

    Raises:
        NasError: PyTorch cannot export it, the two disagree, or the file cannot be written.
    """
    check_target(Path(path))
    content = _program(graph, network.eval(), metadata or {}, dynamic)
    loaded: Any = torch.export.load(io.BytesIO(content)).module()
    names = [task.name for task in graph.tasks if not task.aux]

    def run(inputs: Sequence[Tensor]) -> Outputs:
        with torch.inference_mode():
            return by_name(loaded(*inputs), names)

    difference = largest_difference(network, names, run, trials(graph, dynamic), "the exported program")
    write_model(Path(path), content)
    return difference


def _program(graph: Graph, network: nn.Module, metadata: Mapping[str, str], dynamic: str) -> bytes:
    shapes = trials(graph, "batch" if dynamic == "batch" else "none")[1]
    inputs = tuple(torch.zeros(*shape) for shape in shapes)
    free = tuple({0: torch.export.Dim("N")} for _ in inputs) if dynamic == "batch" else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(network, inputs, dynamic_shapes=free)
    except Exception as error:  # torch.export raises whatever a network's code provokes
        raise NasError(f"torch.export cannot trace the network: {str(error).splitlines()[0][:200]}", status=3) from None
    for node in program.graph.nodes:
        # Where the code lies on this machine is nobody's business, and differs from one to the next.
        node.meta.pop("stack_trace", None)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(dict(sorted(metadata.items())), indent=1)})
    return buffer.getvalue()

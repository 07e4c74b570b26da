"""Which versions of the ONNX operator set a network can be written in."""

from __future__ import annotations

import onnx

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.lowerable import read_by_tasks

OPSET = 18
"""The version that is written unless another is asked for."""
OLDEST = 9
"""Before it, weights were inputs of the model."""
NEWEST = 25
"""The newest that the tests load in ONNX Runtime."""


def newest() -> int:
    """The newest version that can be written here: the installed onnx package may know fewer."""
    return min(NEWEST, onnx.defs.onnx_opset_version())


def check_opset(graph: Graph, opset: int) -> None:
    """Check that a network can be written in a version of the operator set.

    Raises:
        NasError: It cannot; what needs which version is named.
    """
    live = read_by_tasks(graph)
    needs = [(OPERATIONS[n.op].opset, n) for n in graph.nodes if n.id in live and n.op in OPERATIONS]
    oldest = max([OLDEST, *(version for version, _ in needs)])
    if opset > newest():
        raise NasError(
            f"opset {opset} is too new: nasdsl writes {oldest} to {newest()}",
            help=f"newer engines run older opsets; without --opset it is {max(OPSET, oldest)}",
            status=2,
        )
    if opset >= oldest:
        return
    missing: dict[str, str] = {}
    for version, node in needs:
        if version > max(opset, OLDEST):
            missing.setdefault(node.op, f"`{node.op}` needs {version} ({node.span})")
    reason = "; ".join(missing.values()) or f"before {OLDEST}, weights were inputs of the model"
    raise NasError(
        f"opset {opset} is too old for this network: {reason}", help=f"--opset {oldest} or a newer one", status=2
    )

"""What keeps a space from becoming ONNX: operations written in Python, which have no ONNX form."""

from __future__ import annotations

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Node


def read_by_tasks(graph: Graph) -> set[int]:
    """The nodes that tasks other than aux ones read, in some architecture."""
    found = {task.output for task in graph.tasks if not task.aux}
    for node in reversed(graph.nodes):
        if node.id in found:
            found.update(item.node for item in node.inputs)
    return found


def without_onnx(graph: Graph) -> tuple[Node, ...]:
    """The operations without an ONNX form that a task reads, in a space or a network."""
    live = read_by_tasks(graph)
    return tuple(node for node in graph.nodes if node.op == "extern" and node.id in live)


def check_lowerable(graph: Graph) -> None:
    """Check that every architecture of a space, or a network, has an ONNX form.

    Raises:
        NasError: One has none.
    """
    for node in without_onnx(graph):
        raise NasError(
            f"{node.span}: `{node.attrs['target']}` is an extern, a class of your own: it has no ONNX form",
            help="say it with operations of the language, or use the PyTorch code that `compile` and `derive` write",
        )

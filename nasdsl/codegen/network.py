"""A network without decisions as one readable PyTorch file."""

from __future__ import annotations

from collections.abc import Mapping

from nasdsl.codegen.body import Body
from nasdsl.codegen.classes import Printer, docstring, imports_for, rendered, shown_span
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import Nest, Prefixed, lay_out, prose, quoted, wrapped
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph


def network_source(graph: Graph, *, architecture: Architecture | None, facts: Mapping[str, str]) -> str:
    """A network as the text of a Python module that needs PyTorch only.

    The module holds the class `Network` and `load(path)`, which reads weights from a .safetensors file.

    Args:
        graph: A graph without decisions.
        architecture: What it was derived from, for the text; None for nothing.
        facts: What else the text says, by name: parameters, MACs, latency, the command.
    """
    groups = Groups(graph, "Network")
    printer = Printer(groups, None)
    blocks = list(printer.blocks())
    task = " and ".join(f"`{task.name}`" for task in graph.tasks)
    doc = wrapped(prose(f"Called with images [N, C, H, W] it returns {task}."), 10)
    model = {
        "doc": docstring(_doc(graph, architecture, facts)),
        "classes": [*blocks, printer.top(doc, _forward(groups, printer))],
        "name": "Network",
    }
    text = rendered("network.py.j2", imports=[], **model)
    return rendered("network.py.j2", imports=imports_for(text, groups.externs, runtime=False), **model)


def _doc(graph: Graph, architecture: Architecture | None, facts: Mapping[str, str]) -> list[str]:
    where = f" ({shown_span(graph.span)})" if graph.span else ""
    lines = wrapped(prose(f"A network of the space `{graph.name}`{where}. Written by nasdsl."), 3)
    if architecture is not None:
        facts = {"architecture": architecture.hash, **facts}
    if facts:
        lines.append("")
        for name, value in facts.items():
            lines += wrapped(prose(f"{name}: {value}"), 0)
    return lines


def _forward(groups: Groups, printer: Printer) -> list[str]:
    body = Body(groups, groups.classes[-1], printer.shapes)
    parameters = body.parameters()
    tasks = groups.graph.tasks
    kind = "Tensor"
    if len(tasks) == 1:
        body.finish_with(tasks[0].output)
    else:
        kind = "dict[str, Tensor]"
        body.statements(body.items)
        entries = tuple(Prefixed(f"{quoted(task.name)}: ", body.names[task.output]) for task in tasks)
        body.lines += lay_out("return ", Nest("{", entries, "}"), "", 8)
    return [*lay_out("def ", Nest("forward(", ("self", *parameters)), f" -> {kind}:", 4), *body.lines]

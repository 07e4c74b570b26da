"""The classes of externs in generated code: what they are imported as, and the lines that import them."""

from __future__ import annotations

from collections.abc import Mapping

from nasdsl.codegen.classnames import OWN
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.ops.extern import module_and_class
from nasdsl.ops.operation import RuleError
from nasdsl.passes.module_paths import RESERVED, identifier


def extern_names(graph: Graph) -> dict[str, str]:
    """For each target, "package.module:Class", the name of the class in the generated module: its own, if it is free.

    Raises:
        NasError: A target is not two dotted Python names.
    """
    targets = sorted({str(node.attrs["target"]) for node in graph.nodes if node.op == "extern"})
    names: dict[str, str] = {}
    for target in targets:
        try:
            _, own = module_and_class(target)
        except RuleError as error:
            raise NasError(error.message, help=error.help) from None
        names[target] = identifier(own, OWN | RESERVED | set(names.values()))
    return names


def extern_imports(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The import lines for the classes of externs, each with its module."""
    plain: dict[str, list[str]] = {}
    lines = []
    for target, name in names.items():
        module, wanted = module_and_class(target)
        if wanted == name:
            plain.setdefault(module, []).append(name)
        else:
            lines.append((module, f"from {module} import {wanted} as {name}"))
    together = [(module, f"from {module} import {', '.join(sorted(found))}") for module, found in plain.items()]
    return sorted(together + lines)

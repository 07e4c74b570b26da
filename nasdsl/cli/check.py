"""`nasdsl check`: parse, type-check, warn."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nasdsl.cli.arguments import add_table, annotating_table, assignment
from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.space import elaborate, preset_names
from nasdsl.ir.graph import Graph
from nasdsl.passes.lint import lint
from nasdsl.syntax.parser import parse, read_source
from nasdsl.tasks.lint import lint_tasks


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("check", help="parse and type-check .nas files, with every preset; warn")
    parser.add_argument("files", nargs="+", metavar="FILE", help=".nas files")
    parser.add_argument("--preset", default=None, metavar="NAME", help="check this preset only (default: all)")
    parser.add_argument(
        "--param", action="append", default=[], type=assignment, metavar="NAME=VALUE", help="a parameter (repeatable)"
    )
    add_table(parser, "look at limits on latency and energy too, by this lookup table")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_check)


def _check(args: argparse.Namespace) -> int:
    results = []
    for file in args.files:
        try:
            with _rare_collections():
                graph, found = _look_at(args, file)
        except NasError as error:
            # The file cannot be read, or the command line names what it does not have: no place in a text.
            data = {"code": "", "severity": "error", "title": "cannot be checked", "message": error.message}
            results.append({"file": file, "diagnostics": [data | {"file": file, "help": error.help}]})
            if not args.json:
                print(f"error: {error}", file=sys.stderr)
            continue
        results.append({"file": file, "diagnostics": _as_data(found)})
        if not args.json:
            _print(file, graph, found)
    if args.json:
        import json

        print(json.dumps({"files": results}, indent=1))
    return int(any(data["severity"] == "error" for result in results for data in result["diagnostics"]))


def _as_data(found: list[Diagnostic]) -> list[dict[str, Any]]:
    if not found:
        return []
    from nasdsl.diagnostics.render import as_data

    return [as_data(diagnostic) for diagnostic in found]


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage rarely: a graph is large, lives to the end, and would be gone through again and again."""
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _look_at(args: argparse.Namespace, name: str) -> tuple[Graph | None, list[Diagnostic]]:
    """The graph of a space without preset, if that has no mistakes, and the mistakes under any preset, or warnings."""
    graphs: dict[str, Graph] = {}
    found: list[Diagnostic] = []
    try:
        file = parse(read_source(name))
    except InvalidSpace as error:
        return None, list(error.diagnostics)
    for preset in [args.preset] if args.preset is not None else ["", *preset_names(file)]:
        try:
            graphs[preset] = elaborate(file, preset=preset, params=dict(args.param))
        except InvalidSpace as error:
            found += [diagnostic for diagnostic in error.diagnostics if diagnostic not in found]
            if not preset:
                break
    if found:
        return None, found
    warnings = [*lint(file, graphs), *lint_tasks(graphs.values()), *_about_requirements(graphs, args)]
    return next(iter(graphs.values())), sorted(warnings, key=lambda warning: (warning.span.start, warning.code))


def _about_requirements(graphs: dict[str, Graph], args: argparse.Namespace) -> list[Diagnostic]:
    """Warnings that need the algebra of the space; most spaces require nothing that does."""
    limits = [limit for graph in graphs.values() for limit in graph.limits]
    counted = len(limits) > 1 or any(limit.metric in ("macs", "params") for limit in limits)
    table = annotating_table(args, graphs.values())
    if not (counted or table or any(graph.rules for graph in graphs.values())):
        return []
    from nasdsl.algebra.lint import lint_requirements

    latency_ms: dict[tuple[str, int], Mapping[str, float]] = {}
    if table is not None:
        required = {(limit.device, limit.threads or 1) for limit in limits if limit.device}
        for device, threads in required if args.other_device else [(table.device, table.threads)]:
            latency_ms[device, threads] = table.latency_ms
    return lint_requirements(graphs, latency_ms)


def _print(file: str, graph: Graph | None, found: list[Diagnostic]) -> None:
    if found:
        from nasdsl.cli.messages import print_diagnostics

        print_diagnostics(found)
        codes = " ".join(dict.fromkeys(diagnostic.code for diagnostic in found))
        counts = [
            f"{count} {kind}{'s' * (count > 1)}"
            for kind in ("error", "warning")
            if (count := sum(diagnostic.severity == kind for diagnostic in found))
        ]
        print(f"{file}: {', '.join(counts)}; more: nasdsl explain {codes}", file=sys.stderr)
    if graph is not None:
        print(f"{file}: {summary(graph)}")


def summary(graph: Graph) -> str:
    """One line about a space."""
    kinds: dict[str, int] = {}
    for decision in graph.decisions.values():
        kinds[decision.kind.value] = kinds.get(decision.kind.value, 0) + 1
    decisions = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
    tasks = ", ".join(task.name for task in graph.tasks if not task.aux)
    return f"ok, space {graph.name}: {len(graph.nodes)} nodes, decisions: {decisions}; tasks: {tasks}"

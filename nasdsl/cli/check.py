"""`nasdsl check`: parse and type-check."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from nasdsl.cli.arguments import load_space
from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.diagnostics.render import as_data
from nasdsl.elaborate.space import preset_names
from nasdsl.ir.graph import Graph
from nasdsl.ir.verify import verify
from nasdsl.syntax.parser import parse, read_source


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("check", help="parse and type-check .nas files, with every preset")
    parser.add_argument("files", nargs="+", metavar="FILE", help=".nas files")
    parser.add_argument("--preset", default=None, metavar="NAME", help="check this preset only (default: all)")
    parser.add_argument("--param", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_check)


def _check(args: argparse.Namespace) -> int:
    results = []
    for file in args.files:
        result: dict[str, Any] = {"file": file, "diagnostics": []}
        results.append(result)
        try:
            graph = _all_presets(args, file)
            if not args.json:
                print(f"{file}: {summary(graph)}")
        except InvalidSpace as error:
            result["diagnostics"] = [as_data(diagnostic) for diagnostic in error.diagnostics]
            if not args.json:
                print(error.message, file=sys.stderr)
        except NasError as error:
            found = {"code": "E0104", "severity": "error", "title": "not a text file", "message": error.message}
            result["diagnostics"] = [found | {"file": file, "help": error.help}]
            if not args.json:
                print(f"error: {error}", file=sys.stderr)
    if args.json:
        print(json.dumps({"files": results}, indent=1))
    return int(any(result["diagnostics"] for result in results))


def _all_presets(args: argparse.Namespace, file: str) -> Graph:
    """Check the space as it stands and under each preset; returns the graph of the first."""
    presets = [args.preset] if args.preset is not None else ["", *preset_names(parse(read_source(file)))]
    space = argparse.Namespace(file=file, preset="", param=args.param)
    graphs = [verify(load_space(space, preset).graph) for preset in presets]
    return graphs[0]


def summary(graph: Graph) -> str:
    """One line about a space."""
    kinds: dict[str, int] = {}
    for decision in graph.decisions.values():
        kinds[decision.kind.value] = kinds.get(decision.kind.value, 0) + 1
    decisions = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
    tasks = ", ".join(task.name for task in graph.tasks if not task.aux)
    return f"ok, space {graph.name}: {len(graph.nodes)} nodes, decisions: {decisions}; tasks: {tasks}"

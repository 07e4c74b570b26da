"""`nasdsl count`: how large a space is, exactly."""

from __future__ import annotations

import argparse
import json
import re
from math import log10
from typing import Any

from nasdsl.cli.arguments import add_space, load_space
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Kind

KINDS = {"choices": Kind.CHOOSE, "picks": Kind.PICK, "widths": Kind.WIDTH, "depths": Kind.DEPTH, "routes": Kind.ROUTE}


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("count", help="how many architectures a space has, exactly")
    add_space(parser)
    parser.add_argument(
        "--only",
        metavar="WHICH",
        help=f"count the joint values of some decisions: {', '.join(KINDS)}, or paths with * such as 'trunk[*,8].w'",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_count)


def _count(args: argparse.Namespace) -> int:
    from nasdsl.algebra.count import count_values
    from nasdsl.algebra.model import model

    space = load_space(args)
    if args.only is None:
        found = space.count()
        result = {"decisions": found.decisions, "encodings": found.encodings, "architectures": found.architectures}
    else:
        paths = _paths(space.graph, args.only)
        result = {"decisions": len(paths), "values": count_values(model(space.graph), paths)}
    if args.json:
        size = result.get("architectures", result.get("values", 0))
        texts = {key: str(value) for key, value in result.items()}
        print(json.dumps({"space": space.graph.name, **texts, "log10": round(log10(size), 6) if size else None}))
    else:
        width = max(map(len, result))
        for key, value in result.items():
            about = f"  (about 10^{log10(value):.1f})" if value >= 10**7 else ""
            print(f"{key:{width}}  {value:,}{about}")
    return 0


def _paths(graph: Graph, which: str) -> list[str]:
    """The decisions that `--only` means."""
    if which in KINDS:
        paths = [path for path, decision in graph.decisions.items() if decision.kind is KINDS[which]]
    else:
        pattern = re.compile("".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", which)))
        paths = [path for path in graph.decisions if pattern.fullmatch(path)]
    if not paths:
        raise NasError(f"`{graph.name}` has no decision that `{which}` means", help="`nasdsl show --all` lists them")
    return paths

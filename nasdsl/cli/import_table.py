"""`nasdsl import-table`: a published table of latencies as a lookup table."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nasdsl.cli.arguments import assignment, load_space


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("import-table", help="a published latency table as a lookup table")
    parser.add_argument("kind", metavar="KIND", help="fasterseg, fasterseg-as-coded, fbnet, nasbench201 or tfnas")
    parser.add_argument("source", metavar="DATA", help="the published file, .json or .npz")
    parser.add_argument(
        "file", metavar="SPACE.nas", nargs="?", help="the space, where it is its decisions that have latencies"
    )
    parser.add_argument("--preset", default="", metavar="NAME", help="a preset of the space")
    parser.add_argument(
        "--param", action="append", default=[], type=assignment, metavar="NAME=VALUE", help="a parameter"
    )
    parser.add_argument("--device", metavar="NAME", help="which of the file's devices")
    parser.add_argument("-o", "--output", required=True, metavar="T.json", help="the lookup table to write")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_import)


def _import(args: argparse.Namespace) -> int:
    from nasdsl.hardware.published import read_published

    graph = load_space(args).graph if args.file else None
    table = read_published(args.kind, args.source, args.device, graph)
    table.save(args.output)
    if args.json:
        found = {"table": args.output, "device": table.device, "entries": len(table.entries), "source": table.source}
        print(json.dumps(found | {"batch": table.batch, "space": table.space}))
    else:
        print(f"{args.output}: {len(table.entries)} entries, device {table.device} ({table.note})")
    return 0

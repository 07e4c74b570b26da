"""`nasdsl profile`: fill the lookup table for a space."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from nasdsl.cli.arguments import add_space, load_space, user_table
from nasdsl.cli.quantities import positive


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("profile", help="measure every operator that a space can reach")
    add_space(parser)
    parser.add_argument("--device", default="ort_cpu", metavar="NAME", help="default ort_cpu")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of the device (default 1)")
    parser.add_argument("--table", metavar="T.json", help="the table to fill (default: one per user and device)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_profile)


def _profile(args: argparse.Namespace) -> int:
    from nasdsl.cli.live import watching
    from nasdsl.hardware.device import open_device
    from nasdsl.hardware.profile import profile
    from nasdsl.hardware.table import load_table
    from nasdsl.passes.kernels import signatures

    space = load_space(args)
    device = open_device(args.device, threads=args.threads)
    path = Path(args.table) if args.table else user_table(device.name, device.threads)
    known = load_table(path).entries.keys() if path.exists() else set()
    needed = signatures(space.graph).keys()
    missing = len(needed - known)
    with watching() as observer:
        if missing:
            observer.phase("profile", missing, 0)
        profile(space.graph, device, path, lambda done, total: observer.step(done, {}))
    if args.json:
        found = {"device": device.name, "entries": len(needed), "measured": missing, "reused": len(needed) - missing}
        sys.stdout.write(json.dumps(found | {"table": str(path)}) + "\n")
    else:
        print(f"{path}: {len(needed)} operators of {space.graph.name} on {device.name}, {missing} measured now")
    return 0

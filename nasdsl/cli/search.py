"""`nasdsl search`: from a space and data to a trained network in ONNX, under a latency target."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli import evaluate, export, train
from nasdsl.cli.arguments import add_space
from nasdsl.cli.quantities import milliseconds, natural, positive, seconds, steps

if TYPE_CHECKING:
    from nasdsl.search.finish import Outcome


def add(verbs: Any) -> None:
    """Add the verb, and those that work on what it leaves."""
    parser = verbs.add_parser("search", help="search a space on data; ends with a trained network in ONNX")
    add_space(parser)
    parser.add_argument("--data", metavar="D", help="streets (made on the fly; the default) or camvid:DIR")
    parser.add_argument("--device", metavar="NAME", help="the device whose latency counts (default ort_cpu)")
    parser.add_argument("--latency", type=milliseconds, metavar="MS", help="bound; default: the space's `require`")
    parser.add_argument("--table", metavar="T.json", help="lookup table; filled as needed (default: one per user)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--budget", type=seconds, metavar="T", help="time for everything: 20m (the default), 90s, 1h30m")
    length.add_argument("--steps", type=steps, metavar="S,T", help="search steps and training steps instead of a time")
    parser.add_argument("--strategy", metavar="S", help="gumbel (the default) or random (the baseline)")
    parser.add_argument("--seed", type=natural, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--threads", type=positive, metavar="N", help="for PyTorch (default: all cores)")
    parser.add_argument("--run", metavar="DIR", help="the directory to make (default runs/SPACE-DATA-STRATEGY-SEED)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run DIR")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting, such as search.batch=4 (repeatable); config.json shows all",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_search)
    for module in (train, evaluate, export):
        module.add(verbs)


def _search(args: argparse.Namespace) -> int:
    from nasdsl.cli.live import watching
    from nasdsl.cli.runs import begin, lookup_table, resume
    from nasdsl.search.run import Job, search

    start = time.monotonic()
    with watching() as observer:
        directory, config, space = resume(args) if args.resume else begin(args, observer)
        try:
            table = lookup_table(args, config, space, observer)
            outcome = search(Job(directory, space, table, observer, time.monotonic() - start), config)
        except KeyboardInterrupt as interrupt:
            again = shlex.join(["nasdsl", "search", args.file, "--run", str(directory.path), "--resume"])
            raise KeyboardInterrupt(f"{f'{interrupt}. ' if str(interrupt) else ''}To go on: {again}") from None
    _print(args, outcome, time.monotonic() - start)
    return 0


def _print(args: argparse.Namespace, outcome: Outcome, took_s: float) -> None:
    latency = outcome.metrics["latency_ms"]
    if args.json:
        document = {
            "run": str(outcome.run),
            "architecture": json.loads(outcome.architecture.to_json()),
            "metrics": outcome.metrics["test"],
            "latency_ms": latency["measured"],
            "onnx": str(outcome.onnx),
            "seconds": round(took_s, 1),
        }
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return
    judged = [
        f"{split} {name} {value:.3f}"
        for split in ("test", "val")
        for name, value in outcome.metrics[split].items()
        if isinstance(value, float)
    ]
    bound = f", target {outcome.target_ms:g} ms" if outcome.target_ms is not None else ""
    lines = [
        f"architecture {outcome.architecture.hash}: {outcome.metrics['params']:,} parameters, "
        f"{outcome.metrics['macs']:,} MACs",
        ", ".join(judged),
        f"latency {latency['measured']:.3f} ms on {latency['device']} (lookup table {latency['table']:.3f} ms{bound})",
        f"model {outcome.onnx}",
        f"pictures {Path(outcome.run) / 'predictions.png'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")

"""`nasdsl search`: from a space and data to a trained network in ONNX, under a latency target."""

from __future__ import annotations

import argparse
from typing import Any

from nasdsl.cli import evaluate, export, train
from nasdsl.cli.arguments import add_space
from nasdsl.cli.quantities import milliseconds, natural, positive, seconds, steps


def add(verbs: Any) -> None:
    """Add the verb, and those that work on what it leaves."""
    parser = verbs.add_parser("search", help="search a space on data; ends with a trained network in ONNX")
    add_space(parser)
    parser.add_argument("--data", metavar="D", help="streets (made on the fly; the default) or camvid:DIR")
    parser.add_argument("--device", metavar="NAME", help="the device whose latency counts (default ort_cpu)")
    parser.add_argument("--latency", type=milliseconds, metavar="MS", help="bound; default: the space's `require`")
    parser.add_argument("--table", metavar="T.json", help="lookup table; filled as needed (default: one per user)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--budget", type=seconds, metavar="T", help="time for everything: 20m (the default), 90s, 1h30m"
    )
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
    parser.add_argument(
        "--ignore-memory", action="store_true", help="start even if it does not seem to fit into memory"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_search)
    for module in (train, evaluate, export):
        module.add(verbs)


def _search(args: argparse.Namespace) -> int:
    from nasdsl.cli.runs import perform

    return perform(args)

"""`nasdsl train`: train one architecture of a space, without a search."""

from __future__ import annotations

import argparse
from typing import Any

from nasdsl.cli.arguments import add_space, read_architecture
from nasdsl.cli.quantities import natural, positive


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("train", help="train one architecture from scratch; ends with ONNX and pictures")
    add_space(parser)
    parser.add_argument("--arch", required=True, metavar="A.json", help="the architecture")
    parser.add_argument("--data", metavar="D", help="streets (made on the fly; the default) or camvid:DIR")
    parser.add_argument("--device", metavar="NAME", help="the device whose latency is told (default ort_cpu)")
    parser.add_argument("--table", metavar="T.json", help="lookup table; filled as needed (default: one per user)")
    parser.add_argument("--steps", type=positive, default=1000, metavar="N", help="training steps (default 1000)")
    parser.add_argument("--seed", type=natural, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--threads", type=positive, metavar="N", help="for PyTorch (default: all cores)")
    parser.add_argument("--run", required=True, metavar="DIR", help="the directory to make")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run DIR")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, such as train.lr=1e-3 (repeatable)"
    )
    parser.add_argument(
        "--ignore-memory", action="store_true", help="start even if it does not seem to fit into memory"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_train, strategy="given", latency=None, budget=None)


def _train(args: argparse.Namespace) -> int:
    from nasdsl.cli.runs import perform

    architecture = read_architecture(args.arch)
    args.preset = args.preset or architecture.preset
    args.steps = (0, args.steps)
    return perform(args, architecture.to_json())

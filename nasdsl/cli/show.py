"""`nasdsl show` and `nasdsl sample`: look at a space, draw from it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nasdsl.cli.arguments import add_space, load_space, read_architecture
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.text import dump


def add(verbs: Any) -> None:
    """Add the verbs."""
    show = verbs.add_parser("show", help="the graph of a space, or of an architecture's network, as text")
    add_space(show)
    show.add_argument("--arch", metavar="A.json", help="show the network of this architecture")
    show.set_defaults(func=_show)
    sample = verbs.add_parser("sample", help="random architectures, one JSON document a line")
    add_space(sample)
    sample.add_argument("-n", type=int, default=1, metavar="N", help="how many (default 1)")
    sample.add_argument("--seed", type=int, default=0, help="default 0")
    sample.set_defaults(func=_sample)


def _show(args: argparse.Namespace) -> int:
    if not args.arch:
        print(dump(load_space(args).graph), end="")
        return 0
    architecture = read_architecture(args.arch)
    space = load_space(args, args.preset or architecture.preset)
    print(dump(space.derive(architecture)), end="")
    return 0


def _sample(args: argparse.Namespace) -> int:
    if args.n < 0:
        raise NasError(f"-n must not be negative, found {args.n}", status=2)
    space = load_space(args)
    for i in range(args.n):
        print(json.dumps(json.loads(space.sample(args.seed + i).to_json())))
    return 0

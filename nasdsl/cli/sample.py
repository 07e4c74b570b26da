"""`nasdsl sample`: architectures of a space, at random or by index."""

from __future__ import annotations

import argparse
import json
import random
from typing import Any

from nasdsl.cli.arguments import add_space, load_space
from nasdsl.cli.quantities import natural
from nasdsl.diagnostics.errors import NasError


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("sample", help="random architectures, each as likely as any other, one JSON a line")
    add_space(parser)
    parser.add_argument("-n", type=natural, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("--seed", type=natural, default=0, help="default 0")
    parser.add_argument("--from", dest="first", type=natural, metavar="INDEX", help="in order from this index instead")
    parser.set_defaults(func=_sample)


def _sample(args: argparse.Namespace) -> int:
    architectures = load_space(args).architectures
    generator = random.Random(args.seed)
    if args.first is not None and args.first + args.n > architectures.size:
        raise NasError(
            f"there are {architectures.size} architectures; {args.n} from {args.first} on are too many",
            help="indices count from 0",
        )
    for n in range(args.n):
        found = architectures.sample(generator) if args.first is None else architectures[args.first + n]
        print(json.dumps(json.loads(found.to_json())))
    return 0

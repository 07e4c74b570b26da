"""`nasdsl sample`: architectures of a space, at random or by index."""

from __future__ import annotations

import argparse
import json
import random
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, latencies, load_space
from nasdsl.cli.quantities import natural
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nasdsl.ir.architecture import Architecture
    from nasdsl.space import Space


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("sample", help="random architectures, each as likely as any other, one JSON a line")
    add_space(parser)
    parser.add_argument("-n", type=natural, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("--seed", type=natural, default=0, help="default 0")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--from", dest="first", type=natural, metavar="INDEX", help="in order from this index instead")
    which.add_argument("--under", metavar="LIMITS", help="only what keeps 'latency(ort_cpu) <= 8.3 ms and macs <= 1 G'")
    parser.add_argument("--table", metavar="T.json", help="lookup table of the device (default: the user's)")
    parser.set_defaults(func=_sample)


def _sample(args: argparse.Namespace) -> int:
    space = load_space(args)
    for architecture in _under(args, space) if args.under is not None else _of_all(args, space):
        print(json.dumps(json.loads(architecture.to_json())))
    return 0


def _of_all(args: argparse.Namespace, space: Space) -> Iterator[Architecture]:
    architectures = space.architectures
    if args.first is None:
        generator = random.Random(args.seed)
        yield from (architectures.sample(generator) for _ in range(args.n))
    elif args.first + args.n > architectures.size:
        raise NasError(
            f"there are {architectures.size} architectures; {args.n} from {args.first} on are too many",
            help="indices count from 0",
        )
    else:
        yield from (architectures[args.first + n] for n in range(args.n))


def _under(args: argparse.Namespace, space: Space) -> Iterator[Architecture]:
    from nasdsl.algebra.limits import read_limits

    tables = latencies(args.table, {x.device: x.threads or 1 for x in read_limits(args.under) if x.device})
    limited, generator = space.limited(args.under, latency_ms=tables), random.Random(args.seed)
    yield from (limited.sample(generator) for _ in range(args.n))

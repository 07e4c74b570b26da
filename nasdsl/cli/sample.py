"""`nasdsl sample`: architectures of a space, at random or by index."""

from __future__ import annotations

import argparse
import json
import random
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, add_table, latencies, load_space, read_architecture
from nasdsl.cli.quantities import natural
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nasdsl.algebra.sampling.limited import Limited
    from nasdsl.ir.architecture import Architecture
    from nasdsl.space import Space


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "sample", help="random architectures, each as likely as any other (or near some), one JSON a line"
    )
    add_space(parser)
    parser.add_argument("-n", type=natural, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("--seed", type=natural, default=0, help="default 0")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--from", dest="first", type=natural, metavar="INDEX", help="in order from this index instead")
    which.add_argument("--near", metavar="A.json", help="mutants of this one: another value of one of its decisions")
    which.add_argument(
        "--between", nargs=2, metavar=("A.json", "B.json"), help="crossings: each decision as in one of these two"
    )
    parser.add_argument(
        "--under", metavar="LIMITS", help="only what keeps 'latency(ort_cpu) <= 8.3 ms and macs <= 1 G'"
    )
    add_table(parser)
    parser.add_argument("--json", action="store_true", help="what is printed is JSON in any case")
    parser.set_defaults(func=_sample)


def _sample(args: argparse.Namespace) -> int:
    if args.first is not None and args.under is not None:
        raise NasError("--from goes through all architectures, --under draws", help="give one of the two", status=2)
    space = load_space(args)
    for architecture in _in_order(args, space) if args.first is not None else _drawn(args, space):
        print(json.dumps(json.loads(architecture.to_json())))
    return 0


def _in_order(args: argparse.Namespace, space: Space) -> Iterator[Architecture]:
    architectures = space.architectures
    if args.first + args.n > architectures.size:
        raise NasError(
            f"there are {architectures.size:,} architectures; {args.n:,} from {args.first:,} on are too many",
            help=f"indices count from 0: the last is {architectures.size - 1}",
        )
    yield from (architectures[args.first + n] for n in range(args.n))


def _drawn(args: argparse.Namespace, space: Space) -> Iterator[Architecture]:
    parents = [read_architecture(path) for path in ([args.near] if args.near else args.between or [])]
    generator, source = (
        random.Random(args.seed),
        _limited(args, space) if args.under is not None else space.architectures,
    )
    for _ in range(args.n):
        match parents:
            case []:
                yield source.sample(generator)
            case [parent]:
                yield source.mutate(parent, generator)
            case [mother, father]:
                yield source.crossover(mother, father, generator)


def _limited(args: argparse.Namespace, space: Space) -> Limited:
    from nasdsl.algebra.costs.limits import read_limits

    tables = latencies(args, {x.device: x.threads or 1 for x in read_limits(args.under) if x.device})
    return space.limited(args.under, latency_ms=tables)

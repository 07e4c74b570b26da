"""`nasdsl count --distinct`: how many different networks a space has."""

from __future__ import annotations

import argparse
import json
import sys
from time import perf_counter
from typing import TYPE_CHECKING

from nasdsl.cli.arguments import latencies, load_space
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nasdsl.ir.architecture import Architecture
    from nasdsl.space import Space

    Key = Callable[[Architecture], bytes | str]

PROBE = 32
"""About how many architectures are tried to say how long all will take."""

SHORT = 2.0
"""Seconds that need no announcement."""


def count_distinct(args: argparse.Namespace) -> int:
    """Print how many architectures there are and how many networks."""
    from nasdsl.algebra.distinct import distinct

    if args.only is not None or args.histogram is not None:
        other = "--only" if args.only is not None else "--histogram"
        raise NasError(f"--distinct counts networks, {other} something else", help="leave one of them out", status=2)
    key_of = _key(args.distinct)
    space = load_space(args)
    key, architectures = key_of(space), _architectures(args, space)
    _announce(space, key)
    found = distinct(architectures, key)
    if args.json:
        shown = {"rules": args.distinct, "architectures": str(found.architectures), "distinct": str(found.networks)}
        print(json.dumps({"space": space.graph.name, **shown}))
    else:
        print(f"architectures  {found.architectures:,}\ndistinct       {found.networks:,}")
    return 0


def _key(text: str) -> Callable[[Space], Key]:
    """From a space to what is equal for architectures that are the same: `RULES`, or `NOTATION:RULE`."""
    from nasdsl.algebra.distinct import Forms
    from nasdsl.notations import NOTATIONS
    from nasdsl.passes.equivalence import read_rules

    name, colon, rule = text.partition(":")
    if not colon:
        rules = read_rules(text)
        return lambda space: Forms(space.graph, rules).key
    notation = NOTATIONS.get(name)
    if notation is None or rule not in notation.unique_rules:
        known = ", ".join(f"{n.name}:{unique}" for n in NOTATIONS.values() for unique in n.unique_rules)
        raise NasError(f"`{text}` is no published rule of equivalence", help=f"there are {known}", status=2)
    return lambda space: lambda architecture: notation.unique(rule, architecture, space.graph)


def _architectures(args: argparse.Namespace, space: Space) -> Iterator[Architecture]:
    from nasdsl.algebra.costs.limits import bounded, read_limits
    from nasdsl.algebra.distinct import LIMIT, every, within

    limit = args.limit or LIMIT
    every(space.architectures, limit)
    if args.under is None:
        return every(space.architectures, limit)
    limits = read_limits(args.under)
    tables = latencies(args, {one.device: one.threads or 1 for one in limits if one.device})
    return within(*bounded(space.model, limits, tables), limit)


def _announce(space: Space, key: Key) -> None:
    """Say how many architectures will be listed, and how long that takes, if it is not short."""
    ranking = space.architectures
    size = ranking.size
    tried = [ranking[index] for index in range(0, size, size // PROBE + 1)]
    for architecture in tried:  # what is prepared once is not part of the estimate
        key(architecture)
    start = perf_counter()
    for architecture in tried:
        key(architecture)
    seconds = (perf_counter() - start) / max(len(tried), 1) * size
    if seconds > SHORT:
        print(f"{size:,} architectures to derive, about {seconds:.0f} s", file=sys.stderr)

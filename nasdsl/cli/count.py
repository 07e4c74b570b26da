"""`nasdsl count`: how large a space is, how much of it keeps a limit, how its costs are distributed."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from math import log10
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.model.selection import KINDS, selected
from nasdsl.cli.arguments import add_space, add_table, latencies, load_space
from nasdsl.cli.quantities import positive

if TYPE_CHECKING:
    from nasdsl.algebra.costs.priced import Histogram
    from nasdsl.space import Space

ROWS = 20
"""Lines of a histogram for people."""


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("count", help="how many architectures a space has, exactly")
    add_space(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--only",
        metavar="WHICH",
        help=f"count the joint values of some decisions: {', '.join(KINDS)}, or paths with * such as 'trunk[*,8].w'",
    )
    what.add_argument("--under", metavar="LIMITS", help="count what keeps 'latency(ort_cpu) <= 8.3 ms and macs <= 1 G'")
    what.add_argument(
        "--histogram", metavar="METRIC", help="macs, params, latency(DEVICE) or energy(DEVICE) over the whole space"
    )
    parser.add_argument(
        "--distinct",
        nargs="?",
        const="",
        metavar="RULES",
        help="count networks instead, isomorphic ones once; with rules also those that are the same under "
        "identities, sums, zeros, repeats (together: exact), norms, copies",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="--distinct: most architectures to list")
    parser.add_argument("--bins", type=positive, metavar="N", help="how many costs to tell apart: finer, and slower")
    add_table(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_count)


def _count(args: argparse.Namespace) -> int:
    if args.distinct is not None:
        from nasdsl.cli.distinct import count_distinct

        return count_distinct(args)
    space = load_space(args)
    if args.under is not None:
        return _under(args, space)
    if args.histogram is not None:
        return _histogram(args, space)
    if args.only is None:
        found = space.count()
        result = {"decisions": found.decisions, "encodings": found.encodings, "architectures": found.architectures}
    else:
        from nasdsl.algebra.count import count_values

        paths = selected(space.graph, args.only)
        result = {"decisions": len(paths), "values": count_values(space.model, paths)}
    if args.json:
        size = result.get("architectures", result.get("values", 0))
        texts = {key: str(value) for key, value in result.items()}
        print(json.dumps({"space": space.graph.name, **texts, "log10": round(log10(size), 6) if size else None}))
    else:
        width = max(map(len, result))
        for key, value in result.items():
            print(f"{key:{width}}  {_large(value)}")
    return 0


def _under(args: argparse.Namespace, space: Space) -> int:
    from nasdsl.algebra.costs.limits import bounded, read_limits
    from nasdsl.algebra.costs.satisfiable import why_none

    limits = read_limits(args.under)
    tables = latencies(args, {limit.device: limit.threads or 1 for limit in limits if limit.device})
    priced, bounds = bounded(space.model, limits, tables)
    found = priced.count(bounds, args.bins)
    reason = why_none(priced, limits, bounds) if not found.upper else None
    exact, size = found.lower == found.upper, priced.size
    if args.json:
        shown = {"lower": str(found.lower), "upper": str(found.upper), "of": str(size), "exact": exact}
        print(json.dumps({"space": space.graph.name, "under": args.under, **shown}))
    elif exact:
        print(f"{_large(found.lower)} of {_large(size)} architectures ({_share(found.lower, size)}), exactly")
    else:
        print(f"between {_large(found.lower)} and {_large(found.upper)} of {_large(size)} architectures")
        print(f"({_share(found.lower, size)} to {_share(found.upper, size)}; more --bins narrow it)")
    if reason is not None and not args.json:
        print(f"{reason[0]}; {reason[1]}")
    return 0


def _histogram(args: argparse.Namespace, space: Space) -> int:
    from nasdsl.algebra.costs.metrics import SCALE, parts
    from nasdsl.algebra.costs.objectives import read_objective
    from nasdsl.algebra.costs.priced import Priced

    wanted = read_objective(args.histogram)
    metric, device = wanted.metric, wanted.device
    tables = latencies(args, {device: wanted.threads or 1} if device else {})
    priced = Priced(space.model, [parts(space.graph, metric, tables.get(device or ""))])
    found = priced.histogram(0, args.bins)
    scale, unit = SCALE[metric], wanted.unit
    if args.json:
        counts = [[cost / scale if scale > 1 else cost, str(count)] for cost, count in found.counts.items()]
        shown = {"metric": args.histogram, "unit": unit, "slack": found.slack / scale, "counts": counts}
        print(json.dumps({"space": space.graph.name, **shown}))
        return 0
    low, high = priced.bounds()
    print(f"{_cost(low, scale)} to {_cost(high, scale)} {unit}".rstrip() + f", {_large(priced.size)} architectures")
    _bars(found, scale, priced.size)
    if found.slack:
        print(f"costs are rounded down, by at most {_cost(found.slack, scale)} {unit}; more --bins, less")
    return 0


def _bars(histogram: Histogram, scale: int, size: int) -> None:
    """The histogram in a few lines."""
    costs = list(histogram.counts)
    low, wide = min(costs), (max(costs) - min(costs)) // ROWS + 1
    rows = [0] * ROWS
    for cost, count in histogram.counts.items():
        rows[(cost - low) // wide] += count
    most = max(rows)
    for n, count in enumerate(rows):
        if low + n * wide <= max(costs):
            print(f"{_cost(low + n * wide, scale):>18}  {_share(count, size):>9}  {'#' * (40 * count // most)}")


def _cost(cost: int, scale: int) -> str:
    return f"{cost:,}" if scale == 1 else f"{cost / scale:.3f}"


def _large(value: int) -> str:
    return f"{value:,}" + (f"  (about 10^{log10(value):.1f})" if value >= 10**7 else "")


def _share(part: int, whole: int) -> str:
    share = float(Fraction(part, whole)) * 100 if whole else 0.0
    return f"{share:.3g} %"

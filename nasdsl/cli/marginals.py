"""`nasdsl marginals`: how often each value of each decision is used, over a whole space or under limits."""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from collections.abc import Hashable, Iterator, Sequence
from fractions import Fraction
from math import log10
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.model.selection import KINDS
from nasdsl.cli.arguments import add_space, add_table, latencies, load_space
from nasdsl.cli.quantities import positive
from nasdsl.ir.graph import Graph, Kind

if TYPE_CHECKING:
    from nasdsl.algebra.distributions.usage import Usage

Share = tuple[Fraction, Fraction]
"""Between which numbers a share lies; equal where it is known."""

LINE = 110
"""Most characters of a line."""


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("marginals", help="how often each value of each decision is used, exactly")
    add_space(parser)
    parser.add_argument(
        "--under", metavar="LIMITS", help="among what keeps limits: 'latency(ort_cpu) <= 8.3 ms and macs <= 1 G'"
    )
    parser.add_argument(
        "--only",
        metavar="WHICH",
        help=f"some decisions, each by itself: {', '.join(KINDS)}, or paths with * such as 'trunk[*,8].w'",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--bins", type=positive, metavar="N", help="how many costs to tell apart: narrower, and slower")
    how.add_argument(
        "--draws", type=positive, metavar="N", help="estimate from N uniform draws, where counting is slow"
    )
    add_table(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_marginals)


def _marginals(args: argparse.Namespace) -> int:
    space = load_space(args)
    tables = {}
    if args.under is not None:
        from nasdsl.algebra.costs.limits import read_limits

        limits = read_limits(args.under)
        tables = latencies(args, {limit.device: limit.threads or 1 for limit in limits if limit.device})
    found = space.marginals(under=args.under, only=args.only, latency_ms=tables, bins=args.bins, draws=args.draws)
    if args.json:
        print(json.dumps({"space": space.graph.name, "under": args.under, **_document(found)}))
        return 0
    print(_about(found))
    rows = list(_rows(space.graph, found, each=args.only is not None))
    width = min(max((len(name) for name, _ in rows), default=0), LINE // 3)
    for name, cells in rows:
        # No-break spaces keep a value and its share on one line.
        text = "   ".join(cell.replace(" ", "\xa0") for cell in cells)
        start = f"{name:{width}}  "
        lines = textwrap.wrap(text, LINE - width, break_long_words=False, break_on_hyphens=False)
        print("\n".join([start + lines[0], *(" " * len(start) + line for line in lines[1:])]).replace("\xa0", " "))
    return 0


def _about(found: Usage) -> str:
    total = found.total
    if found.draws:
        error = 50 / found.draws**0.5
        return f"of {found.draws:,} uniform draws (standard error of a share: at most {error:.2g} %; –: dead)"
    if found.exact:
        return f"of {_large(total.upper)} architecture{'s' * (total.upper != 1)}, exactly (–: dead)"
    return (
        f"of {_large(total.lower)} to {_large(total.upper)} architectures (–: dead)\n"
        "(shares lie between the two numbers: more --bins narrow them; --draws 100000 estimates)"
    )


def _rows(graph: Graph, found: Usage, *, each: bool) -> Iterator[tuple[str, list[str]]]:
    """One line for each decision, or for all that differ in indices only: how many are live, and what they are then.

    Not each by itself: of routes only how often they are live.
    """
    families: dict[tuple[str, Any], list[str]] = {}
    for path in found.counts:
        decision = graph.decisions[path]
        alike = each or decision.kind in (Kind.ROUTE, Kind.PICK)
        name = path if alike else re.sub(r"\[[^\]]*\]", _stars, path)
        families.setdefault((name, decision.domain), []).append(path)
    for (name, _), paths in families.items():
        if len(paths) == 1:
            yield paths[0], _alone(graph, found, paths[0], each)
        else:
            uses = {value: [found.share(path, value) for path in paths] for value in found.counts[paths[0]]}
            live = _sum([found.live(path) for path in paths])
            cells = [f"{_text(value)} {_number(_sum(some))}" for value, some in uses.items()]
            yield name, [f"{_number(live)} of {len(paths)} live:", *cells]


def _alone(graph: Graph, found: Usage, path: str, each: bool) -> list[str]:
    low, high = found.live(path)
    dead = [] if low == 1 else [f"– {_percent((1 - high, 1 - low))}"]
    if graph.decisions[path].kind is Kind.ROUTE and not each:
        return [f"live {_percent((low, high))}"]
    return [f"{_text(value)} {_percent(found.share(path, value))}" for value in found.counts[path]] + dead


def _sum(shares: Sequence[Share]) -> Share:
    return sum((low for low, _ in shares), Fraction()), sum((high for _, high in shares), Fraction())


def _stars(found: re.Match[str]) -> str:
    return "[" + ",".join("*" for _ in found[0].split(",")) + "]"


def _text(value: Hashable) -> str:
    if isinstance(value, tuple) and all(isinstance(part, tuple) for part in value):
        return "->".join(str(list(cell)).replace(" ", "") for cell in value)
    return "{" + ", ".join(map(str, value)) + "}" if isinstance(value, tuple) else str(value)


def _percent(share: Share) -> str:
    texts = [f"{100 * float(part):.3g}" for part in share]
    return f"{texts[0]} %" if texts[0] == texts[1] else f"{texts[0]} to {texts[1]} %"


def _number(share: Share) -> str:
    texts = [f"{float(part):.3g}" for part in share]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def _large(value: int) -> str:
    return f"{value:,}" + (f" (about 10^{log10(value):.1f})" if value >= 10**7 else "")


def _document(found: Usage) -> dict[str, Any]:
    decisions = {
        path: [
            {
                "value": value,
                "lower": str(n.lower),
                "upper": str(n.upper),
                "share": [float(part) for part in found.share(path, value)],
            }
            for value, n in own.items()
        ]
        for path, own in found.counts.items()
    }
    total = {"lower": str(found.total.lower), "upper": str(found.total.upper)}
    return {"exact": found.exact, "draws": found.draws or None, "of": total, "decisions": decisions}

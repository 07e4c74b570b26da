"""`nasdsl cost --pareto`: what no architecture of a space beats in two costs."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import latencies
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nasdsl.algebra.costs.objectives import Objective, ParetoPoint, ParetoSet
    from nasdsl.space import Space

ROWS = 20
"""Points that people are shown."""


def pareto(args: argparse.Namespace, space: Space) -> int:
    """Print the Pareto set of a space for the two metrics of `--pareto`, or write it to a file."""
    from nasdsl.algebra.costs.limits import read_limits
    from nasdsl.algebra.costs.objectives import ParetoSet, read_objective

    wanted = [read_objective(text) for text in args.pareto]
    limits = read_limits(args.under) if args.under is not None else ()
    tables = latencies(args, {one.device: one.threads or 1 for one in wanted if one.device})
    found = ParetoSet(space.model, wanted, tables, limits)
    if not found.costs:
        raise NasError(f"no architecture of `{space.graph.name}` keeps {args.under}", help=_extremes(found, wanted))
    document = _document(space, wanted, found.points()) if args.json or args.output is not None else ""
    if args.output is not None:
        from nasdsl.files import write_atomically

        write_atomically(args.output, document)
    if args.json:
        print(document, end="")
    else:
        _table(wanted, found.costs, args.output)
    return 0


def _document(space: Space, wanted: Sequence[Objective], points: Sequence[ParetoPoint]) -> str:
    head = {"space": space.graph.name, "objectives": [_described(one) for one in wanted]}
    lines = [
        json.dumps({"costs": point.costs, "architecture": json.loads(point.architecture.to_json())}) for point in points
    ]
    return json.dumps(head)[:-1] + ', "points": [\n ' + ",\n ".join(lines) + "\n]}\n"


def _described(one: Objective) -> dict[str, Any]:
    described: dict[str, Any] = {"metric": one.metric, "sense": one.sense}
    if one.device is not None:
        described |= {"device": one.device, "threads": one.threads or 1, "unit": one.unit}
    return described


def _table(wanted: Sequence[Objective], costs: Sequence[tuple[float, float]], output: str | None) -> None:
    """The points for people: if there are many, some of them, evenly chosen, the first and the last among them."""
    last = len(costs) - 1
    places = range(last + 1) if last < ROWS else [round(n * last / (ROWS - 1)) for n in range(ROWS)]
    print("  ".join(f"{str(one) + (f', {one.unit}' if one.unit else ''):>24}" for one in wanted))
    for place in places:
        print("  ".join(f"{shown(one, cost):>24}" for one, cost in zip(wanted, costs[place], strict=True)))
    some = f", {ROWS} of them are shown" if last >= ROWS else ""
    where = f"{output} has" if output is not None else "--json prints and -o FILE writes"
    print(f"{last + 1:,} point{'s' * (last > 0)}{some}; {where} all with an architecture for each")


def shown(one: Objective, cost: float) -> str:
    """A cost for people."""
    return f"{cost:,.6f}" if one.unit else f"{cost:,}"


def _extremes(found: ParetoSet, wanted: Sequence[Objective]) -> str:
    """What the space has to offer at the ends of the set without limits."""
    first, last = found.ends
    ends = [shown(wanted[0], first[0]), shown(wanted[1], last[1])]
    return " and ".join(f"the {one} is {end} {one.unit}".rstrip() for one, end in zip(wanted, ends, strict=True))

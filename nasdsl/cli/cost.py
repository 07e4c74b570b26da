"""`nasdsl cost`: what an architecture costs; the cheapest and the dearest of a space; its Pareto set for two costs."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, add_table, latencies, load_space, read_architecture
from nasdsl.cli.quantities import positive
from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasdsl.ir.architecture import Architecture
    from nasdsl.ir.graph import Graph
    from nasdsl.space import Space


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("cost", help="what an architecture costs, or the cheapest and dearest of a space")
    add_space(parser)
    parser.add_argument("--arch", metavar="A.json", help="the architecture; without it: the bounds of the space")
    parser.add_argument(
        "--pareto",
        nargs=2,
        metavar=("METRIC", "METRIC"),
        help="what no architecture beats in two costs: --pareto 'latency(ort_cpu)' 'most params'",
    )
    parser.add_argument("--under", metavar="LIMITS", help="with --pareto: cut off, as by 'latency(ort_cpu) <= 8.3 ms'")
    parser.add_argument("-o", "--output", metavar="FILE", help="with --pareto: write all points, as JSON")
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="with the latency on this device, by its lookup table, and the energy if that has it",
    )
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of the device (default 1)")
    add_table(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_cost)


def _cost(args: argparse.Namespace) -> int:
    _check(args)
    architecture = read_architecture(args.arch) if args.arch else None
    space = load_space(args, args.preset or architecture.preset if architecture else None)
    if args.pareto is not None:
        from nasdsl.cli.pareto import pareto

        return pareto(args, space)
    table = latencies(args, {args.device: args.threads}).get(args.device) if args.device else None
    if architecture is None:
        found = _bounds(space, table)
        lines = {key: f"{low:,} to {high:,}" for key, (low, high) in found.items()}
    else:
        found = _of_one(space.derive(architecture), table)
        lines = {key: f"{value:,}" for key, value in found.items()}
        index = _index(space, architecture)
        found, lines = found | index, lines | index
    note = getattr(table, "note", "")
    if args.json:
        device = {"device": args.device} if args.device else {}
        print(json.dumps(found | device | ({"table": note} if note else {})))
        return 0
    if note:
        lines["latency_ms"] += f"  ({note})"
    for key, text in lines.items():
        print(f"{key:{max(map(len, lines))}}  {text}")
    return 0


def _check(args: argparse.Namespace) -> None:
    """Arguments that go together."""
    if args.pareto is None:
        for name, value in (("--under", args.under), ("-o", args.output)):
            if value is not None:
                raise NasError(f"{name} belongs to --pareto", help="see nasdsl cost --help", status=2)
    elif args.arch or args.device:
        other = "--arch" if args.arch else "--device"
        help_ = "name a device in the metric, such as 'latency(ort_cpu)'" if args.device else "leave one of them out"
        raise NasError(f"--pareto is about a whole space and its own two metrics, not {other}", help=help_, status=2)


def _of_one(network: Graph, table: Mapping[str, float] | None) -> dict[str, Any]:
    """The costs of a network; its energy only where the table has that of all of its operations."""
    from nasdsl.passes.kernels import costs
    from nasdsl.passes.memory import activation_bytes
    from nasdsl.passes.prices import energies
    from nasdsl.passes.units import latency_ms

    found = costs(network)
    memory = activation_bytes(network)
    result: dict[str, Any] = {"params": found.params, "macs": found.macs, "activation_bytes": memory}
    if table is not None:
        result["latency_ms"] = round(latency_ms(network, table), 6)
        with suppress(NasError):
            result["energy_mj"] = round(latency_ms(network, energies(table)), 6)
    return result


def _index(space: Space, architecture: Architecture) -> dict[str, str]:
    """Where `nasdsl sample --from` finds an architecture, if the space can be counted."""
    try:
        return {"index": str(space.architectures.index(architecture))}
    except NasError:
        return {}


def _bounds(space: Space, table: Mapping[str, float] | None) -> dict[str, Any]:
    """The least and the greatest costs of a space."""
    from nasdsl.algebra.costs.metrics import parts
    from nasdsl.algebra.costs.priced import Priced

    result: dict[str, Any] = {}
    for metric in ("params", "macs"):
        result[metric] = list(Priced(space.model, [parts(space.graph, metric)]).bounds())
    if table is not None:
        result["latency_ms"] = _on_device(space, "latency", table)
        with suppress(NasError):
            result["energy_mj"] = _on_device(space, "energy", table)
    return result


def _on_device(space: Space, metric: str, table: Mapping[str, float]) -> list[float]:
    from nasdsl.algebra.costs.metrics import SCALE, parts
    from nasdsl.algebra.costs.priced import Priced

    bounds = Priced(space.model, [parts(space.graph, metric, table)]).bounds()
    return [cost / SCALE[metric] for cost in bounds]

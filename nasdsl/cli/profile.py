"""`nasdsl profile`: fill the lookup table for a space, and hold it against whole networks."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, load_space, user_table
from nasdsl.cli.quantities import natural, positive, seconds
from nasdsl.diagnostics.errors import NasError
from nasdsl.files import check_writable, write_atomically

if TYPE_CHECKING:
    from nasdsl.hardware.device import Device
    from nasdsl.hardware.table import Table
    from nasdsl.search.observer import Observer
    from nasdsl.space import Space


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("profile", help="measure every operator that a space can reach")
    add_space(parser)
    parser.add_argument("--device", default="ort_cpu", metavar="NAME", help="default ort_cpu")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of the device (default 1)")
    parser.add_argument("--table", metavar="T.json", help="the table to fill (default: one per user and device)")
    parser.add_argument(
        "--timeout", type=seconds, metavar="T", help="give up when a step of a measurement takes longer, such as 60s"
    )
    parser.add_argument(
        "--energy", action="store_true", help="measure the energy of every operator too, where the device can tell"
    )
    parser.add_argument(
        "--validate",
        type=positive,
        metavar="N",
        help="measure N random networks, and calibrate the table with them",
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="--validate: of the draw (default 0)")
    parser.add_argument("--plot", metavar="P.svg", help="--validate: draw the networks, predicted against measured")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_profile)


def _profile(args: argparse.Namespace) -> int:
    from nasdsl.cli.live import following, watching
    from nasdsl.hardware.device import open_device
    from nasdsl.hardware.profile import missing_from, profile
    from nasdsl.hardware.table import load_table
    from nasdsl.hardware.validation import LEAST
    from nasdsl.passes.kernels import signatures

    _check_plot(args)
    if args.validate is not None and args.validate < LEAST:
        raise NasError(f"--validate takes {LEAST} networks or more, found {args.validate}", status=2)
    space = load_space(args)
    options = ({"timeout_s": args.timeout} if args.timeout else {}) | ({"energy": True} if args.energy else {})
    device = open_device(args.device, threads=args.threads, **options)
    path = Path(args.table) if args.table else user_table(device.name, device.threads)
    needed = signatures(space.graph)
    known = load_table(path) if path.exists() else None
    new = len(needed if known is None else missing_from(known, needed, energy=args.energy))
    with watching() as observer:
        table = profile(space.graph, device, path, following(observer, "profile"), energy=args.energy)
        proof = _validated(args, space, device, table, path, observer) if args.validate else {}
    if args.json:
        found = {"device": device.name, "entries": len(needed), "measured": new, "reused": len(needed) - new}
        sys.stdout.write(json.dumps(found | proof | {"table": str(path)}) + "\n")
        return 0
    print(f"{path}: {len(needed)} operators of {space.graph.name} on {device.name}, {new} measured now")
    if proof:
        print(
            f"{proof['networks']} whole networks: the sum of operators is off by {proof['mape']:.2f} % (bias "
            f"{proof['bias']:+.2f} %), Pearson {_shown(proof['pearson'])}, Spearman {_shown(proof['spearman'])}\n"
            f"calibrated, x {proof['scale']:.4g} + {proof['overhead_ms']:.4g} ms: off by "
            f"{proof['calibrated_mape']:.2f} % (each predicted from the others); from now on the table is read so"
        )
    return 0


def _check_plot(args: argparse.Namespace) -> None:
    """See to it that the picture can be drawn, before minutes go by."""
    if args.plot is None:
        return
    if args.validate is None:
        raise NasError("--plot draws what --validate measures", help="give both", status=2)
    if Path(args.plot).suffix.lower() != ".svg":
        raise NasError(f"{args.plot}: pictures are SVG", help="choose a name that ends in .svg", status=2)
    check_writable(args.plot)


def _shown(correlation: float | None) -> str:
    return "unknown" if correlation is None else f"{correlation:.4f}"


def _validated(
    args: argparse.Namespace, space: Space, device: Device, table: Table, path: Path, observer: Observer
) -> dict[str, Any]:
    """Measure networks, calibrate the table with them, and say how good both are."""
    from nasdsl.cli.live import following
    from nasdsl.hardware.validation import agreement, calibrated, measure_networks

    drawn = [space.sample(args.seed + n) for n in range(args.validate)]
    points = measure_networks(space.graph, drawn, device, table, following(observer, "whole networks"))
    preset = f" ({space.graph.preset})" if space.graph.preset else ""
    calibration = calibrated(points, f"{space.graph.name}{preset}")
    table.model_copy(update={"calibration": calibration}).merge_into(path)
    plain = agreement([p.table_ms for p in points], [p.measured_ms for p in points])
    if args.plot:
        from nasdsl.report.scatter import scatter

        lines = {
            "sum of operators": [(p.measured_ms, p.table_ms) for p in points],
            "calibrated": [(p.measured_ms, calibration.scale * p.table_ms + calibration.overhead_ms) for p in points],
        }
        title = f"{space.graph.name}{preset} on {device.name}, {len(points)} random networks"
        write_atomically(args.plot, scatter(lines, title, "measured, ms", "predicted, ms"))
    return {
        "networks": len(points),
        "mape": round(plain.mape, 4),
        "bias": round(plain.bias, 4),
        "pearson": plain.pearson,
        "spearman": plain.spearman,
        "scale": calibration.scale,
        "overhead_ms": calibration.overhead_ms,
        "calibrated_mape": calibration.mape,
    }

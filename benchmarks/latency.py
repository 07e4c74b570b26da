"""How well lookup tables predict: whole networks measured beside the sum of their operators.

    python benchmarks/latency.py --networks 30

For each space a table is measured from nothing, then architectures are drawn uniformly, derived, lowered to ONNX with
random weights and measured whole, twice: the second time says how well a measurement predicts another, and the mean of
both is what counts. `alone` is the sum of operators measured by themselves, `table` that of operators
measured between neighbours, `calibrated` the table with a scale and an overhead fitted to the other networks. Results
go to `benchmarks/results/latency.md`, with a plot for each space.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import torch
from machine import machine

from nasdsl.elaborate.space import ParameterValue
from nasdsl.hardware.device import open_device
from nasdsl.hardware.profile import profile
from nasdsl.hardware.table import Table
from nasdsl.hardware.validation import agreement, calibrated, measure_networks
from nasdsl.passes.units import latency_ms
from nasdsl.report.scatter import scatter
from nasdsl.space import load

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks/results"


@dataclass(frozen=True)
class Case:
    """A space as it is measured."""

    name: str
    preset: str
    params: dict[str, ParameterValue]
    words: str


CASES = [
    Case("fasterseg", "camvid", {}, "its preset `camvid`: 192 x 256"),
    Case("autortnet", "camvid", {}, "its preset `camvid`: 192 x 256"),
    Case("darts", "", {}, "as it is searched, on CIFAR-10: 32 x 32"),  # it classifies: CamVid is nothing for it
]

HEAD = (
    "| space | operators | profiling s | again s | alone: MAPE % | Spearman | table: MAPE % | bias % | Pearson "
    "| Spearman | calibrated: MAPE % | measured again: MAPE % | Spearman |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--device", default="ort_cpu")
    parser.add_argument("--only", nargs="*", default=[case.name for case in CASES], help="names of spaces")
    args = parser.parse_args()
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    cases = [case for case in CASES if case.name in args.only]
    rows = [row(case, args.networks, args.device) for case in cases]
    lines = ["# Latency: lookup tables against whole networks", ""]
    lines += [f"`python benchmarks/latency.py --networks {args.networks} --device {args.device}`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += [
        f"{args.networks} random architectures each, batch 1, one thread. `calibrated`: each network predicted by a"
    ]
    lines += ["scale and an overhead that were fitted to the others; it orders them as the table does.", ""]
    lines += ["`measured again`: how well one measurement of the networks predicts another.", ""]
    lines += [HEAD, "|" + "---|" * HEAD.count(" |"), *rows, ""]
    lines += [f"* `{case.name}`: {case.words}; [plot](latency-{case.name}.svg)" for case in cases]
    (RESULTS / "latency.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def row(case: Case, count: int, device_name: str) -> str:
    space = load(REPOSITORY / f"spaces/{case.name}.nas", preset=case.preset, params=case.params)
    device = open_device(device_name)
    with tempfile.TemporaryDirectory() as folder:
        table, first_s = timed(lambda: profile(space.graph, device, Path(folder) / "table.json"))
        table, again_s = timed(lambda: profile(space.graph, device, Path(folder) / "table.json"))
    drawn = [space.sample(1000 + n) for n in range(count)]
    once, again = (measure_networks(space.graph, drawn, device, table) for _ in range(2))
    points = [replace(a, measured_ms=mean([a.measured_ms, b.measured_ms])) for a, b in zip(once, again, strict=True)]
    measured, summed = [p.measured_ms for p in points], [p.table_ms for p in points]
    alone_ms = {text: entry.alone_ms for text, entry in table.entries.items() if entry.alone_ms is not None}
    alone = [latency_ms(space.derive(architecture), alone_ms) for architecture in drawn]
    fitted = calibrated(points)
    series = {
        "operators alone": alone,
        "table": summed,
        "calibrated": [fitted.scale * x + fitted.overhead_ms for x in summed],
    }
    title = f"{case.name} on {device_name}, {count} random networks"
    plot = scatter(
        {name: list(zip(measured, values, strict=True)) for name, values in series.items()},
        title,
        "measured, ms",
        "predicted, ms",
    )
    (RESULTS / f"latency-{case.name}.svg").write_text(plot)
    by_table, by_alone = agreement(summed, measured), agreement(alone, measured)
    by_itself = agreement([p.measured_ms for p in again], [p.measured_ms for p in once])
    return (
        f"| {case.name} | {len(table.entries)} | {first_s:.1f} | {again_s:.1f} | {by_alone.mape:.1f} | "
        f"{shown(by_alone.spearman)} | {by_table.mape:.1f} | {by_table.bias:+.1f} | {shown(by_table.pearson)} | "
        f"{shown(by_table.spearman)} | {fitted.mape:.1f} | {by_itself.mape:.1f} | {shown(by_itself.spearman)} |"
    )


def timed(call: Callable[[], Table]) -> tuple[Table, float]:
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def shown(correlation: float | None) -> str:
    return "-" if correlation is None else f"{correlation:.3f}"


if __name__ == "__main__":
    main()

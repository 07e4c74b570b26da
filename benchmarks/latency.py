"""How well the lookup table predicts: whole networks measured beside the sum of their operators.

    python benchmarks/latency.py --networks 20

For each space, random architectures are derived, lowered to ONNX with random weights and measured whole;
`table` is the sum of operators measured between neighbours, `alone` the sum of operators measured by themselves. The
table is measured anew in the same run. Results go to `benchmarks/results/latency.md`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean

import torch
from machine import machine

from nasdsl.codegen import module_paths, network_source
from nasdsl.hardware.device import open_device
from nasdsl.hardware.profile import profile
from nasdsl.lowering.export import export_onnx
from nasdsl.passes.units import latency_ms
from nasdsl.search.generated import module_from
from nasdsl.space import load

REPOSITORY = Path(__file__).resolve().parents[1]
SPACES = [("fasterseg", "camvid"), ("fasterseg", "demo"), ("darts", "")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["# Latency: the lookup table against whole networks", ""]
    lines += [f"`python benchmarks/latency.py --networks {args.networks}`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += ["| space | operators | profiling s | networks | table MAPE % | table bias % | Spearman | alone MAPE % |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    lines += [row(name, preset, args.networks) for name, preset in SPACES]
    (REPOSITORY / "benchmarks/results").mkdir(exist_ok=True)
    (REPOSITORY / "benchmarks/results/latency.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def row(name: str, preset: str, count: int) -> str:
    space = load(REPOSITORY / f"spaces/{name}.nas", preset=preset)
    device = open_device("ort_cpu")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        table = profile(space.graph, device, Path(folder) / "table.json")
        seconds = time.perf_counter() - start
        alone_ms = {text: entry.alone_ms for text, entry in table.entries.items()}
        measured, summed, alone = [], [], []
        for seed in range(1000, 1000 + count):
            network = space.derive(space.sample(seed))
            module = module_from(network_source(network, architecture=None, facts={}), "network").Network().eval()
            path = Path(folder) / "network.onnx"
            export_onnx(network, module, path, paths=module_paths(network))
            measured.append(device.measure_model(path))
            summed.append(latency_ms(network, table.latency_ms))
            alone.append(latency_ms(network, alone_ms))
    bias = mean(s / m - 1 for s, m in zip(summed, measured, strict=True))
    return (
        f"| {name} {preset} | {len(table.entries)} | {seconds:.1f} | {count} | {error(summed, measured):.1f} | "
        f"{100 * bias:+.1f} | {spearman(summed, measured):.3f} | {error(alone, measured):.1f} |"
    )


def error(predicted: list[float], measured: list[float]) -> float:
    """Mean absolute percentage error."""
    return 100 * mean(abs(p / m - 1) for p, m in zip(predicted, measured, strict=True))


def spearman(x: list[float], y: list[float]) -> float:
    """Rank correlation of values without ties."""

    def ranks(values: list[float]) -> list[int]:
        order = sorted(range(len(values)), key=values.__getitem__)
        return [order.index(i) for i in range(len(values))]

    n = len(x)
    return 1 - 6 * sum((a - b) ** 2 for a, b in zip(ranks(x), ranks(y), strict=True)) / (n * (n * n - 1))


if __name__ == "__main__":
    main()

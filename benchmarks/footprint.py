"""What it does to lookup tables how much memory goes through the processor's caches while kernels are measured.

    python benchmarks/footprint.py

Whole networks are measured once, kernels several times, with more and more going through the caches between two uses
of a kernel, in shares of what a network of the space holds (`nasdsl.hardware.footprint`). `fitted` is the error that is
left by a scale and an overhead, each network predicted from the others. Results: `benchmarks/results/footprint.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from machine import machine

from nasdsl.hardware.device import Device, open_device
from nasdsl.hardware.footprint import footprint
from nasdsl.hardware.table import LEAST_MS, Entry, Table
from nasdsl.hardware.validation import agreement, calibrated, measure_networks
from nasdsl.passes.kernels import signatures
from nasdsl.passes.units import latency_ms
from nasdsl.space import Space, load

REPOSITORY = Path(__file__).resolve().parents[1]
SPACES = {"darts": "", "fasterseg": "camvid"}
SHARES = (0, 1, 2)
NETWORKS = 30


def main() -> None:
    """Measure, print and write the table."""
    torch.set_num_threads(1)
    lines = [
        "# How much goes through the caches while kernels are measured",
        "",
        "`python benchmarks/footprint.py`",
        "",
    ]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += [f"{NETWORKS} random networks each on `ort_cpu`, batch 1, one thread; every kernel measured once.", ""]
    lines += [
        "| space | MB of a network | through the caches | MAPE % | bias % | fitted MAPE % | Spearman |",
        "|---" * 7 + "|",
    ]
    for name, preset in SPACES.items():
        space = load(REPOSITORY / f"spaces/{name}.nas", preset=preset)
        lines += rows(name, space, open_device("ort_cpu"))
    text = "\n".join(lines) + "\n"
    (REPOSITORY / "benchmarks/results/footprint.md").write_text(text)
    print(text)


def rows(name: str, space: Space, device: Device) -> Iterator[str]:
    """A row for each share."""
    size = footprint(space.graph)
    tables = {share: table(space, device, share * size) for share in SHARES}
    drawn = [space.sample(1000 + n) for n in range(NETWORKS)]
    networks = [space.derive(architecture) for architecture in drawn]
    once = measure_networks(space.graph, drawn, device, tables[0])
    measured = [point.measured_ms for point in once]
    for share, found in tables.items():
        sums = [latency_ms(network, found.latency_ms) for network in networks]
        points = [replace(point, table_ms=own) for point, own in zip(once, sums, strict=True)]
        plain = agreement(sums, measured)
        yield (
            f"| {name} | {size / 1e6:.1f} | {share} x | {plain.mape:.1f} | {plain.bias:+.1f} | "
            f"{calibrated(points).mape:.2f} | {plain.spearman:.3f} |"
        )


def table(space: Space, device: Device, size: int) -> Table:
    """A table for which so many bytes go through the caches."""
    found = device.measure(signatures(space.graph).values(), size)
    entries = {text: Entry(ms=max(LEAST_MS, measurement.ms)) for text, measurement in found}
    return Table(device=device.name, machine=device.describe(), threads=device.threads, entries=entries)


if __name__ == "__main__":
    main()

"""Whole networks measured against a lookup table: how good it is, and what makes it better."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.calibration import Calibration, fit
from nasdsl.hardware.device import Device
from nasdsl.hardware.neighbours import random_weights
from nasdsl.hardware.table import Table
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.lowering.onnx import onnx_model
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.derive import derive
from nasdsl.passes.shared import Sharing
from nasdsl.passes.units import latency_ms

LEAST = 3
"""Networks from which a calibration is fitted."""

TURNS = 5
"""How often all networks are loaded and measured; the mean counts. Where in memory a model comes to lie makes some
percent, which a minimum would not even out."""


@dataclass(frozen=True, slots=True)
class Point:
    """One network.

    Attributes:
        architecture: Its architecture's hash.
        table_ms: What the table says, uncalibrated, in ms.
        measured_ms: What the whole network takes, in ms.
    """

    architecture: str
    table_ms: float
    measured_ms: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well predictions agree with measurements.

    Attributes:
        mape: Mean absolute error in percent.
        bias: Mean error in percent.
        pearson: Linear correlation; None where one side is constant.
        spearman: Rank correlation; ties have the mean of their ranks.
    """

    mape: float
    bias: float
    pearson: float | None
    spearman: float | None


def agreement(predicted: Sequence[float], measured: Sequence[float]) -> Agreement:
    """Compare predictions with measurements, one by one.

    >>> agreement([1.0, 2.0, 4.0], [1.0, 2.0, 5.0]).spearman
    1.0
    """
    errors = [p / m - 1 for p, m in zip(predicted, measured, strict=True)]
    ranks = _ranks(predicted), _ranks(measured)
    return Agreement(
        100 * mean(map(abs, errors)), 100 * mean(errors), _correlation(predicted, measured), _correlation(*ranks)
    )


def _correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    a, b = np.asarray(x) - np.mean(x), np.asarray(y) - np.mean(y)
    size = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / size, 12) if size > 0 else None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first: dict[float, int] = {}
    for place, value in enumerate(ordered):
        first.setdefault(value, place)
    return [first[value] + (ordered.count(value) - 1) / 2 for value in values]


def measure_networks(
    graph: Graph,
    architectures: Iterable[Architecture],
    device: Device,
    table: Table,
    progress: Callable[[int, int], None] | None = None,
) -> list[Point]:
    """Measure the networks of some architectures, with random weights, and what the table says of them.

    Raises:
        NasError: The table lacks an entry, or a network cannot be run.
    """
    chosen, prices = list(architectures), table.uncalibrated_ms
    networks = [derive(graph, architecture) for architecture in chosen]
    sums = [latency_ms(network, prices) for network in networks]
    measured: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{n}.onnx" for n in range(len(networks))]
        for path, network in zip(paths, networks, strict=True):
            path.write_bytes(network_model(network))
        for turn in range(1, TURNS + 1):
            measured.append(device.measure_models(paths))
            if progress is not None:
                progress(turn * len(paths), TURNS * len(paths))
    means = map(mean, zip(*measured, strict=True))
    return [Point(a.hash, x, y) for a, x, y in zip(chosen, sums, means, strict=True)]


def network_model(network: Graph) -> bytes:
    """A network as an ONNX file, with random weights that are always the same."""
    owner = Sharing(network).nodes
    weights: dict[str, NDArray[Any]] = {}
    for node in network.nodes:
        if node.op in OPERATIONS and owner[node.id] == node.id:
            types = [network.nodes[item.node].type for item in node.inputs]
            weights |= {f"{node.id}.{name}": array for name, array in random_weights(node, types).items()}
    model = onnx_model(network, weights, paths={node: str(own) for node, own in enumerate(owner)})
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def calibrated(points: Sequence[Point], space: str = "") -> Calibration:
    """The calibration that fits some networks, with how well it predicts each of them from the others.

    Args:
        points: At least `LEAST`.
        space: Whose networks they are, for people.

    Raises:
        NasError: There are too few.
    """
    if len(points) < LEAST:
        raise NasError(
            f"a table is calibrated on {LEAST} networks or more, found {len(points)}", help="--validate 30", status=2
        )
    sums, measured = [p.table_ms for p in points], [p.measured_ms for p in points]
    scale, overhead = fit(sums, measured)
    left_out = []
    for n, own in enumerate(sums):
        a, b = fit(sums[:n] + sums[n + 1 :], measured[:n] + measured[n + 1 :])
        left_out.append(a * own + b)
    plain = agreement(sums, measured)
    return Calibration(
        scale=round(scale, 9),
        overhead_ms=round(overhead, 6),
        networks=len(points),
        space=space,
        mape=round(agreement(left_out, measured).mape, 6),
        mape_before=round(plain.mape, 6),
        pearson=plain.pearson,
        spearman=plain.spearman,
    )

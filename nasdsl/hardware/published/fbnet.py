"""Latencies of the blocks of FBNet's space (Wu et al., CVPR 2019), layer by layer.

* A .npz file with `DEVICE_base_all_op0_ms` and `DEVICE_delta_ms` [22, 9]: what each block costs more than the first of
  its layer. These reproduce the latencies that were published with HELP (Lee et al., NeurIPS 2021) for FBNet's space.
* A .json file with `ops` and `latency` [22, 9] in microseconds, as a public implementation of FBNet writes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published.files import arrays, chosen, identifier, json_object, names
from nasdsl.hardware.table import Entry, Table
from nasdsl.ir.graph import Graph
from nasdsl.notations import read_notation
from nasdsl.notations.fbnet import BLOCKS
from nasdsl.passes.prices import CALL, of_values

_BASE, _DELTA = "_base_all_op0_ms", "_delta_ms"


def read(path: Path, device: str | None, space: Graph | None) -> Table:
    """The table of one device.

    Raises:
        NasError: The file is not in one of these forms, or no space is given.
    """
    if space is None:
        raise NasError("FBNet's tables price the decisions of a space", help="name it: spaces/fbnet.nas", status=2)
    if path.suffix == ".json":
        return _of_json(path, space)
    devices = [name.removesuffix(_DELTA) for name in names(path) if name.endswith(_DELTA)]
    name = chosen(path, device, devices)
    content = arrays(path, [name + _BASE, name + _DELTA])
    costs = np.asarray(content[name + _DELTA], dtype=np.float64)
    source = f"additive costs of FBNet's blocks on {name}"
    return _table(path, identifier(name), costs, float(content[name + _BASE]), source, space)


def _of_json(path: Path, space: Graph) -> Table:
    content = json_object(path)
    labels = content.get("ops")
    try:
        costs = np.asarray(content.get("latency"), dtype=np.float64) / 1000
    except (TypeError, ValueError):
        raise NasError(f"{path}: `latency` is no table of numbers") from None
    if not isinstance(labels, list) or len(labels) != len(BLOCKS):
        raise NasError(f"{path}: `ops` is no list of {len(BLOCKS)} blocks")
    # The notation knows these names; each layer's blocks are put into its order.
    first = [read_notation("fbnet", str([label] * len(costs)), space).decisions for label in labels]
    order = [BLOCKS.index(str(next(iter(decisions.values())))) for decisions in first]
    sorted_costs = np.empty_like(costs)
    sorted_costs[:, order] = costs
    source = "a public FBNet implementation's lookup table for a CPU; no unit is stated, taken as microseconds"
    return _table(path, "fbnet_cpu", sorted_costs, 0.0, source, space)


def _table(path: Path, device: str, costs: NDArray[Any], base: float, source: str, space: Graph) -> Table:
    """A table of costs [layers, blocks] and what is added to them.

    Only differences within a layer mean something: each layer's least cost is counted as everyone's.
    """
    if costs.ndim != 2 or costs.shape[1] != len(BLOCKS) or not np.isfinite(costs).all():
        raise NasError(f"{path}: expected finite costs [layers, {len(BLOCKS)}], found {list(costs.shape)}")
    layers = len(costs)
    by_block = [read_notation("fbnet", str([n] * layers), space).decisions for n in range(len(BLOCKS))]
    paths = _paths(by_block[0], space)
    least = costs.min(axis=1)
    entries = {CALL: Entry(ms=base + float(least.sum()))}
    for layer, decision in enumerate(paths):
        for n, decisions in enumerate(by_block):
            text = of_values([decision], [decisions[decision]])
            entries[text] = Entry(ms=float(costs[layer, n] - least[layer]))
    return Table(
        device=device,
        machine=device,
        threads=1,
        source=source,
        space=space.name,
        decisions=tuple((decision,) for decision in paths),
        entries=entries,
    )


def _paths(decisions: Any, space: Graph) -> list[str]:
    """The decisions of the layers, first layer first."""
    return [path for path in space.decisions if path in decisions]

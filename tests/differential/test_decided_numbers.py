"""Every number of every operation, decided in every way: `check` refuses the space, or all of it works.

What works: the supernet of the space computes in every architecture what the derived network computes, so does ONNX
Runtime, and costs and latency of the space are those of the network.
"""

from __future__ import annotations

import os
import random
import re
import zlib
from collections.abc import Iterator
from itertools import product

import pytest
import torch

from nasdsl.algebra.costs.metrics import parts
from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.ir.architecture import Architecture
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.kernels import costs, signatures
from nasdsl.passes.units import latency_ms
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.differential.test_onnx import difference, lowered, opened
from tests.differential.test_supernet import Pair
from tests.generators.architectures import listed
from tests.generators.direct_network import DirectNetwork
from tests.property.test_expected_cost import one_hot

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SHARE = 16
"""One in so many of the spaces that `check` accepts is tried out, always the same ones; all, if thorough."""
DECISIONS = {
    "w": "width w in {4, 8}",
    "u": "width u in {4, 6}",
    "k": "width k in {1, 3}",
    "h": "choose h in {4, 8}",
    "g": "choose g in {1, 2}",
    "z": "choose z in {0, 1}",
    "d": "depth d in 1..=2",
}
CHANNELS = ("8", "w", "u", "w + h")
NUMBERS = (
    *("0", "1", "2", "3", "4", "1/2", "-1", *DECISIONS),
    *("w/2", "w/4", "u/2", "w*g", "2*k - 1", "channels(x)", "channels(x)/2", "channels(x)/4", "channels(x) - 1"),
)
STEPS = {
    "conv": ("conv({}, k = 3)", "conv(8, k = {})", "conv(8, k = 3, stride = {})", "conv(8, k = 3, dilation = {})",
             "conv(8, k = 3, padding = {})", "conv(8, k = 3, groups = {}, bias = true)", "conv(w, k = k, groups = {})",
             "conv({}, k = 3, groups = {})", "conv(8, k = 3, bias = {})"),
    "dw_conv": ("dw_conv(k = {})", "dw_conv(3, stride = {})", "dw_conv(3, dilation = {})", "dw_conv(3, padding = {})"),
    "linear": ("global_avg_pool() >> linear({})", "global_avg_pool() >> linear({}, bias = false) >> linear(u)"),
    "bn": ("bn()", "bn(affine = {})"),
    "gn": ("gn(groups = {})",),
    "dropout": ("dropout({})",),
    "slice": ("slice({})", "slice(end = {})", "slice(1/4, 3/4)", "slice(1/4, 1/2)"),
    "shuffle": ("shuffle({})",),
    "none": ("none(stride = {})",),
    "max_pool": ("max_pool(k = {})", "max_pool(k = 2, stride = {})", "max_pool(k = 3, padding = {})"),
    "avg_pool": ("avg_pool(k = {})", "avg_pool(k = 2, stride = {})", "avg_pool(k = 3, padding = {})"),
    "resize": ("resize({})",),
    "resize_like": ("resize_like(image)",),
    "sum": ("sum(x, x >> conv({}, k = 1))",),
    "concat": ("concat(x, x >> conv({}, k = 1))",),
    "global_avg_pool": ("global_avg_pool()",),
    "relu": ("relu()",),
    "identity": ("identity()",),
    "shift": ("shift()",),
}  # fmt: skip


def texts(steps: tuple[str, ...]) -> Iterator[str]:
    """The spaces that apply some steps to maps of any channels."""
    for channels, step, number in product(CHANNELS, steps, NUMBERS):
        applied = step.replace("{}", number)
        if "{}" in step or number == NUMBERS[0]:
            declared = [text for name, text in DECISIONS.items() if re.search(rf"\b{name}\b", f"{channels} {applied}")]
            made = applied if applied.startswith(("sum", "concat")) else f"x >> {applied}"
            vector = "y" if "linear" in applied else "concat(y >> global_avg_pool(), x >> global_avg_pool())"
            yield "\n  ".join([
                "space s {", "input image: [3, 8, 8]", *declared,
                f"x = image >> conv({channels}, k = 1)", f"y = {made}",
                f"task t = {vector} >> linear(2) {{ loss cross_entropy() }}\n}}\n",
            ])  # fmt: skip


def check_all(space: Space) -> None:
    """Every architecture of a space, in all that is made of it."""
    pair = Pair(space)
    prices = {text: 1 + zlib.crc32(text.encode()) / 2**32 for text in signatures(space.graph)}
    expected = ExpectedCost(expected_cost_data(space.graph), prices)
    for architecture in sorted(listed(space.graph), key=str):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=False)
        check_costs(space, architecture, expected, prices)
        network = DirectNetwork(space.derive(architecture))
        assert difference(network, opened(lowered(network.graph, network)), 2, (8, 8), 0) < 1e-4


def check_costs(space: Space, architecture: Architecture, expected: ExpectedCost, prices: dict[str, float]) -> None:
    network, found = space.derive(architecture), {}
    for metric in ("params", "macs"):
        costs_of = (part.cost(lambda path: architecture.decisions[path]) for part in parts(space.graph, metric))
        found[metric] = sum(costs_of)
    assert (found["params"], found["macs"]) == (costs(network).params, costs(network).macs)
    tables = one_hot(space.graph, architecture, random.Random(0)) | {"": torch.ones(1)}
    assert expected(tables).item() == pytest.approx(latency_ms(network, prices), rel=1e-5)


@pytest.mark.parametrize("operation", STEPS)
def test_refused_or_right(operation: str) -> None:
    accepted = 0
    for text in texts(STEPS[operation]):
        try:
            space = load(Source("s.nas", text))
        except InvalidSpace:
            continue
        accepted += 1
        if THOROUGH or zlib.crc32(text.encode()) % SHARE == 0:
            check_all(space)
    assert accepted > 0


def test_every_operation_is_here() -> None:
    assert STEPS.keys() == OPERATIONS.keys()

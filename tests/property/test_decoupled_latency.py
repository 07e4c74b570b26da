"""The latency in parts against what it is made of: settings tried one by one, gradients of each part alone."""

from __future__ import annotations

import random
from itertools import product
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Value
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.search.generated import module_from
from nasdsl.search.latency.decoupled import DecoupledLatency
from nasdsl.search.latency.groups import Group, held, members
from nasdsl.search.latency.sensitivity import latency_range_ms
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.spaces import spaces
from tests.property.test_expected_cost import (
    CELLS,
    DEPTHS,
    LAST_MAPS,
    MEETING_ROUTES,
    one_hot,
    options,
    prices,
    random_tables,
)

TEXTS = pytest.mark.parametrize(
    "text", [MEETING_ROUTES, LAST_MAPS, CELLS, DEPTHS], ids=["meeting", "last", "cells", "depths"]
)
WEIGHTS: dict[Group, float] = {"operators": 0.2, "paths": 0.7, "widths": 0.1}
MOST_SETTINGS = 300


def made(text: str) -> tuple[Space, runtime.Space, ExpectedCost]:
    space = load(Source("test.nas", text))
    table = prices(space.graph)
    module: Any = module_from(supernet_source(space.graph, latency=table, device="macs"), "space")
    return space, module.SPACE, ExpectedCost(expected_cost_data(space.graph, table), table).double()


def settings_of(space: Space, own: tuple[str, ...]) -> list[list[Value]]:
    """For each decision the values that an architecture can take."""
    return [[v for v in options(space.graph, path) if v not in space.graph.decisions[path].soft] for path in own]


def every_setting(space: Space, own: tuple[str, ...], at: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """The probabilities, with some decisions set to each of their joint values that an architecture can take."""
    found = []
    for joint in product(*settings_of(space, own)):
        tables = one_hot(space.graph, Architecture("s", dict(zip(own, joint, strict=True))), random.Random(0))
        found.append(at | {path: tables[path].double() for path in own})
    return found


def compare(text: str) -> None:
    space, decisions, cost = made(text)
    at = held(decisions)
    for group, own in members(decisions).items():
        if prod(map(len, settings_of(space, own))) > MOST_SETTINGS:
            continue
        latencies = [cost(tables).item() for tables in every_setting(space, own, at)]
        # The module keeps costs in single precision.
        assert latency_range_ms(decisions, cost, group) == pytest.approx((min(latencies), max(latencies)), rel=1e-5)


@TEXTS
def test_ranges_are_those_of_all_settings(text: str) -> None:
    compare(text)


@given(text=spaces())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_ranges_of_generated_spaces(text: str) -> None:
    compare(text)


@TEXTS
def test_the_value_is_the_expectation_and_the_gradient_that_of_the_parts(text: str) -> None:
    space, decisions, cost = made(text)
    tables = random_tables(space.graph, torch.Generator().manual_seed(3))
    latency = DecoupledLatency(decisions, cost, WEIGHTS)
    assert latency(tables).item() == pytest.approx(cost(tables).item(), rel=1e-12)
    paths = list(tables)
    found = torch.autograd.grad(latency(tables), list(tables.values()), allow_unused=True)
    for group, own in members(decisions).items():
        at = held(decisions) | {path: tables[path] for path in own}
        wanted = torch.autograd.grad(cost(at), [tables[path] for path in own], allow_unused=True)
        for path, gradient in zip(own, wanted, strict=True):
            other = found[paths.index(path)]
            assert (gradient is None) == (other is None), path
            if gradient is not None and other is not None:
                torch.testing.assert_close(other, WEIGHTS[group] * gradient, msg=path)


@TEXTS
def test_gradients_of_the_parts_are_differences(text: str) -> None:
    """Gradcheck of each part as a function of scores, since probabilities that do not add up to one mean nothing."""
    _, decisions, cost = made(text)
    torch.manual_seed(0)
    logits = runtime.Logits(decisions).double()
    latency = DecoupledLatency(decisions, cost, WEIGHTS)
    names = [*decisions.domains, *decisions.grids]
    scores = [torch.randn(len(logits.chances(name)), dtype=torch.float64, requires_grad=True) for name in names]

    def parts(*values: Tensor) -> Tensor:
        chances = {name: logits.normalised(name, value) for name, value in zip(names, values, strict=True)}
        found = {
            path: chances[decision.grid if isinstance(decision, runtime.Route) else path]
            for path, decision in decisions.decisions.items()
        }
        return torch.stack([latency.part(group, found) for group in members(decisions)])

    assert torch.autograd.gradcheck(parts, scores)


@given(st.sampled_from([MEETING_ROUTES, CELLS]), st.sampled_from(["operators", "paths", "widths"]))
@settings(max_examples=6)
def test_a_group_without_a_weight_has_no_gradient(text: str, without: Group) -> None:
    space, decisions, cost = made(text)
    tables = random_tables(space.graph, torch.Generator().manual_seed(3))
    weights = {group: weight for group, weight in WEIGHTS.items() if group != without}
    found = torch.autograd.grad(
        DecoupledLatency(decisions, cost, weights)(tables), list(tables.values()), allow_unused=True
    )
    own = members(decisions).get(without, ())
    assert all(gradient is None for path, gradient in zip(tables, found, strict=True) if path in own)

"""The expected latency of a relaxation against the networks it stands for."""

from __future__ import annotations

import hashlib
import random
from itertools import combinations, pairwise, product
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Graph, Kind, Value
from nasdsl.passes.derive import canonical
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.kernels import signatures
from nasdsl.passes.units import latency_ms
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.runtime.prefixes import Prefixes
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.spaces import spaces

MEETING_ROUTES = """space meeting {
  input image: [3, 16, 16]
  grid g[l in 0..=3, r in {1, 2}] from image at [0, 1] {
    choose op in {a: conv_bn(k = 3), b: conv_bn_relu(k = 1)}
    to [l+1, r] = here >> op(c = 4, stride = 1)
    to [l+1, 2*r] = here >> op(c = 4, stride = 2)
  }
  pick ends in 2 of {0, 1, 2}
  route way[0] in g to [2, 2]
  route way[1] in g to [3, 2]
  route way[2] in g to [3, 1]
  block tail(e) = way[e].end >> conv(4, k = 1) >> resize_like(image)
  task t = concat(tail(e) for e in ends) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""

LAST_MAPS = """space last_maps {
  input image: [3, 16, 16]
  stem = image >> conv(4, k = 1)
  grid g[l in 0..=3, r in {1, 2}] from stem at [0, 1] {
    width w in {2, 4, 6}
    to [l+1, r] = here >> conv(next.w, k = 3) >> relu()
    to [l+1, 2*r] = here >> conv(next.w, k = 3, stride = 2)
  }
  route way in g to [3, 2]
  up = way.end >> resize_like(way.last(1))
  task t = concat(up, way.last(1)) >> conv(3, k = 1) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""

CELLS = """space cells {
  input image: [3, 8, 8]
  block edge(x) {
    choose op in {soft none, skip: conv_bn(k = 1), sep: conv_bn_relu(k = 3)}
    return x >> op()
  }
  tied block cell(a, b) {
    x[0] = a >> relu() >> conv_bn(4, k = 1)
    x[1] = b >> conv_bn_relu(4, k = 1)
    for i in 2..4 {
      pick ins[i] in 2 of 0..i
      x[i] = sum(edge(x[j]) for j in ins[i])
    }
    return concat(x[2], x[3])
  }
  stem = image >> conv_bn(6, k = 3)
  first = cell(stem, image)
  pick used in 1 of 0..3
  choose c in {4, 8}
  branch[0] = first >> conv_bn_relu(c, k = 3)
  branch[1] = stem >> conv_bn_relu(c, k = 1)
  branch[2] = cell(first, stem) >> conv_bn_relu(c, k = 1)
  task t = sum(branch[j] for j in used) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


DEPTHS = """space depths {
  input image: [3, 8, 8]
  block layer(x) { choose op in {a: conv_bn(k = 1), b: conv_bn_relu(k = 3)} return x >> op() }
  y[0] = image >> conv(4, k = 1)
  for i in 1..=3 { y[i] = layer(y[i-1]) }
  depth d in 1..=3
  depth leave in 0..=2
  choose c in {4, 8}
  shared block f(x) = x >> conv(c, k = 3) >> conv_bn(4, k = 1)
  z = y[d] if leave >= 1 and d != 2 else f(y[leave])
  u = sum(z, y[d-1] if c == 4 else f(z))
  task t = u >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


def price(signature: str) -> float:
    """A latency that has nothing to do with that of any other signature."""
    return int(hashlib.sha256(signature.encode()).hexdigest()[:6], 16) / 2**24 + 0.01


def prices(graph: Graph) -> dict[str, float]:
    return {text: price(text) for text in signatures(graph)}


def ways(graph: Graph, grid: str, end: Cell) -> list[tuple[Cell, ...]]:
    if end == graph.grids[grid].source:
        return [(end,)]
    return [(*way, end) for link in graph.grids[grid].into(end) for way in ways(graph, grid, link.source)]


def options(graph: Graph, path: str) -> list[Value]:
    decision = graph.decisions[path]
    if decision.kind is Kind.PICK:
        return list(combinations(decision.domain, decision.count))
    return list(ways(graph, decision.grid, decision.end)) if decision.kind is Kind.ROUTE else list(decision.domain)


def chance_of(graph: Graph, path: str, value: Value, table: Tensor) -> Tensor:
    decision = graph.decisions[path]
    if decision.kind is not Kind.ROUTE:
        return table[options(graph, path).index(value)]
    links = [(link.source, link.target) for link in graph.grids[decision.grid].links]
    total = table.new_ones(())
    for step in pairwise(value):  # type: ignore[arg-type]
        total = total * table[links.index(step)]  # type: ignore[arg-type]
    return total


def random_tables(graph: Graph, generator: torch.Generator) -> dict[str, Tensor]:
    """A random distribution for every decision; soft alternatives have none of it."""
    tables = {}
    for path, decision in graph.decisions.items():
        if decision.kind is Kind.ROUTE:
            links = graph.grids[decision.grid].links
            strengths = torch.rand(len(links), generator=generator, dtype=torch.float64) + 0.1
            sums = {
                link.target: sum(strengths[i] for i, o in enumerate(links) if o.target == link.target) for link in links
            }
            tables[path] = strengths / torch.stack([torch.as_tensor(sums[link.target]) for link in links])
        else:
            strengths = torch.rand(len(options(graph, path)), generator=generator, dtype=torch.float64) + 0.1
            strengths *= torch.tensor([value not in decision.soft for value in options(graph, path)])
            tables[path] = strengths / strengths.sum()
    return {path: table.requires_grad_() for path, table in tables.items()}


def by_enumeration(space: Space, tables: dict[str, Tensor], table: dict[str, float]) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    known: dict[Architecture, float] = {}
    for values in product(*(options(space.graph, path) for path in tables)):
        decisions = dict(zip(tables, values, strict=True))
        if any(value in space.graph.decisions[path].soft for path, value in decisions.items()):
            continue
        architecture = canonical(space.graph, Architecture(space.graph.name, decisions))
        if architecture not in known:
            known[architecture] = latency_ms(space.derive(architecture), table)
        chances = [chance_of(space.graph, path, decisions[path], tables[path]) for path in tables]
        total = total + torch.stack(chances).prod() * known[architecture]
    return total


def one_hot(graph: Graph, architecture: Architecture, generator: random.Random) -> dict[str, Tensor]:
    """The architecture as a distribution; decisions that are dead in it, and links off its routes, at random."""
    tables = {}
    for path, decision in graph.decisions.items():
        if decision.kind is Kind.ROUTE:
            grid = graph.grids[decision.grid]
            way = architecture.decisions.get(path, ())
            on_it = set(pairwise(way))  # type: ignore[arg-type]
            taken = set()
            for cell in grid.cells:
                into = [(link.source, link.target) for link in grid.into(cell)]
                taken.add(next((link for link in into if link in on_it), generator.choice(into) if into else None))
            tables[path] = torch.tensor([float((link.source, link.target) in taken) for link in grid.links])
        else:
            values = options(graph, path)
            value = architecture.decisions.get(path, generator.choice(values))
            tables[path] = torch.tensor([float(v == value) for v in values])
    return tables


@pytest.mark.parametrize("name", ["darts", "fasterseg"])
def test_of_one_architecture_is_the_table_sum_of_its_network(repository: Path, name: str) -> None:
    space = load(repository / f"spaces/{name}.nas", params={"layers": 6})
    table = prices(space.graph)
    expected = ExpectedCost(expected_cost_data(space.graph), table)
    for seed in range(25):
        architecture = space.sample(seed)
        wanted = latency_ms(space.derive(architecture), table)
        found = expected(one_hot(space.graph, architecture, random.Random(seed))).item()
        assert found == pytest.approx(wanted, rel=1e-5)


@given(text=spaces(), seed=st.integers(0, 1000))
def test_of_generated_spaces(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    architecture = space.sample(seed)
    table = prices(space.graph)
    wanted = latency_ms(space.derive(architecture), table)
    tables = one_hot(space.graph, architecture, random.Random(seed))
    tables |= {"": torch.ones(1)}  # a space without decisions has no tables, but a dtype all the same
    assert ExpectedCost(expected_cost_data(space.graph), table)(tables).item() == pytest.approx(wanted, rel=1e-5)


def test_gradient_is_that_of_the_mean() -> None:
    space = load(Source("test.nas", LAST_MAPS))
    tables = random_tables(space.graph, torch.Generator().manual_seed(2))
    table = prices(space.graph)
    wanted = torch.autograd.grad(by_enumeration(space, tables, table), list(tables.values()), allow_unused=True)
    cost = ExpectedCost(expected_cost_data(space.graph), table)(tables)
    found = torch.autograd.grad(cost, list(tables.values()), allow_unused=True)
    for path, a, b in zip(tables, wanted, found, strict=True):
        if space.graph.decisions[path].kind is not Kind.ROUTE:  # unnormalised directions of a route differ
            assert torch.allclose(a - a.mean(), b - b.mean(), atol=1e-6), path


def test_missing_signature_names_the_command() -> None:
    space = load(Source("test.nas", LAST_MAPS))
    table = prices(space.graph)
    del table["linear 3x1x1 -> 2"]
    with pytest.raises(NasError, match=r"lacks 1 operations .* `linear 3x1x1 -> 2`\nhelp: .*nasdsl profile"):
        ExpectedCost(expected_cost_data(space.graph), table)


def test_prefixes_that_leave_by_either_link_are_counted_once() -> None:
    """Two routes part at (1, 1): what both ways out share is computed once there."""
    cells = ((0, 1), (1, 1), (2, 1), (2, 2))
    links = (*pairwise(cells[:3]), ((1, 1), (2, 2)))
    grid = {"source": (0, 1), "cells": cells, "links": links, "routes": {"a": (2, 1), "b": (2, 2)}}
    grid["live"] = ((("a",), ()), (("b",), ()), (("a", "b"), ()))
    out = frozenset(links[1:])
    counted, _ = Prefixes(grid, [out, frozenset(links[1:2])], [])(torch.ones(2, 3), torch.tensor([0.5, 0.6, 0.3]))
    assert counted.tolist() == pytest.approx([0.8, 0.5])


@pytest.mark.parametrize("text", [MEETING_ROUTES, LAST_MAPS, CELLS, DEPTHS], ids=["meeting", "last", "cells", "depths"])
def test_is_the_mean_over_all_architectures(text: str) -> None:
    space = load(Source("test.nas", text))
    tables = random_tables(space.graph, torch.Generator().manual_seed(1))
    table = prices(space.graph)
    wanted = by_enumeration(space, tables, table)
    found = ExpectedCost(expected_cost_data(space.graph), table).double()(tables)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)

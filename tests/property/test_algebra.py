"""The algebra of a space against brute force over generated spaces."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nasdsl.algebra.count import count, count_values, encodings
from nasdsl.algebra.draw import draw
from nasdsl.algebra.model import model
from nasdsl.algebra.ranking import Ranking
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Graph, Kind, Value
from nasdsl.passes.derive import canonical, validate
from nasdsl.passes.rules import broken_rule
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.spaces import chains, grids, selections, spaces

FEW = 3_000
"""Most encodings that are listed one by one."""


def ways(graph: Graph, grid: str, end: Cell) -> Iterator[tuple[Cell, ...]]:
    if end == graph.grids[grid].source:
        yield (end,)
    for link in graph.grids[grid].into(end):
        yield from ((*way, end) for way in ways(graph, grid, link.source))


def values(graph: Graph, path: str) -> list[Value]:
    decision = graph.decisions[path]
    if decision.kind is Kind.PICK:
        return list(combinations(decision.domain, decision.count))
    return list(ways(graph, decision.grid, decision.end)) if decision.kind is Kind.ROUTE else list(decision.real)


def listed(graph: Graph) -> set[Architecture]:
    """Every architecture: all encodings, brought to their canonical form, without those that break a rule."""
    found = set()
    for chosen in product(*(values(graph, path) for path in graph.decisions)):
        decisions = dict(zip(graph.decisions, chosen, strict=True))
        architecture = canonical(graph, Architecture(graph.name, decisions))
        if broken_rule(graph, architecture) is None:
            found.add(architecture)
    return found


def graphs(bodies: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Graph]:
    return spaces(bodies).map(lambda text: load(Source("generated.nas", text)).graph)


small = st.one_of(graphs(chains()), graphs(grids()), graphs(selections()), graphs(selections())).filter(
    lambda graph: encodings(graph) <= FEW
)
few = settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


@few
@given(small)
def test_count_is_that_of_a_list(graph: Graph) -> None:
    architectures = listed(graph)
    sizes = count(model(graph))
    assert sizes.architectures == len(architectures)
    assert sizes.encodings == len(list(product(*(values(graph, path) for path in graph.decisions))))


@few
@given(small)
def test_every_index_is_an_architecture(graph: Graph) -> None:
    ranking = Ranking(model(graph))
    found = list(ranking)
    assert set(found) == listed(graph)
    assert [ranking.index(architecture) for architecture in found] == list(range(ranking.size))


@few
@given(graphs(), st.integers(0, 1000))
def test_indices_in_spaces_too_large_to_list(graph: Graph, seed: int) -> None:
    ranking = Ranking(model(graph))
    generator = random.Random(seed)
    for _ in range(20):
        index = generator.randrange(ranking.size)
        architecture = ranking[index]
        validate(graph, architecture)
        assert ranking.index(architecture) == index
    other = draw(graph, seed)
    assert ranking[ranking.index(other)] == other


@few
@given(small, st.data())
def test_distinct_values_of_some_decisions(graph: Graph, data: st.DataObject) -> None:
    assume(graph.decisions)
    paths = data.draw(st.sets(st.sampled_from(sorted(graph.decisions)), min_size=1))
    found = {tuple(sorted((p, v) for p, v in a.decisions.items() if p in paths)) for a in listed(graph)}
    assert count_values(model(graph), paths) == len(found)

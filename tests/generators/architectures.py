"""Generated spaces as graphs, all architectures of a small one, and how to judge draws from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations, product

from hypothesis import strategies as st

from nasdsl.algebra.count import encodings
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Graph, Kind, Value
from nasdsl.passes.derive import canonical
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


def chi_square(counts: Counter[Architecture], chances: Mapping[Architecture, float]) -> tuple[float, float]:
    """The statistic for given chances, and the value that it exceeds once in 10,000 (Wilson and Hilferty, 1931)."""
    assert counts.keys() <= chances.keys()
    freedom, many = max(len(chances) - 1, 1), counts.total()
    found = sum((counts[a] - many * chance) ** 2 / (many * chance) for a, chance in chances.items())
    return found, freedom * (1 - 2 / (9 * freedom) + 3.72 * (2 / (9 * freedom)) ** 0.5) ** 3

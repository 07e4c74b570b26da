"""Random architectures: every decision drawn uniformly by itself, routes uniformly among all ways through their grid;
again, where they break a rule.

Because what is not live is dropped afterwards, architectures that share a network with many dead decisions come more
often: this is not yet the uniform distribution over effective architectures.
"""

from __future__ import annotations

import random

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Decision, Graph, Kind, Value
from nasdsl.passes.derive import canonical
from nasdsl.passes.rules import broken_rule

MAX_DRAWS = 10_000
"""How many are drawn before the rules are found to allow too few."""


def draw(graph: Graph, seed: int) -> Architecture:
    """A random architecture; the same for the same graph and seed.

    Raises:
        NasError: None of `MAX_DRAWS` keeps the rules of the space.
    """
    generator = random.Random(seed)
    for _ in range(MAX_DRAWS):
        decisions = {path: _value(graph, decision, generator) for path, decision in graph.decisions.items()}
        architecture = canonical(graph, Architecture(graph.name, decisions, graph.preset))
        broken = broken_rule(graph, architecture)
        if broken is None:
            return architecture
    raise NasError(
        f"none of {MAX_DRAWS} random architectures keeps the rules of `{graph.name}`; in the last, {broken}",
        help="let the rules forbid less, or restrict the decisions with a preset",
    )


def _value(graph: Graph, decision: Decision, generator: random.Random) -> Value:
    if decision.kind is Kind.PICK:
        members = set(generator.sample(decision.domain, decision.count))
        return tuple(member for member in decision.domain if member in members)
    if decision.kind is Kind.ROUTE:
        return _way(graph, decision, generator)
    return generator.choice(decision.real)


def _way(graph: Graph, decision: Decision, generator: random.Random) -> tuple[Cell, ...]:
    """A way drawn backwards from the end, each step as likely as there are ways that go on like it."""
    grid = graph.grids[decision.grid]
    ways = {grid.source: 1}
    for cell in grid.cells:
        if cell != grid.source:
            ways[cell] = sum(ways[link.source] for link in grid.into(cell))
    way = [decision.end]
    while way[-1] != grid.source:
        before = [link.source for link in grid.into(way[-1])]
        way += generator.choices(before, [ways[cell] for cell in before])
    return tuple(reversed(way))

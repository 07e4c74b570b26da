"""How large a space is: exact integers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import comb, prod

from nasdsl.algebra.elimination.elimination import Table, eliminate, elimination_order, summed, tables
from nasdsl.algebra.elimination.factors import Factor, FactorGraph
from nasdsl.algebra.elimination.semiring import COUNT, EXISTS
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.routes import Groups
from nasdsl.ir.graph import Decision, Graph, Kind


@dataclass(frozen=True, slots=True)
class Count:
    """Three sizes of a space.

    Attributes:
        decisions: How many decisions it has.
        encodings: How many ways there are to decide all of them, dead or not, whatever the rules say.
        architectures: How many effective architectures there are: only live decisions have values, and the rules hold.
    """

    decisions: int
    encodings: int
    architectures: int


def count(model: Model) -> Count:
    """The sizes of a space."""
    found = eliminate(tables(model.graph, COUNT), elimination_order(model.graph), COUNT, keep=False)
    return Count(len(model.space.decisions), encodings(model.space), found.total)


def encodings(space: Graph) -> int:
    """How many ways there are to decide every decision by itself."""
    return prod(_choices(space, decision) for decision in space.decisions.values())


def _choices(space: Graph, decision: Decision) -> int:
    if decision.kind is Kind.PICK:
        return comb(len(decision.domain), decision.count)
    if decision.kind is not Kind.ROUTE:
        return len(decision.real)
    grid = space.grids[decision.grid]
    ways = {cell: int(cell == grid.source) for cell in grid.cells}
    for cell in grid.cells:
        ways[cell] += sum(ways[link.source] for link in grid.into(cell))
    return ways[decision.end]


def count_values(model: Model, paths: Collection[str]) -> int:
    """How many joint values some decisions have in the architectures of the space; being dead is a value too.

    All other variables are eliminated first, in the semiring of "there is one"; what remains is counted.

    Raises:
        NasError: The decisions depend on one another through so many others that a table grows too large.
    """
    graph = model.graph.copy()
    kept = {model.choices[path] for path in paths if path in model.choices}
    shown = []
    for flow in model.flows.values():
        chosen = {route.path for route in flow.routes} & set(paths)
        if len(chosen) == len(flow.routes):
            kept |= {flow.start, *(passage.groups for passage in flow.links.values())}
        elif chosen:
            some = (flow.start, *(passage.groups for passage in flow.links.values()))
            shown += [_shown(graph, variable, chosen) for variable in some]
    kept |= {factor.scope[-1] for factor in shown}
    for variable, factor in graph.definitions.items():
        if kept.issuperset(set(factor.scope) - {variable}):
            kept.add(variable)
    graph.factors += shown
    order = elimination_order(graph)
    left = tables(graph, EXISTS)
    for variable in order:
        if variable not in kept:
            own = [table for table in left if variable in table.scope]
            left = [table for table in left if variable not in table.scope]
            left.append(summed(own, variable, EXISTS))
    if not all(table.rows for table in left):
        return 0
    counted = [Table(table.scope, dict.fromkeys(table.rows, 1)) for table in left]
    return eliminate(counted, [v for v in order if v in kept], COUNT, keep=False).total


def _shown(graph: FactorGraph, variable: int, routes: Collection[str]) -> Factor:
    """A new variable that says which of some routes pass where another says which groups do."""
    passing = [frozenset(routes).intersection(*[frozenset().union(*value)]) for value in _groups(graph, variable)]
    values = sorted(set(passing), key=sorted)
    new = graph.add(f"of {graph.variables[variable].name}", values, graph.variables[variable].position)
    return Factor((variable, new), {(n, values.index(some)): 0 for n, some in enumerate(passing)})


def _groups(graph: FactorGraph, variable: int) -> Iterable[Groups]:
    return graph.variables[variable].values  # type: ignore[return-value]

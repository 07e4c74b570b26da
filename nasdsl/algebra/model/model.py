"""From a space to its factor graph: decisions are variables, "a dead decision has no value" and the rules are factors.

The possible assignments of the model are, one for one, the architectures of the space.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

from nasdsl.algebra.elimination.factors import FactorGraph
from nasdsl.algebra.model.demand import Demand, Follower
from nasdsl.algebra.model.events import Events
from nasdsl.algebra.model.hard import HardFactors
from nasdsl.algebra.model.routes import NOTHING, Flow, Groups, LinkName, add_tables, flow
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import AtMost, Cell, Decision, Graph, Kind, Value

MAX_SUBSETS = 10_000
"""How many subsets a pick may have."""


@dataclass(frozen=True, slots=True)
class Model:
    """The factor graph of a space.

    Attributes:
        space: The space.
        graph: Its variables and hard factors.
        choices: The variable of each decision but routes.
        flows: The variables of each grid.
        demand: When what is live.
        events: The arithmetic of events over the variables.
    """

    space: Graph
    graph: FactorGraph
    choices: Mapping[str, int]
    flows: Mapping[str, Flow]
    demand: Demand
    events: Events

    @property
    def telling(self) -> list[int]:
        """The variables whose values say which architecture an assignment stands for."""
        found = set(self.choices.values())
        for grid in self.flows.values():
            found |= {grid.start, *(passage.groups for passage in grid.links.values())}
        return sorted(found)

    def decisions(self, assignment: Mapping[int, int]) -> dict[str, Value]:
        """The values of the live decisions in a possible assignment, sorted by path."""
        found: dict[str, Value] = {}
        for path, variable in self.choices.items():
            if assignment[variable]:
                found[path] = self.graph.variables[variable].values[assignment[variable]]  # type: ignore[assignment]
        return dict(sorted((found | self.ways(assignment)).items()))

    def ways(self, assignment: Mapping[int, int]) -> dict[str, Value]:
        """The live routes in a possible assignment of at least the variables of links."""
        found: dict[str, Value] = {}
        for grid in self.flows.values():
            carried = {
                link: frozenset().union(*self._groups(passage.groups, assignment))
                for link, passage in grid.links.items()
            }
            live = frozenset().union(*self._groups(grid.start, assignment))
            found.update({route.path: _way(grid, route, carried) for route in grid.routes if route.path in live})
        return found

    def _groups(self, variable: int, assignment: Mapping[int, int]) -> Groups:
        return self.graph.variables[variable].values[assignment[variable]]  # type: ignore[return-value]

    def architecture(self, assignment: Mapping[int, int]) -> Architecture:
        """The architecture that a possible assignment stands for."""
        return Architecture(self.space.name, self.decisions(assignment), self.space.preset)

    def assignment(self, architecture: Architecture) -> dict[int, int]:
        """The assignment of a valid architecture (see `nasdsl.passes.derive.validate`)."""
        found: dict[int, int] = {}
        for path, variable in self.choices.items():
            values = self.graph.variables[variable].values
            found[variable] = values.index(architecture.decisions[path]) if path in architecture.decisions else 0
        for grid in self.flows.values():
            ways = {r.path: architecture.decisions[r.path] for r in grid.routes if r.path in architecture.decisions}
            start = frozenset([frozenset(ways)]) if ways else NOTHING
            found[grid.start] = self.graph.variables[grid.start].values.index(start)
            taken: dict[LinkName, dict[Value, set[str]]] = {link: {} for link in grid.links}
            for path, way in ways.items():
                assert isinstance(way, tuple)
                for place in range(2, len(way) + 1):
                    taken[way[place - 2 : place]].setdefault(way[:place], set()).add(path)  # type: ignore[index]
            for link, passage in grid.links.items():
                groups = frozenset(frozenset(some) for some in taken[link].values())
                found[passage.groups] = self.graph.variables[passage.groups].values.index(groups)
        return self.graph.completed(found)


def model(space: Graph) -> Model:
    """The factor graph of a space.

    Raises:
        NasError: A pick has more than `MAX_SUBSETS` subsets, or routes are used in a way that cannot be counted.
    """
    graph = FactorGraph()
    choices = {
        d.path: graph.add(d.path, (None, *_values(d)), 0, decision=True)
        for d in space.decisions.values()
        if d.kind is not Kind.ROUTE
    }
    flows = {path: flow(space, grid, graph) for path, grid in space.grids.items()}
    follower = Follower(space, graph, choices, flows)
    demand = follower.run()
    for path, variable in choices.items():
        graph.place(variable, follower.position(path, demand))
    hard = HardFactors(graph, {v: demand.decisions[path] for path, v in choices.items()})
    for path, variable in choices.items():
        hard.live(variable, demand.decisions[path])
    for grid in flows.values():
        together = hard.starts(grid, demand.routes)
        add_tables(graph, grid, together)
    for rule in space.rules:
        if isinstance(rule, AtMost):
            hard.at_most(rule, choices)
        else:
            hard.relation(rule, choices)
    return Model(space, graph, choices, flows, demand, follower.events)


def _values(decision: Decision) -> Sequence[Value]:
    if decision.kind is not Kind.PICK:
        return decision.real
    if comb(len(decision.domain), decision.count) > MAX_SUBSETS:
        raise NasError(
            f"{decision.span}: `{decision.path}` picks {decision.count} of {len(decision.domain)}, which are more than "
            f"{MAX_SUBSETS} subsets: too many to count",
            help="split it into picks from fewer members",
        )
    return list(combinations(decision.domain, decision.count))


def _way(grid: Flow, route: Decision, carried: Mapping[LinkName, frozenset[str]]) -> tuple[Cell, ...]:
    way = [grid.grid.source]
    while way[-1] != route.end:
        way += [link[1] for link in grid.out_of(way[-1]) if route.path in carried[link]]
    return tuple(way)

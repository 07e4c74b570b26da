"""What routes do in the cells that they pass, and what else they could do there: for mutation and crossover.

A route is a decision at each cell that it passes: by which link it goes on. The elimination knows links, and what takes
each of them (see `nasdsl.algebra.model.routes`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.routes import Flow, Groups
from nasdsl.algebra.sampling.region import Known


@dataclass(frozen=True, slots=True)
class Change:
    """What a mutation wants.

    Attributes:
        variable: The variable of a decision, or of a link.
        value: The decision's value, else 0.
        route: The route that takes the link, else "".
    """

    variable: int
    value: int = 0
    route: str = ""


class PassedLink:
    """What takes a link of a grid, in the light of what the parents do in the cell where it starts.

    Args:
        variable: The variable of its groups.
        cell: The variable of the groups in the cell.
        on: For each value of the former the routes.
        at: For each value of the latter the routes.
    """

    def __init__(self, variable: int, cell: int, on: list[frozenset[str]], at: list[frozenset[str]]) -> None:
        self.variable, self._cell, self._on, self._at = variable, cell, on, at

    def kept(self, parents: Sequence[Known], changed: str) -> Mapping[int, int] | None:
        """A price for the values in which each route goes on as in a parent that has it here; one takes the link."""
        barred = self._barred(parents) - {changed}
        if not barred and not changed:
            return None
        need = {changed} if changed else set()
        return {n: 0 for n, routes in enumerate(self._on) if need <= routes and not routes & barred}

    def preferred(self, known: Known, changed: str, weight: Callable[[int, str], int]) -> Mapping[int, int]:
        """The same, where every other route may go elsewhere, at a price."""
        costs = {route: weight(self._cell, route) for route in sorted(self._barred((known,)) - {changed})}
        need = {changed} if changed else set()
        return {
            n: sum(costs[route] for route in routes if route in costs)
            for n, routes in enumerate(self._on)
            if need <= routes
        }

    def _barred(self, parents: Sequence[Known]) -> frozenset[str]:
        """The routes that come to the cell in a parent, and take this link in none."""
        none: frozenset[str] = frozenset()
        at = none.union(*(self._at[parent[self._cell]] for parent in parents))
        return at.difference(*(self._on[parent[self.variable]] for parent in parents))


class Turns:
    """Where a route can take one of several links.

    Args:
        route: Its path.
        start: The variable of the groups that enter the grid, and the values in which the route is among them.
        forks: The cells where it can.
    """

    def __init__(self, route: str, start: tuple[int, frozenset[int]], forks: Sequence[_Fork]) -> None:
        self.route, self._forks = route, forks
        self.start, self.starts = start

    def live(self, known: Known) -> bool:
        """Whether the route is live."""
        return known[self.start] in self.starts

    def change(self, known: Known, generator: random.Random) -> Change:
        """Another link at one of its cells."""
        links = generator.choice([fork.links for fork in self._forks if known[fork.cell] in fork.passing])
        return Change(generator.choice([v for v, on in links if known[v] not in on]), route=self.route)


@dataclass(frozen=True, slots=True)
class _Fork:
    """A cell where a route can take one of several links.

    Attributes:
        cell: Its variable.
        passing: The values of it in which the route passes.
        links: The variable of each link, with the values in which the route takes it.
    """

    cell: int
    passing: frozenset[int]
    links: tuple[tuple[int, frozenset[int]], ...]


def _routes(model: Model, variable: int) -> list[frozenset[str]]:
    """For each value of a variable of groups the routes in them."""
    groups: Sequence[Groups] = model.graph.variables[variable].values  # type: ignore[assignment]
    return [frozenset[str]().union(*some) for some in groups]


def passed_links(model: Model, flow: Flow) -> Iterator[PassedLink]:
    """The links of a grid."""
    for (source, _), passage in flow.links.items():
        cell = flow.cells[source]
        yield PassedLink(passage.groups, cell, _routes(model, passage.groups), _routes(model, cell))


def turns(model: Model, flow: Flow, possible: Mapping[int, set[int]]) -> Iterator[Turns]:
    """The routes that have several ways in the space."""

    def having(variable: int, route: str) -> frozenset[int]:
        return frozenset(n for n, some in enumerate(_routes(model, variable)) if route in some)

    for route in flow.routes:
        forks = []
        for cell, variable in flow.cells.items():
            links = [(v, having(v, route.path)) for v in (flow.links[link].groups for link in flow.out_of(cell))]
            links = [(v, on) for v, on in links if on & possible.get(v, set())]
            if len(links) > 1:
                forks.append(_Fork(variable, having(variable, route.path), tuple(links)))
        if forks:
            yield Turns(route.path, (flow.start, having(flow.start, route.path)), forks)

"""How much of the latency each group of decisions moves, exactly.

The sensitivity of a group is what its slowest setting takes more than its fastest, in ms, where the decisions of the
other groups are held (`nasdsl.search.latency.groups.held`): the range of the expected latency as a function of the
group's decisions alone.

The expectation is a sum of products of events, each of which depends on one decision, or on the routes of one grid. So
what is held becomes numbers, and the rest a factor graph over the group's decisions, whose least and greatest sum
variable elimination finds (`nasdsl.algebra.elimination`). The routes of a grid are one variable: all their ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from math import prod
from typing import Any

import torch
from torch import Tensor

from nasdsl.algebra.elimination.elimination import eliminate, elimination_order, tables
from nasdsl.algebra.elimination.factors import Factor, FactorGraph
from nasdsl.algebra.elimination.semiring import SUMMARY
from nasdsl.diagnostics.errors import NasError
from nasdsl.runtime.expected_cost import Event, ExpectedCost
from nasdsl.runtime.prefixes import Prefixes
from nasdsl.runtime.space import Cell, Choose, Grid, Space
from nasdsl.search.latency.groups import Group, held, members

MAX_WAYS = 20_000
"""How many joint ways the routes of a grid may have."""

PER_MS = 10**12
"""Costs are eliminated as integers: how many make a millisecond."""

Product = tuple[float, dict[str, Tensor]]
"""A number and, for each variable, one number for each of its values, all multiplied."""

Way = tuple[Cell, ...]


def sensitivities(space: Space, cost: ExpectedCost) -> dict[Group, float]:
    """The sensitivity of each group that the space has decisions of, in ms; 0 where they do not matter.

    Args:
        space: The decisions, as generated files hold them (`SPACE`).
        cost: The expected latency of the same space (`Supernet.expected_cost`).

    Raises:
        NasError: A grid's routes have more than `MAX_WAYS` joint ways, or too many decisions depend on one another.
    """
    ranges = {group: latency_range_ms(space, cost, group) for group in members(space)}
    return {group: most - least if most - least > 1e-9 * most else 0.0 for group, (least, most) in ranges.items()}


def latency_range_ms(space: Space, cost: ExpectedCost, group: Group) -> tuple[float, float]:
    """The least and the greatest expected latency over all settings of a group, the others held.

    Args:
        space: See `sensitivities`.
        cost: See `sensitivities`.
        group: One that the space has decisions of.

    Raises:
        NasError: See `sensitivities`.
    """
    function = _Function(space, cost, group)
    for (sign, events), symbols, costs in cost.parts:
        for factor in function.products(events):
            function.add(sign, factor, symbols, costs)
    return function.range_ms()


class _Function:
    """The expected latency as a function of one group's decisions: a sum of tables over few of them.

    Its variables are decisions, with the values that an architecture can take, and grids, with the joint ways of their
    routes.
    """

    def __init__(self, space: Space, cost: ExpectedCost, group: Group) -> None:
        self._space, self._cost = space, cost
        self._own = {path for path in members(space)[group] if path in cost.data["domains"]}
        self._held = held(space)
        self._known = cost.events(self._held).tolist()
        self._tables: dict[tuple[str, ...], Tensor] = {}
        self._grids = dict(zip(cost.data["grids"], cost.events.grids, strict=True))
        self._ways = {
            name: _joint_ways(space, name, grid["routes"])
            for name, grid in cost.data["grids"].items()
            if group == "paths"
        }
        self._order = {path: place for place, path in enumerate([*self._ways, *space.decisions])}
        self._of_event, self._shares = cache(self._expanded), cache(self._shares_of)

    def products(self, events: Sequence[Event]) -> list[Product]:
        """The product of some events as a sum of products."""
        found: list[Product] = [(1.0, {})]
        for event in events:
            found = [_times(a, b) for a in found for b in self._of_event(event)]
        return found

    def add(self, sign: int, factor: Product, symbols: Sequence[str], costs: Sequence[float]) -> None:
        """Add a product times the cost at all joint values of some decisions."""
        number, vectors = factor
        table = torch.tensor(costs, dtype=torch.float64).reshape([len(self._held[symbol]) for symbol in symbols])
        for axis in reversed(range(len(symbols))):
            if symbols[axis] not in self._own:
                table = torch.tensordot(table, self._held[symbols[axis]], dims=([axis], [0]))
            else:
                table = table.index_select(axis, torch.tensor(self._real(symbols[axis])))
        own = [symbol for symbol in symbols if symbol in self._own]
        scope = tuple(sorted({*own, *vectors}, key=self._order.__getitem__))
        table = table.permute([own.index(name) for name in scope if name in own])
        table = table.reshape([self._size(name) if name in own else 1 for name in scope])
        for name, vector in vectors.items():
            table = table * vector.reshape([-1 if other == name else 1 for other in scope])
        known = self._tables.get(scope)
        self._tables[scope] = sign * number * table + (0 if known is None else known)

    def range_ms(self) -> tuple[float, float]:
        """Its least and its greatest value."""
        graph = FactorGraph()
        names = dict.fromkeys(name for scope in self._tables for name in scope)
        variable = {name: graph.add(name, range(self._size(name)), self._order[name], decision=True) for name in names}
        for scope, table in self._tables.items():
            costs = (table.flatten() * PER_MS).round().long().tolist()
            rows = product(*(range(size) for size in table.shape))
            graph.factors.append(Factor(tuple(variable[n] for n in scope), dict(zip(rows, costs, strict=True))))
        _, least, most = eliminate(tables(graph, SUMMARY), elimination_order(graph), SUMMARY, keep=False).total
        return least / PER_MS, most / PER_MS

    def _size(self, name: str) -> int:
        return len(self._ways[name]) if name in self._ways else len(self._real(name))

    def _real(self, path: str) -> tuple[int, ...]:
        """The places of the values that an architecture can take."""
        decision = self._space.decisions[path]
        return decision.real if isinstance(decision, Choose) else tuple(range(len(self._held[path])))

    def _expanded(self, event: Event) -> list[Product]:
        kind, name, what = event
        if kind == "leave":
            return self._leaving(event)
        if kind == "last":
            grid = next(path for path, own in self._cost.data["grids"].items() if name in own["routes"])
            if grid in self._ways:
                return [(1.0, {grid: self._lasting(grid, name, what)})]
        elif name in self._own:
            domain = self._cost.data["domains"][name]
            holds = [float(_holds(kind, what, place, domain[place])) for place in self._real(name)]
            return [(1.0, {name: torch.tensor(holds, dtype=torch.float64)})]
        return [(self._known[self._cost.events.index[event]], {})]

    def _leaving(self, event: Event) -> list[Product]:
        """How many distinct prefixes leave a cell along some links: by the groups of routes that are live together."""
        _, grid, links = event
        found: list[Product] = []
        groups = self._cost.data["grids"][grid]["live"]
        for place, (routes, _) in enumerate(groups):
            if grid in self._ways:
                counted: Product = (1.0, {grid: self._shared(grid, routes, links)})
            else:
                counted = (self._shares(grid)[place][event], {})
            for sign, events in self._cost.events.live[grid][place]:
                found += [_times((sign * counted[0], counted[1]), other) for other in self.products(events)]
        return found

    def _shares_of(self, grid: str) -> list[dict[Event, float]]:
        """For each group of live routes what it adds to the expected number of prefixes that leave, by event."""
        prefixes = self._grids[grid]
        assert isinstance(prefixes, Prefixes)
        chance = torch.stack([self._held[route] for route in prefixes.routes])
        asked = [event for event in self._cost.events.index if event[:2] == ("leave", grid)]
        groups = torch.eye(len(self._cost.data["grids"][grid]["live"]), dtype=torch.float64)
        return [dict(zip(asked, prefixes(chance, alone)[0].tolist(), strict=True)) for alone in groups]

    def _shared(self, grid: str, routes: Sequence[str], links: frozenset[tuple[Cell, Cell]]) -> Tensor:
        """For each joint way: whether some routes come to a cell by the same prefix and all leave along the links.

        With a sign, since prefixes are counted by inclusion and exclusion.
        """
        places = [list(self._cost.data["grids"][grid]["routes"]).index(route) for route in routes]
        cell = next(iter(links))[0]
        sign = (-1.0) ** (len(routes) + 1)

        @cache
        def prefix(way: Way) -> Way | None:
            """The way up to the cell, if it goes on along one of the links."""
            return way[: way.index(cell) + 1] if any(step in links for step in pairwise(way)) else None

        found = []
        for ways in self._ways[grid]:
            prefixes = {prefix(ways[place]) for place in places}
            found.append(sign if len(prefixes) == 1 and None not in prefixes else 0.0)
        return torch.tensor(found, dtype=torch.float64)

    def _lasting(self, grid: str, route: str, visits: frozenset[tuple[str, Cell]]) -> Tensor:
        """For each joint way: whether a route visits some cells, each as its last one at a rate."""
        place = list(self._cost.data["grids"][grid]["routes"]).index(route)
        rates = [(self._cost.data["lasts"][symbol][1], cell) for symbol, cell in visits]

        @cache
        def lasts(way: Way) -> bool:
            return all(cell == next((c for c in reversed(way) if c in cells), None) for cells, cell in rates)

        return torch.tensor([float(lasts(ways[place])) for ways in self._ways[grid]], dtype=torch.float64)


def _holds(kind: str, what: Any, place: int, value: Any) -> bool:
    """Whether an event on a decision (see `nasdsl.runtime.expected_cost.Event`) happens at one of its values."""
    if kind == "is":
        return bool(place == what)
    return value in what if kind == "in" else bool(what <= set(value))


def _times(a: Product, b: Product) -> Product:
    vectors = dict(a[1])
    for name, vector in b[1].items():
        vectors[name] = vectors[name] * vector if name in vectors else vector
    return a[0] * b[0], vectors


def _joint_ways(space: Space, name: str, routes: Mapping[str, Cell]) -> list[tuple[Way, ...]]:
    """All ways of some routes through a grid together.

    Raises:
        NasError: There are more than `MAX_WAYS`.
    """
    grid = space.grids[name]
    counts: dict[Cell, int] = {grid.source: 1}
    for cell in grid.cells[1:]:
        counts[cell] = sum(counts[grid.links[place][0]] for place in grid.into[cell])
    joint = prod(counts[end] for end in routes.values())
    if joint > MAX_WAYS:
        raise NasError(
            f"the sensitivity of the routes through `{name}` is found by trying all their joint ways: there are "
            f"{joint:,}, more than {MAX_WAYS:,}",
            help="--set search.decoupled_latency=fasterseg takes the published weights",
        )
    return list(product(*(list(_ways(grid, end)) for end in routes.values())))


def _ways(grid: Grid, end: Cell) -> list[Way]:
    if end == grid.source:
        return [(end,)]
    return [(*way, end) for place in grid.into[end] for way in _ways(grid, grid.links[place][0])]

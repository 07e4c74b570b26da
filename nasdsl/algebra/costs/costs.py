"""Costs as soft factors: each part of a space with the few variables that decide whether it is there and what it costs.

Two things keep the tables small. What a link of a grid reads of the cell it leads to goes through a variable of the
link's own, which has no value where the link is not taken: so the factors of links that are not taken do not mention
the widths of cells that others enter, and branches that do not touch separate. And what depends on where a route
leaves a rate is split by the cell where it does, so that each piece is local to that cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from nasdsl.algebra.costs.metrics import Part
from nasdsl.algebra.elimination.elimination import picker
from nasdsl.algebra.elimination.factors import Factor, FactorGraph, Row
from nasdsl.algebra.model.events import ALWAYS, NEVER, Event, Is, happens, implied, variables
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.routes import Flow, Groups, LinkName
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Cell, Decision
from nasdsl.number import Number

MAX_TABLE = 2_000_000
"""How many joint values one part of a space may depend on."""


@dataclass(frozen=True, slots=True)
class Times:
    """How often a part of a grid cell is there: once for each group that takes one of some links and meets the link's
    condition.

    Attributes:
        flow: The grid's variables.
        cell: The cell.
        links: The links out of it, each with its condition.
    """

    flow: Flow
    cell: Cell
    links: tuple[tuple[LinkName, Event], ...]

    @property
    def variables(self) -> set[int]:
        """What it depends on."""
        found = {variable for _, event in self.links for variable in variables(event)}
        if len(self.links) == 1:
            return found | {self.flow.links[self.links[0][0]].count}
        return found | {self.flow.cells[self.cell], *(self.flow.links[link].groups for link, _ in self.links)}

    def at(self, graph: FactorGraph, point: dict[int, int]) -> int:
        """The number, given the values of its variables."""
        if len(self.links) == 1:
            ((link, event),) = self.links
            return point[self.flow.links[link].count] if happens(event, point) else 0

        def groups(variable: int) -> Groups:
            return graph.variables[variable].values[point[variable]]  # type: ignore[return-value]

        links = [link for link, event in self.links if happens(event, point)]
        taken = [part for link in links for part in groups(self.flow.links[link].groups)]
        return sum(any(part <= group for part in taken) for group in groups(self.flow.cells[self.cell]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part counts: where an event happens and, in a grid, as often as `times` says.

    Attributes:
        event: The event.
        times: None outside of grids: once.
        symbols: The symbols the part's cost depends on, and the variables that have their values.
    """

    event: Event
    times: Times | None
    symbols: tuple[tuple[str, int], ...]


Price = Callable[[Mapping[str, int]], int]
"""A cost, given the values of symbols."""


class Costs:
    """Prices the parts of a space.

    Args:
        model: The space; it is not changed.

    Attributes:
        graph: A copy of its factors, with the variables that prices need.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.graph: FactorGraph = model.graph.copy()
        self._seen: dict[tuple[int, int], int] = {}
        self._cell_of = {
            symbol: (path, cell)
            for path, flow in model.flows.items()
            for cell, join in flow.grid.cells.items()
            for symbol in model.space.nodes[join].type.channels.symbols
            if symbol.startswith(f"{model.space.scopes[model.space.nodes[join].scope].path}.")
        }

    def factors(self, parts: Iterable[Part]) -> list[Factor]:
        """Factors over the variables of the graph that say what some parts cost together.

        Raises:
            NasError: A part depends on too many joint values, or its price is not known.
        """
        prices: dict[Place, list[Price]] = {}
        for part in parts:
            for place, price in self._places(part):
                prices.setdefault(place, []).append(price)
        by_scope: dict[tuple[int, ...], list[tuple[Place, dict[Row, int]]]] = {}
        for place, some in prices.items():
            by_scope.setdefault(self._scope(place), []).append((place, self._priced(place, some)))
        for scope in sorted(by_scope, key=len):
            wider = next((other for other in by_scope if set(scope) < set(other)), None)
            if wider is not None:
                by_scope[wider] += by_scope.pop(scope)
        return [self._factor(scope, tables) for scope, tables in by_scope.items()]

    def _places(self, part: Part) -> Iterator[tuple[Place, Price]]:
        """Where a part counts; if its cost depends on where routes leave a rate, one place for each such cell."""
        event, times = self._when(part)
        cases = self._model.space.cases
        lasts = [symbol for symbol in part.symbols if symbol in cases]
        for chosen in product(*(cases[symbol].cases for symbol in lasts)):
            given = event
            for atom, _ in chosen:
                given = self._leaving(given, self._model.space.decisions[atom.decision], atom.value)  # type: ignore[arg-type]
            if given == NEVER:
                continue
            numbers = {symbol: number for symbol, (_, number) in zip(lasts, chosen, strict=True)}
            needed = {s for s in part.symbols if s not in numbers} | {s for n in numbers.values() for s in n.symbols}
            symbols = tuple((symbol, self._variable(symbol, times)) for symbol in sorted(needed))
            yield Place(given, times, symbols), _price(part, numbers)

    def _when(self, part: Part) -> tuple[Event, Times | None]:
        """Where a part is live, and how often if it lies in a grid cell."""
        if not part.nodes:
            return ALWAYS, None
        nodes = [self._model.space.nodes[node] for node in part.nodes]
        demand, events = self._model.demand, self._model.events
        cells = {self._model.space.scopes[node.scope].cell for node in nodes}
        (cell,) = cells if len(cells) == 1 else (None,)
        if cell is not None:
            links: dict[LinkName, list[Event]] = {}
            for node in nodes:
                for link, event in demand.inside[node.id].items():
                    links.setdefault(link, []).append(event)
            conditions = tuple((link, events.either(some)) for link, some in links.items())
            return ALWAYS, Times(self._model.flows[cell[0]], cell[1], conditions)
        live = []
        for node in nodes:
            where = self._model.space.scopes[node.scope].cell
            if where is None:
                live.append(demand.nodes[node.id])
            else:
                flow = self._model.flows[where[0]]
                by_link = demand.inside[node.id].items()
                live += [events.both(events.passes(flow.links[link].count), event) for link, event in by_link]
        return events.either(live), None

    def _variable(self, symbol: str, times: Times | None) -> int:
        """The variable that holds the value of a symbol, for a part that lies on some links."""
        own = self._model.choices[symbol]
        if times is None or len(times.links) != 1 or symbol not in self._cell_of:
            return own
        ((link, _),) = times.links
        if self._cell_of[symbol] != (times.flow.grid.path, link[1]):
            return own
        count = times.flow.links[link].count
        if (count, own) not in self._seen:
            self._seen[count, own] = self._seen_through(count, own)
        return self._seen[count, own]

    def _seen_through(self, count: int, own: int) -> int:
        """A variable with the value of another where groups take a link, else without a value."""
        graph = self.graph
        name = f"{graph.variables[own].name} as seen by {graph.variables[count].name}"
        new = graph.add(name, graph.variables[own].values, graph.variables[count].position)
        values = range(graph.size(own))
        rows: dict[Row, int] = {(0, value, 0): 0 for value in values}
        rows |= {(used, value, value): 0 for used in range(1, graph.size(count)) for value in values if value}
        graph.define(new, Factor((count, own, new), rows))
        return new

    def _leaving(self, given: Event, route: Decision, cell: Cell) -> Event:
        """Where, beside what is given, a cell is the last one of a route at its rate.

        What is given implies that the route is live, so that need not be said again.
        """
        events, flow = self._model.events, self._model.flows[route.grid]
        live = self._model.demand.routes[route.path]
        given = frozenset(part for part in given if not implied(part, live))
        if route.end[1] == cell[1]:
            # Its end is its last cell there; links tell where it is only for other cells.
            return events.both(given, live) if cell == route.end else NEVER
        ways = []
        for link in flow.grid.out_of(cell):
            if link.target[1] != cell[1] and route.path in flow.ahead[link.target]:
                leaves = self._takes(flow.links[cell, link.target].groups, route.path, True)
                for back in self._returns(flow, link.target, route.path, cell[1]):
                    leaves = events.both(leaves, self._takes(back, route.path, False))
                ways.append(leaves)
        return events.both(given, events.either(ways))

    def _takes(self, link: int, route: str, wanted: bool) -> Event:
        values = self.graph.variables[link].values
        carries = [any(route in group for group in groups) for groups in values]  # type: ignore[attr-defined]
        return frozenset([Is(link, frozenset(n for n, some in enumerate(carries) if some == wanted))])

    def _returns(self, flow: Flow, cell: Cell, route: str, rate: int) -> list[int]:
        """The links on which a route could come back to a rate after a cell."""
        reached, found = {cell}, []
        for other in flow.grid.cells:
            if other in reached:
                for link in flow.grid.out_of(other):
                    if route in flow.ahead[link.target]:
                        reached.add(link.target)
                        if link.target[1] == rate != other[1]:
                            found.append(flow.links[other, link.target].groups)
        return found

    def _scope(self, place: Place) -> tuple[int, ...]:
        found = {*variables(place.event), *(variable for _, variable in place.symbols)}
        if place.times is not None:
            found |= place.times.variables
        return tuple(sorted(found))

    def _priced(self, place: Place, prices: list[Price]) -> dict[Row, int]:
        """The sum of some prices for all joint values of their symbols."""
        names = [symbol for symbol, _ in place.symbols]
        sizes = [self.graph.size(variable) for _, variable in place.symbols]
        self._check(sizes, [variable for _, variable in place.symbols])
        table = {}
        for row in product(*(range(1, size) for size in sizes)):
            values: dict[str, int] = {
                name: self.graph.variables[variable].values[n]  # type: ignore[misc]
                for name, (_, variable), n in zip(names, place.symbols, row, strict=True)
            }
            table[row] = sum(price(values) for price in prices)
        return table

    def _factor(self, scope: tuple[int, ...], tables: list[tuple[Place, dict[Row, int]]]) -> Factor:
        sizes = [self.graph.size(variable) for variable in scope]
        self._check(sizes, scope)
        at = {variable: n for n, variable in enumerate(scope)}
        pickers = [picker([at[variable] for _, variable in place.symbols]) for place, _ in tables]
        seen = [(at[count], at[new]) for (count, _), new in self._seen.items() if count in at and new in at]
        rows: dict[Row, int] = {}
        for row in product(*map(range, sizes)):
            if any((row[count] == 0) != (row[new] == 0) for count, new in seen):
                continue
            point = dict(zip(scope, row, strict=True))
            cost = 0
            for (place, table), pick in zip(tables, pickers, strict=True):
                if not happens(place.event, point):
                    continue
                times = 1 if place.times is None else place.times.at(self.graph, point)
                if not times:
                    continue
                price = table.get(pick(row))
                if price is None:
                    break  # It is live and a number it depends on is not: that cannot be.
                cost += times * price
            else:
                rows[row] = cost
        return Factor(scope, rows)

    def _check(self, sizes: Iterable[int], scope: Iterable[int]) -> None:
        if prod(sizes) > MAX_TABLE:
            names = ", ".join(self.graph.variables[variable].name for variable in scope)
            raise NasError(
                f"a cost of this space depends on more than {MAX_TABLE:,} joint values of decisions: {names}",
                help="let fewer widths meet in one operation, for example by summing instead of concatenating",
            )


def _price(part: Part, numbers: Mapping[str, Number]) -> Price:
    """The cost of a part, where some of its symbols are numbers that depend on others."""

    def price(values: Mapping[str, int]) -> int:
        def value_of(symbol: str) -> int | Fraction:
            return numbers[symbol].evaluate(values.__getitem__) if symbol in numbers else values[symbol]

        return part.cost(value_of)

    return price

"""Routes through a grid, as a flow of groups along its links.

Routes that came to a cell by the same way are one computation: a *group*. What a link carries is therefore a set of
groups, and so is what enters a cell. In a cell groups split: each route of a group leaves along one link, and those
that leave along the same link stay a group. Groups that meet again after they parted remain apart, since each has
copies of its own. One variable for each link and each cell, two tables for each cell: a route is never listed as a
whole, and its chain of links is eliminated along the grid. What others need to know is only how many groups pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from nasdsl.algebra.elimination.factors import Factor, FactorGraph, Row
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Cell, Decision, Graph, Grid

Groups = frozenset[frozenset[str]]
"""What passes somewhere: routes, grouped by the way they came."""

LinkName = tuple[Cell, Cell]
"""Where a link comes from and where it leads."""

NOTHING: Groups = frozenset()

MAX_VALUES = 1_000
"""How many different sets of groups may pass somewhere."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What takes a link, as variables.

    Attributes:
        groups: The groups.
        count: How many groups.
    """

    groups: int
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The variables of a grid.

    Attributes:
        grid: Which.
        routes: Those that run through it.
        cells: The variable of the groups that enter each cell; at the source one group of all live routes.
        links: What takes each link.
        ahead: For each cell the routes whose end lies on a way from it.
    """

    grid: Grid
    routes: tuple[Decision, ...]
    cells: Mapping[Cell, int]
    links: Mapping[LinkName, Passage]
    ahead: Mapping[Cell, frozenset[str]]

    @property
    def start(self) -> int:
        """The variable of the group that enters the grid."""
        return self.cells[self.grid.source]

    def into(self, cell: Cell) -> tuple[LinkName, ...]:
        """The links into a cell."""
        return tuple((link.source, cell) for link in self.grid.into(cell))

    def out_of(self, cell: Cell) -> tuple[LinkName, ...]:
        """The links out of a cell."""
        return tuple((cell, link.target) for link in self.grid.out_of(cell))


def flow(graph: Graph, grid: Grid, model: FactorGraph) -> Flow:
    """Add the variables of a grid to a model.

    Their positions make a sweep from the ends go cell by cell: the state of the cells that a cell leads to turns into
    that of the links into them, and the state of its links into its own.

    Raises:
        NasError: More than `MAX_VALUES` different sets of groups may pass somewhere.
    """
    routes = graph.routes(grid.path)
    ahead = {cell: frozenset(r.path for r in routes if r.end == cell) for cell in grid.cells}
    for cell in reversed(list(grid.cells)):
        for link in grid.out_of(cell):
            ahead[cell] |= ahead[link.target]
    cells: dict[Cell, int] = {}
    links: dict[LinkName, Passage] = {}
    for cell in grid.cells:
        values = list(_partial_partitions(sorted(ahead[cell])))
        if len(values) > MAX_VALUES:
            raise NasError(
                f"{len(ahead[cell])} routes can pass {list(cell)} of `{grid.path}` together in more than {MAX_VALUES} "
                "ways: too many to count",
                help="let fewer routes run through one grid",
            )
        for link in grid.into(cell):
            name = f"{grid.path}{list(link.source)} -> {list(cell)}"
            links[link.source, cell] = _passage(model, name, values, 4 * grid.cells[link.source])
        if cell == grid.source:
            values = [value for value in values if len(value) <= 1]
        after = max((grid.cells[link.source] for link in grid.into(cell)), default=grid.cells[cell])
        cells[cell] = model.add(f"groups in {grid.path}{list(cell)}", values, 4 * after + 3)
    return Flow(grid, routes, cells, links, ahead)


def _passage(model: FactorGraph, name: str, values: list[Groups], position: int) -> Passage:
    groups = model.add(f"groups on {name}", values, position)
    numbers = [len(value) for value in values]
    count = model.add(f"number of groups on {name}", range(max(numbers) + 1), position + 1)
    model.define(count, Factor((groups, count), dict.fromkeys(enumerate(numbers), 0)))
    return Passage(groups, count)


def _partial_partitions(names: list[str]) -> Iterator[Groups]:
    """Every way to group some of the names; nothing first."""
    if not names:
        yield NOTHING
        return
    for groups in _partial_partitions(names[:-1]):
        yield groups
        yield groups | {frozenset(names[-1:])}
        for group in sorted(groups, key=sorted):
            yield (groups - {group}) | {group | {names[-1]}}


def add_tables(model: FactorGraph, flow: Flow, together: Iterable[frozenset[str]]) -> None:
    """Add what ties the variables of a grid to one another: for each cell what comes together and how it splits.

    Every cell also knows which routes are live. That says nothing new, but it is how a sweep that comes from the ends
    knows that no third route is on its way.

    Args:
        model: The model that holds the variables.
        flow: The grid's variables.
        together: The sets of routes that can be live in one architecture.
    """
    source = flow.grid.source
    number = {
        variable: {value: n for n, value in enumerate(model.variables[variable].values)}
        for variable in (*flow.cells.values(), *(passage.groups for passage in flow.links.values()))
    }
    live = {number[flow.start][frozenset([some]) if some else NOTHING]: some for some in together}
    passing = {(source, start): {frozenset([some]) if some else NOTHING} for start, some in live.items()}
    on_link: dict[tuple[LinkName, int], set[Groups]] = {}
    for cell in flow.grid.cells:
        here, into, out = flow.cells[cell], flow.into(cell), flow.out_of(cell)
        if into:
            entering = [flow.links[link].groups for link in into]
            rows: dict[Row, int] = {}
            for start, routes in live.items():
                met = passing[cell, start] = set()
                for before in product(*(on_link[link, start] for link in into)):
                    groups = [group for some in before for group in some]
                    if _can_meet(groups, routes, {r.path for r in flow.routes if r.end == cell}):
                        met.add(frozenset(groups))
                        parts = [number[v][some] for v, some in zip(entering, before, strict=True)]
                        rows[start, *parts, number[here][frozenset(groups)]] = 0
            model.define(here, Factor((flow.start, *entering, here), rows))
        if out:
            leaving = [flow.links[link].groups for link in out]
            rows = {}
            for start in live:
                ways = [(whole, split) for whole in passing[cell, start] for split in _splits(flow, cell, whole)]
                for place, link in enumerate(out):
                    on_link[link, start] = {split[place] for _, split in ways}
                for whole, split in ways:
                    rows[number[here][whole], *(number[v][part] for v, part in zip(leaving, split, strict=True))] = 0
            model.factors.append(Factor((here, *leaving), rows))


def _can_meet(groups: list[frozenset[str]], live: frozenset[str], ending: Collection[str]) -> bool:
    """Whether groups can enter a cell together: no route twice, and all live routes that end there."""
    routes: frozenset[str] = frozenset().union(*groups)
    return len(routes) == sum(map(len, groups)) and live.intersection(ending) <= routes


def _splits(flow: Flow, cell: Cell, groups: Groups) -> Iterator[list[Groups]]:
    """Every way in which groups can leave a cell: for each link what it carries then."""
    out = flow.out_of(cell)
    ends = {route.path: route.end for route in flow.routes}
    going = [(route, group) for group in groups for route in group if ends[route] != cell]
    options = [[link for link in out if route in flow.ahead[link[1]]] for route, _ in going]
    for chosen in product(*options):
        parts: dict[LinkName, dict[frozenset[str], set[str]]] = {link: {} for link in out}
        for (route, group), link in zip(going, chosen, strict=True):
            parts[link].setdefault(group, set()).add(route)
        yield [frozenset(frozenset(part) for part in parts[link].values()) for link in out]

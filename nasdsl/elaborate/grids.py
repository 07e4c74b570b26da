"""Grids and routes: cells, the links between them, and the maps that routes stand for."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.calls import Calls
from nasdsl.elaborate.expressions import Place
from nasdsl.elaborate.values import Frame, GridValue, MapValue, Mistake, NextCell, Poisoned, RouteValue
from nasdsl.ir.graph import Atom, Cell, Decision, Grid, Input, Kind, Link
from nasdsl.number import Number
from nasdsl.source import Span
from nasdsl.syntax import ast

MAX_CELLS = 100_000
"""Most cells a grid may have."""


class Grids(Calls):
    """Elaborates grids and routes."""

    def __init__(self, graph: Any) -> None:
        super().__init__(graph)
        self._route_maps: dict[tuple[Any, ...], MapValue] = {}

    def grid(self, node: ast.Grid, frame: Frame) -> None:
        """Declare a grid; its cells are made when the first route is followed, since only then its ends are known."""
        path = self.graph.scopes[frame.scope].path
        value = GridValue(node, frame, f"{path}.{node.name}" if path else node.name)
        self.define(frame, node.name, value, node.span)

    def route(self, node: ast.Route, frame: Frame, path: str) -> RouteValue:
        """Declare a route."""
        grid = self.lookup(node.grid, node.span, frame)
        if not isinstance(grid, GridValue):
            raise Mistake("E0502", f"`{node.grid}` is no grid", node.span)
        if grid.state != "declared":
            message = f"`{path}` is declared after another route of `{node.grid}` was already used"
            raise Mistake("E0504", message, node.span, help="declare all routes of a grid before the first use of one")
        end = self._cell(node.end, Place(frame))
        decision = Decision(path, Kind.ROUTE, (), node.span, grid=grid.path, end=end)
        self.graph.declare(decision, frame.scope)
        route = RouteValue(path, grid, end, node.span)
        grid.routes.append(route)
        return route

    def route_map(self, route: RouteValue, name: str, arguments: list[Any], at: Place, span: Span) -> MapValue:
        self._make_cells_once(route.grid)
        scope = at.frame.body.scope
        known = self._route_maps.get((route.decision, name, scope, *arguments))
        if known is None:
            known = self._route_map(route, name, arguments, scope, span)
            self._route_maps[route.decision, name, scope, *arguments] = known
        return known

    def _route_map(self, route: RouteValue, name: str, arguments: list[Any], scope: int, span: Span) -> MapValue:
        grid = route.grid
        if name == "end":
            join = grid.cells[route.end]
            attrs = {"route": route.decision}
            kind = self.graph.nodes[join].type
            node = self.graph.node("route_end", (Input(join),), attrs, kind, scope, f"{route.decision}.end", span)
            return MapValue(node)
        if len(arguments) != 1 or not isinstance(arguments[0], Number) or len(route.end) != 2:
            raise Mistake(
                "E0204",
                "`last` needs a rate, branch[e].last(8), and a grid of two coordinates, of which it is the second",
                span,
            )
        return self._last(route, arguments[0], scope, span)

    def _last(self, route: RouteValue, rate: Number, scope: int, span: Span) -> MapValue:
        import networkx as nx

        grid, name = self.graph.grids[route.grid.path], f"{route.decision}.last({rate})"
        ways = nx.DiGraph([(link.source, link.target) for link in grid.links])
        ways.add_node(grid.source)
        on_route = {grid.source, *nx.descendants(ways, grid.source)} & {route.end, *nx.ancestors(ways, route.end)}
        cells = [
            cell
            for cell in grid.cells
            if cell in on_route
            and Number.of(cell[1]) == rate
            and (cell == route.end or any(after[1] != cell[1] and after in on_route for after in ways.successors(cell)))
        ]
        if not cells:
            reached = sorted({cell[1] for cell in on_route})
            message = f"`{route.decision}` never has a map at {rate}"
            raise Mistake("E0203", message, span, help=f"it passes through {', '.join(map(str, reached))}")
        inputs = [Input(grid.cells[cell], Atom(route.decision, cell)) for cell in cells]
        kinds = [self.graph.nodes[i.node].type for i in inputs]
        cases = [(i.when, kind.channels) for i, kind in zip(inputs, kinds, strict=True) if i.when is not None]
        kind = replace(kinds[0], channels=self.graph.last_channels(name, cases, route.grid.frame.scope))
        attrs = {"route": route.decision, "rate": rate}
        return MapValue(self.graph.node("route_last", tuple(inputs), attrs, kind, scope, name, span))

    def _cell(self, index: tuple[ast.Expression, ...], at: Place) -> Cell:
        return tuple(self.integer(item, at) for item in index)

    def _make_cells_once(self, grid: GridValue) -> None:
        if grid.state == "declared":
            grid.state = "failed"
            self._make_cells(grid)
            grid.state = "made"
        elif grid.state == "failed":
            raise Poisoned

    def _make_cells(self, grid: GridValue) -> None:
        """Elaborate the cells that lie between the source and an end of a route."""
        node, at = grid.statement, Place(grid.frame)
        start = self.feature_map(self.evaluate(node.start, replace(at, binding=f"{node.name}.from")), node.start.span)
        source = self._cell(node.source, at)
        ways = self._ways(grid, source)
        frames = {cell: self._cell_numbers(grid, cell) for cell in ways}
        arriving: dict[Cell, list[Input]] = {cell: [] for cell in ways}
        arriving[source].append(Input(start.node, called=start.called))
        links: list[Link] = []
        for cell in ways:
            frame = frames[cell]
            join = self.graph.select("join", arriving[cell], {}, frame.scope, "here", node.span)
            self.graph.nodes[join] = replace(self.graph.nodes[join], name="here")
            grid.cells[cell] = join
            frame.names["here"] = MapValue(join)
            for target, statement in self._links(grid, cell, frame):
                if target in frames:
                    out = self._link(statement, frame, frames[target], target)
                    links.append(Link(cell, target, out))
                    arriving[target].append(Input(out, Atom(grid.path, (cell, target))))
        order = {cell: i for i, cell in enumerate(ways)}
        links.sort(key=lambda link: (order[link.target], order[link.source]))
        self.graph.grids[grid.path] = Grid(grid.path, source, dict(grid.cells), tuple(links))

    def _ways(self, grid: GridValue, source: Cell) -> list[Cell]:
        """The cells between the source and the ends, in an order in which links lead forward."""
        # Imported here, as in `_last`: it takes longer than checking a small space without grids.
        import networkx as nx

        node, at = grid.statement, Place(grid.frame)
        axes = [
            [int(self._constant(member, binder.domain.span)) for member in self.sequence(binder.domain, at)]
            for binder in node.binders
        ]
        if prod(map(len, axes)) > MAX_CELLS:
            message = f"the grid has {prod(map(len, axes))} cells, over the limit of {MAX_CELLS}"
            raise Mistake("E0701", message, node.span)
        cells: list[Cell] = list(product(*axes))
        ends = {route.end: route.span for route in grid.routes}
        for cell, span in {source: node.source[0].span, **ends}.items():
            if cell not in cells:
                message = f"[{', '.join(map(str, cell))}] is no cell of `{node.name}`"
                raise Mistake("E0501", message, span)
        ways: nx.DiGraph[Cell] = nx.DiGraph()
        ways.add_nodes_from(cells)
        for cell in cells:
            frame = self._coordinates(grid, cell, grid.frame.scope)
            ways.add_edges_from((cell, target) for target, _ in self._links(grid, cell, frame) if target in ways)
        reached = {source, *nx.descendants(ways, source)}
        for end, span in ends.items():
            if end not in reached:
                message = f"no links lead from the source of `{node.name}` to [{', '.join(map(str, end))}]"
                raise Mistake("E0501", message, span, labels=(Label(node.span, "the grid"),))
        leading = {cell for end in ends for cell in (end, *nx.ancestors(ways, end))}
        kept = ways.subgraph(reached & leading)
        if not nx.is_directed_acyclic_graph(kept):
            message = f"the links of `{node.name}` go round in a circle"
            raise Mistake("E0503", message, node.span, help="let every link lead to a higher layer: to [l+1, r] = ...")
        place = {cell: i for i, cell in enumerate(cells)}
        return list(nx.lexicographical_topological_sort(kept, key=place.__getitem__))

    def _coordinates(self, grid: GridValue, cell: Cell, scope: int) -> Frame:
        frame = Frame(grid.frame, scope)
        for binder, value in zip(grid.statement.binders, cell, strict=True):
            self.define(frame, binder.name, Number.of(value), binder.span)
        return frame

    def _cell_numbers(self, grid: GridValue, cell: Cell) -> Frame:
        """A cell's frame with its decisions and numbers, before any map is there."""
        node = grid.statement
        name = f"{node.name}[{','.join(map(str, cell))}]"
        scope = self.graph.scope(grid.frame.scope, name, node.name, node.span, cell=(grid.path, cell))
        frame = self._coordinates(grid, cell, scope)
        self.run_statements(tuple(s for s in node.body if not isinstance(s, ast.Link)), frame)
        return frame

    def _links(self, grid: GridValue, cell: Cell, frame: Frame) -> list[tuple[Cell, ast.Link]]:
        """The links that leave a cell; where they lead depends on nothing but the coordinates."""
        at = Place(frame)
        statements = [s for s in grid.statement.body if isinstance(s, ast.Link)]
        return [(self._cell(s.index, at), s) for s in statements if s.guard is None or self.holds(s.guard, at)]

    def _link(self, statement: ast.Link, frame: Frame, target: Frame, cell: Cell) -> int:
        name = f"to[{','.join(map(str, cell))}]"
        path = self.graph.scopes[frame.scope].path
        scope = self.graph.scope(frame.scope, name, "to", statement.span, path=path)
        inner = Frame(frame, scope, loop=True)
        inner.names["next"] = NextCell(target)
        value = self.evaluate(statement.value, Place(inner))
        return self.feature_map(value, statement.value.span).node

    def run_statements(self, body: tuple[ast.Statement, ...], frame: Frame) -> None:
        """Run statements (the next layer up defines how)."""
        raise AssertionError("defined where all statements are known")

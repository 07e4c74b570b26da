"""When what is live: the demand of the tasks, followed backwards through a space, as events on its variables.

This is `nasdsl.passes.derive.Demand` for all architectures at once. Nodes in a grid cell are demanded by the groups
of routes that pass there (see `nasdsl.algebra.model.routes`); for them the event is the one for a group that leaves
along a given link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nasdsl.algebra.elimination.factors import FactorGraph
from nasdsl.algebra.model.events import ALWAYS, NEVER, Event, Events
from nasdsl.algebra.model.routes import Flow, LinkName
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Atom, Cell, Decision, Graph, Kind, Node
from nasdsl.number import Number


@dataclass(slots=True)
class Demand:
    """When what is live.

    Attributes:
        nodes: For each node outside of grids.
        inside: For each node in a grid cell, by the link that a group takes out of the cell: whether that group demands
            the node. Joins are missing, for they are live whenever a group enters.
        decisions: For each decision but routes.
        routes: For each route.
        first: For each decision but routes the first node that asks for it.
    """

    nodes: dict[int, Event] = field(default_factory=dict)
    inside: dict[int, dict[LinkName, Event]] = field(default_factory=dict)
    decisions: dict[str, Event] = field(default_factory=dict)
    routes: dict[str, Event] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)


class Follower:
    """Follows the demand.

    Args:
        graph: The space.
        model: Its variables.
        choices: The variable of each decision but routes.
        flows: The variables of each grid.
    """

    def __init__(self, graph: Graph, model: FactorGraph, choices: Mapping[str, int], flows: Mapping[str, Flow]) -> None:
        self._graph, self._model, self._choices, self._flows = graph, model, choices, flows
        own = set(choices.values())
        domains = [frozenset(range(v in own, model.size(v))) for v in range(len(model.variables))]
        self.events = Events(domains)
        self._readers: list[list[tuple[Node, Atom | None]]] = [[] for _ in graph.nodes]
        for node in graph.nodes:
            for item in node.inputs:
                self._readers[item.node].append((node, item.when))
        self._uses: dict[str, list[Event]] = {path: [] for path in graph.decisions}
        self._entered = self._numbers_of_cells()
        self._parts: list[tuple[Node, str]] = []
        self._demanded = {task.output for task in graph.tasks if not task.aux}

    def run(self) -> Demand:
        """The demand of all tasks that are not auxiliary.

        Raises:
            NasError: A route is demanded whose end is not.
        """
        found = Demand()
        for node in reversed(self._graph.nodes):
            cell = self.cell_of(node)
            if node.op == "join" and cell is not None:
                self._use(found, node, self.events.passes(self._flows[cell[0]].cells[cell[1]]))
            elif cell is not None:
                found.inside[node.id] = self._inside(node, found)
                self._use(found, node, self.passing(cell[0], found.inside[node.id]))
            else:
                found.nodes[node.id] = self._outside(node, found)
                self._use(found, node, found.nodes[node.id])
        for path, uses in self._uses.items():
            if self._graph.decisions[path].kind is Kind.ROUTE:
                found.routes[path] = self.events.either(uses)
            else:
                # Where a demand depends on the value of the decision itself, an earlier demand has asked for it.
                own = self._choices[path]
                found.decisions[path] = self.events.either(self.events.without(use, own) for use in uses)
        self._check_parts(found)
        return found

    def position(self, path: str, found: Demand) -> int:
        """Where a decision stands in the order of elimination: where it is first asked for; what belongs to the map
        that enters a cell stands right before the cell.
        """
        if path in self._entered:
            grid, cell = self._graph.scopes[self._graph.nodes[self._entered[path]].scope].cell or ("", ())
            return self._model.variables[self._flows[grid].cells[cell]].position - 1
        return 4 * found.first.get(path, 0)

    def cell_of(self, node: Node) -> tuple[str, Cell] | None:
        """The grid cell a node lies in."""
        return self._graph.scopes[node.scope].cell

    def taken(self, grid: str, link: LinkName) -> Event:
        """Where a group takes a link."""
        return self.events.passes(self._flows[grid].links[link].count)

    def passing(self, grid: str, by_link: Mapping[LinkName, Event]) -> Event:
        """Where any group demands a node in a cell, from what is known for each link out of it."""
        return self.events.either(self.events.both(self.taken(grid, link), e) for link, e in by_link.items())

    def atom(self, atom: Atom, given: Event) -> Event:
        """Where a condition on an input holds, of a node that is live where `given` happens."""
        variable = self._choices[atom.decision]
        decision = self._graph.decisions[atom.decision]
        values = self._model.variables[variable].values
        numbers = [n for n, value in enumerate(values) if n and _has(decision, value, atom.value)]
        return self.events.when(variable, numbers, given)

    def _outside(self, node: Node, found: Demand) -> Event:
        events = [ALWAYS] if node.id in self._demanded else []
        for reader, when in self._readers[node.id]:
            cell = self.cell_of(reader)
            if reader.op == "join" and cell is not None:
                events.append(self.events.passes(self._flows[cell[0]].cells[cell[1]]))
            elif cell is not None:
                for link, event in found.inside[reader.id].items():
                    events.append(self._if(when, self.events.both(self.taken(cell[0], link), event)))
            else:
                events.append(self._if(when, found.nodes[reader.id]))
        return self.events.either(events)

    def _inside(self, node: Node, found: Demand) -> dict[LinkName, Event]:
        events: dict[LinkName, list[Event]] = {}
        for reader, when in self._readers[node.id]:
            if reader.op == "join":
                assert when is not None, "only the first map of a grid enters it unconditionally"
                events.setdefault(when.value, []).append(ALWAYS)  # type: ignore[arg-type]
            else:
                for link, event in found.inside[reader.id].items():
                    events.setdefault(link, []).append(self._if(when, event))
        return {link: self.events.either(some) for link, some in events.items()}

    def _if(self, when: Atom | None, given: Event) -> Event:
        return given if when is None or given == NEVER else self.atom(when, given)

    def _use(self, found: Demand, node: Node, live: Event) -> None:
        """Note that a node that is live in an event asks for decisions."""
        for path in self._asked(node):
            if self._entered.get(path, node.id) == node.id:
                found.first[path] = node.id
                self._uses[path].append(live)

    def _numbers_of_cells(self) -> dict[str, int]:
        """Decisions declared in a cell on which the map that enters it depends, with its join: they are live where a
        group enters, for nobody else can read them unless one does.
        """
        found = {}
        for grid in self._graph.grids.values():
            for join in grid.cells.values():
                own = f"{self._graph.scopes[self._graph.nodes[join].scope].path}."
                symbols = self._graph.nodes[join].type.channels.symbols
                found.update({symbol: join for symbol in symbols if symbol.startswith(own)})
        return found

    def _asked(self, node: Node) -> Iterator[str]:
        if node.op in ("route_end", "route_last"):
            route = str(node.attrs["route"])
            if node.op == "route_end":
                yield route
            else:
                self._parts.append((node, route))
        elif node.op != "join":
            yield from dict.fromkeys(item.when.decision for item in node.inputs if item.when is not None)
        for number in (node.type.channels, *(a for a in node.attrs.values() if isinstance(a, Number))):
            for symbol in number.symbols:
                if symbol in self._graph.cases:
                    self._parts.append((node, self._graph.cases[symbol].cases[0][0].decision))
                else:
                    yield symbol

    def _check_parts(self, found: Demand) -> None:
        """What reads a route's last map at a rate must not be live without the route's end."""
        for node, route in self._parts:
            cell, whole = self.cell_of(node), found.routes[route]
            part = found.nodes[node.id] if cell is None else self.passing(cell[0], found.inside[node.id])
            if self.events.either([part, whole]) != whole:
                raise NasError(
                    f"{node.span}: `{node.name}` demands a part of `{route}` in architectures that do not demand its "
                    "end: which ways through the grid are the same network then is not known",
                    help="let the space demand the end of the route too",
                )


def _has(decision: Decision, value: object, wanted: object) -> bool:
    if decision.kind is Kind.PICK:
        assert isinstance(value, tuple)
        return wanted in value
    return value == wanted

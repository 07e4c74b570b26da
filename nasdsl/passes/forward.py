"""The forward pass of a supernet, or of a network, on a tape (`nasdsl.passes.tape`).

It does what the generated code does with `nasdsl.runtime`: along one path every decision is made; in a mixture choices
and depths take the weighted sum of all their alternatives, cells that of all links into them, and each place of a pick
that of all members, while numbers are decided all the same. Where the decisions learn, what is chosen is multiplied by
the weight of its decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Graph, Input, Kind, Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS, makes_zeros
from nasdsl.passes.derive import Demand, Place
from nasdsl.passes.largest import greatest
from nasdsl.passes.memory import map_bytes, passes_on
from nasdsl.passes.openings import with_shared_openings
from nasdsl.passes.tape import Map, Tape
from nasdsl.types import MapType


@dataclass(frozen=True, slots=True)
class Pass:
    """Which forward pass.

    Attributes:
        mixed: Whether it is a mixture; else it runs along one path.
        weights: Whether weights learn.
        decisions: Whether decisions learn.
    """

    mixed: bool = False
    weights: bool = True
    decisions: bool = False


def forward(graph: Graph, architecture: Architecture, kind: Pass) -> tuple[Tape, dict[str, Map]]:
    """The tape of a forward pass, and the maps of its tasks, `aux` ones too if weights learn.

    Args:
        graph: A space, or a network.
        architecture: The decisions, all of them: the path, or what a mixture has to decide.
        kind: Which pass.
    """
    graph = with_shared_openings(graph)
    walk = _Mixture(graph, architecture) if kind.mixed else _Path(graph, architecture)
    return _Forward(walk, kind).run()


class _Path:
    """What is read along one path."""

    def __init__(self, graph: Graph, architecture: Architecture) -> None:
        self.graph = graph
        self._demand = Demand(graph, architecture)

    def inputs(self, place: Place) -> tuple[Place, ...]:
        """What a place reads."""
        return self._demand.inputs(place)

    def number(self, symbol: str) -> int | Fraction:
        """The value of a symbol."""
        return self._demand.number(symbol)


class _Mixture(_Path):
    """What is read in a mixture."""

    def inputs(self, place: Place) -> tuple[Place, ...]:
        node = self.graph.nodes[place[0]]
        read = tuple((item.node, ()) for item in node.inputs if self._mixes(item) or self._holds(item))
        return tuple(dict.fromkeys(read)) if node.op == "mix" else read

    def number(self, symbol: str) -> int | Fraction:
        return greatest(self.graph, symbol) if symbol in self.graph.cases else self._demand.number(symbol)

    def _mixes(self, item: Input) -> bool:
        if item.when is None or item.when.decision in self.graph.grids:
            return True
        decision = self.graph.decisions[item.when.decision]
        if decision.kind is Kind.CHOOSE:
            return isinstance(decision.domain[0], str)
        return decision.kind in (Kind.DEPTH, Kind.ROUTE, Kind.PICK)

    def _holds(self, item: Input) -> bool:
        return item.when is None or self._demand.holds(item.when)


class _Forward:
    def __init__(self, walk: _Path, kind: Pass) -> None:
        self.walk, self.graph, self.kind = walk, walk.graph, kind
        self.tape = Tape()
        self.maps: dict[Place, Map] = {}
        self._cell_of = {join: cell for grid in self.graph.grids.values() for cell, join in grid.cells.items()}
        self._ends = _ends(self.graph)

    def run(self) -> tuple[Tape, dict[str, Map]]:
        reads = self._reads()
        for place in sorted(reads):
            self.maps[place] = self._made(self.graph.nodes[place[0]], place, reads[place])
        outputs = {task.name: self.maps.get((task.output, ())) for task in self.graph.tasks}
        return self.tape, {name: found for name, found in outputs.items() if found is not None}

    def _reads(self) -> dict[Place, tuple[Place, ...]]:
        """What the tasks demand; an `aux` task is computed where the routes it reads have been asked for."""
        reads: dict[Place, tuple[Place, ...]] = {}
        self._follow(reads, [task.output for task in self.graph.tasks if not task.aux])
        if self.kind.weights:
            asked = set(self._routes(reads))
            for task in self.graph.tasks:
                more = dict(reads)
                self._follow(more, [task.output])
                if set(self._routes(more)) <= asked:
                    reads = more
        return reads

    def _follow(self, reads: dict[Place, tuple[Place, ...]], outputs: Sequence[int]) -> None:
        stack: list[Place] = [(output, ()) for output in outputs]
        while stack:
            place = stack.pop()
            if place not in reads:
                reads[place] = self.walk.inputs(place)
                stack += reads[place]

    def _routes(self, reads: dict[Place, tuple[Place, ...]]) -> Iterator[str]:
        for node, _ in reads:
            if self.graph.nodes[node].op in ("route_end", "route_last"):
                yield str(self.graph.nodes[node].attrs["route"])

    def _made(self, node: Node, place: Place, read: Sequence[Place]) -> Map:
        if node.op == "input":
            return self.tape.map(map_bytes(self._type(node.type)), learns=False)
        inputs = [self.maps[source] for source in read]
        found = self._selected(node, place, read, inputs)
        if found is None:
            found = self._called(node, read, inputs)
        if self.kind.decisions and node.id in self._ends:
            for _ in range(self._ends[node.id]):
                found = self.tape.scaled(found, learned=True)
        return found

    def _selected(self, node: Node, place: Place, read: Sequence[Place], inputs: Sequence[Map]) -> Map | None:
        """The map of a selecting node; None: it is an operation."""
        learned, mixed = self.kind.decisions, self.kind.mixed
        if node.op == "join":
            if len(place[1]) > 1 or (mixed and any(item.when is not None for item in node.inputs)):
                if mixed or learned:
                    inputs = [self.tape.scaled(x, learned=learned) for x in inputs]
                found = self.tape.total(inputs)
                for _ in self._numbers_of(self._cell_of[node.id], node) if learned else ():
                    found = self.tape.scaled(found, learned=True)
                return found
            return inputs[0]
        if node.op == "mix":
            if learned or (mixed and not self._is_number(node)):
                inputs = [self.tape.weighted(x, learned=learned) for x in self._without_zeros(read, inputs)]
            return self.tape.total(inputs)
        if node.op == "route_last" and mixed:
            size = max(x.size for x in inputs)
            padded = [self.tape.map(size, learns=x.learns) for x in inputs]
            return self.tape.total([self.tape.scaled(x, learned=learned) for x in padded])
        return inputs[0] if node.op in ("route_end", "route_last") else None

    def _without_zeros(self, read: Sequence[Place], inputs: Sequence[Map]) -> Sequence[Map]:
        """The maps of alternatives that are not zeros; if there are no others, all."""
        nodes = (self.graph.nodes[source] for source, _ in read)
        kept = [x for node, x in zip(nodes, inputs, strict=True) if not makes_zeros(node.op, node.attrs)]
        return kept or inputs

    def _is_number(self, node: Node) -> bool:
        atom = node.inputs[0].when
        assert atom is not None, "all inputs of a mix are conditional"
        decision = self.graph.decisions[atom.decision]
        return decision.kind is not Kind.DEPTH and isinstance(decision.domain[0], int)

    def _numbers_of(self, cell: Cell, join: Node) -> list[str]:
        path = self.graph.scopes[join.scope].path
        return [
            d.path
            for d in self.graph.decisions.values()
            if d.path.rpartition(".")[0] == path and d.kind is not Kind.DEPTH and isinstance(d.domain[0], int)
        ]

    def _called(self, node: Node, read: Sequence[Place], inputs: Sequence[Map]) -> Map:
        inputs = list(inputs)
        if node.op in ("sum", "concat") and (self.kind.decisions or self.kind.mixed):
            picked = {item.node for item in node.inputs if item.when is not None}
            weigh = self.tape.weighted if self.kind.mixed else self.tape.scaled
            inputs = [
                weigh(x, learned=self.kind.decisions) if source in picked else x
                for x, (source, _) in zip(inputs, read, strict=True)
            ]
        if passes_on(node, len(inputs)) and node.op != "dropout":
            return inputs[0]
        types = [self._type(self.graph.nodes[source].type) for source, _ in read]
        attrs: dict[str, Any] = {
            key: self._fixed(value) if isinstance(value, Number) else value for key, value in node.attrs.items()
        }
        return self.tape.call(
            OPERATIONS.get(node.op), inputs, types, self._type(node.type), attrs, weights=self.kind.weights
        )

    def _type(self, kind: MapType) -> MapType:
        return MapType(self._fixed(kind.channels), kind.size, kind.rate)

    def _fixed(self, number: Number) -> Number:
        return number if number.constant is not None else Number.of(number.evaluate(self.walk.number))


def _ends(graph: Graph) -> dict[int, int]:
    """For each map how many numbers, decided outside of cells, it has and something that reads it has not; with those
    that are no map's channels but decide how it is made, a kernel's size.
    """
    cells = {
        graph.scopes[graph.nodes[join].scope].path for grid in graph.grids.values() for join in grid.cells.values()
    }
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for item in node.inputs:
            readers.setdefault(item.node, []).append(node)
    channels = {symbol for node in graph.nodes for symbol in node.type.channels.symbols}

    def counts(symbol: str) -> bool:
        return symbol in graph.decisions and symbol.rpartition(".")[0] not in cells

    found = {}
    for node in graph.nodes:
        symbols = filter(counts, node.type.channels.symbols)
        ends = {s for s in symbols if any(s not in r.type.channels.symbols for r in readers.get(node.id, ()))}
        numbers = (value for value in node.attrs.values() if isinstance(value, Number))
        ends |= {s for number in numbers for s in number.symbols if counts(s) and s not in channels}
        if ends and node.op != "join":
            found[node.id] = len(ends)
    return found

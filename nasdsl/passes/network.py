"""Networks as bare labelled graphs: what is left of an architecture without names, places in the text and blocks.

`NetworkReader` makes them from a space, for many architectures in a row: what does not depend on decisions is prepared
once. The network of an architecture is that of the graph which `derive` makes of it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Atom, Cell, Graph, Kind, Node, Value
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS, SELECTING
from nasdsl.ops.operation import ZeroWhen
from nasdsl.passes.derive import Demand, Place
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType


@dataclass(frozen=True, slots=True)
class Label:
    """What a vertex is, and what its operation says about itself (see `nasdsl.ops.operation.Operation`).

    Attributes:
        text: The operation with its attributes and the type of its map: `conv(c = 8, k = 3, ...) [8, 16, 16]`.
        operation: Its name.
        commutative: Whether the order of operands makes no difference.
        associative: Whether operands of the same operation can be replaced by theirs.
        zero_neutral: Whether zeros among the operands can be left out.
        identity: Whether it makes its first operand again.
        pure: Whether two of them on the same maps make the same map.
        zero: When it makes zeros, whatever its weights.
        zero_at_start: When it makes zeros, with weights as training starts.
        map_type: The type of its map alone, as text.
    """

    text: str
    operation: str
    commutative: bool = False
    associative: bool = False
    zero_neutral: bool = False
    identity: bool = False
    pure: bool = True
    zero: ZeroWhen = ZeroWhen.NEVER
    zero_at_start: ZeroWhen = ZeroWhen.NEVER
    map_type: str = ""


WEIGHTS = 0
"""The number of the label of a set of weights that several vertices share."""


class Labels:
    """Labels by number: equal labels have one number.

    Attributes:
        all: The labels.
        digests: Of each the SHA-256 of its text.
        commutes: Of each whether it commutes.
    """

    def __init__(self) -> None:
        self._numbers: dict[Label, int] = {}
        self.all: list[Label] = []
        self.digests: list[bytes] = []
        self.commutes: list[bool] = []
        self.number(Label("weights", "weights"))

    def number(self, label: Label) -> int:
        """The number of a label, which stays the same."""
        found = self._numbers.setdefault(label, len(self.all))
        if found == len(self.all):
            self.all.append(label)
            self.digests.append(hashlib.sha256(label.text.encode()).digest())
            self.commutes.append(label.commutative)
        return found


@dataclass(frozen=True, slots=True)
class Network:
    """A labelled directed acyclic graph, operands first.

    Attributes:
        labels: The labels by number.
        label: The number of each vertex's label.
        operands: The vertices that each vertex reads, in order.
        weights: The vertices that share weights with others, each with a name for the weights. All others have weights
            of their own, if they have any.
        roots: The vertices that stand for the tasks, sorted by name.
    """

    labels: Labels
    label: Sequence[int]
    operands: Sequence[tuple[int, ...]]
    weights: Mapping[int, Hashable]
    roots: Sequence[int]


class NetworkReader:
    """Reads the networks of a space.

    Args:
        graph: A space, or a network.
        labels: Where labels are numbered; networks are compared if they have this in common.
        weights: Whether weights that vertices share are told apart from weights of their own.
    """

    def __init__(self, graph: Graph, labels: Labels | None = None, *, weights: bool = True) -> None:
        self.graph = graph
        self.labels = Labels() if labels is None else labels
        self._inputs = [_reader(graph, node) for node in graph.nodes]
        self._selecting = [node.op in SELECTING for node in graph.nodes]
        self._symbols = [_symbols(node) for node in graph.nodes]
        self._found: dict[Hashable, int] = {}
        self._groups: dict[int, tuple[int, bool]] = _groups(graph) if weights else {}
        self._outputs = sorted((task.name, task.output) for task in graph.tasks if not task.aux)
        self._tasks = [self.labels.number(Label(f"task {name}", "task")) for name, _ in self._outputs]

    def network(self, architecture: Architecture) -> Network:
        """The network of an architecture of the space (see `nasdsl.passes.derive.validate`)."""
        demand = Demand(self.graph, architecture)
        reads = self._follow(demand)
        label: list[int] = []
        operands: list[tuple[int, ...]] = []
        vertex: dict[Place, int] = {}
        fixed, selecting = self._found, self._selecting
        for place in sorted(reads):
            read, node = reads[place], place[0]
            if selecting[node]:
                vertex[place] = vertex[read[0]]
                continue
            vertex[place] = len(label)
            label.append(fixed[node] if node in fixed else self._label(node, demand))
            operands.append((vertex[read[0]],) if len(read) == 1 else tuple([vertex[source] for source in read]))
        weights = {vertex[place]: group for place, group in self._shared(reads).items()}
        roots = range(len(label), len(label) + len(self._tasks))
        label += self._tasks
        operands += [(vertex[output, ()],) for _, output in self._outputs]
        return Network(self.labels, label, operands, weights, roots)

    def _follow(self, demand: Demand) -> dict[Place, tuple[Place, ...]]:
        """What the tasks demand, each with what it reads."""
        decisions = dict(demand.architecture.decisions)
        all_inputs = self._inputs
        reads: dict[Place, tuple[Place, ...]] = {}
        stack: list[Place] = [(output, ()) for _, output in self._outputs]
        while stack:
            place = stack.pop()
            if place in reads:
                continue
            inputs = all_inputs[place[0]]
            if isinstance(inputs, tuple):
                found = inputs
            elif inputs is None:
                found = demand.inputs(place)
            else:
                found = inputs(decisions)
            reads[place] = found
            stack += found
        return reads

    def _label(self, node: int, demand: Demand) -> int:
        """The number of a live node's label."""
        symbols = self._symbols[node]
        key: Hashable = (node, *map(demand.number, symbols)) if symbols else node
        if key not in self._found:
            self._found[key] = self.labels.number(_label(self.graph, self.graph.nodes[node], demand))
        return self._found[key]

    def _shared(self, reads: Mapping[Place, tuple[Place, ...]]) -> dict[Place, Hashable]:
        """The live places whose weights others share, each with what names the weights."""
        if not self._groups:
            return {}
        found: dict[Place, Hashable] = {}
        for place in reads:
            if place[0] in self._groups:
                first, once = self._groups[place[0]]
                found[place] = (first, place[1]) if once else first
        many = Counter(found.values())
        return {place: group for place, group in found.items() if many[group] > 1}


Reads = Callable[[Mapping[str, Value]], tuple[Place, ...]]


def _reader(graph: Graph, node: Node) -> tuple[Place, ...] | Reads | None:
    """What a node reads: always the same, or given the decisions; None: in grids, where `Demand` has the rules."""
    inner = graph.scopes[node.scope].cell is not None
    if inner or node.op in ("join", "route_end", "route_last"):
        return None
    places = [((i.node, ()), i.when) for i in node.inputs]
    if all(when is None for _, when in places):
        return tuple(place for place, _ in places)
    if node.op == "mix":
        return _mixed(places)
    return _picked(graph, places)


def _mixed(places: Sequence[tuple[Place, Atom | None]]) -> Reads:
    """What passes on one of several maps."""
    (path,) = {when.decision for _, when in places if when is not None}
    chosen = {when.value: (place,) for place, when in places if when is not None}

    def reads(decisions: Mapping[str, Value]) -> tuple[Place, ...]:
        return chosen[decisions[path]]

    return reads


def _picked(graph: Graph, places: Sequence[tuple[Place, Atom | None]]) -> Reads:
    """What brings those maps together whose conditions hold."""

    def holds(atom: Atom | None, decisions: Mapping[str, Value]) -> bool:
        if atom is None:
            return True
        value = decisions[atom.decision]
        if graph.decisions[atom.decision].kind is Kind.PICK:
            assert isinstance(value, tuple)
            return atom.value in value
        return atom.value == value

    def reads(decisions: Mapping[str, Value]) -> tuple[Place, ...]:
        return tuple(place for place, when in places if holds(when, decisions))

    return reads


def _symbols(node: Node) -> tuple[str, ...]:
    numbers = [node.type.channels, *(value for value in node.attrs.values() if isinstance(value, Number))]
    return tuple(sorted({symbol for number in numbers for symbol in number.symbols}))


def _label(graph: Graph, node: Node, demand: Demand) -> Label:
    """The label of a live node."""

    def fixed(value: Any) -> Any:
        return Number.of(value.evaluate(demand.number)) if isinstance(value, Number) else value

    attrs = {name: fixed(value) for name, value in node.attrs.items()}
    kind = MapType(fixed(node.type.channels), node.type.size, node.type.rate)
    name = f"input {node.name}" if node.op == "input" else node.op
    given = ", ".join(f"{key} = {_text(value)}" for key, value in sorted(attrs.items()))
    text = f"{name}{f'({given})' if given else ''} {_type_text(kind)}"
    if node.op not in OPERATIONS:
        return Label(text, node.op, pure=node.op == "input", map_type=_type_text(kind))
    operation, inputs = OPERATIONS[node.op], [graph.nodes[i.node].type for i in node.inputs]
    return Label(
        text,
        node.op,
        operation.commutative,
        operation.associative,
        operation.zero_neutral,
        operation.identity(inputs[0], kind, attrs),
        operation.pure(inputs, node.type, node.attrs),
        operation.zero(attrs),
        operation.zero(attrs, trained=False),
        _type_text(kind),
    )


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | str) else str(value)


def _type_text(kind: MapType) -> str:
    return f"[{', '.join(map(str, (kind.channels, *(kind.size or ()))))}]"


def _groups(graph: Graph) -> dict[int, tuple[int, bool]]:
    """The nodes that share weights with others: the first of each set, and whether there is one set a way to its
    cell.
    """
    sharing = Sharing(graph)
    cells: dict[int, set[tuple[str, Cell] | None]] = {}
    for node, first in zip(graph.nodes, sharing.nodes, strict=True):
        cells.setdefault(first, set()).add(graph.scopes[node.scope].cell)
    found = {}
    for node, first in zip(graph.nodes, sharing.nodes, strict=True):
        if _in_shared_block(graph, node) and _stateful(graph, node):
            found[node.id] = (first, None not in cells[first] and len(cells[first]) == 1)
    return found


def _in_shared_block(graph: Graph, node: Node) -> bool:
    scope: int | None = node.scope
    while scope is not None:
        if graph.scopes[scope].weights:
            return True
        scope = graph.scopes[scope].parent
    return False


def _stateful(graph: Graph, node: Node) -> bool:
    """Whether a node holds weights or statistics; an extern may."""
    if node.op not in OPERATIONS:
        return node.op == "extern"
    return OPERATIONS[node.op].stateful([graph.nodes[i.node].type for i in node.inputs], node.type, node.attrs)

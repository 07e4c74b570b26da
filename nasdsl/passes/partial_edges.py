"""Which choices can work on a part of the channels (`nasdsl.passes.partial`), and why others cannot."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from nasdsl.ir.graph import Atom, Graph, Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import RuleError, type_of
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType


@dataclass(frozen=True, slots=True)
class Whole:
    """A use of a choice that keeps all channels.

    Attributes:
        decision: The choice.
        node: The `mix` of the original graph where it is applied.
        reason: Why, as a sentence about the choice.
        found: What was found there: "16 and 24"; "" where there is nothing to say.
    """

    decision: str
    node: int
    reason: str
    found: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A use of a choice that can work on a share.

    Attributes:
        mix: Its node.
        source: The map that all alternatives read.
        inside: What the alternatives consist of, in order, as it is on the share.
        arms: The scopes they lie in.
        step: By which factor they make the map smaller.
    """

    mix: Node
    source: int
    inside: Mapping[int, Node]
    arms: frozenset[int]
    step: int


class _UnfitError(Exception):
    """Why a choice cannot work on a share, and what was found there."""

    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(reason)
        self.reason, self.found = reason, found


def edges_of(graph: Graph, parts: int) -> tuple[dict[int, Edge], list[Whole]]:
    """The uses of choices that can work on a share, and the others, in order.

    Where weights are shared, all that share them must do the same.
    """
    finder, owner = _Finder(graph, parts), Sharing(graph).nodes
    refused: set[int] = set()
    while True:
        edges, unfit = finder.edges(refused)
        changed = {node for edge in edges.values() for node in (edge.mix.id, *edge.inside)}
        alike: dict[int, set[bool]] = {}
        for node in graph.nodes:
            alike.setdefault(owner[node.id], set()).add(node.id in changed)
        torn = [mix for mix, edge in edges.items() if any(len(alike[owner[node]]) > 1 for node in (mix, *edge.inside))]
        if not torn:
            whole = [Whole(_decision(graph.nodes[mix]), mix, e.reason, e.found) for mix, e in sorted(unfit.items())]
            return dict(sorted(edges.items())), whole
        refused.update(torn)


class _Finder:
    """Looks for choices that can work on a share."""

    def __init__(self, graph: Graph, parts: int) -> None:
        self.graph, self.parts = graph, parts
        self._children: dict[int, list[int]] = {}
        for scope in graph.scopes[1:]:
            self._children.setdefault(scope.parent or 0, []).append(scope.id)
        self._in_scope: dict[int, list[int]] = {}
        self._readers: dict[int, list[int]] = {task.output: [-1] for task in graph.tasks}
        for node in graph.nodes:
            self._in_scope.setdefault(node.scope, []).append(node.id)
            for item in node.inputs:
                self._readers.setdefault(item.node, []).append(node.id)

    def edges(self, refused: Container[int]) -> tuple[dict[int, Edge], dict[int, _UnfitError]]:
        """Those that can, and why others cannot; what lies inside of one that can is neither."""
        found: dict[int, Edge] = {}
        unfit: dict[int, _UnfitError] = {}
        inside: set[int] = set()
        for mix in reversed(self.graph.nodes):
            if mix.op != "mix" or mix.id in inside or not self._is_choice(mix):
                continue
            try:
                if mix.id in refused:
                    raise _UnfitError("it shares weights with what works on all channels")
                found[mix.id] = edge = self._edge(mix)
                inside |= set(edge.inside)
            except _UnfitError as error:
                unfit[mix.id] = error
        return found, unfit

    def _is_choice(self, mix: Node) -> bool:
        """Whether operations are chosen: by labels, and at least one is a call of its own."""
        domain = self.graph.decisions[_decision(mix)].domain
        return all(isinstance(value, str) for value in domain) and bool(self._arms(mix))

    def _arms(self, mix: Node) -> set[int]:
        """The scopes directly in that of a mix in which its alternatives lie."""
        arms = set()
        for item in mix.inputs:
            scope = self.graph.nodes[item.node].scope
            while (parent := self.graph.scopes[scope].parent) is not None and parent != mix.scope:
                scope = parent
            if parent is not None:
                arms.add(scope)
        return arms

    def _edge(self, mix: Node) -> Edge:
        arms = self._within(self._arms(mix))
        inside = sorted(node for arm in arms for node in self._in_scope.get(arm, ()))
        among = {*inside, mix.id}
        read = {item.node for node in among for item in self.graph.nodes[node].inputs} - among
        if len(read) != 1:
            raise _UnfitError("its alternatives read more maps than one", f"{len(read)}")
        if any(reader not in among for node in inside for reader in self._readers.get(node, ())):
            raise _UnfitError("its alternatives make more than one map")
        source = self.graph.nodes[read.pop()]
        step = self._step(source.type, mix.type)
        return Edge(mix, source.id, {node: self._on_share(self.graph.nodes[node]) for node in inside}, arms, step)

    def _within(self, scopes: Iterable[int]) -> frozenset[int]:
        found, stack = set[int](), list(scopes)
        while stack:
            found.add(scope := stack.pop())
            stack += self._children.get(scope, ())
        return frozenset(found)

    def _step(self, source: MapType, made: MapType) -> int:
        """By which factor a choice makes its map smaller; the channels are checked."""
        if source.size is None or made.size is None:
            raise _UnfitError("it works on vectors")
        if source.channels != made.channels:
            raise _UnfitError("it changes the number of channels", f"{source.channels} to {made.channels}")
        self._part(source.channels)
        steps = {Fraction(before, after) for before, after in zip(source.size, made.size, strict=True)}
        step = steps.pop()
        if steps or step.denominator != 1:
            before, after = (f"{height}x{width}" for height, width in (source.size, made.size))
            raise _UnfitError("no pooling makes its size for the channels beside it", f"{before} to {after}")
        return int(step)

    def _part(self, channels: Number) -> Number:
        """Channels of one part."""
        part = channels / self.parts
        if any(value.denominator != 1 or value < 1 for value in self.graph.values(part)):
            raise _UnfitError(f"its channels do not come in {self.parts} equal parts", str(channels))
        return part

    def _on_share(self, node: Node) -> Node:
        """A node of an alternative as it is where every map has one part of the channels."""
        made = replace(node, type=replace(node.type, channels=self._part(node.type.channels)))
        if node.op == "mix":
            return made
        if node.op not in OPERATIONS:
            raise _UnfitError(f"a part of {'an extern' if node.op == 'extern' else 'a grid'} is not known", node.name)
        operation = OPERATIONS[node.op]
        types = [self.graph.nodes[item.node].type for item in node.inputs]
        attrs = operation.narrowed(types, node.attrs, self.parts)
        shares = [replace(kind, channels=self._part(kind.channels)) for kind in types]
        try:
            found = type_of(operation, shares, attrs, self.graph.domain)
        except RuleError as error:
            raise _UnfitError("the rules of its operations forbid it", error.message) from None
        if all(item.when is None for item in node.inputs) and found.channels != made.type.channels:
            raise _UnfitError("a part of its operations is not known", node.op)
        return replace(made, attrs=attrs)


def _decision(mix: Node) -> str:
    atom = mix.inputs[0].when
    assert isinstance(atom, Atom), "all inputs of a mix are conditional"
    return atom.decision

"""Partial channels: a proxy of a space whose choices work on a share of the channels (PC-DARTS, Xu et al., ICLR 2020).

On an edge x -> f(x), where f is one of several operations that a choice decides among, the operations are built for the
first 1/K of the channels of x; the others pass by them as they are, through max pooling where the operations make the
map smaller. The two are concatenated and the channels shuffled, so that the next edge has others in front:

    S x = the first c/K channels        shuffle(concat(sum over o: weight_o * o(S x), (1 - S) x), K)

The proxy has the decisions of the space, live in the same architectures, and the maps between the choices have their
types. Its networks are other networks: with the paper, they stand for those of the space while it is searched.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Atom, Graph, Grid, Input, Node, Scope
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
class Proxy:
    """A space with partial channels.

    Attributes:
        graph: The space; the verifier accepts it.
        parts: K: operations work on one of so many parts of the channels.
        partial: The uses of choices (`mix` nodes of the original graph) that do, in order.
        whole: Those that do not.
    """

    graph: Graph
    parts: int
    partial: tuple[int, ...]
    whole: tuple[Whole, ...]

    def __str__(self) -> str:
        """Which choices work on how much, in a line for each reason.

        >>> from nasdsl.space import load
        >>> print(partial_channels(load("spaces/darts.nas").graph, 4))
        operations on 1/4 of the channels in 112 of 112 places
        """
        places = len(self.partial) + len(self.whole)
        first = f"operations on 1/{self.parts} of the channels in {len(self.partial)} of {places} places"
        return "\n".join([first, *(f"on all channels: {reason}" for reason in _reasons(self.whole))])

    @property
    def note(self) -> str:
        """What the text of a supernet says about it."""
        return (
            f"A proxy for the search: operations work on 1/{self.parts} of the channels, the others pass by them "
            "(partial channels, PC-DARTS)."
        )


def partial_channels(graph: Graph, parts: int) -> Proxy:
    """The proxy in which every choice of operations that can works on one of `parts` equal parts of the channels.

    A choice can where all its alternatives make of one map another with as many channels, as large or smaller by a
    whole factor, and all channels inside can be divided by `parts`; alternatives inside of alternatives belong to the
    outer choice. What cannot stays whole.

    Args:
        graph: A space.
        parts: K.

    Raises:
        NasError: `parts` is less than 2, or no choice can.
    """
    if parts < 2:
        raise NasError(f"partial channels are one of at least 2 parts, found {parts}", status=2)
    edges, whole = _edges(graph, parts)
    if not edges:
        reasons = _reasons(whole) or ["it has no choice among operations"]
        raise NasError(
            f"nothing in `{graph.name}` can work on 1/{parts} of the channels: {'; '.join(reasons)}",
            help="partial channels are for choices among operations that make of one map another with as many channels",
        )
    return Proxy(_Rewrite(graph, parts, edges).graph(), parts, tuple(edges), tuple(whole))


def _reasons(whole: Iterable[Whole]) -> list[str]:
    """Each reason once, with the choices of which it is true and what was found at the first."""
    found: dict[str, list[Whole]] = {}
    for each in whole:
        found.setdefault(each.reason, []).append(each)
    texts = []
    for reason, places in found.items():
        names = list(dict.fromkeys(f"`{each.decision}`" for each in places))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        example = f" ({places[0].found})" if places[0].found else ""
        texts.append(f"{names[0]}{more}: {reason}{example}")
    return texts


@dataclass(frozen=True, slots=True)
class _Edge:
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


def _edges(graph: Graph, parts: int) -> tuple[dict[int, _Edge], list[Whole]]:
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

    def edges(self, refused: Container[int]) -> tuple[dict[int, _Edge], dict[int, _UnfitError]]:
        """Those that can, and why others cannot; what lies inside of one that can is neither."""
        found: dict[int, _Edge] = {}
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

    def _edge(self, mix: Node) -> _Edge:
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
        return _Edge(mix, source.id, {node: self._on_share(self.graph.nodes[node]) for node in inside}, arms, step)

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
            found = type_of(operation, shares, attrs, self.graph.values)
        except RuleError as error:
            raise _UnfitError("the rules of its operations forbid it", error.message) from None
        if all(item.when is None for item in node.inputs) and found.channels != made.type.channels:
            raise _UnfitError("a part of its operations is not known", node.op)
        return replace(made, attrs=attrs)


def _decision(mix: Node) -> str:
    atom = mix.inputs[0].when
    assert isinstance(atom, Atom), "all inputs of a mix are conditional"
    return atom.decision


@dataclass(slots=True)
class _Rewrite:
    """Copies a graph, with its edges on a share."""

    source: Graph
    parts: int
    edges: Mapping[int, _Edge]
    nodes: list[Node] = field(default_factory=list)
    _new: dict[int, int] = field(default_factory=dict)
    """For each node of the source the one that makes what its readers read."""
    _names: set[tuple[int, str]] = field(default_factory=set)

    def graph(self) -> Graph:
        self._names = {(node.scope, node.name) for node in self.source.nodes}
        edge_of = {node: edge for edge in self.edges.values() for node in (*edge.inside, edge.mix.id)}
        shares: dict[int, int] = {}
        for node in self.source.nodes:
            edge = edge_of.get(node.id)
            if edge is None:
                self._new[node.id] = self._add(node, [self._read(item) for item in node.inputs])
                continue
            if edge.mix.id not in shares:
                shares[edge.mix.id] = self._part(edge, "share", "end")
            share = shares[edge.mix.id]
            inputs = [self._inner(edge, share, item) for item in node.inputs]
            made = self._add(edge.inside.get(node.id, self._mix_on_share(edge)), inputs)
            self._new[node.id] = made if node.id in edge.inside else self._joined(edge, made)
        return replace(
            self.source,
            nodes=tuple(self.nodes),
            scopes=tuple(self._scope(scope) for scope in self.source.scopes),
            grids={path: self._grid(grid) for path, grid in self.source.grids.items()},
            tasks=tuple(replace(task, output=self._new[task.output]) for task in self.source.tasks),
        )

    def _add(self, node: Node, inputs: Sequence[Input]) -> int:
        self.nodes.append(replace(node, id=len(self.nodes), inputs=tuple(inputs)))
        return len(self.nodes) - 1

    def _read(self, item: Input) -> Input:
        return replace(item, node=self._new[item.node])

    def _inner(self, edge: _Edge, share: int, item: Input) -> Input:
        """What an alternative reads: the share in place of the map, as the alternative calls it."""
        if item.node != edge.source:
            return self._read(item)
        return replace(item, node=share, called=tuple(pair for pair in item.called if pair[0] in edge.arms))

    def _mix_on_share(self, edge: _Edge) -> Node:
        kind = edge.mix.type
        return replace(edge.mix, type=replace(kind, channels=kind.channels / self.parts))

    def _part(self, edge: _Edge, name: str, bound: str) -> int:
        """The channels to the first part, or from there on."""
        reads = [item for node in (*edge.inside.values(), edge.mix) for item in node.inputs if item.node == edge.source]
        called = tuple(pair for pair in reads[0].called if pair[0] not in edge.arms)
        attrs = {"start": 0, "end": 1} | {bound: Fraction(1, self.parts)}
        return self._made(edge, "slice", attrs, [Input(self._new[edge.source], called=called)], f"{name}.slice")

    def _joined(self, edge: _Edge, mix: int) -> int:
        """What the operations make of their part, beside the others, shuffled."""
        rest = self._part(edge, "rest", "start")
        if edge.step > 1:
            window = {"k": edge.step, "stride": edge.step, "padding": 0}
            rest = self._made(edge, "max_pool", window, [Input(rest)], "rest.max_pool")
        before, dot, _ = edge.mix.name.rpartition(".")
        both = self._made(edge, "concat", {}, [Input(mix), Input(rest)], f"{before}{dot}concat")
        return self._made(edge, "shuffle", {"groups": self.parts}, [Input(both)], f"{before}{dot}shuffle")

    def _made(
        self, edge: _Edge, op: str, numbers: Mapping[str, int | Fraction], inputs: Sequence[Input], name: str
    ) -> int:
        attrs: dict[str, Any] = {key: Number.of(value) for key, value in numbers.items()}
        kind = OPERATIONS[op].type([self.nodes[item.node].type for item in inputs], attrs)
        scope = edge.mix.scope
        return self._add(Node(0, op, (), attrs, kind, scope, self._unique(scope, name), edge.mix.span), inputs)

    def _unique(self, scope: int, name: str) -> str:
        unique, count = name, 1
        while (scope, unique) in self._names:
            count += 1
            unique = f"{name}_{count}"
        self._names.add((scope, unique))
        return unique

    def _scope(self, scope: Scope) -> Scope:
        return replace(scope, results={self._new[node]: name for node, name in scope.results.items()})

    def _grid(self, grid: Grid) -> Grid:
        cells = {cell: self._new[join] for cell, join in grid.cells.items()}
        return replace(grid, cells=cells, links=tuple(replace(x, node=self._new[x.node]) for x in grid.links))

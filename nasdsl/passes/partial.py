"""Partial channels: a proxy of a space whose choices work on a share of the channels (PC-DARTS, Xu et al., ICLR 2020).

On an edge x -> f(x), where f is one of several operations that a choice decides among, the operations are built for the
first 1/K of the channels of x; the others pass by them as they are, through max pooling where the operations make the
map smaller. The two are concatenated and the channels shuffled, so that the next edge has others in front:

    S x = the first c/K channels        shuffle(concat(sum over o: weight_o * o(S x), (1 - S) x), K)

The proxy has the decisions of the space, live in the same architectures, and the maps between the choices have their
types. Its networks are other networks: with the paper, they stand for those of the space while it is searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Grid, Input, Node, Scope
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.partial_edges import Edge, Whole, edges_of


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
    edges, whole = edges_of(graph, parts)
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


@dataclass(slots=True)
class _Rewrite:
    """Copies a graph, with its edges on a share."""

    source: Graph
    parts: int
    edges: Mapping[int, Edge]
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
            if node.id in edge.inside:
                self._new[node.id] = self._add(edge.inside[node.id], inputs)
            else:
                self._new[node.id] = self._joined(edge, self._add(self._mix_on_share(edge), inputs))
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

    def _inner(self, edge: Edge, share: int, item: Input) -> Input:
        """What an alternative reads: the share in place of the map, as the alternative calls it."""
        if item.node != edge.source:
            return self._read(item)
        return replace(item, node=share, called=tuple(pair for pair in item.called if pair[0] in edge.arms))

    def _mix_on_share(self, edge: Edge) -> Node:
        """The choice; its map keeps the choice's name in generated code, where the text gives it none."""
        kind, name = edge.mix.type, edge.mix.name
        name = name if "." in name else self._unique(edge.mix.scope, f"{name}.mix")
        return replace(edge.mix, name=name, type=replace(kind, channels=kind.channels / self.parts))

    def _part(self, edge: Edge, name: str, bound: str) -> int:
        """The channels to the first part, or from there on."""
        reads = [item for node in (*edge.inside.values(), edge.mix) for item in node.inputs if item.node == edge.source]
        called = tuple(pair for pair in reads[0].called if pair[0] not in edge.arms)
        attrs = {"start": 0, "end": 1} | {bound: Fraction(1, self.parts)}
        return self._made(edge, "slice", attrs, [Input(self._new[edge.source], called=called)], f"{name}.slice")

    def _joined(self, edge: Edge, mix: int) -> int:
        """What the operations make of their part, beside the others, shuffled."""
        rest = self._part(edge, "rest", "start")
        if edge.step > 1:
            window = {"k": edge.step, "stride": edge.step, "padding": 0}
            rest = self._made(edge, "max_pool", window, [Input(rest)], "rest.max_pool")
        before, dot, _ = edge.mix.name.rpartition(".")
        both = self._made(edge, "concat", {}, [Input(mix), Input(rest)], f"{before}{dot}concat")
        return self._made(edge, "shuffle", {"groups": self.parts}, [Input(both)], f"{before}{dot}shuffle")

    def _made(
        self, edge: Edge, op: str, numbers: Mapping[str, int | Fraction], inputs: Sequence[Input], name: str
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

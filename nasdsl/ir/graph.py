"""The graph of a space: feature maps, the operations between them, and the decisions.

One flat list of nodes in topological order. A node's *scope* says which block instance it belongs to; scopes form a
tree, and readable code, decision paths and pictures come from that tree. An input of a node may carry a *condition* (an
`Atom`): it is read only in architectures where the condition holds. That one mechanism expresses every decision:

| node | inputs | condition on an input |
|---|---|---|
| `mix` | a map for each value of a choice or a depth: exactly one is live | `Atom(decision, value)` |
| `sum`, `concat` | members of a pick may be conditional: those picked are live | `Atom(pick, member)` |
| `join` | links into a grid cell: the one the route takes | `Atom(grid, (from, to))` |
| `route_end` | the last map of a route | none; it sets whose route counts below |
| `route_last` | the candidates for a route's last map at a rate: exactly one is live | `Atom(route, cell)` |

The maps of a `mix` are the alternatives of a choice, the exits of a depth or the arms of a condition. One map may stand
for several values of the decision, and may be a `mix` itself (a condition on two decisions).

A graph without decisions is a network: the derived network of an architecture is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Literal

from nasdsl.number import Number
from nasdsl.source import Span
from nasdsl.types import MapType

Cell = tuple[int, ...]
"""Index of a grid cell."""

Value = int | str | tuple[int | str, ...] | tuple[Cell, ...]
"""What a decision can be decided to be: a number, a label, the members of a pick, the cells of a route."""

Attribute = Number | bool | str | Fraction
"""What an operation's attribute can be. Integers are `Number`s."""


class Kind(Enum):
    """The forms of a decision."""

    CHOOSE = "choose"
    PICK = "pick"
    WIDTH = "width"
    DEPTH = "depth"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Atom:
    """The condition that a decision has a value; for a pick that it has the member, for a route that it has the cell
    as its last one at a rate, for a grid that the route read there takes the link `(from, to)`.
    """

    decision: str
    value: Hashable


@dataclass(frozen=True, slots=True)
class Decision:
    """A named decision of the space.

    Attributes:
        path: Its stable name, such as `normal.x[2].edge[0].op`.
        kind: Which form.
        domain: choose: labels or numbers; width, depth: numbers, ascending; pick: members; route: empty (see
            `Grid`).
        soft: Alternatives that live in relaxations only: never derived, never counted.
        count: pick: how many members; else 0.
        grid: route: the grid it runs through, else "".
        end: route: the cell it ends in, else ().
        span: Where it is declared.
    """

    path: str
    kind: Kind
    domain: tuple[int | str, ...]
    span: Span
    soft: frozenset[int | str] = frozenset()
    count: int = 0
    grid: str = ""
    end: Cell = ()

    @property
    def real(self) -> tuple[int | str, ...]:
        """The alternatives an architecture can take."""
        return tuple(value for value in self.domain if value not in self.soft)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a grid: the node whose map leaves `source` and arrives at `target`."""

    source: Cell
    target: Cell
    node: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of cells through which routes run.

    Attributes:
        path: Its name.
        source: The cell where every route starts.
        cells: For each cell (in an order in which links only lead forward) its `join` node: the map that enters it.
        links: All links, ordered by target, then source.
    """

    path: str
    source: Cell
    cells: Mapping[Cell, int]
    links: tuple[Link, ...]

    def into(self, cell: Cell) -> tuple[Link, ...]:
        """Links that lead into a cell."""
        return tuple(link for link in self.links if link.target == cell)

    def out_of(self, cell: Cell) -> tuple[Link, ...]:
        """Links that lead out of a cell."""
        return tuple(link for link in self.links if link.source == cell)


@dataclass(frozen=True, slots=True)
class Cases:
    """A symbol defined by a case distinction: the first case whose condition holds gives the value.

    Used for the channels of a route's last map at a rate, which depend on where the route leaves that rate.
    """

    cases: tuple[tuple[Atom, Number], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """An instance of a block (or of the space, a grid cell, a link, an alternative of a choice).

    Attributes:
        id: Index in `Graph.scopes`; 0 is the space.
        parent: The enclosing instance; None for the space.
        name: What the instance is called in its parent, unique there: `stem.conv2x`, `x[3].edge[0]`, `op.sep3`.
        block: What it is an instance of: the block's name, a grid's name for its cells, `to` for links.
        span: The definition of the block.
        path: Prefix of the decisions declared in it; instances of a tied block share it.
        cell: The grid cell it is or lies in, else None.
        weights: Instances of a shared block: what they have in common. Scopes with the same name here hold one set of
            weights between them; their nodes and inner scopes correspond to one another in order. "" for all others.
        parameters: The parameters of the block, in order.
        results: What the maps are called that a call in this scope returned together: `p[4]` of `p[3], p[4] = fpn(x)`.
        body: Of an instance of a block that is nothing but a call of another: the block whose body it has, `step` for
            `shared block to_box(x) = step(x)`; else "".
        body_span: The definition of that block.
    """

    id: int
    parent: int | None
    name: str
    block: str
    span: Span
    path: str
    cell: tuple[str, Cell] | None = None
    weights: str = ""
    parameters: tuple[str, ...] = field(default=(), compare=False)
    results: Mapping[int, str] = field(default_factory=dict, compare=False)
    body: str = field(default="", compare=False)
    body_span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Input:
    """A map that a node reads, if `when` holds (always, if None).

    Attributes:
        node: What makes it.
        when: The condition.
        called: By scope, of those between this read and the map, the parameter of the block that it came in by. It is
            what the text says, beside the computation: two parameters may be one map.
    """

    node: int
    when: Atom | None = None
    called: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One operation and the feature map it makes.

    Attributes:
        id: Index in `Graph.nodes`; inputs have smaller ones.
        op: Name in the operation catalogue (`nasdsl.ops`), or a selecting node of the table above.
        inputs: What it reads, in order.
        attrs: Attributes by name, e.g. {"c": 8 * trunk[1,8].w, "k": 3, "stride": 1}; complete: defaults filled in.
        type: The map it makes.
        scope: The scope it belongs to.
        name: Name of the value in its scope (`x[2]`, `conv`): unique there.
        span: The text it comes from.
        origin: In a derived network the node of the space it was made from, else None.
    """

    id: int
    op: str
    inputs: tuple[Input, ...]
    attrs: Mapping[str, Attribute]
    type: MapType
    scope: int
    name: str
    span: Span
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A loss or metric of a task, with its arguments: `ohem(thresh = 0.7)`."""

    name: str
    args: Mapping[str, Fraction | str]
    span: Span


@dataclass(frozen=True, slots=True)
class Task:
    """What the network is for: an output map, how it is learned, how it is judged. An `aux` task demands nothing."""

    name: str
    output: int
    loss: Term
    metrics: tuple[Term, ...]
    weight: Fraction
    aux: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Limit:
    """A constraint `metric(device) <= value` or `>=`; the value is in the metric's base unit (ms, mJ, 1, 1, bytes)."""

    metric: Literal["latency", "energy", "macs", "params", "memory"]
    device: str | None
    relation: Literal["<=", ">="]
    value: Fraction
    span: Span
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class AtMost:
    """A rule: at most `count` of these decisions are live and have one of these values."""

    count: int
    decisions: tuple[str, ...]
    values: frozenset[int | str]
    span: Span


@dataclass(frozen=True, slots=True)
class Relation:
    """A rule: together these decisions have values that are allowed. It says nothing where one of them is dead."""

    decisions: tuple[str, ...]
    allowed: frozenset[tuple[int | str, ...]]
    span: Span


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is made of the outputs of several tasks together, `panoptic(semantic, center)`, and how it is judged."""

    name: str
    tasks: tuple[str, ...]
    args: Mapping[str, Fraction | str]
    metrics: tuple[Term, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Graph:
    """A space, or a derived network when it has no decisions.

    Attributes:
        name: Name of the space.
        params: The values of its parameters.
        nodes: Topological order: inputs first. Nodes with op "input" are the network's inputs.
        scopes: Scope 0 is the space; parents come before children.
        decisions: By path, in the order of declaration. Those a preset narrows have the narrowed domain; those it
            fixes are gone.
        grids: By name.
        cases: Symbols that are case distinctions, by name.
        tasks: In order; at least one is not `aux`.
        limits: Bounds on costs, from `require`.
        rules: Which values of decisions go together, from `require`.
        predictions: What is made of several tasks together.
        preset: Name of the preset applied, or "".
        decided: In a derived network the value of every decision that was live; None in a space.
    """

    name: str
    params: Mapping[str, Fraction | str | tuple[Fraction, ...]]
    nodes: tuple[Node, ...]
    scopes: tuple[Scope, ...]
    decisions: Mapping[str, Decision]
    grids: Mapping[str, Grid]
    cases: Mapping[str, Cases]
    tasks: tuple[Task, ...]
    limits: tuple[Limit, ...] = ()
    rules: tuple[AtMost | Relation, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    preset: str = ""
    span: Span | None = field(default=None, compare=False)
    decided: Mapping[str, Value] | None = field(default=None, compare=False)

    def inputs(self) -> Iterator[Node]:
        """The nodes that stand for the network's inputs."""
        return (node for node in self.nodes if node.op == "input")

    def domain(self, symbol: str) -> tuple[int | Fraction, ...]:
        """The values a symbol of a `Number` can take, ascending."""
        if symbol in self.cases:
            return tuple(sorted({v for _, number in self.cases[symbol].cases for v in self.values(number)}))
        return tuple(sorted(v for v in self.decisions[symbol].domain if isinstance(v, int)))

    def values(self, number: Number) -> tuple[Fraction, ...]:
        """Every value a number can take over the space, ascending."""
        return number.values(self.domain)

    def routes(self, grid: str) -> tuple[Decision, ...]:
        """The routes that run through a grid."""
        return tuple(d for d in self.decisions.values() if d.kind is Kind.ROUTE and d.grid == grid)

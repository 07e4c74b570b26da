"""The abstract syntax of a .nas file: frozen nodes, each with the span of the text it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, Literal, TypeVar, dataclass_transform

from nasdsl.source import Span

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def _node(kind: type[_Class]) -> type[_Class]:
    """A class of nodes: a slotted dataclass.

    Its nodes are frozen for the type checker; at run time nothing looks. That, and one comparison for all classes in
    `Node` instead of one compiled for each, makes the 45 classes in a quarter of the time, which every start would pay.
    """
    return dataclass(slots=True, eq=False, repr=False)(kind)


@_node
class Node:
    """Anything with a place in the text. Spans do not take part in comparisons."""

    span: Span = field(compare=False, repr=False)

    def parts(self) -> list[object]:
        """What the node is made of, in the order of its attributes: nodes, tuples, texts, numbers."""
        kind: Any = type(self)
        return [getattr(self, name) for name in kind.__slots__]

    def _compared(self) -> tuple[object, ...]:
        return tuple(getattr(self, part.name) for part in fields(self) if part.compare)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Node):
            return NotImplemented
        return self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash((type(self), self._compared()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{part.name}={getattr(self, part.name)!r}" for part in fields(self) if part.repr)
        return f"{type(self).__name__}({shown})"


# Expressions


@_node
class Name(Node):
    """A name."""

    text: str


@_node
class Number(Node):
    """A number without unit, exact."""

    value: Fraction


@_node
class Quantity(Node):
    """A number with its unit: `8.3 ms`."""

    value: Fraction
    unit: str


@_node
class Text(Node):
    """A string."""

    value: str


@_node
class Sequence(Node):
    """`{a, b}`, `[a, b]` or `(a, b)`; `brackets` says which."""

    items: tuple[Expression, ...]
    brackets: Literal["{}", "[]", "()"] = "{}"


@_node
class Range(Node):
    """`low..high`, or `low..=high` with its end."""

    low: Expression
    high: Expression
    inclusive: bool


@_node
class Argument(Node):
    """An argument of a call; `name` None: by position."""

    name: str | None
    value: Expression


@_node
class Generator(Node):
    """`for names in domain when guard`, in a call or as the head of a loop."""

    names: tuple[str, ...]
    domain: Expression
    guard: Expression | None


@_node
class Call(Node):
    """`function(arguments)`, or `function(argument for ...)` with a generator."""

    function: Expression
    arguments: tuple[Argument, ...]
    generator: Generator | None = None


@_node
class Subscript(Node):
    """`base[index, ...]`."""

    base: Expression
    index: tuple[Expression, ...]


@_node
class Attribute(Node):
    """`base.name`."""

    base: Expression
    name: str


@_node
class Pipe(Node):
    """`value >> operation`."""

    value: Expression
    operation: Expression


@_node
class Conditional(Node):
    """`then if condition else otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression


@_node
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


@_node
class Unary(Node):
    """`- operand` or `not operand`."""

    operator: str
    operand: Expression


Expression = (
    Name
    | Number
    | Quantity
    | Text
    | Sequence
    | Range
    | Call
    | Subscript
    | Attribute
    | Pipe
    | Conditional
    | Binary
    | Unary
)


# Statements


@_node
class Target(Node):
    """What a statement defines: `name` or `name[index, ...]`."""

    name: str
    index: tuple[Expression, ...] | None


@_node
class Parameter(Node):
    """A parameter of a space or a block."""

    name: str
    default: Expression | None


@_node
class Input(Node):
    """`input name: [C, H, W]`."""

    name: str
    shape: tuple[Argument, ...]


@_node
class Block(Node):
    """`block target(parameters) { ... }`, or `= expression` (then the body is one `Return` and `short` is set).

    `sharing` is what calls have in common: "" nothing, "tied" the decisions, "shared" the decisions and the weights.
    """

    target: Target
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    sharing: Literal["", "tied", "shared"]
    short: bool

    @property
    def name(self) -> str:
        """The name without the index."""
        return self.target.name


@_node
class Extern(Node):
    """`extern name(parameters) -> [shape] from "package.module:Class"`: an operation written in Python."""

    name: str
    parameters: tuple[Parameter, ...]
    shape: tuple[Expression, ...]
    target: Text


@_node
class Imported(Node):
    """One name of an import: `name` or `name as alias`."""

    name: str
    alias: str | None


@_node
class Import(Node):
    """`from "file.nas" import names`."""

    path: Text
    names: tuple[Imported, ...]


@_node
class Assign(Node):
    """`targets = value`."""

    targets: tuple[Target, ...]
    value: Expression


@_node
class Alternative(Node):
    """One alternative of a choice: `soft label: value`."""

    label: str | None
    value: Expression
    soft: bool


@_node
class Choose(Node):
    """`choose target in { alternatives }`."""

    target: Target
    alternatives: tuple[Alternative, ...]


@_node
class Pick(Node):
    """`pick target in count of members`."""

    target: Target
    count: Expression
    members: Expression


@_node
class Width(Node):
    """`width target in domain`."""

    target: Target
    domain: Expression


@_node
class Depth(Node):
    """`depth target in domain`."""

    target: Target
    domain: Expression


@_node
class Binder(Node):
    """`name in domain`: one coordinate of a grid."""

    name: str
    domain: Expression


@_node
class Grid(Node):
    """`grid name[binders] from start at [source] { ... }`."""

    name: str
    binders: tuple[Binder, ...]
    start: Expression
    source: tuple[Expression, ...]
    body: tuple[Statement, ...]


@_node
class Link(Node):
    """`to [index] = value when guard`, in a grid."""

    index: tuple[Expression, ...]
    value: Expression
    guard: Expression | None


@_node
class Route(Node):
    """`route target in grid to [end]`."""

    target: Target
    grid: str
    end: tuple[Expression, ...]


@_node
class For(Node):
    """`for names in domain when guard { ... }`."""

    generator: Generator
    body: tuple[Statement, ...]


@_node
class Return(Node):
    """`return values`."""

    values: tuple[Expression, ...]


@_node
class Clause(Node):
    """`loss f(...)`, `metric f` or `weight x` of a task."""

    kind: str
    value: Expression


@_node
class Task(Node):
    """`task target = value when guard { clauses }`."""

    target: Target
    value: Expression
    guard: Expression | None
    clauses: tuple[Clause, ...]
    aux: bool


@_node
class Require(Node):
    """`require condition`."""

    condition: Expression


@_node
class Predict(Node):
    """`predict name(tasks, argument = value) { metrics }`."""

    name: str
    arguments: tuple[Argument, ...]
    clauses: tuple[Clause, ...]


@_node
class Step(Node):
    """A step of a path pattern: `trunk[*, 8]`; None stands for `*`."""

    name: str
    index: tuple[Expression | None, ...] | None


@_node
class Restriction(Node):
    """`path = value` (then `single` is set) or `path in set`, in a preset."""

    path: tuple[Step, ...]
    value: Expression
    single: bool


@_node
class AtMost(Node):
    """`require at most count of path = value` (or `in set`)."""

    count: Expression
    which: Restriction


@_node
class Preset(Node):
    """`preset name(parameter = value, ...) { restrictions and requires }`."""

    name: str
    arguments: tuple[Argument, ...]
    body: tuple[Restriction | Require | AtMost, ...]


Statement = (
    Input
    | Block
    | Assign
    | Choose
    | Pick
    | Width
    | Depth
    | Grid
    | Link
    | Route
    | For
    | Return
    | Task
    | Predict
    | Require
    | AtMost
    | Preset
)


@_node
class Space(Node):
    """`space name(parameters) { ... }`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@_node
class File(Node):
    """A whole file: imports, externs, blocks and spaces in order.

    `grouped` has the spans (start, end) of the expressions that stand in parentheses of their own, needed or not.
    """

    items: tuple[Space | Block | Extern | Import, ...]
    grouped: frozenset[tuple[int, int]] = field(default=frozenset(), compare=False, repr=False)

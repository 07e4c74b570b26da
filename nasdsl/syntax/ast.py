"""The abstract syntax of a .nas file: frozen nodes, each with the span of the text it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from nasdsl.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the text. Spans do not take part in comparisons."""

    span: Span = field(compare=False, repr=False)


# Expressions


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name."""

    text: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number without unit, exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A number with its unit: `8.3 ms`."""

    value: Fraction
    unit: str


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """`{a, b}`, `[a, b]` or `(a, b)`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`low..high`, or `low..=high` with its end."""

    low: Expression
    high: Expression
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """An argument of a call; `name` None: by position."""

    name: str | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Generator(Node):
    """`for names in domain when guard`, in a call or as the head of a loop."""

    names: tuple[str, ...]
    domain: Expression
    guard: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`, or `function(argument for ...)` with a generator."""

    function: Expression
    arguments: tuple[Argument, ...]
    generator: Generator | None = None


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """`base[index, ...]`."""

    base: Expression
    index: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`base.name`."""

    base: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """`value >> operation`."""

    value: Expression
    operation: Expression


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`then if condition else otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Target(Node):
    """What a statement defines: `name` or `name[index, ...]`."""

    name: str
    index: tuple[Expression, ...] | None


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A parameter of a space or a block."""

    name: str
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Input(Node):
    """`input name: [C, H, W]`."""

    name: str
    shape: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Extern(Node):
    """`extern name(parameters) -> [shape] from "package.module:Class"`: an operation written in Python."""

    name: str
    parameters: tuple[Parameter, ...]
    shape: tuple[Expression, ...]
    target: Text


@dataclass(frozen=True, slots=True)
class Imported(Node):
    """One name of an import: `name` or `name as alias`."""

    name: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`from "file.nas" import names`."""

    path: Text
    names: tuple[Imported, ...]


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`targets = value`."""

    targets: tuple[Target, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    """One alternative of a choice: `soft label: value`."""

    label: str | None
    value: Expression
    soft: bool


@dataclass(frozen=True, slots=True)
class Choose(Node):
    """`choose target in { alternatives }`."""

    target: Target
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Pick(Node):
    """`pick target in count of members`."""

    target: Target
    count: Expression
    members: Expression


@dataclass(frozen=True, slots=True)
class Width(Node):
    """`width target in domain`."""

    target: Target
    domain: Expression


@dataclass(frozen=True, slots=True)
class Depth(Node):
    """`depth target in domain`."""

    target: Target
    domain: Expression


@dataclass(frozen=True, slots=True)
class Binder(Node):
    """`name in domain`: one coordinate of a grid."""

    name: str
    domain: Expression


@dataclass(frozen=True, slots=True)
class Grid(Node):
    """`grid name[binders] from start at [source] { ... }`."""

    name: str
    binders: tuple[Binder, ...]
    start: Expression
    source: tuple[Expression, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Link(Node):
    """`to [index] = value when guard`, in a grid."""

    index: tuple[Expression, ...]
    value: Expression
    guard: Expression | None


@dataclass(frozen=True, slots=True)
class Route(Node):
    """`route target in grid to [end]`."""

    target: Target
    grid: str
    end: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for names in domain when guard { ... }`."""

    generator: Generator
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Return(Node):
    """`return values`."""

    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Clause(Node):
    """`loss f(...)`, `metric f` or `weight x` of a task."""

    kind: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Task(Node):
    """`task target = value when guard { clauses }`."""

    target: Target
    value: Expression
    guard: Expression | None
    clauses: tuple[Clause, ...]
    aux: bool


@dataclass(frozen=True, slots=True)
class Require(Node):
    """`require condition`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Predict(Node):
    """`predict name(tasks, argument = value) { metrics }`."""

    name: str
    arguments: tuple[Argument, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Step(Node):
    """A step of a path pattern: `trunk[*, 8]`; None stands for `*`."""

    name: str
    index: tuple[Expression | None, ...] | None


@dataclass(frozen=True, slots=True)
class Restriction(Node):
    """`path = value` (then `single` is set) or `path in set`, in a preset."""

    path: tuple[Step, ...]
    value: Expression
    single: bool


@dataclass(frozen=True, slots=True)
class AtMost(Node):
    """`require at most count of path = value` (or `in set`)."""

    count: Expression
    which: Restriction


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Space(Node):
    """`space name(parameters) { ... }`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole file: imports, externs, blocks and spaces in order."""

    items: tuple[Space | Block | Extern | Import, ...]

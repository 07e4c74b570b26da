"""What expressions evaluate to while a space is elaborated.

Numbers are `nasdsl.number.Number`, strings `str`, truth values `bool`, sequences `tuple`; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nasdsl.diagnostics.diagnostic import Diagnostic, Label
from nasdsl.ir.graph import Atom, Cell
from nasdsl.ops.operation import Operation
from nasdsl.source import Span
from nasdsl.syntax import ast

Key = tuple[int | str, ...]
"""Index of an element: `x[2]`, `z[s, 0]`, `y["center"]`."""


class Mistake(Exception):
    """A mistake in the text; caught at the statement, so that the others are still looked at."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        note: str = "",
        *,
        help: str | None = None,  # noqa: A002
        labels: tuple[Label, ...] = (),
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, note, labels, help)


class NeedsMap(Mistake):
    """Something that is no feature map stands where one is needed; `value` is what was found."""

    def __init__(self, code: str, message: str, span: Span, value: Any, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(code, message, span, help=help)
        self.value = value


class Poisoned(Exception):
    """Something was used whose definition is already reported as wrong: no further message."""


@dataclass(frozen=True, slots=True)
class Poison:
    """The value of a name whose definition failed."""


@dataclass(frozen=True, slots=True)
class MapValue:
    """A feature map: the node that makes it, and what it is called as an argument (see `nasdsl.ir.graph.Input`)."""

    node: int
    called: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A map that is read only if a condition holds: a member of a pick."""

    value: MapValue
    when: Atom


@dataclass(slots=True)
class Family:
    """An indexed name: its elements so far."""

    name: str
    span: Span
    elements: dict[Key, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockValue:
    """A block with the frame it was declared in."""

    block: ast.Block
    frame: Frame
    name: str


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function on numbers, sequences and types."""

    name: str
    function: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ExternValue:
    """An operation written in Python, with the frame its shape is computed in."""

    extern: ast.Extern
    frame: Frame
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision among operations, or (`decision` "") the one alternative left."""

    name: str
    decision: str
    alternatives: tuple[tuple[str, Partial], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class PickValue:
    """A decision for a subset."""

    decision: str
    count: int
    members: tuple[int | str, ...]


@dataclass(slots=True)
class GridValue:
    """A grid; its cells are made when a route is first followed."""

    statement: ast.Grid
    frame: Frame
    path: str
    state: Literal["declared", "failed", "made"] = "declared"
    routes: list[RouteValue] = field(default_factory=list)
    cells: dict[Cell, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteValue:
    """A route through a grid."""

    decision: str
    grid: GridValue
    end: Cell
    span: Span


@dataclass(frozen=True, slots=True)
class NextCell:
    """In a grid, the cell a link leads to: its numbers."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Partial:
    """Something to be applied to a map, with the arguments given so far."""

    function: Function
    positional: tuple[Any, ...]
    named: Mapping[str, Any]
    span: Span


Function = Operation | BlockValue | ExternValue | Builtin | Choice


@dataclass(slots=True)
class Frame:
    """Names and what they stand for, in one lexical scope.

    Attributes:
        parent: The enclosing frame.
        scope: The scope of the graph that nodes made here belong to.
        loop: Whether it is one turn of a loop: indexed names are defined in the frame outside.
        names: Values by name.
        places: Where each name was defined.
    """

    parent: Frame | None
    scope: int
    loop: bool = False
    names: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)

    def find(self, name: str) -> Frame | None:
        """The innermost frame that defines a name."""
        frame: Frame | None = self
        while frame is not None and name not in frame.names:
            frame = frame.parent
        return frame

    def visible(self) -> set[str]:
        """All names that can be used here."""
        return set(self.names) | (self.parent.visible() if self.parent else set())

    @property
    def body(self) -> Frame:
        """The frame of the block, cell or space that this one is in."""
        frame = self
        while frame.loop and frame.parent is not None:
            frame = frame.parent
        return frame


def describe(value: Any) -> str:
    """What kind of thing a value is, for messages."""
    kinds = {
        MapValue: "a feature map", Guarded: "a picked map", Family: "an indexed name", BlockValue: "a block",
        Builtin: "a function", Choice: "a choice among operations", PickValue: "a pick", GridValue: "a grid",
        RouteValue: "a route", NextCell: "a cell", Partial: "an operation", str: "a string", bool: "a truth value",
        tuple: "a sequence",
    }  # fmt: skip
    if isinstance(value, Operation | ExternValue):
        return "an operation"
    return kinds.get(type(value), "a number")

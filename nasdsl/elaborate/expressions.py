"""Evaluates expressions: exact arithmetic, sequences, conditions, names. Calls are in `calls`."""

from __future__ import annotations

import difflib
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.builder import GraphBuilder
from nasdsl.elaborate.conditions import Condition, Conditions, value_at
from nasdsl.elaborate.unknown import unknown_name
from nasdsl.elaborate.values import (
    Builtin,
    Choice,
    Family,
    Frame,
    Key,
    MapValue,
    Mistake,
    NeedsMap,
    NextCell,
    PickValue,
    Poison,
    Poisoned,
    RouteValue,
    describe,
)
from nasdsl.ir.graph import Atom
from nasdsl.number import Number
from nasdsl.source import Span
from nasdsl.syntax import ast

MAX_STEPS = 2_000_000
"""Most expressions evaluated for one file."""
MAX_LENGTH = 100_000
"""Longest sequence."""
MAX_EXPONENT = 64
"""Largest exponent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression is evaluated: the names it sees, and what its calls are called after."""

    frame: Frame
    binding: str = ""
    turn: str = ""
    """Index of the turn of a generator: what is made in it is called `edge[0]`, `edge[1]`, ..."""

    def named(self, name: str) -> str:
        """A name for something made here."""
        return f"{self.binding}.{name}{self.turn}" if self.binding else f"{name}{self.turn}"


class Expressions(ABC):
    """Evaluates expressions; one instance elaborates one space."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph
        self.conditions = Conditions(graph)
        self._steps = 0

    @abstractmethod
    def call(self, node: ast.Call, at: Place) -> Any:
        """The value of a call."""

    @abstractmethod
    def pipe(self, node: ast.Pipe, at: Place) -> Any:
        """The value of `x >> operation`."""

    @abstractmethod
    def route_map(self, route: RouteValue, name: str, arguments: list[Any], at: Place, span: Span) -> MapValue:
        """The map that `route.end` or `route.last(r)` stands for."""

    def evaluate(self, node: ast.Expression, at: Place) -> Any:
        """The value of an expression."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Mistake("E0701", f"elaborating takes more than {MAX_STEPS} steps, the limit", node.span)
        match node:
            case ast.Number():
                return Number.of(node.value)
            case ast.Text():
                return node.value
            case ast.Name():
                return self.lookup(node.text, node.span, at.frame)
            case ast.Sequence():
                return tuple(self.evaluate(item, at) for item in node.items)
            case ast.Range():
                return self._range(node, at)
            case ast.Conditional():
                return self._conditional(node, at)
            case ast.Binary():
                return self._binary(node, at)
            case ast.Unary():
                return self._unary(node, at)
            case ast.Subscript():
                return self._subscript(node, at)
            case ast.Attribute():
                return self._attribute(node, at)
            case ast.Pipe():
                return self.pipe(node, at)
            case ast.Call():
                return self.call(node, at)
            case ast.Quantity():
                message = f"a number with a unit, `{node.span.text}`, has a meaning in `require` only"
                raise Mistake("E0607", message, node.span, help="leave the unit out")

    def lookup(self, name: str, span: Span, frame: Frame) -> Any:
        """What a name stands for."""
        found = frame.find(name)
        if found is None:
            raise unknown_name(name, span, frame.visible())
        value = found.names[name]
        if isinstance(value, Poison):
            raise Poisoned
        return value

    # checked readings of values

    def number(self, node: ast.Expression, at: Place) -> Number:
        """An expression that must be a number."""
        value = self.evaluate(node, at)
        if not isinstance(value, Number):
            raise Mistake("E0302", f"a number was expected, found {describe(value)}", node.span)
        return value

    def constant(self, node: ast.Expression, at: Place) -> Fraction:
        """An expression that must be a number and not depend on decisions."""
        return self._constant(self.number(node, at), node.span)

    def _constant(self, number: Any, span: Span) -> Fraction:
        if not isinstance(number, Number):
            raise Mistake("E0302", f"a number was expected, found {describe(number)}", span)
        value = number.constant
        if value is None:
            message = f"the value {number} depends on a decision, and a constant is needed here"
            raise Mistake("E0302", message, span)
        return value

    def integer(self, node: ast.Expression, at: Place) -> int:
        """An expression that must be a constant integer."""
        value = self.constant(node, at)
        if value.denominator != 1:
            raise Mistake("E0306", f"an integer was expected, found {value}", node.span)
        return int(value)

    def sequence(self, node: ast.Expression, at: Place) -> tuple[Any, ...]:
        """An expression that must be a sequence."""
        value = self.evaluate(node, at)
        if not isinstance(value, tuple):
            hint = "write a range such as 0..4, or a set such as {1, 2}" if isinstance(value, Number) else None
            raise Mistake("E0305", f"a sequence was expected, found {describe(value)}", node.span, help=hint)
        return value

    def plain(self, node: ast.Expression, value: Any) -> int | str:
        """A value that can index or be a member: an integer or a string."""
        if isinstance(value, str):
            return value
        if isinstance(value, Number):
            constant = self._constant(value, node.span)
            if constant.denominator == 1:
                return int(constant)
        inner = node.items[0] if isinstance(node, ast.Sequence) and len(node.items) == 1 else None
        hint = None
        if isinstance(value, tuple):
            written = inner.span.text if isinstance(inner, ast.Range) else "4..8"
            hint = f"a range in braces is one member; write {written}, without braces"
        raise Mistake("E0306", f"an integer or a string was expected, found {_shown(value)}", node.span, help=hint)

    def key(self, index: tuple[ast.Expression, ...], at: Place) -> Key:
        """The value of an index."""
        return tuple(self.plain(node, self.evaluate(node, at)) for node in index)

    def condition(self, node: ast.Expression, at: Place) -> bool | Condition:
        """An expression that must be a condition, on decisions or decided already."""
        value = self.evaluate(node, at)
        if not isinstance(value, bool | Condition):
            raise Mistake("E0302", f"a condition was expected, found {describe(value)}", node.span)
        return value

    def holds(self, node: ast.Expression, at: Place) -> bool:
        """A condition that must be decidable now."""
        value = self.condition(node, at)
        if isinstance(value, Condition):
            message = f"`{node.span.text}` depends on `{value.decisions[0]}`, and it must be known here"
            hint = "what decisions decide is selected by an expression: y = a if d > 2 else b"
            raise Mistake("E0307", message, node.span, "depends on a decision", help=hint)
        return value

    def branch(self, node: ast.Conditional, at: Place) -> ast.Expression:
        """The arm of a conditional that counts."""
        return node.then if self.holds(node.condition, at) else node.otherwise

    def _conditional(self, node: ast.Conditional, at: Place) -> Any:
        condition = self.condition(node.condition, at)
        if isinstance(condition, bool):
            return self.evaluate(node.then if condition else node.otherwise, at)
        then = self.evaluate(node.then, replace(at, binding=at.named("then"), turn=""))
        otherwise = self.evaluate(node.otherwise, replace(at, binding=at.named("otherwise"), turn=""))
        decisions, holds = condition.decisions, condition.holds
        return self.conditions.select(
            decisions,
            lambda point: then if tuple(point[d] for d in decisions) in holds else otherwise,
            at.frame.scope,
            at.named("either"),
            node.span,
        )

    def feature_map(self, value: Any, span: Span) -> MapValue:
        """A value that must be a feature map."""
        if not isinstance(value, MapValue):
            raise NeedsMap("E0303", f"a feature map was expected, found {describe(value)}", span, value)
        return value

    # generators

    def turns(self, generator: ast.Generator, at: Place) -> Iterator[tuple[Frame, tuple[Any, ...], Atom | None]]:
        """The turns of a loop: a frame with its names, their values, and under which condition it takes place."""
        value = self.evaluate(generator.domain, at)
        decision = value.decision if isinstance(value, PickValue) else None
        if isinstance(value, PickValue):
            members: tuple[Any, ...] = tuple(m if isinstance(m, str) else Number.of(m) for m in value.members)
        elif isinstance(value, tuple):
            members = value
        else:
            message = f"a loop runs over a sequence, found {describe(value)}"
            raise Mistake("E0305", message, generator.domain.span)
        for member in members:
            items = member if len(generator.names) > 1 and isinstance(member, tuple) else (member,)
            if len(items) != len(generator.names):
                message = f"the loop names {len(generator.names)} values, a member of its domain has {len(items)}"
                raise Mistake("E0305", message, generator.span)
            frame = Frame(at.frame, at.frame.scope, loop=True)
            for name, item in zip(generator.names, items, strict=True):
                self.define(frame, name, item, generator.span)
            if generator.guard is None or self.holds(generator.guard, replace(at, frame=frame)):
                atom = Atom(decision, self.plain(generator.domain, member)) if decision else None
                yield frame, items, atom

    def define(self, frame: Frame, name: str, value: Any, span: Span) -> None:
        """Give a name its value; names of enclosing loops and of the block itself cannot be redefined."""
        outer: Frame | None = frame
        while outer is not None:
            if name in outer.names and not isinstance(outer.names[name], Poison):
                labels = (Label(outer.places[name], "first defined here"),) if name in outer.places else ()
                hint = "what a loop defines in every turn needs an index: `y[i] = ...`" if outer is not frame else None
                raise Mistake("E0202", f"`{name}` is already defined", span, "again", help=hint, labels=labels)
            outer = outer.parent if outer.loop else None
        frame.names[name] = value
        frame.places[name] = span

    # kinds of expressions

    def _range(self, node: ast.Range, at: Place) -> tuple[Number, ...]:
        low, high = self.integer(node.low, at), self.integer(node.high, at) + node.inclusive
        if high - low > MAX_LENGTH:
            raise Mistake("E0701", f"the range has {high - low} members, over the limit of {MAX_LENGTH}", node.span)
        return tuple(Number.of(i) for i in range(low, high))

    def _binary(self, node: ast.Binary, at: Place) -> Any:
        if node.operator in ("and", "or"):
            return self._connective(node, at)
        left, right = self.evaluate(node.left, at), self.evaluate(node.right, at)
        if node.operator == "in":
            return self._member(node, left, right)
        if node.operator in ("==", "!=") and not (isinstance(left, Number) and isinstance(right, Number)):
            return self._equal(node, left, right)
        for side, value in ((node.left, left), (node.right, right)):
            if not isinstance(value, Number):
                both = node.operator == "+" and isinstance(left, MapValue) and isinstance(right, MapValue)
                hint = f"write sum({node.left.span.text}, {node.right.span.text})" if both else None
                message = f"`{node.operator}` needs numbers, found {describe(value)}"
                raise Mistake("E0302", message, side.span, help=hint)
        if node.operator in _COMPARISONS:
            return self._compared(node, left, right)
        return self._arithmetic(node, left, right)

    def _connective(self, node: ast.Binary, at: Place) -> bool | Condition:
        left, decided = self.condition(node.left, at), node.operator == "or"
        if left is decided:
            return left
        right = self.condition(node.right, at)
        if isinstance(left, Condition) and isinstance(right, Condition):
            join = self.conditions.either if decided else self.conditions.both
            return join(left, right, node.span)
        return left if isinstance(left, Condition) and right is not decided else right

    def _member(self, node: ast.Binary, left: Any, right: Any) -> bool | Condition:
        if isinstance(right, PickValue):
            message = f"`{node.span.text}` asks whether `{right.decision}` has a member, which no condition can"
            raise Mistake("E0307", message, node.span, help="consume the pick: sum(f(j) for j in ins)")
        if not isinstance(right, tuple):
            raise Mistake("E0305", f"`in` needs a sequence, found {describe(right)}", node.right.span)
        if _undecided(left):
            members = [self._labelled(left, item, node) for item in right]
            return self.conditions.among([left], lambda value: value in members, node.span)
        return left in right

    def _equal(self, node: ast.Binary, left: Any, right: Any) -> bool | Condition:
        wanted = node.operator == "=="
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Choice) and isinstance(other, str | Choice):
                label = self._labelled(one, other, node) if isinstance(other, str) else other
                if not _undecided(one) and isinstance(label, str):
                    return bool((one.alternatives[0][0] == label) == wanted)
                return self.conditions.among([one, label], lambda a, b: (a == b) == wanted, node.span)
        return bool((left == right) == wanted)

    def _labelled(self, choice: Any, value: Any, node: ast.Binary) -> Any:
        """What a choice or a number is compared with; a choice has the label."""
        if isinstance(value, Number):
            return self._constant(value, node.right.span)
        if isinstance(choice, Choice) and choice.decision:
            known = [str(label) for label in self.conditions.domain(choice.decision)]
            if value not in known:
                near = difflib.get_close_matches(str(value), known, 1)
                hint = f"did you mean `{near[0]}`?" if near else f"its alternatives are: {', '.join(known)}"
                raise Mistake("E0404", f"`{choice.name}` has no alternative `{value}`", node.span, help=hint)
        return value

    def _compared(self, node: ast.Binary, left: Number, right: Number) -> bool | Condition:
        compare = _COMPARISONS[node.operator]
        difference = (left - right).constant
        if difference is not None:
            return bool(compare(difference, 0))
        return self.conditions.among([left, right], compare, node.span)

    def _arithmetic(self, node: ast.Binary, left: Number, right: Number) -> Number | bool:
        match node.operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                divisor = self._constant(right, node.right.span)
                if divisor == 0:
                    raise Mistake("E0302", "division by zero", node.span)
                return left / divisor
            case "^":
                exponent = self._constant(right, node.right.span)
                if exponent.denominator != 1 or not 0 <= exponent <= MAX_EXPONENT:
                    message = f"an exponent is an integer from 0 to {MAX_EXPONENT}, found {exponent}"
                    raise Mistake("E0306", message, node.right.span)
                return math.prod([left] * int(exponent), start=Number.of(1))
        raise AssertionError(node.operator)

    def _unary(self, node: ast.Unary, at: Place) -> Any:
        if node.operator == "-":
            return -self.number(node.operand, at)
        value = self.condition(node.operand, at)
        return self.conditions.negated(value) if isinstance(value, Condition) else not value

    def _subscript(self, node: ast.Subscript, at: Place) -> Any:
        base = self.evaluate(node.base, at)
        index = [self.evaluate(item, at) for item in node.index]
        undecided = [value for value in index if isinstance(value, Number) and value.constant is None]
        if not undecided:
            key = tuple(self.plain(item, value) for item, value in zip(node.index, index, strict=True))
            return self._element(node, base, key)

        def element(point: Any) -> Any:
            values = [Number.of(value_at(v, point)) if isinstance(v, Number) else v for v in index]
            key = tuple(self.plain(item, value) for item, value in zip(node.index, values, strict=True))
            return self._element(node, base, key, point)

        decisions = self.conditions.decisions_of(undecided, node.span)
        name = at.named(node.base.text if isinstance(node.base, ast.Name) else "either")
        return self.conditions.select(decisions, element, at.frame.scope, name, node.span)

    def _element(self, node: ast.Subscript, base: Any, key: Key, point: Any = None) -> Any:
        """An element; `point` has the values of the decisions that ask for it."""
        asked = f", which {' and '.join(f'{d} = {value}' for d, value in point.items())} asks for" if point else ""
        if isinstance(base, Family):
            if key not in base.elements:
                known = ", ".join(_bracketed(base.name, k) for k in list(base.elements)[:8])
                message = f"there is no `{_bracketed(base.name, key)}`{asked}"
                raise Mistake("E0203", message, node.span, help=f"defined so far: {known}")
            value = base.elements[key]
            if isinstance(value, Poison):
                raise Poisoned
            return value
        if isinstance(base, tuple):
            if len(key) != 1 or not isinstance(key[0], int) or not -len(base) <= key[0] < len(base):
                message = f"index {', '.join(map(str, key))} is outside a sequence of {len(base)}{asked}"
                raise Mistake("E0203", message, node.span, help=f"indices go from 0 to {len(base) - 1}")
            return base[key[0]]
        raise Mistake("E0305", f"{describe(base)} has no elements", node.base.span)

    def _attribute(self, node: ast.Attribute, at: Place) -> Any:
        base = self.evaluate(node.base, at)
        if isinstance(base, NextCell):
            found = base.frame.names.get(node.name)
            if isinstance(found, Number):
                return found
            known = sorted(name for name, value in base.frame.names.items() if isinstance(value, Number))
            message = f"the next cell has no number `{node.name}`"
            raise Mistake("E0205", message, node.span, help=f"its numbers are: {', '.join(known)}")
        if isinstance(base, RouteValue) and node.name == "end":
            return self.route_map(base, "end", [], at, node.span)
        if isinstance(base, RouteValue) and node.name == "last":
            return Builtin("last", lambda *arguments: self.route_map(base, "last", list(arguments), at, node.span))
        hint = "a route has `.end` and `.last(r)`; in a grid, `next` has the numbers of the next cell"
        if isinstance(base, MapValue):
            hint = f"an operation is applied with `>>`: {node.base.span.text} >> {node.name}(...)"
        raise Mistake("E0205", f"{describe(base)} has no attribute `{node.name}`", node.span, help=hint)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _undecided(value: Any) -> bool:
    """Whether decisions decide it: a choice with several alternatives, a number that is no constant."""
    return bool(value.decision) if isinstance(value, Choice) else isinstance(value, Number) and value.constant is None


def _bracketed(name: str, key: Key) -> str:
    return f"{name}[{', '.join(map(str, key))}]"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Number) else describe(value)

"""Laying Python expressions out as `ruff format` does: on one line where they fit, else one element a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

LINE = 120
"""Columns of a line."""


@dataclass(frozen=True, slots=True)
class Nest:
    """Elements between brackets: a call, a tuple, a dict.

    Attributes:
        head: What stands before the elements, with the opening bracket.
        elements: In order.
        close: The closing bracket, with what follows it.
        broken: Whether to put every element on a line of its own although they would fit on one.
        comments: By position of an element: what is said behind it, or above it where the line is full.
        separator: What stands between elements: a comma, or nothing between the clauses of a comprehension.
    """

    head: str
    elements: tuple[Expression, ...]
    close: str = ")"
    broken: bool = False
    comments: dict[int, str] = field(default_factory=dict)
    separator: str = ","

    def flat(self) -> str:
        """On one line."""
        inner = f"{self.separator} ".join(flat(element) for element in self.elements)
        comma = "," if self.head.endswith("(") and self.close.startswith(")") and self._is_tuple() else ""
        return f"{self.head}{inner}{comma}{self.close}"

    def _is_tuple(self) -> bool:
        return len(self.elements) == 1 and self.head in ("(", "((") and self.separator == ","


@dataclass(frozen=True, slots=True)
class Prefixed:
    """An element with something before it: `k=3`, `"key": value`."""

    prefix: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms to be added, as the value of a statement: in parentheses where they do not fit on one line."""

    terms: tuple[str, ...]

    def flat(self) -> str:
        """On one line."""
        return " + ".join(self.terms)


Expression = str | Nest | Prefixed | Sum


def flat(expression: Expression) -> str:
    """An expression on one line."""
    if isinstance(expression, str):
        return expression
    return expression.prefix + flat(expression.value) if isinstance(expression, Prefixed) else expression.flat()


def _must_break(expression: Expression) -> bool:
    if isinstance(expression, Prefixed):
        return _must_break(expression.value)
    if isinstance(expression, Nest):
        return bool(expression.elements) and (expression.broken or any(map(_must_break, expression.elements)))
    return False


def lay_out(before: str, expression: Expression, after: str, indent: int, comment: str = "") -> list[str]:
    """The lines of `before expression after`, indented by a number of columns, with a comment."""
    lines = _broken(before, expression, after, indent)
    if not comment:
        return lines
    # A remark that does not fit behind goes above.
    if len(lines[-1]) + len(comment) + 4 <= LINE:
        return [*lines[:-1], f"{lines[-1]}  # {comment}"]
    return [" " * indent + line for line in _comment_lines(comment, LINE - indent)] + lines


def _comment_lines(comment: str, width: int) -> list[str]:
    lines = ["#"]
    for word in comment.split(" "):
        if len(lines[-1]) + 1 + len(word) > width and lines[-1] != "#":
            lines.append("#")
        lines[-1] += f" {word}"
    return lines


def _broken(before: str, expression: Expression, after: str, indent: int) -> list[str]:
    line = f"{' ' * indent}{before}{flat(expression)}{after}"
    while isinstance(expression, Prefixed):
        before, expression = before + expression.prefix, expression.value
    if isinstance(expression, Sum):
        return [line] if len(line) <= LINE else _added(before, expression, after, indent)
    if isinstance(expression, str) or not expression.elements:
        return [line]
    if len(line) <= LINE and not _must_break(expression):
        return [line]
    lines = [f"{' ' * indent}{before}{expression.head}"]
    for place, element in enumerate(expression.elements):
        lines += lay_out("", element, expression.separator, indent + 4, expression.comments.get(place, ""))
    return [*lines, f"{' ' * indent}{expression.close}{after}"]


def _added(before: str, expression: Sum, after: str, indent: int) -> list[str]:
    inner = [f"{' ' * (indent + 4)}{expression.flat()}"]
    if len(inner[0]) > LINE:
        first, *others = expression.terms
        inner = [" " * (indent + 4) + term for term in (first, *(f"+ {other}" for other in others))]
    return [f"{' ' * indent}{before}(", *inner, f"{' ' * indent}){after}"]


def quoted(text: str) -> str:
    """A string literal in double quotes.

    >>> print(quoted('say "a"'), quoted("it's"))
    'say "a"' "it's"
    """
    body = repr("'" + text)
    return '"' + body[2:-1] + '"' if body[0] == '"' else repr(text)


def literal(value: Any) -> Expression:
    """Plain data as an expression.

    >>> flat(literal({"a": (1, "b"), "c": (2,)}))
    '{"a": (1, "b"), "c": (2,)}'
    """
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        items = tuple(Prefixed(f"{flat(literal(key))}: ", literal(item)) for key, item in value.items())
        return Nest("{", items, "}")
    if isinstance(value, tuple):
        return Nest("(", tuple(map(literal, value))) if value else "()"
    if isinstance(value, list):
        return Nest("[", tuple(map(literal, value)), "]")
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    if isinstance(value, bool | int | float):
        return repr(value)
    raise TypeError(f"no literal for {value!r}")


def prose(text: str) -> str:
    """Text for a docstring or comment: on one line, with nothing that could end it or start an escape."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("\\", "/").replace('"""', "'''")


def wrapped(words: str, indent: int, width: int = LINE) -> list[str]:
    """A paragraph as lines that fit."""
    lines = [""]
    for word in words.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) + indent > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines


def joined(parts: Sequence[str]) -> str:
    """Those that are not empty, with commas between."""
    return ", ".join(part for part in parts if part)

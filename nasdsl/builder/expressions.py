"""Expressions of the language as Python values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any, NoReturn

from nasdsl.diagnostics.errors import NasError
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.print_expressions import digits
from nasdsl.syntax.printer import print_expression
from nasdsl.syntax.tables import tables

NOWHERE = Span(Source("<builder>", ""), 0, 0)
"""The span of what was written in Python."""
UNITS = ("us", "ms", "s", "uJ", "mJ", "J", "K", "M", "G", "B", "KB", "MB", "GB")

Value = Any
"""What stands for an expression: an `Expression`, a number, a condition, a string, a list (a set of the language, in
its order), a tuple of several, or a `range`."""


class Expression:
    """An expression of the language; Python's operators make larger ones.

    `x >> f(8, k=3)`, `y[i, 0]`, `next.c`, `+ - * /`, `**` for a power, comparisons, `& | ~` for and, or and not.

    >>> i, w = name("i"), name("w")
    >>> name("y")[i + 1] >> std.conv_bn(2**i * w / 8, k=3)
    y[i+1] >> conv_bn(2^i * w/8, k = 3)
    >>> where((i >= 2) & ~(i == 4), 1, -i)
    1 if i >= 2 and not i == 4 else -i
    """

    __slots__ = ("_node",)
    __hash__ = None  # type: ignore[assignment]  # `==` makes a comparison of the language

    def __init__(self, node: ast.Expression) -> None:
        self._node = node

    def __repr__(self) -> str:
        return print_expression(self._node)

    def __call__(self, *arguments: Value, **named: Value) -> Expression:
        """The call of what this expression names; its one argument may be made by `each`."""
        if len(arguments) == 1 and isinstance(arguments[0], Each) and not named:
            each = arguments[0]
            return Expression(ast.Call(NOWHERE, self._node, (each.argument,), each.generator))
        return Expression(ast.Call(NOWHERE, self._node, arguments_of(arguments, named)))

    def __getitem__(self, index: Value) -> Expression:
        return Expression(ast.Subscript(NOWHERE, self._node, indices_of(index)))

    def __getattr__(self, attribute: str) -> Expression:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return Expression(ast.Attribute(NOWHERE, self._node, identifier(attribute)))

    def __rshift__(self, operation: Value) -> Expression:
        return Expression(ast.Pipe(NOWHERE, self._node, node_of(operation)))

    def is_in(self, domain: Value) -> Expression:
        """The condition `self in domain`."""
        return _binary("in", self, domain)

    def __add__(self, other: Value) -> Expression:
        return _binary("+", self, other)

    def __radd__(self, other: Value) -> Expression:
        return _binary("+", other, self)

    def __sub__(self, other: Value) -> Expression:
        return _binary("-", self, other)

    def __rsub__(self, other: Value) -> Expression:
        return _binary("-", other, self)

    def __mul__(self, other: Value) -> Expression:
        return _binary("*", self, other)

    def __rmul__(self, other: Value) -> Expression:
        return _binary("*", other, self)

    def __truediv__(self, other: Value) -> Expression:
        return _binary("/", self, other)

    def __rtruediv__(self, other: Value) -> Expression:
        return _binary("/", other, self)

    def __pow__(self, other: Value) -> Expression:
        return _binary("^", self, other)

    def __rpow__(self, other: Value) -> Expression:
        return _binary("^", other, self)

    def __neg__(self) -> Expression:
        return Expression(ast.Unary(NOWHERE, "-", self._node))

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("==", self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("!=", self, other)

    def __lt__(self, other: Value) -> Expression:
        return _binary("<", self, other)

    def __le__(self, other: Value) -> Expression:
        return _binary("<=", self, other)

    def __gt__(self, other: Value) -> Expression:
        return _binary(">", self, other)

    def __ge__(self, other: Value) -> Expression:
        return _binary(">=", self, other)

    def __and__(self, other: Value) -> Expression:
        return _binary("and", self, other)

    def __rand__(self, other: Value) -> Expression:
        return _binary("and", other, self)

    def __or__(self, other: Value) -> Expression:
        return _binary("or", self, other)

    def __ror__(self, other: Value) -> Expression:
        return _binary("or", other, self)

    def __invert__(self) -> Expression:
        return Expression(ast.Unary(NOWHERE, "not", self._node))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"Python cannot decide `{self!r}`: write & | ~ for and, or and not, where(condition, a, b) for "
            "a if condition else b, and (a < b) & (b < c) for a < b < c"
        )

    def __iter__(self) -> NoReturn:
        raise TypeError(
            f"Python cannot go through `{self!r}`: write each(names, domain, ...) in a call, for_ in a body"
        )

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError("Python cannot decide `in`: write item.is_in(domain)")


class Each:
    """The argument of a call that is repeated, made by `each`."""

    __slots__ = ("argument", "generator")

    def __init__(self, argument: ast.Argument, generator: ast.Generator) -> None:
        self.argument = argument
        self.generator = generator


class _Names:
    """Makes the name of each attribute: `std.conv_bn_relu`."""

    def __getattr__(self, text: str) -> Expression:
        if text.startswith("__"):
            raise AttributeError(text)
        return name(text)


std = _Names()
"""The names that every text sees, operations, losses, metrics and devices, as attributes: `std.sep_conv(k=3)`."""


def name(text: str) -> Expression:
    """The expression of a name that no method gave, such as that of a family of maps, of which y[0] is one.

    Raises:
        NasError: The text cannot be a name of the language.
    """
    return Expression(ast.Name(NOWHERE, identifier(text)))


def where(condition: Value, then: Value, otherwise: Value) -> Expression:
    """`then if condition else otherwise`."""
    return Expression(ast.Conditional(NOWHERE, node_of(condition), node_of(then), node_of(otherwise)))


def until(low: Value, high: Value) -> Expression:
    """The range `low..high`, without its end."""
    return Expression(ast.Range(NOWHERE, node_of(low), node_of(high), inclusive=False))


def through(low: Value, high: Value) -> Expression:
    """The range `low..=high`, with its end."""
    return Expression(ast.Range(NOWHERE, node_of(low), node_of(high), inclusive=True))


def quantity(value: int | float | Fraction, unit: str) -> Expression:
    """A number with its unit, in a requirement: `quantity(8.3, "ms")`.

    Raises:
        NasError: There is no such unit, or the number is negative or has no end.
    """
    if unit not in UNITS:
        raise NasError(f"`{unit}` is no unit", help=f"units are {', '.join(UNITS)}")
    number = _fraction(value)
    try:
        digits(number)
    except ValueError as error:
        raise NasError(f"a quantity is a decimal number: {error}") from None
    return Expression(ast.Quantity(NOWHERE, number, unit))


def each(
    names: str | Sequence[str], domain: Value, value: Callable[..., Value], when: Callable[..., Value] | None = None
) -> Each:
    """The one argument of a call that is repeated: `f(value for names in domain when guard)`.

    Args:
        names: The name, or the names, of what the domain has.
        domain: What they go through.
        value: The argument, as a function of the names.
        when: The guard, as a function of the names.

    >>> std.sum(each("j", name("ins"), lambda j: std.skip(name("x")[j]), when=lambda j: j > 0))
    sum(skip(x[j]) for j in ins when j > 0)
    """
    texts = (names,) if isinstance(names, str) else tuple(names)
    bound = [name(text) for text in texts]
    guard = None if when is None else node_of(when(*bound))
    argument = ast.Argument(NOWHERE, None, node_of(value(*bound)))
    return Each(argument, ast.Generator(NOWHERE, texts, node_of(domain), guard))


def identifier(text: str) -> str:
    """The text, if it can be a name of the language.

    Raises:
        NasError: It cannot.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise NasError(
            f"{text!r} is no name", help="names have letters a to z, digits and `_`, and begin with no digit"
        )
    if text in tables().keywords:
        raise NasError(f"`{text}` is a word of the language and cannot be a name", help=f"call it `{text}_`, perhaps")
    return text


def node_of(value: Value) -> ast.Expression:
    """The syntax of a value.

    Raises:
        NasError: It is a string that cannot be written.
        TypeError: It stands for no expression.
    """
    match value:
        case Expression():
            return value._node
        case bool():
            return ast.Name(NOWHERE, str(value).lower())
        case int() | Fraction() | float():
            return _number(_fraction(value))
        case str():
            return text_of(value)
        case list():
            return ast.Sequence(NOWHERE, tuple(node_of(item) for item in value), "{}")
        case tuple() if len(value) > 1:
            return ast.Sequence(NOWHERE, tuple(node_of(item) for item in value), "()")
        case range() if value.step == 1:
            return node_of(until(value.start, value.stop))
        case Each():
            raise TypeError("each(...) is the only argument of a call, as in std.sum(each(...))")
    hint = (
        "a set has no order: write a list"
        if isinstance(value, set | frozenset)
        else "expected an Expression, a number, a string, a list, a tuple of several or a range"
    )
    raise TypeError(f"{value!r} stands for no expression of the language; {hint}")


def text_of(value: str) -> ast.Text:
    """A string of the language.

    Raises:
        NasError: It has a quote, a backslash or an end of line, which strings of the language cannot have.
    """
    if re.search(r'["\\\n]', value):
        raise NasError(
            f"{value!r} cannot be written as a string", help="leave out quotes, backslashes and ends of lines"
        )
    return ast.Text(NOWHERE, value)


def arguments_of(arguments: Iterable[Value], named: dict[str, Value]) -> tuple[ast.Argument, ...]:
    """The arguments of a call."""
    by_position = [ast.Argument(NOWHERE, None, node_of(value)) for value in arguments]
    by_name = [ast.Argument(NOWHERE, identifier(key), node_of(value)) for key, value in named.items()]
    return (*by_position, *by_name)


def indices_of(index: Value) -> tuple[ast.Expression, ...]:
    """What stands in the brackets after a name."""
    return tuple(node_of(item) for item in (index if isinstance(index, tuple) else (index,)))


def _fraction(value: int | float | Fraction) -> Fraction:
    if isinstance(value, float) and not isfinite(value):
        raise NasError(f"{value} is no number of the language", help="numbers are finite")
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


def _number(value: Fraction) -> ast.Expression:
    if value < 0:
        return ast.Unary(NOWHERE, "-", _number(-value))
    try:
        digits(value)
    except ValueError:
        parts = (ast.Number(NOWHERE, Fraction(part)) for part in (value.numerator, value.denominator))
        return ast.Binary(NOWHERE, "/", *parts)
    return ast.Number(NOWHERE, value)


def _binary(operator: str, left: Value, right: Value) -> Expression:
    return Expression(ast.Binary(NOWHERE, operator, node_of(left), node_of(right)))

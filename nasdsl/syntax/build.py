"""From what the parser reads to the abstract syntax: one method a grammar rule."""
# ruff: noqa: D102

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any, Literal

from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.lexer import Token


class AstBuilder:
    """Builds the abstract syntax of one source: each method has the name of a rule and makes its node.

    `items` are what the rule's parts gave, without the tokens whose name starts with `_` and plain punctuation.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.grouped: set[tuple[int, int]] = set()

    def start(self, span: Span, items: list[Any]) -> ast.File:
        whole = Span(self.source, 0, len(self.source.text))
        return ast.File(whole, tuple(items), frozenset(self.grouped))

    def space(self, span: Span, items: list[Any]) -> ast.Space:
        name, parameters, *body = items
        return ast.Space(span, name.text, parameters, tuple(body))

    def parameters(self, span: Span, items: list[Any]) -> tuple[ast.Parameter, ...]:
        return tuple(items)

    def parameter(self, span: Span, items: list[Any]) -> ast.Parameter:
        return ast.Parameter(span, items[0].text, items[1] if len(items) > 1 else None)

    # statements

    def input(self, span: Span, items: list[Any]) -> ast.Input:
        return ast.Input(span, items[0].text, items[1])

    def block(self, span: Span, items: list[Any]) -> ast.Block:
        sharing, (target, parameters, *body) = _sharing(items)
        return ast.Block(span, target, parameters, tuple(body), sharing, short=False)

    def short_block(self, span: Span, items: list[Any]) -> ast.Block:
        sharing, (target, parameters, value) = _sharing(items)
        body = (ast.Return(value.span, (value,)),)
        return ast.Block(span, target, parameters, body, sharing, short=True)

    def extern(self, span: Span, items: list[Any]) -> ast.Extern:
        name, parameters, shape, target = items
        return ast.Extern(span, name.text, parameters, shape, self._text(target))

    def import_(self, span: Span, items: list[Any]) -> ast.Import:
        return ast.Import(span, self._text(items[0]), tuple(items[1:]))

    def imported(self, span: Span, items: list[Any]) -> ast.Imported:
        alias = items[1].text if len(items) > 1 else None
        return ast.Imported(span, items[0].text, alias)

    def _text(self, token: Token) -> ast.Text:
        return ast.Text(Span(self.source, token.start, token.end), token.text[1:-1])

    def assign(self, span: Span, items: list[Any]) -> ast.Assign:
        *targets, value = items
        return ast.Assign(span, tuple(targets), value)

    def target(self, span: Span, items: list[Any]) -> ast.Target:
        return ast.Target(span, items[0].text, items[1] if len(items) > 1 else None)

    def index(self, span: Span, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)

    def choose(self, span: Span, items: list[Any]) -> ast.Choose:
        target, _, *alternatives = items
        return ast.Choose(span, target, tuple(alternatives))

    def alternative(self, span: Span, items: list[Any]) -> ast.Alternative:
        soft, items = _flag(items, "SOFT")
        label = items[0].text if len(items) > 1 else None
        return ast.Alternative(span, label, items[-1], soft)

    def pick(self, span: Span, items: list[Any]) -> ast.Pick:
        target, _, count, members = items
        return ast.Pick(span, target, count, members)

    def width(self, span: Span, items: list[Any]) -> ast.Width:
        target, _, domain = items
        return ast.Width(span, target, domain)

    def depth(self, span: Span, items: list[Any]) -> ast.Depth:
        target, _, domain = items
        return ast.Depth(span, target, domain)

    def grid(self, span: Span, items: list[Any]) -> ast.Grid:
        name, *rest = items
        binders = tuple(item for item in rest if isinstance(item, ast.Binder))
        start, source, *body = rest[len(binders) :]
        return ast.Grid(span, name.text, binders, start, source, tuple(body))

    def binder(self, span: Span, items: list[Any]) -> ast.Binder:
        return ast.Binder(span, items[0].text, items[2])

    def link(self, span: Span, items: list[Any]) -> ast.Link:
        return ast.Link(span, items[0], items[1], items[2] if len(items) > 2 else None)

    def route(self, span: Span, items: list[Any]) -> ast.Route:
        target, _, grid, end = items
        return ast.Route(span, target, grid.text, end)

    def pattern(self, span: Span, items: list[Any]) -> tuple[str, ...]:
        return tuple(item.text for item in items)

    def for_(self, span: Span, items: list[Any]) -> ast.For:
        names, _, domain, *rest = items
        guard = rest.pop(0) if rest and isinstance(rest[0], ast.Expression) else None
        generator = ast.Generator(span, names, domain, guard)
        return ast.For(span, generator, tuple(rest))

    def return_(self, span: Span, items: list[Any]) -> ast.Return:
        return ast.Return(span, tuple(items))

    def task(self, span: Span, items: list[Any]) -> ast.Task:
        aux, (target, value, *rest) = _flag(items, "AUX")
        guard = rest.pop(0) if rest and isinstance(rest[0], ast.Expression) else None
        return ast.Task(span, target, value, guard, tuple(rest), aux)

    def loss(self, span: Span, items: list[Any]) -> ast.Clause:
        return ast.Clause(span, "loss", items[0])

    def metric(self, span: Span, items: list[Any]) -> ast.Clause:
        return ast.Clause(span, "metric", items[0])

    def weight(self, span: Span, items: list[Any]) -> ast.Clause:
        return ast.Clause(span, "weight", items[0])

    def require(self, span: Span, items: list[Any]) -> ast.Require:
        return ast.Require(span, items[0])

    def at_most(self, span: Span, items: list[Any]) -> ast.AtMost:
        count, which = items
        return ast.AtMost(span, count, which)

    def predict(self, span: Span, items: list[Any]) -> ast.Predict:
        name, arguments, *clauses = items
        return ast.Predict(span, name.text, arguments, tuple(clauses))

    def preset(self, span: Span, items: list[Any]) -> ast.Preset:
        name, *body = items
        arguments = body.pop(0) if body and isinstance(body[0], tuple) else ()
        return ast.Preset(span, name.text, arguments, tuple(body))

    def restrict_value(self, span: Span, items: list[Any]) -> ast.Restriction:
        return ast.Restriction(span, items[0], items[1], single=True)

    def restrict_set(self, span: Span, items: list[Any]) -> ast.Restriction:
        return ast.Restriction(span, items[0], items[2], single=False)

    def path(self, span: Span, items: list[Any]) -> tuple[ast.Step, ...]:
        return tuple(items)

    def step(self, span: Span, items: list[Any]) -> ast.Step:
        return ast.Step(span, items[0].text, tuple(items[1:]) or None)

    def place(self, span: Span, items: list[Any]) -> Any:
        return items[0]

    def any_place(self, span: Span, items: list[Any]) -> None:
        return None

    # expressions

    def conditional(self, span: Span, items: list[Any]) -> ast.Conditional:
        then, condition, otherwise = items
        return ast.Conditional(span, condition, then, otherwise)

    def binary(self, span: Span, items: list[Any]) -> ast.Binary:
        left, operator, right = items
        return ast.Binary(span, operator.text, left, right)

    def unary(self, span: Span, items: list[Any]) -> ast.Unary:
        return ast.Unary(span, items[0].text, items[1])

    def pipe(self, span: Span, items: list[Any]) -> ast.Pipe:
        return ast.Pipe(span, *items)

    def range(self, span: Span, items: list[Any]) -> ast.Range:
        low, dots, high = items
        return ast.Range(span, low, high, dots.text == "..=")

    def call(self, span: Span, items: list[Any]) -> ast.Call:
        function, (arguments, generator) = items
        return ast.Call(span, function, arguments, generator)

    def call_arguments(self, span: Span, items: list[Any]) -> tuple[tuple[ast.Argument, ...], None]:
        return tuple(items), None

    def generated(self, span: Span, items: list[Any]) -> tuple[tuple[ast.Argument, ...], ast.Generator]:
        return (items[0],), items[1]

    def generator(self, span: Span, items: list[Any]) -> ast.Generator:
        names, _, domain, *guard = items
        return ast.Generator(span, names, domain, guard[0] if guard else None)

    def arguments(self, span: Span, items: list[Any]) -> tuple[ast.Argument, ...]:
        return tuple(items)

    def argument(self, span: Span, items: list[Any]) -> ast.Argument:
        return ast.Argument(span, None, items[0])

    def keyword(self, span: Span, items: list[Any]) -> ast.Argument:
        return ast.Argument(span, items[0].text, items[1])

    def subscript(self, span: Span, items: list[Any]) -> ast.Subscript:
        return ast.Subscript(span, items[0], items[1])

    def attribute(self, span: Span, items: list[Any]) -> ast.Attribute:
        return ast.Attribute(span, items[0], items[1].text)

    def name(self, span: Span, items: list[Any]) -> ast.Name:
        return ast.Name(span, items[0].text)

    def number(self, span: Span, items: list[Any]) -> ast.Number:
        return ast.Number(span, _value(items[0].text))

    def quantity(self, span: Span, items: list[Any]) -> ast.Quantity:
        text = items[0].text
        digits = text.rstrip("usmJKMGB \t")
        return ast.Quantity(span, Fraction(digits), text[len(digits) :].strip())

    def string(self, span: Span, items: list[Any]) -> ast.Text:
        return ast.Text(span, items[0].text[1:-1])

    def sequence(self, span: Span, items: list[Any]) -> ast.Sequence:
        return ast.Sequence(span, tuple(items), _BRACKETS[self.source.text[span.start]])

    def group(self, span: Span, items: list[Any]) -> Any:
        self.grouped.add((items[0].span.start, items[0].span.end))
        return items[0]


_BRACKETS: dict[str, Literal["{}", "[]", "()"]] = {"{": "{}", "[": "[]", "(": "()"}


@cache
def _value(digits: str) -> Fraction:
    return Fraction(digits)


def _sharing(items: list[Any]) -> tuple[Any, list[Any]]:
    """What the calls of a block have in common, and the items without that word."""
    if isinstance(items[0], Token):
        return items[0].text, items[1:]
    return "", items


def _flag(items: list[Any], terminal: str) -> tuple[bool, list[Any]]:
    """Whether the first item is the keyword, and the items without it."""
    if items and isinstance(items[0], Token) and items[0].kind == terminal:
        return True, items[1:]
    return False, items

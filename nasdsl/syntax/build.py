"""From lark's parse tree to the abstract syntax: one method a grammar rule."""
# ruff: noqa: D102

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lark import Token, Transformer
from lark.tree import Meta
from lark.visitors import v_args

from nasdsl.source import Source, Span
from nasdsl.syntax import ast


@v_args(meta=True)
class AstBuilder(Transformer[Any, Any]):
    """Builds the abstract syntax of one source."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def _span(self, meta: Meta) -> Span:
        if meta.empty:
            return Span(self.source, len(self.source.text), len(self.source.text))
        return Span(self.source, meta.start_pos, meta.end_pos)

    def start(self, meta: Meta, items: list[Any]) -> ast.File:
        return ast.File(Span(self.source, 0, len(self.source.text)), tuple(items))

    def space(self, meta: Meta, items: list[Any]) -> ast.Space:
        name, parameters, *body = items
        return ast.Space(self._span(meta), str(name), parameters, tuple(body))

    def parameters(self, meta: Meta, items: list[Any]) -> tuple[ast.Parameter, ...]:
        return tuple(items)

    def parameter(self, meta: Meta, items: list[Any]) -> ast.Parameter:
        return ast.Parameter(self._span(meta), str(items[0]), items[1] if len(items) > 1 else None)

    # statements

    def input(self, meta: Meta, items: list[Any]) -> ast.Input:
        return ast.Input(self._span(meta), str(items[0]), items[1])

    def block(self, meta: Meta, items: list[Any]) -> ast.Block:
        sharing, (target, parameters, *body) = _sharing(items)
        return ast.Block(self._span(meta), target, parameters, tuple(body), sharing, short=False)

    def short_block(self, meta: Meta, items: list[Any]) -> ast.Block:
        sharing, (target, parameters, value) = _sharing(items)
        body = (ast.Return(value.span, (value,)),)
        return ast.Block(self._span(meta), target, parameters, body, sharing, short=True)

    def extern(self, meta: Meta, items: list[Any]) -> ast.Extern:
        name, parameters, shape, target = items
        return ast.Extern(self._span(meta), str(name), parameters, shape, self._text(target))

    def import_(self, meta: Meta, items: list[Any]) -> ast.Import:
        return ast.Import(self._span(meta), self._text(items[0]), tuple(items[1:]))

    def imported(self, meta: Meta, items: list[Any]) -> ast.Imported:
        alias = str(items[1]) if len(items) > 1 else None
        return ast.Imported(self._span(meta), str(items[0]), alias)

    def _text(self, token: Token) -> ast.Text:
        span = Span(self.source, token.start_pos or 0, token.end_pos or 0)
        return ast.Text(span, str(token)[1:-1])

    def assign(self, meta: Meta, items: list[Any]) -> ast.Assign:
        *targets, value = items
        return ast.Assign(self._span(meta), tuple(targets), value)

    def target(self, meta: Meta, items: list[Any]) -> ast.Target:
        return ast.Target(self._span(meta), str(items[0]), items[1] if len(items) > 1 else None)

    def index(self, meta: Meta, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)

    def choose(self, meta: Meta, items: list[Any]) -> ast.Choose:
        target, _, *alternatives = items
        return ast.Choose(self._span(meta), target, tuple(alternatives))

    def alternative(self, meta: Meta, items: list[Any]) -> ast.Alternative:
        soft, items = _flag(items, "SOFT")
        label = str(items[0]) if len(items) > 1 else None
        return ast.Alternative(self._span(meta), label, items[-1], soft)

    def pick(self, meta: Meta, items: list[Any]) -> ast.Pick:
        target, _, count, members = items
        return ast.Pick(self._span(meta), target, count, members)

    def width(self, meta: Meta, items: list[Any]) -> ast.Width:
        target, _, domain = items
        return ast.Width(self._span(meta), target, domain)

    def depth(self, meta: Meta, items: list[Any]) -> ast.Depth:
        target, _, domain = items
        return ast.Depth(self._span(meta), target, domain)

    def grid(self, meta: Meta, items: list[Any]) -> ast.Grid:
        name, *rest = items
        binders = tuple(item for item in rest if isinstance(item, ast.Binder))
        start, source, *body = rest[len(binders) :]
        return ast.Grid(self._span(meta), str(name), binders, start, source, tuple(body))

    def binder(self, meta: Meta, items: list[Any]) -> ast.Binder:
        return ast.Binder(self._span(meta), str(items[0]), items[2])

    def link(self, meta: Meta, items: list[Any]) -> ast.Link:
        return ast.Link(self._span(meta), items[0], items[1], items[2] if len(items) > 2 else None)

    def route(self, meta: Meta, items: list[Any]) -> ast.Route:
        target, _, grid, end = items
        return ast.Route(self._span(meta), target, str(grid), end)

    def pattern(self, meta: Meta, items: list[Any]) -> tuple[str, ...]:
        return tuple(str(item) for item in items)

    def for_(self, meta: Meta, items: list[Any]) -> ast.For:
        names, _, domain, *rest = items
        guard = rest.pop(0) if rest and isinstance(rest[0], ast.Expression) else None
        generator = ast.Generator(self._span(meta), names, domain, guard)
        return ast.For(self._span(meta), generator, tuple(rest))

    def return_(self, meta: Meta, items: list[Any]) -> ast.Return:
        return ast.Return(self._span(meta), tuple(items))

    def task(self, meta: Meta, items: list[Any]) -> ast.Task:
        aux, (target, value, *rest) = _flag(items, "AUX")
        guard = rest.pop(0) if rest and isinstance(rest[0], ast.Expression) else None
        return ast.Task(self._span(meta), target, value, guard, tuple(rest), aux)

    def loss(self, meta: Meta, items: list[Any]) -> ast.Clause:
        return ast.Clause(self._span(meta), "loss", items[0])

    def metric(self, meta: Meta, items: list[Any]) -> ast.Clause:
        return ast.Clause(self._span(meta), "metric", items[0])

    def weight(self, meta: Meta, items: list[Any]) -> ast.Clause:
        return ast.Clause(self._span(meta), "weight", items[0])

    def require(self, meta: Meta, items: list[Any]) -> ast.Require:
        return ast.Require(self._span(meta), items[0])

    def at_most(self, meta: Meta, items: list[Any]) -> ast.AtMost:
        count, which = items
        return ast.AtMost(self._span(meta), count, which)

    def predict(self, meta: Meta, items: list[Any]) -> ast.Predict:
        name, arguments, *clauses = items
        return ast.Predict(self._span(meta), str(name), arguments, tuple(clauses))

    def preset(self, meta: Meta, items: list[Any]) -> ast.Preset:
        name, *body = items
        arguments = body.pop(0) if body and isinstance(body[0], tuple) else ()
        return ast.Preset(self._span(meta), str(name), arguments, tuple(body))

    def restrict_value(self, meta: Meta, items: list[Any]) -> ast.Restriction:
        return ast.Restriction(self._span(meta), items[0], items[1], single=True)

    def restrict_set(self, meta: Meta, items: list[Any]) -> ast.Restriction:
        return ast.Restriction(self._span(meta), items[0], items[2], single=False)

    def path(self, meta: Meta, items: list[Any]) -> tuple[ast.Step, ...]:
        return tuple(items)

    def step(self, meta: Meta, items: list[Any]) -> ast.Step:
        return ast.Step(self._span(meta), str(items[0]), tuple(items[1:]) or None)

    def place(self, meta: Meta, items: list[Any]) -> Any:
        return items[0]

    def any_place(self, meta: Meta, items: list[Any]) -> None:
        return None

    # expressions

    def conditional(self, meta: Meta, items: list[Any]) -> ast.Conditional:
        then, condition, otherwise = items
        return ast.Conditional(self._span(meta), condition, then, otherwise)

    def binary(self, meta: Meta, items: list[Any]) -> ast.Binary:
        left, operator, right = items
        return ast.Binary(self._span(meta), str(operator), left, right)

    def unary(self, meta: Meta, items: list[Any]) -> ast.Unary:
        return ast.Unary(self._span(meta), str(items[0]), items[1])

    def pipe(self, meta: Meta, items: list[Any]) -> ast.Pipe:
        return ast.Pipe(self._span(meta), *items)

    def range(self, meta: Meta, items: list[Any]) -> ast.Range:
        low, dots, high = items
        return ast.Range(self._span(meta), low, high, dots == "..=")

    def call(self, meta: Meta, items: list[Any]) -> ast.Call:
        function, (arguments, generator) = items
        return ast.Call(self._span(meta), function, arguments, generator)

    def call_arguments(self, meta: Meta, items: list[Any]) -> tuple[tuple[ast.Argument, ...], None]:
        return tuple(items), None

    def generated(self, meta: Meta, items: list[Any]) -> tuple[tuple[ast.Argument, ...], ast.Generator]:
        return (items[0],), items[1]

    def generator(self, meta: Meta, items: list[Any]) -> ast.Generator:
        names, _, domain, *guard = items
        return ast.Generator(self._span(meta), names, domain, guard[0] if guard else None)

    def arguments(self, meta: Meta, items: list[Any]) -> tuple[ast.Argument, ...]:
        return tuple(items)

    def argument(self, meta: Meta, items: list[Any]) -> ast.Argument:
        return ast.Argument(self._span(meta), None, items[0])

    def keyword(self, meta: Meta, items: list[Any]) -> ast.Argument:
        return ast.Argument(self._span(meta), str(items[0]), items[1])

    def subscript(self, meta: Meta, items: list[Any]) -> ast.Subscript:
        return ast.Subscript(self._span(meta), items[0], items[1])

    def attribute(self, meta: Meta, items: list[Any]) -> ast.Attribute:
        return ast.Attribute(self._span(meta), items[0], str(items[1]))

    def name(self, meta: Meta, items: list[Any]) -> ast.Name:
        return ast.Name(self._span(meta), str(items[0]))

    def number(self, meta: Meta, items: list[Any]) -> ast.Number:
        return ast.Number(self._span(meta), Fraction(str(items[0])))

    def quantity(self, meta: Meta, items: list[Any]) -> ast.Quantity:
        text = str(items[0])
        digits = text.rstrip("usmKMGB \t")
        return ast.Quantity(self._span(meta), Fraction(digits), text[len(digits) :].strip())

    def string(self, meta: Meta, items: list[Any]) -> ast.Text:
        return ast.Text(self._span(meta), str(items[0])[1:-1])

    def sequence(self, meta: Meta, items: list[Any]) -> ast.Sequence:
        return ast.Sequence(self._span(meta), tuple(items))

    def group(self, meta: Meta, items: list[Any]) -> Any:
        return items[0]


def _sharing(items: list[Any]) -> tuple[Any, list[Any]]:
    """What the calls of a block have in common, and the items without that word."""
    if isinstance(items[0], Token):
        return str(items[0]), items[1:]
    return "", items


def _flag(items: list[Any], terminal: str) -> tuple[bool, list[Any]]:
    """Whether the first item is the keyword, and the items without it."""
    if items and isinstance(items[0], Token) and items[0].type == terminal:
        return True, items[1:]
    return False, items

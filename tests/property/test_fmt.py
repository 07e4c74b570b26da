"""The printer against the parser: on generated trees, on their texts in any layout, and on the shipped texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasdsl.source import Source
from nasdsl.syntax import ast
from nasdsl.syntax.document import WIDTH, Brackets, Doc
from nasdsl.syntax.parser import parse
from nasdsl.syntax.print_expressions import Expressions
from nasdsl.syntax.printer import format_source, print_file
from tests.generators.syntax import EXPRESSIONS, FILES, NOWHERE, OPERATORS, comments_of, layouts

REPOSITORY = Path(__file__).parents[2]
SHIPPED = sorted([*REPOSITORY.glob("spaces/*.nas"), *REPOSITORY.glob("grammars/**/*.nas")])


def fmt(text: str) -> str:
    return format_source(Source("fmt.nas", text))


def tree(text: str) -> ast.File:
    return parse(Source("tree.nas", text))


@given(FILES)
def test_a_printed_tree_is_read_as_the_same_tree(file: ast.File) -> None:
    text = print_file(file)
    assert tree(text) == file
    assert fmt(text) == text


A, B = ast.Name(NOWHERE, "a"), ast.Name(NOWHERE, "b")
FORMS: list[Callable[[ast.Expression, ast.Expression], ast.Expression]] = [
    *[partial(ast.Binary, NOWHERE, operator) for operator in OPERATORS],
    partial(ast.Pipe, NOWHERE),
    lambda x, y: ast.Range(NOWHERE, x, y, inclusive=False),
    lambda x, y: ast.Conditional(NOWHERE, x, y, A),
    lambda x, y: ast.Conditional(NOWHERE, A, x, y),
    lambda x, y: ast.Unary(NOWHERE, "-", ast.Binary(NOWHERE, "^", x, y)),
    lambda x, y: ast.Binary(NOWHERE, "^", ast.Unary(NOWHERE, "-", x), y),
    lambda x, y: ast.Binary(NOWHERE, "*", ast.Unary(NOWHERE, "not", x), y),
    lambda x, y: ast.Unary(NOWHERE, "not", ast.Binary(NOWHERE, "or", x, y)),
    lambda x, y: ast.Attribute(NOWHERE, ast.Binary(NOWHERE, "+", x, y), "c"),
    lambda x, y: ast.Subscript(NOWHERE, x, (y,)),
    lambda x, y: ast.Call(NOWHERE, x, (ast.Argument(NOWHERE, None, y),)),
]


def test_every_operator_in_every_place_of_every_other() -> None:
    inner = [form(A, B) for form in FORMS]
    values = [form(*pair) for form in FORMS for x in inner for pair in ((x, A), (A, x), (x, x))]
    body = tuple(ast.Assign(NOWHERE, (ast.Target(NOWHERE, "y", None),), value) for value in values)
    file = ast.File(NOWHERE, (ast.Space(NOWHERE, "s", (), body),))
    assert tree(print_file(file)) == file


@given(FILES, st.data())
def test_layout_and_comments_in_any_place_survive(file: ast.File, data: st.DataObject) -> None:
    text = data.draw(layouts(print_file(file)))
    once = fmt(text)
    assert tree(once) == file
    assert comments_of(once) == comments_of(text)
    assert fmt(once) == once
    assert "\n\n\n" not in once
    assert not any(line != line.rstrip() for line in once.splitlines())


class _Wrapping(Expressions):
    """Prints expressions with parentheses where some stand and none are needed."""

    def __init__(self, choices: st.DataObject) -> None:
        super().__init__(frozenset())
        self._choices = choices

    def operand(self, node: ast.Expression, least: int, tight: int = 0) -> Doc:
        doc = super().operand(node, least, tight)
        return Brackets("(", [doc], ")") if self._choices.draw(st.integers(0, 3)) == 0 else doc


@given(EXPRESSIONS, st.data())
def test_parentheses_that_are_not_needed_change_nothing(value: ast.Expression, data: st.DataObject) -> None:
    words = _Wrapping(data).expression(value).words()
    text = "block f = " + " ".join(word.text for word in words)
    once = fmt(text)
    assert tree(once) == tree(text) == ast.File(NOWHERE, tree(text).items)
    assert isinstance(block := tree(text).items[0], ast.Block)
    assert block.body == (ast.Return(NOWHERE, (value,)),)
    assert fmt(once) == once


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_texts(path: Path) -> None:
    text = path.read_text()
    once = fmt(text)
    assert tree(once) == tree(text)
    assert comments_of(once) == comments_of(text)
    assert fmt(once) == once
    assert max(map(len, once.splitlines())) <= WIDTH


@settings(max_examples=10)
@given(st.data())
def test_shipped_texts_in_other_layouts(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SHIPPED)).read_text()
    other = data.draw(layouts(text))
    once = fmt(other)
    assert tree(once) == tree(text)
    assert comments_of(once) == comments_of(other)
    assert fmt(once) == once

"""The grammar, the tables made from it, and the parser that runs on them, against lark's own parser."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lark
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.resources import grammar_text
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.build import AstBuilder
from nasdsl.syntax.generate import make_tables
from nasdsl.syntax.lalr import run
from nasdsl.syntax.lexer import Token
from nasdsl.syntax.parser import parse
from nasdsl.syntax.printer import print_file
from nasdsl.syntax.tables import TABLES
from nasdsl.syntax.unexpected import Unexpected
from tests.generators.syntax import FILES, layouts

REPOSITORY = Path(__file__).parents[2]
TEXTS = [path.read_text() for path in sorted(REPOSITORY.glob("spaces/*.nas"))]
WORDS = sorted({word for text in TEXTS for word in text.split()} | {"é", "#", ";", "==", "..", "->", "2 ms", "3K", '"'})


def test_the_tables_are_those_of_the_grammar_and_it_has_no_conflicts() -> None:
    message = "the grammar has changed: python -m nasdsl.syntax.generate"
    assert make_tables(strict=True) == TABLES.read_text(encoding="utf-8"), message


@pytest.mark.parametrize(
    "grammar",
    [
        'start: e\ne: e "+" e | "x"',
        "start: A | B\nA: /x+/\nB: /[xy]+/",
    ],
)
def test_strict_finds_conflicts_and_terminals_that_overlap(grammar: str) -> None:
    with pytest.raises(lark.exceptions.LarkError):
        lark.Lark(grammar, parser="lalr", strict=True)


@cache
def reference() -> lark.Lark:
    return lark.Lark(
        grammar_text("nasdsl.lark"), parser="lalr", propagate_positions=True, maybe_placeholders=False
    )  # fmt: skip


def by_lark(tree: lark.Tree[lark.Token], actions: AstBuilder) -> Any:
    """The syntax that the same actions make of lark's parse tree."""
    parts = [
        Token(child.type, str(child), child.start_pos or 0, child.end_pos or 0)
        if isinstance(child, lark.Token)
        else by_lark(child, actions)
        for child in tree.children
    ]
    end = len(actions.source.text)
    span = Span(actions.source, end, end) if tree.meta.empty else Span(
        actions.source, tree.meta.start_pos, tree.meta.end_pos
    )  # fmt: skip
    return getattr(actions, tree.data)(span, parts)


def places(node: Any) -> list[tuple[str, int, int]]:
    """Kind and span of every node, in order."""
    if isinstance(node, tuple):
        return [place for item in node for place in places(item)]
    if not is_dataclass(node) or not isinstance(node, ast.Node):
        return []
    inner = [place for f in fields(node) if f.name != "span" for place in places(getattr(node, f.name))]
    return [(type(node).__name__, node.span.start, node.span.end), *inner]


@given(FILES, st.data())
def test_the_same_tree_as_larks(file: ast.File, data: st.DataObject) -> None:
    source = Source("a.nas", data.draw(layouts(print_file(file))))
    expected = by_lark(reference().parse(source.text), AstBuilder(source))
    assert parse(source) == expected
    assert places(parse(source)) == places(expected)


def error_here(text: str) -> tuple[int | None, set[str]] | None:
    try:
        run(Source("a.nas", text))
    except Unexpected as error:
        return error.offset, error.expected
    return None


def error_of_lark(text: str) -> tuple[int | None, set[str] | None] | None:
    """Where lark finds an error and what it expects; None where not even a token begins: then it tells more."""
    try:
        reference().parse(text)
    except lark.UnexpectedCharacters as error:
        return error.pos_in_stream, None
    except lark.UnexpectedToken as error:
        return None if error.token.type == "$END" else error.pos_in_stream, set(error.accepts or error.expected)
    return None


@given(st.data())
def test_the_same_errors_as_larks(data: st.DataObject) -> None:
    words = data.draw(st.sampled_from(TEXTS)).split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(WORDS))
    text = " ".join(words)
    if data.draw(st.booleans()):
        text = text[: data.draw(st.integers(0, len(text)))]
    here, expected = error_here(text), error_of_lark(text)
    assert (here is None) == (expected is None)
    if here is not None and expected is not None:
        assert here[0] == expected[0]
        assert expected[1] is None or here[1] == expected[1]

"""The lexer of Pygments: complete, and no text is lost or taken for an error."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Operator, String

from nasdsl.resources import grammar_text
from nasdsl.syntax import ast
from nasdsl.syntax.highlight import NasLexer
from nasdsl.syntax.printer import print_file
from tests.generators.syntax import FILES

REPOSITORY = Path(__file__).parents[2]
KEYWORDS = re.findall(r"^_?[A-Z]+: /([a-z]+)\\b/$", grammar_text("nasdsl.lark"), re.MULTILINE)


def test_the_grammar_has_keywords() -> None:
    assert {"space", "choose", "shared", "most", "in"} <= set(KEYWORDS)
    assert len(KEYWORDS) == grammar_text("nasdsl.lark").count(r"\b/") - 1, "all but QUANTITY are keywords"


@pytest.mark.parametrize("word", KEYWORDS)
def test_every_keyword_of_the_grammar_is_known(word: str) -> None:
    (kind, text), *_ = NasLexer().get_tokens(word)
    assert text == word
    assert kind in Keyword or kind is Operator.Word
    (kind, text), *_ = NasLexer().get_tokens(f"{word}_")
    assert (kind, text) == (Name, f"{word}_")


@given(FILES)
def test_no_token_of_the_language_is_an_error(file: ast.File) -> None:
    text = print_file(file)
    found = list(NasLexer(stripnl=False).get_tokens(text))
    assert "".join(value for _, value in found) == text or not text
    assert not [value for kind, value in found if kind is Error]


def test_a_shipped_space() -> None:
    text = (REPOSITORY / "spaces" / "darts.nas").read_text()
    found = list(NasLexer().get_tokens(text))
    assert (Keyword.Declaration, "choose") in found
    assert (Name.Function, "sep_conv") in found
    assert not [value for kind, value in found if kind is Error]
    assert sum(kind is Comment.Single for kind, _ in found) == text.count("//")
    assert (String, '"semantic"') in list(NasLexer().get_tokens('y["semantic"]'))


def test_pygments_finds_it() -> None:
    (point,) = [point for point in entry_points(group="pygments.lexers") if point.value.startswith("nasdsl")]
    assert point.load() is NasLexer
    assert isinstance(get_lexer_by_name("nas"), NasLexer)
    assert isinstance(get_lexer_for_filename("darts.nas"), NasLexer)

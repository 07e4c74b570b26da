"""Colours for .nas texts, wherever Pygments is asked: Sphinx, MkDocs, Jupyter, `pygmentize`.

Registered as the lexer `nas`; the one module that needs the package pygments (the extra `highlight`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from nasdsl.syntax.tables import tables

_DECLARING = frozenset(
    {"space", "block", "input", "choose", "pick", "width", "depth", "grid", "route", "task", "predict", "preset"}
)
_groups: Any = bygroups
_OPERATORS = frozenset({"and", "or", "not", "in"})


class NasLexer(RegexLexer):
    """Lexer of search spaces.

    >>> [text for kind, text in NasLexer().get_tokens("width w in {4, 8}") if kind in Keyword]
    ['width']
    """

    name = "NAS space"
    aliases: ClassVar = ["nas", "nasdsl"]
    filenames: ClassVar = ["*.nas"]
    url = "https://pypi.org/project/nasdsl"
    # What is a keyword is read from the grammar's tables, so that a new one is never forgotten.
    tokens: ClassVar = {
        "root": [
            (r"\s+", Whitespace),
            (r"//[^\n]*", Comment.Single),
            (r'"[^"\n\\]*"', String),
            (words(sorted(_OPERATORS), suffix=r"\b"), Operator.Word),
            (r"\b(block)(\s+)([A-Za-z_]\w*)", _groups(Keyword.Declaration, Whitespace, Name.Function)),
            (r"\b(space)(\s+)([A-Za-z_]\w*)", _groups(Keyword.Declaration, Whitespace, Name.Class)),
            (words(sorted(_DECLARING), suffix=r"\b"), Keyword.Declaration),
            (words(sorted(set(tables().keywords) - _DECLARING - _OPERATORS), suffix=r"\b"), Keyword),
            (words(("true", "false"), suffix=r"\b"), Keyword.Constant),
            (
                r"(\d+(?:\.\d+)?)([ \t]*)((?:us|ms|s|uJ|mJ|J|K|M|G|B|KB|MB|GB)\b)",
                _groups(Number, Whitespace, Name.Constant),
            ),
            (r"\d+(?:\.\d+)?", Number),
            (r"[A-Za-z_]\w*(?=\s*=[^=])", Name.Variable),
            (r"[A-Za-z_]\w*(?=\()", Name.Function),
            (r"[A-Za-z_]\w*", Name),
            (r"\.\.=?|->|>>|[=!<>]=|[-+*/^<>=]", Operator),
            (r"[{}()\[\],.:]", Punctuation),
        ]
    }

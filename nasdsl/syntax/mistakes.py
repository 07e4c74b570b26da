"""Syntax errors as a person would put them: no names of terminals, and the word that was probably meant."""

from __future__ import annotations

import difflib
import re

from lark import Token, UnexpectedCharacters, UnexpectedInput

from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.source import Source, Span

_WORDS = {"COMPARE": "a comparison", "NAME": "a name", "NUMBER": "a number", "STRING": "a string", "RANGE": "`..`"}
_SIGNS = {
    "LBRACE": "{", "RBRACE": "}", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "COMMA": ",", "COLON": ":",
    "EQUAL": "=", "DOT": ".", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "CARET": "^", "_PIPE": ">>",
}  # fmt: skip
_STATEMENTS = {"_BLOCK", "_CHOOSE", "_PICK", "_WIDTH", "_GRID", "_ROUTE", "_TO", "_FOR", "_TASK", "_REQUIRE"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "CARET", "COMPARE", "RANGE", "AND", "OR", "IN", "DOT", "_PIPE"}


def _expected(terminals: set[str]) -> str:
    """What the parser could have read, as a person would say it."""
    parts = []
    if terminals >= _STATEMENTS:
        parts.append("a statement")
        terminals = terminals - _STATEMENTS - {"_INPUT", "_RETURN", "_PRESET", "TIED", "AUX", "NAME"}
    if len(terminals & _OPERATORS) > 4:
        parts.append("an operator")
        terminals = terminals - _OPERATORS - {"LSQB", "LPAR", "_IF"}
    if {"NUMBER", "STRING", "NAME"} <= terminals:
        parts.append("an expression")
        terminals = terminals - {"NUMBER", "STRING", "NAME", "QUANTITY", "LPAR", "LSQB", "LBRACE", "MINUS", "NOT"}
    for name in sorted(terminals - {"$END"}):
        sign = _SIGNS.get(name)
        parts.append(_WORDS.get(name) or f"`{sign or name.strip('_').lower()}`")
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def diagnose(source: Source, error: UnexpectedInput) -> Diagnostic:
    """The diagnostic for a text that breaks the grammar."""
    if isinstance(error, UnexpectedCharacters):
        start, expected = error.pos_in_stream or 0, set(error.allowed or ())  # type: ignore[redundant-expr]
        word = re.compile(r"\w+|\S").match(source.text, start)
        found = word.group() if word else source.text[start : start + 1]
    else:
        token: Token = error.token  # type: ignore[attr-defined]
        expected = set(error.accepts or error.expected)  # type: ignore[attr-defined]
        if token.type == "$END":
            end = len(source.text.rstrip())
            span = Span(source, max(0, end - 1), end)
            return Diagnostic("E0102", f"the file ends where {_expected(expected)} was expected", span, "the end")
        start, found = token.start_pos or 0, str(token)
    span = Span(source, start, start + len(found))
    if "NAME" in expected and re.fullmatch(r"[a-z]+", found):
        message = f"`{found}` is a word of the language and cannot be a name"
        return Diagnostic("E0103", message, span, "reserved", help=f"call it something else, such as `{found}_`")
    if found == ";":
        return Diagnostic("E0101", "statements need no semicolon", span, "not part of the language", help="remove it")
    hint = _keyword_meant(found, expected)
    before = (getattr(error, "token_history", None) or [None])[-1]
    if hint is None and before is not None and before.type == "NAME" and re.match(r"\w", found):
        hint = _keyword_meant(str(before), {f"_{word.upper()}" for word in _KEYWORDS})
        if hint is not None:
            span = Span(source, before.start_pos or 0, before.end_pos or 0)
            return Diagnostic("E0101", f"`{before}` starts no statement", span, "unexpected", help=hint)
    return Diagnostic(
        "E0101", f"found `{found}` where {_expected(expected)} was expected", span, "unexpected", help=hint
    )


_KEYWORDS = ("input", "block", "choose", "pick", "width", "grid", "route", "for", "return", "task", "loss", "metric",
             "weight", "require", "preset", "tied", "shared", "depth", "import", "extern", "predict")  # fmt: skip


def _keyword_meant(found: str, expected: set[str]) -> str | None:
    keywords = [name.strip("_").lower() for name in expected if re.fullmatch(r"_?[A-Z]{2,}", name)]
    near = difflib.get_close_matches(found, keywords, 1, 0.75)
    return f"did you mean `{near[0]}`?" if near else None

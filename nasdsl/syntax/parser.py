"""Text to abstract syntax."""

from __future__ import annotations

import difflib
import hashlib
import io
import os
import re
import tempfile
from functools import cache
from pathlib import Path

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput
from lark import __version__ as lark_version

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.resources import grammar_text
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.build import AstBuilder

MAX_BYTES = 4_000_000
"""Longest file that is read."""
MAX_DEPTH = 200
"""Deepest nesting of brackets."""


def read_source(path: str | Path) -> Source:
    """The text of a .nas file.

    Raises:
        NasError: The file is missing, unreadable, too long, or not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file", help=_similar_files(Path(path))) from None
    except OSError as error:
        raise NasError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise NasError(f"{path}: {len(data)} bytes is longer than the limit of {MAX_BYTES}")
    try:
        return Source(str(path), data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NasError(
            f"{path}: byte {error.start} is not UTF-8 text", help="save the file as UTF-8 without any other encoding"
        ) from None


def parse(source: Source) -> ast.File:
    """The abstract syntax of a text.

    Raises:
        InvalidSpace: The text breaks the grammar; the diagnostic says where and what was expected.

    >>> parse(Source("tiny.nas", "block twice(x) = sum(x, x)")).items[0].name
    'twice'
    """
    _check_nesting(source)
    try:
        tree = _grammar().parse(source.text)
    except UnexpectedInput as error:
        raise InvalidSpace([_diagnose(source, error)]) from None
    file: ast.File = AstBuilder(source).transform(tree)
    return file


@cache
def _grammar() -> Lark:
    """The parser; its tables are kept in the user's cache folder, since making them takes longer than a parse."""
    text = grammar_text("nasdsl.lark")
    key = hashlib.sha256(f"{lark_version}\n{text}".encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nasdsl"
    cached = folder / f"grammar-{key}"
    try:
        if cached.stat().st_uid == os.getuid():
            return Lark.load(io.BytesIO(cached.read_bytes()))
    except Exception:  # noqa: BLE001 - a missing or damaged cache is no error: the tables are made anew
        pass
    grammar = Lark(text, parser="lalr", propagate_positions=True, maybe_placeholders=False)
    buffer = io.BytesIO()
    grammar.save(buffer)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(buffer.getvalue())
        os.replace(file.name, cached)
    except OSError:
        pass
    return grammar


def _check_nesting(source: Source) -> None:
    depth = 0
    for match in re.finditer(r'//[^\n]*|"[^"\n]*"|[(\[{]|[)\]}]', source.text):
        if match.group() in "([{":
            depth += 1
        elif match.group() in ")]}":
            depth -= 1
        if depth > MAX_DEPTH:
            span = Span(source, match.start(), match.end())
            raise InvalidSpace([Diagnostic("E0701", f"brackets are nested deeper than the limit of {MAX_DEPTH}", span)])


_WORDS = {"COMPARE": "a comparison", "NAME": "a name", "NUMBER": "a number", "STRING": "a string", "RANGE": "`..`"}
_SIGNS = {
    "LBRACE": "{", "RBRACE": "}", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "COMMA": ",", "COLON": ":",
    "EQUAL": "=", "DOT": ".", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "CARET": "^", "__ANON_0": ">>",
}  # fmt: skip
_STATEMENTS = {"_BLOCK", "_CHOOSE", "_PICK", "_WIDTH", "_GRID", "_ROUTE", "_TO", "_FOR", "_TASK", "_REQUIRE"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "CARET", "COMPARE", "RANGE", "AND", "OR", "IN", "DOT", "__ANON_0"}


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


def _diagnose(source: Source, error: UnexpectedInput) -> Diagnostic:
    if isinstance(error, UnexpectedCharacters):
        start, expected = error.pos_in_stream or 0, set(error.allowed or ())
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
        hint = _keyword_meant(str(before), {f"_{word}" for word in _KEYWORDS})
        if hint is not None:
            span = Span(source, before.start_pos or 0, before.end_pos or 0)
            return Diagnostic("E0101", f"`{before}` starts no statement", span, "unexpected", help=hint)
    return Diagnostic("E0101", f"found `{found}` where {_expected(expected)} was expected", span, "unexpected", help=hint)


_KEYWORDS = "INPUT BLOCK CHOOSE PICK WIDTH GRID ROUTE FOR RETURN TASK LOSS METRIC WEIGHT REQUIRE PRESET TIED".split()


def _keyword_meant(found: str, expected: set[str]) -> str | None:
    keywords = [name.strip("_").lower() for name in expected if re.fullmatch(r"_?[A-Z]{2,}", name)]
    near = difflib.get_close_matches(found, keywords, 1, 0.75)
    return f"did you mean `{near[0]}`?" if near else None


def _similar_files(path: Path) -> str | None:
    try:
        names = [item.name for item in path.parent.iterdir() if item.suffix == ".nas"]
    except OSError:
        return None
    near = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean {path.parent / near[0]}?" if near else None

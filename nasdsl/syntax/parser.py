"""Text to abstract syntax."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.build import AstBuilder
from nasdsl.syntax.encoding import decoded
from nasdsl.syntax.lalr import run
from nasdsl.syntax.unexpected import Unexpected

MAX_BYTES = 4_000_000
"""Longest file that is read."""
MAX_DEPTH = 200
"""Deepest nesting of brackets."""


def read_source(path: str | Path) -> Source:
    """The text of a .nas file.

    Raises:
        InvalidSpace: The file is not UTF-8 text.
        NasError: The file is missing, unreadable or too long.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file", help=_similar_files(Path(path))) from None
    except OSError as error:
        raise NasError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise NasError(f"{path}: {len(data)} bytes is longer than the limit of {MAX_BYTES}")
    return decoded(str(path), data)


def parse(source: Source) -> ast.File:
    """The abstract syntax of a text.

    Raises:
        InvalidSpace: The text breaks the grammar; the diagnostic says where and what was expected.

    >>> parse(Source("tiny.nas", "block twice(x) = sum(x, x)")).items[0].name
    'twice'
    """
    _check_nesting(source)
    try:
        file: ast.File = run(source, AstBuilder(source))
    except Unexpected as error:
        from nasdsl.syntax.recovery import syntax_errors

        raise InvalidSpace(syntax_errors(source, _recognize, error)) from None
    return file


def _recognize(text: str) -> None:
    run(Source("", text))


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


def _similar_files(path: Path) -> str | None:
    try:
        names = [item.name for item in path.parent.iterdir() if item.suffix == ".nas"]
    except OSError:
        return None
    near = difflib.get_close_matches(path.name, names, 1)
    return f"did you mean {path.parent / near[0]}?" if near else None

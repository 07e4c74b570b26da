"""Diagnostics as text for people, in the manner of rustc, and as plain data."""

from __future__ import annotations

from typing import Any

from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.source import Span


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic with the text it is about, underlined."""
    places = [(diagnostic.span, diagnostic.note, "^")]
    places += [(label.span, label.text, "-") for label in diagnostic.labels]
    margin = max(len(str(span.line)) for span, _, _ in places)
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    for span, note, mark in places:
        lines += _excerpt(span, note, mark, margin)
    if diagnostic.help:
        lines.append(f"{' ' * margin} = help: {diagnostic.help}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span, note: str, mark: str, margin: int) -> list[str]:
    line, column = span.source.position(span.start)
    text = span.source.line(line)
    shown = text.expandtabs(4)
    start = len(text[: column - 1].expandtabs(4))
    width = len(span.text.split("\n", 1)[0].expandtabs(4)) or 1
    underline = " " * start + mark * max(1, min(width, len(shown) - start))
    gutter = " " * margin
    return [
        f"{gutter}--> {span.source.name}:{line}:{column}",
        f"{gutter} |",
        f"{line:>{margin}} | {shown}",
        f"{gutter} | {underline} {note}".rstrip(),
    ]


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as JSON data: lines and columns from 1, the end exclusive."""
    line, column = diagnostic.span.source.position(diagnostic.span.start)
    end_line, end_column = diagnostic.span.source.position(diagnostic.span.end)
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": TITLES[diagnostic.code],
        "message": diagnostic.message,
        "file": diagnostic.span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "help": diagnostic.help,
    }

"""Diagnostics as text for people, in the manner of rustc, and as plain data."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.source import Source, Span

TAB = 4
"""Columns a tab leads on to a multiple of."""
WIDEST = 120
"""Columns of an excerpt; longer lines are cut around what is marked."""
_CUT = "..."
_STYLES = {"error": "1;31", "warning": "1;33", "frame": "1;34", "help": "1;36", "bold": "1"}


@dataclass(frozen=True, slots=True)
class _Place:
    """A part of a line that is marked, in columns of the screen."""

    line: int
    start: int
    end: int
    mark: str
    note: str


def render(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """The diagnostic with the text it is about, underlined.

    Args:
        diagnostic: What to show.
        colour: Whether to colour it for a terminal.
    """
    ink = _Ink(colour, diagnostic.severity)
    spans = [(diagnostic.span, diagnostic.note, "^")]
    spans += [(label.span, label.text, "-") for label in diagnostic.labels]
    margin = max(len(str(span.line)) for span, _, _ in spans)
    head = ink(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    lines = [head + ink(f": {_visible(diagnostic.message)}", "bold")]
    sources = list(dict.fromkeys(span.source for span, _, _ in spans))
    for source in sources:
        inside = [item for item in spans if item[0].source is source or item[0].source == source]
        line, column = source.position(inside[0][0].start)
        arrow = "-->" if source is sources[0] else ":::"
        lines.append(f"{' ' * margin}{ink(arrow, 'frame')} {_visible(source.name)}:{line}:{column}")
        lines.append(f"{' ' * margin} {ink('|', 'frame')}")
        lines += _excerpts(source, inside, margin, ink)
    if diagnostic.help:
        lines.append(f"{' ' * margin} {ink('=', 'frame')} {ink('help:', 'help')} {_visible(diagnostic.help)}")
    return "\n".join(lines) + "\n"


class _Ink:
    """Colours text, or leaves it as it is."""

    def __init__(self, colour: bool, severity: str) -> None:
        self.colour = colour
        self.severity = severity

    def __call__(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour else text

    def marks(self, text: str, mark: str) -> str:
        """Marks and notes of a line, in the colour of what they belong to."""
        return self(text, self.severity if mark == "^" else "frame")


def _excerpts(source: Source, spans: Sequence[tuple[Span, str, str]], margin: int, ink: _Ink) -> list[str]:
    """The lines that are marked, in their order, with `...` for lines between."""
    places = sorted((_place(source, *item) for item in spans), key=lambda place: place.line)
    rows: list[str] = []
    before = 0
    for line, group in groupby(places, key=lambda place: place.line):
        marked = list(group)
        if before and line > before + 1:
            rows.append(ink(_CUT, "frame"))
        shown, marked = _window(_columns(source.line(line)), marked)
        rows.append(f"{ink(f'{line:>{margin}} |', 'frame')} {shown}".rstrip())
        for text, mark in _underlines(marked):
            rows.append(f"{' ' * margin} {ink('|', 'frame')} {ink.marks(text.rstrip(), mark)}")
        before = line
    return rows


def _place(source: Source, span: Span, note: str, mark: str) -> _Place:
    line, column = source.position(span.start)
    text = source.line(line)
    start = len(_columns(text[: column - 1]))
    inside = span.text.split("\n", 1)[0].rstrip()
    end = len(_columns(text[: column - 1 + len(inside)]))
    return _Place(line, start, max(end, start + 1), mark, _visible(note))


def _window(text: list[str], places: list[_Place]) -> tuple[str, list[_Place]]:
    """The part of a long line around what is marked in it."""
    if len(text) <= WIDEST:
        return "".join(text), places
    first = max(0, min(place.start for place in places) - WIDEST // 4)
    last = first + WIDEST
    shift = first - (len(_CUT) if first else 0)
    shown = (_CUT if first else "") + "".join(text[first:last]) + (_CUT if last < len(text) else "")
    moved = [
        _Place(place.line, min(place.start, last) - shift, min(place.end, last + 1) - shift, place.mark, place.note)
        for place in places
    ]
    return shown, moved


def _underlines(places: list[_Place]) -> list[tuple[str, str]]:
    """The lines below an excerpt, each with the mark whose colour it has: all marks, then the notes.

    The note of the last mark stands beside it; those of the others stand below, the last one first.
    """
    width = max(place.end for place in places)
    marks = [" "] * width
    for place in sorted(places, key=lambda place: place.mark == "-"):
        marks[place.start : place.end] = place.mark * (place.end - place.start)
    order = sorted(places, key=lambda place: (place.start, place.end))
    last = order[-1]
    beside = last.end == width
    rows = [("".join(marks) + (f" {last.note}" if beside else ""), "^" if any(p.mark == "^" for p in places) else "-")]
    below = [place for place in (order[:-1] if beside else order) if place.note]
    if below:
        rows.append((_pipes(below), below[-1].mark))
    while below:
        place = below.pop()
        rows.append((f"{_pipes([p for p in below if p.start < place.start]):<{place.start}}{place.note}", place.mark))
    return rows


def _pipes(places: Sequence[_Place]) -> str:
    columns = {place.start for place in places}
    return "".join("|" if i in columns else " " for i in range(max(columns, default=-1) + 1))


def _columns(text: str) -> list[str]:
    """A text by columns of the screen: tabs spread out, an empty column after a wide character."""
    columns: list[str] = []
    for character in text:
        if character == "\t":
            columns += [" "] * (TAB - len(columns) % TAB)
        elif unicodedata.combining(character) and columns:
            columns[-1] += character
        else:
            columns.append(_visible(character))
            if unicodedata.east_asian_width(character) in "WF":
                columns.append("")
    return columns


def _visible(text: str) -> str:
    """The text without characters that would steer a terminal or turn the order of its letters."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") else c for c in text)


def as_data(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as JSON data: lines and columns from 1, the end exclusive."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "title": TITLES[diagnostic.code],
        "message": diagnostic.message,
        **_position(diagnostic.span),
        "note": diagnostic.note,
        "labels": [_position(label.span) | {"text": label.text} for label in diagnostic.labels],
        "help": diagnostic.help,
    }


def _position(span: Span) -> dict[str, Any]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return {"file": span.source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}

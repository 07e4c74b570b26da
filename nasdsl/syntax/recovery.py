"""Every syntax error of a text in one run: after each, reading goes on with the next statement.

The statement with the error is taken out, and so is everything that was read without one, but for the heads of the
bodies that are still open: what is left has the same offsets, is read anew, and yields the next error. In all, each
part of the text is read about once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.source import Source
from nasdsl.syntax.mistakes import OUTSIDE, diagnose, meant_keyword
from nasdsl.syntax.unexpected import Unexpected
from nasdsl.syntax.words import (
    CLOSING,
    HEADS,
    OPENING,
    Word,
    begins_statement,
    is_body,
    open_brackets,
    statement_start,
    word_at,
    words_of,
)

MAX_SYNTAX_ERRORS = 20
"""After so many syntax errors the rest is not looked at."""
MAX_REREAD = 1_500_000
"""How many characters are read again, in all, to find further errors: fewer errors are shown of a very long file."""


def syntax_errors(source: Source, parse: Callable[[str], object], first: Unexpected) -> list[Diagnostic]:
    """The diagnostics of a text that breaks the grammar, at least one.

    Args:
        source: The text.
        parse: Parses a text, or raises `Unexpected`.
        first: What it raised for this one.
    """
    text, error = source.text, first
    found: list[Diagnostic] = []
    outside, place = False, -1
    for _ in range(min(MAX_SYNTAX_ERRORS, 1 + MAX_REREAD // (len(text) + 1))):
        words = words_of(text)
        diagnostic = diagnose(source, words, error)
        if diagnostic.span.start <= place:
            break
        place = diagnostic.span.start
        if not (outside and diagnostic.message.endswith(OUTSIDE)):
            found.append(diagnostic)
        outside = outside or diagnostic.message.endswith(OUTSIDE)
        shorter = _without(text, words, error)
        if shorter is None:
            break
        text = shorter
        try:
            parse(text)
        except Unexpected as another:
            error = another
        else:
            break
    return found


def _without(text: str, words: list[Word], error: Unexpected) -> str | None:
    """The text without what is wrong; None where reading cannot go on."""
    if error.offset is None:
        return None
    repaired = _without_foreign(text, error.offset)
    if repaired is not None:
        return repaired
    place = word_at(words, error.offset)
    bodies = [i for i in open_brackets(words, place) if words[i].text == "{" and is_body(words, i)]
    kept = [_Piece(words[statement_start(words, brace)].start, words[brace].end) for brace in bodies]
    start = statement_start(words, place)
    end = _next_statement(words, start, place, bodies[-1] if bodies else None)
    if end is None or (not bodies and words[end].text == "}"):
        return None
    if not bodies and words[start].text == "space" and words[end].text != "{":
        return None  # what follows was meant to stand in it
    head = HEADS.get(meant_keyword(words[start].text) or "")
    if words[end].text == "{" or (head and _surplus(words) > 0 >= _surplus(words[start:end])):
        # The body of the broken statement is read: a short head stands for the broken one.
        rest = words[end].end if words[end].text == "{" else words[end].start
        head = head or HEADS["block"]
        if rest - words[start].start >= len(head):
            kept.append(_Piece(words[start].start, rest, head))
            return _blanked(text, kept, rest)
    if words[end].text == "{":
        end = _after_group(words, end)
        if end is None:
            return None
    return _blanked(text, kept, words[end].start)


def _surplus(words: list[Word]) -> int:
    """How many more `}` there are than `{`."""
    return sum((word.text == "}") - (word.text == "{") for word in words)


def _without_foreign(text: str, offset: int) -> str | None:
    """The text without any comment, semicolon or quote of another language, if such a one stands at the offset."""
    if text[offset] == ";":
        return re.sub(r'(//[^\n]*|"[^"\n]*")|;', lambda m: m.group(1) or " ", text)
    if text[offset] == "#":
        return re.sub(r'(//[^\n]*|"[^"\n]*")|#[^\n]*', lambda m: m.group(1) or " " * len(m.group()), text)
    if match := re.compile(r"'[^'\n]*'").match(text, offset):
        quoted = r'(//[^\n]*|"[^"\n]*")|' + match.re.pattern
        return re.sub(quoted, lambda m: m.group(1) or '"' + re.sub(r'["\\]', " ", m.group()[1:-1]) + '"', text)
    return None


def _next_statement(words: list[Word], start: int, place: int, body: int | None) -> int | None:
    """Index of the word where reading can go on: a statement, the end of the body, or the `{` of this statement."""
    depth = len(open_brackets(words[start:place], place - start))
    headed = (meant_keyword(words[start].text) or "block") in HEADS if start < len(words) else False
    for i in range(place, len(words)):
        text = words[i].text
        if i > start and begins_statement(words, i, inside=depth > 0) and (i > place or words[i].first):
            return i
        if text == "{" and headed and is_body(words, i):
            return i
        if text == "}" and depth == 0 and _closes_body(words, body, i):
            return i
        if text in OPENING:
            depth += 1
        elif text in CLOSING:
            depth = max(0, depth - 1)
    return None


def _closes_body(words: list[Word], body: int | None, closer: int) -> bool:
    """Whether a `}` closes the body whose `{` is `body`: it begins its line, or stands on the line of that `{`.

    Another one belongs to the broken statement, which lacks its `{`.
    """
    return body is None or words[closer].first or not any(word.first for word in words[body + 1 : closer + 1])


def _after_group(words: list[Word], brace: int) -> int | None:
    """Index of the word after the `}` that belongs to a `{`."""
    depth = 0
    for i in range(brace, len(words)):
        depth += (words[i].text == "{") - (words[i].text == "}")
        if depth == 0:
            return i + 1 if i + 1 < len(words) else None
    return None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the text that stays, or for which `instead` stands."""

    start: int
    end: int
    instead: str = ""


def _blanked(text: str, kept: Iterable[_Piece], rest: int) -> str:
    """The text with blanks for all that stands before `rest` and in no piece; no offset changes."""
    parts, done = [], 0
    for piece in kept:
        parts.append(_blank(text[done : piece.start]))
        parts.append((piece.instead or text[piece.start : piece.end]).ljust(piece.end - piece.start))
        done = piece.end
    parts += [_blank(text[done:rest]), text[rest:]]
    return "".join(parts)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)

"""Text to tokens."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from nasdsl.source import Source
from nasdsl.syntax.tables import END, tables


class Token(NamedTuple):
    """A word or sign of a text, from character `start` to `end` (exclusive); `kind` is its terminal in the grammar."""

    kind: str
    text: str
    start: int
    end: int


class UnknownCharacter(Exception):
    """No token starts at character `start`; `before` are the tokens so far."""

    def __init__(self, start: int, before: list[Token]) -> None:
        super().__init__(start)
        self.start = start
        self.before = before


@cache
def _patterns(comments: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is skipped; and a token after it, as a group with the name of its terminal."""
    patterns = dict(tables().patterns)
    ignored = [kind for kind in tables().ignore if kind != "COMMENT" or not comments]
    skipped = "|".join(patterns[kind] for kind in ignored)
    token = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in patterns.items() if kind not in ignored)
    # Possessive: what was skipped is never given back, so that no token begins inside a comment.
    return re.compile(f"(?:{skipped})*+"), re.compile(f"(?:{skipped})*+(?:{token})")


def tokens(source: Source, *, comments: bool = False) -> list[Token]:
    """The tokens of a text, an empty one of kind `END` last.

    Args:
        source: The text.
        comments: Also give the comments, as tokens of kind "COMMENT".

    Raises:
        UnknownCharacter: Something in the text starts no token.

    >>> [token.text for token in tokens(Source("a.nas", "y = x >> f(2 ms) // c"))]
    ['y', '=', 'x', '>>', 'f', '(', '2 ms', ')', '']
    """
    skipped, pattern = _patterns(comments)
    keywords, make = tables().keywords, Token._make
    found: list[Token] = []
    place = 0
    for match in pattern.finditer(source.text):
        if match.start() != place:
            break
        group = match.lastindex or 0
        start, place = match.span(group)
        text, kind = match[group], match.lastgroup or ""
        found.append(make((keywords.get(text, kind) if kind == "NAME" else kind, text, start, place)))
    rest = skipped.match(source.text, place)
    place = rest.end() if rest else place
    if place != len(source.text):
        raise UnknownCharacter(place, found)
    found.append(Token(END, "", place, place))
    return found

"""Brings what a source has between its tokens, comments and ends of lines, to the tokens that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nasdsl.source import Source
from nasdsl.syntax.document import Comment, Word
from nasdsl.syntax.lexer import tokens
from nasdsl.syntax.tables import END

_OPTIONAL = {"(", ")", ","}
"""Signs that may be missing or not: parentheses around an operand, a comma after the last item."""


def attach(source: Source, words: Sequence[Word]) -> list[Comment]:
    """Give each printed token the comments that follow it in the source, and whether lines end before it.

    Args:
        source: The text.
        words: The tokens of the same text as they are printed: parentheses and commas may be missing or added.

    Returns:
        The comments before the first token.
    """
    head: list[Comment] = []
    place, end, ends_line, ends_blank = -1, 0, False, False
    for token in tokens(source, comments=True):
        gap = source.text[end : token.start].count("\n")
        end = token.end
        if token.kind == "COMMENT":
            column = token.start - (source.text.rfind("\n", 0, token.start) + 1)
            comment = Comment(token.text.rstrip(), gap > 0 or token.start == column == 0, gap > 1, column)
            (words[place].comments if place >= 0 else head).append(comment)
            ends_line, ends_blank = True, False
            continue
        ends_line, ends_blank = ends_line or gap > 0, gap > 1
        if token.kind == END:
            break
        following = place + 1
        while following < len(words) and words[following].text in _OPTIONAL and token.text not in _OPTIONAL:
            following += 1
        if following == len(words) or (token.text in _OPTIONAL and words[following].text != token.text):
            continue
        place = following
        words[place].newline, words[place].blank = ends_line, ends_blank
        ends_line = False
    _behind_signs(words)
    if head:
        head[0].blank = False
    return head


def _behind_signs(words: Sequence[Word]) -> None:
    """Comments before a comma or the brace of a body move behind it, so that none of these begins a line."""
    for word, following in pairwise(words):
        if word.comments and following.text in (",", "{"):
            following.comments[:0] = word.comments
            word.comments = []

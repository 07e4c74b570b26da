"""The words of a text, read without the grammar: what messages about broken text, and recovery from it, look at."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from nasdsl.source import Source, Span

_WORD = re.compile(
    r"""//[^\n]*|(?P<string>"[^"\n]*"?)|(?P<name>[^\W\d]\w*)|(?P<number>\d+(\.\d+)?)"""
    r"""|(?P<sign>\.\.=|\.\.|>>|->|==|!=|<=|>=|\*\*|&&|\|\||\|>|:=|\+=|-=|\*=|/=|=>|[^\s])"""
)
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}
HEADS = {
    "space": "space a{", "block": "block a{", "tied": "block a{", "shared": "block a{", "grid": "block a{",
    "for": "block a{", "task": "task a=a{", "aux": "task a=a{", "predict": "task a=a{", "preset": "preset a{",
}  # fmt: skip
"""Statements with a body in braces, and the shortest statement with such a body."""
STARTS = {*HEADS, "input", "choose", "pick", "width", "depth", "route", "to", "return", "require", "loss", "metric",
          "weight", "extern", "from"}  # fmt: skip
"""Words that begin a statement."""
_DEFINES = {"=", "[", ",", ":", "==", ":=", "+=", "-=", "*=", "/="}
KEYWORDS = {*STARTS, "import", "as", "of", "at", "when", "most", "if", "else", "soft", "or", "and", "not", "in"}
"""Every reserved word."""


@dataclass(frozen=True, slots=True)
class Word:
    """A name, number, string or sign, and whether it is the first of its line."""

    text: str
    kind: str
    start: int
    first: bool

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @property
    def ends_operand(self) -> bool:
        """Whether an expression can end with it, so that a name that follows begins something new."""
        return self.kind in ("number", "string") or (
            self.text not in KEYWORDS if self.kind == "name" else self.text in CLOSING
        )

    def span(self, source: Source) -> Span:
        """Where it stands."""
        return Span(source, self.start, self.end)


def words_of(text: str) -> list[Word]:
    """All words of a text but its comments.

    >>> [word.text for word in words_of('y[0] = image >> conv(8, k = 3) // the stem')][:6]
    ['y', '[', '0', ']', '=', 'image']
    """
    words: list[Word] = []
    line = -1
    for match in _WORD.finditer(text):
        if match.lastgroup is None:
            continue
        start = match.start()
        begin = text.rfind("\n", 0, start)
        words.append(Word(match.group(match.lastgroup), match.lastgroup, start, begin != line or not words))
        line = begin
    return words


def word_at(words: list[Word], offset: int) -> int:
    """Index of the word at an offset, or of the next one."""
    place = bisect_right(words, offset, key=lambda word: word.start)
    return place - 1 if place and words[place - 1].end > offset else place


def is_body(words: list[Word], place: int) -> bool:
    """Whether the `{` at an index opens a body: it follows an operand, as no expression does."""
    return place > 0 and words[place - 1].ends_operand


def open_brackets(words: list[Word], end: int) -> list[int]:
    """Indices of the brackets that are open before the word `end`, the outermost first."""
    stack: list[int] = []
    for place in range(end):
        text = words[place].text
        if text in OPENING:
            stack.append(place)
        elif text in CLOSING:
            while stack and words[stack[-1]].text != CLOSING[text] and text == "}":
                stack.pop()
            if stack and words[stack[-1]].text == CLOSING[text]:
                stack.pop()
    return stack


def begins_statement(words: list[Word], place: int, *, inside: bool = False) -> bool:
    """Whether a statement surely begins with a word; `inside`: a bracket is open, which may have been forgotten."""
    word = words[place]
    before = words[place - 1] if place else None
    if word.first and word.text in STARTS - {"to", "for", "from"}:
        return before is None or before.text not in ("aux", "tied", "shared")
    if before is not None and not before.ends_operand and before.text != "{":
        return False
    if word.text in STARTS:
        return word.first if inside or word.text in ("to", "for", "from") else True
    after = words[place + 1].text if place + 1 < len(words) else ""
    if word.kind != "name" or not word.first:
        return False
    if word.text in KEYWORDS:
        return after == "="
    return not inside or after in _DEFINES or (after.isidentifier() and after not in KEYWORDS)


def statement_start(words: list[Word], place: int) -> int:
    """Index of the first word of the statement that the word at `place` belongs to (before it, if it begins one)."""
    opened = open_brackets(words, place)
    bodies = [i for i in opened if words[i].text == "{" and is_body(words, i)]
    start = bodies[-1] + 1 if bodies else 0
    depth = 0
    for i in range(start, place):
        text = words[i].text
        if text in CLOSING:
            depth = max(0, depth - 1)
        elif depth == 0 and begins_statement(words, i):
            start = i
        if text in OPENING:
            depth += 1
    if place < len(words) and words[place].first and words[place].text in ("if", "else", "import"):
        return place
    return start

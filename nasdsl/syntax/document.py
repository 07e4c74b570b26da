"""What a text consists of when it is laid out: tokens, and where lines may break between them."""
# ruff: noqa: D102 - what every document answers is said once, in Doc

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

WIDTH = 120
"""Longest line that is written where a break can avoid it."""


@dataclass(slots=True)
class Comment:
    """A comment, `text` from its `//` on.

    Attributes:
        text: What it says.
        own_line: It does not follow code on its line.
        blank: A blank line stands before it.
        column: Where it began in its line, from 0.
    """

    text: str
    own_line: bool
    blank: bool
    column: int


@dataclass(slots=True)
class Word:
    """A token, with what the source has around it.

    Attributes:
        text: What is written.
        comments: Those that follow it, up to the next token.
        newline: In the source, a line ends between the token before it and this one.
        blank: A blank line stands directly before it.
    """

    text: str
    comments: list[Comment] = field(default_factory=list)
    newline: bool = False
    blank: bool = False


class Doc:
    """A part of a text."""

    def words(self) -> Iterator[Word]:
        """Its tokens, in order."""
        raise NotImplementedError

    @cached_property
    def width(self) -> int | None:
        """How many columns it takes on one line; None where a comment or a body makes it take several."""
        raise NotImplementedError

    @cached_property
    def lead(self) -> tuple[int, bool]:
        """The columns up to the first place where the line may break, and whether there is such a place."""
        raise NotImplementedError

    @cached_property
    def first(self) -> Word:
        """Its first token."""
        return next(self.words())

    @cached_property
    def has_inner_comment(self) -> bool:
        """Whether a comment stands before its last token."""
        words = list(self.words())
        return any(word.comments for word in words[:-1])


class Leaf(Doc):
    """One token."""

    def __init__(self, text: str) -> None:
        self.word = Word(text)

    def words(self) -> Iterator[Word]:
        yield self.word

    @cached_property
    def width(self) -> int | None:
        return len(self.word.text)

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return len(self.word.text), bool(self.word.comments)


class Space(Doc):
    """Blanks at which a line never breaks."""

    def __init__(self, columns: int = 1) -> None:
        self.columns = columns

    def words(self) -> Iterator[Word]:
        return iter(())

    @cached_property
    def width(self) -> int | None:
        return self.columns

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return self.columns, False


class Row(Doc):
    """Parts that follow one another."""

    def __init__(self, *parts: Doc) -> None:
        self.parts = parts

    def words(self) -> Iterator[Word]:
        for part in self.parts:
            yield from part.words()

    @cached_property
    def width(self) -> int | None:
        return None if self.has_inner_comment else _total(self.parts)

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return _lead(self.parts)


class Brackets(Doc):
    """Items between brackets: lines break between the items.

    Args:
        opening: The bracket before them.
        items: With the comma that follows each but the last.
        closing: The bracket after them.
        padded: Blanks stand inside the brackets.
    """

    def __init__(self, opening: str, items: Sequence[Doc], closing: str, *, padded: bool = False) -> None:
        self.opening = Leaf(opening)
        self.items = list(items)
        self.closing = Leaf(closing)
        self.padding = int(padded)

    def words(self) -> Iterator[Word]:
        yield self.opening.word
        for item in self.items:
            yield from item.words()
        yield self.closing.word

    @cached_property
    def width(self) -> int | None:
        inside = _total(self.items)
        if inside is None or self.has_inner_comment:
            return None
        return inside + max(0, len(self.items) - 1) + 2 * self.padding + 2

    @cached_property
    def lead(self) -> tuple[int, bool]:
        if self.opening.word.comments:
            return 1, True
        columns, breaks = self.items[0].lead if self.items else (0, False)
        if breaks or len(self.items) > 1:
            return 1 + self.padding + columns, True
        return 2 + 2 * self.padding + columns, bool(self.closing.word.comments)


class Chain(Doc):
    """Operands with operators between them: lines break before the operators.

    Args:
        head: The first operand.
        links: Each an operator with its operand.
    """

    def __init__(self, head: Doc, links: Sequence[Doc]) -> None:
        self.head = head
        self.links = list(links)

    def words(self) -> Iterator[Word]:
        yield from self.head.words()
        for link in self.links:
            yield from link.words()

    @cached_property
    def width(self) -> int | None:
        total = _total([self.head, *self.links])
        return None if total is None or self.has_inner_comment else total + len(self.links)

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return self.head.lead[0], True


class Definition(Doc):
    """`name =` and a value that may stand on a line of its own."""

    def __init__(self, name: Doc, value: Doc) -> None:
        self.name = name
        self.value = value

    def words(self) -> Iterator[Word]:
        yield from self.name.words()
        yield from self.value.words()

    @cached_property
    def width(self) -> int | None:
        total = _total([self.name, self.value])
        return None if total is None or self.has_inner_comment or self.value.first.newline else total + 1

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return self.name.lead[0], True


class Body(Doc):
    """Statements in braces: on lines of their own, or, where they are few and `short`, on the line of the braces.

    Args:
        entries: The statements.
        short: They may stand on the line of the braces.
        most: How many may.
    """

    def __init__(self, entries: Sequence[Doc], *, short: bool, most: int = 1) -> None:
        self.opening = Leaf("{")
        self.entries = list(entries)
        self.closing = Leaf("}")
        self.short = short
        self.most = most

    def words(self) -> Iterator[Word]:
        yield self.opening.word
        for entry in self.entries:
            yield from entry.words()
        yield self.closing.word

    @cached_property
    def width(self) -> int | None:
        if self.has_inner_comment or len(self.entries) > self.most or (self.entries and not self.short):
            return None
        inside = _total(self.entries)
        return None if inside is None else inside + 3 + len(self.entries)

    @cached_property
    def lead(self) -> tuple[int, bool]:
        return 1, True


def _total(parts: Sequence[Doc]) -> int | None:
    total = 0
    for part in parts:
        if part.width is None:
            return None
        total += part.width
    return total


def _lead(parts: Sequence[Doc]) -> tuple[int, bool]:
    total = 0
    for part in parts:
        columns, breaks = part.lead
        total += columns
        if breaks:
            return total, True
    return total, False

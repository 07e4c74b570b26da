"""What a parser says when a text breaks the grammar."""

from __future__ import annotations


class Unexpected(Exception):
    """A place where no sentence of the grammar goes on.

    Attributes:
        offset: Of the word or character that does not fit; None at the end of the text.
        expected: Names of the terminals that would have fitted.
    """

    def __init__(self, offset: int | None, expected: set[str]) -> None:
        super().__init__(offset)
        self.offset = offset
        self.expected = expected

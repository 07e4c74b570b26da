"""Lays documents out in lines."""

from __future__ import annotations

from collections.abc import Sequence

from nasdsl.syntax.document import WIDTH, Body, Brackets, Chain, Comment, Definition, Doc, Leaf, Row, Space, Word

INDENT = 2
"""Columns by which a body stands further right than its statement, and a broken expression than its beginning."""


def render(entries: Sequence[Doc], comments: Sequence[Comment] = ()) -> str:
    """The text of a file.

    Args:
        entries: What it holds, each on lines of its own.
        comments: Those before the first token.
    """
    page = _Page()
    page.pending += comments
    page.entries(entries, 0)
    page.flush(0)
    return page.text()


class _Page:
    """The lines so far, and the comments that still have to be written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.trailing: dict[int, Comment] = {}
        self.pending: list[Comment] = []
        self.must_break = True
        self.opened = True
        self.line_indent = 0
        self.indent = 0
        self.statement_indent = 0

    def text(self) -> str:
        lines = _with_trailing(self.lines, self.trailing)
        return "".join(f"{line.rstrip()}\n" for line in lines)

    # words and lines

    @property
    def column(self) -> int:
        return len(self.lines[-1])

    def newline(self, indent: int, *, blank: bool = False, keep_blanks: bool = False) -> None:
        """Begin a line, after the comments that are still to be written, which are indented alike."""
        self.flush(indent, keep_blanks=keep_blanks)
        if blank and not self.opened:
            self.lines.append("")
        self.lines.append(" " * indent)
        self.line_indent = indent
        self.must_break = self.opened = False

    def flush(self, indent: int, *, keep_blanks: bool = True) -> None:
        """Write the comments that are still to be written, each on its line."""
        for comment in self.pending:
            if comment.blank and keep_blanks and not self.opened:
                self.lines.append("")
            self.lines.append(" " * indent + comment.text)
            self.opened = False
        self.pending = []

    def word(self, word: Word) -> None:
        if self.must_break:
            self.newline(self.indent)
        self.lines[-1] += word.text
        rest = list(word.comments)
        if rest and not rest[0].own_line:
            self.trailing[len(self.lines) - 1] = rest.pop(0)
        self.pending = rest
        self.must_break = bool(word.comments)

    def space(self, columns: int = 1) -> None:
        if not self.must_break and self.lines[-1].strip():
            self.lines[-1] += " " * columns

    def fits(self, doc: Doc, tail: int = 0) -> bool:
        """Whether the document fits on the rest of the line, with `tail` columns after it."""
        return not self.must_break and doc.width is not None and self.column + doc.width + tail <= WIDTH

    # documents

    def entries(self, entries: Sequence[Doc], indent: int) -> None:
        for entry in entries:
            self.newline(indent, blank=entry.first.blank, keep_blanks=True)
            self.indent = indent + 2 * INDENT
            self.statement_indent = indent
            self.write(entry, 0)
            self.must_break = True

    def write(self, doc: Doc, tail: int) -> None:
        """Write a document of which `tail` more columns must follow on its last line."""
        if self.must_break and not isinstance(doc, Space):
            self.newline(self.indent)
        match doc:
            case Leaf():
                self.word(doc.word)
            case Space():
                self.space(doc.columns)
            case Row():
                self._row(doc.parts, tail)
            case Brackets():
                if self.fits(doc, tail):
                    self._flat_brackets(doc)
                else:
                    self._brackets(doc, tail)
            case Chain():
                if self.fits(doc, tail):
                    self._row([doc.head, *(part for link in doc.links for part in (Space(), link))], tail)
                else:
                    self._chain(doc, tail)
            case Definition():
                self._definition(doc, tail)
            case Body():
                self._body(doc, tail)

    def _row(self, parts: Sequence[Doc], tail: int) -> None:
        for place, part in enumerate(parts):
            after, breaks = Row(*parts[place + 1 :]).lead
            self.write(part, after if breaks else after + tail)

    def _flat_brackets(self, doc: Brackets) -> None:
        self.word(doc.opening.word)
        self.space(doc.padding)
        self._row([part for item in doc.items for part in (item, Space())][:-1], 0)
        self.space(doc.padding)
        self.word(doc.closing.word)

    def _brackets(self, doc: Brackets, tail: int) -> None:
        outside, outer_indent = self.indent, self.line_indent
        self.word(doc.opening.word)
        self.space(doc.padding)
        aligned = self.column
        hangs = self._hangs(doc, aligned, outer_indent + INDENT)
        start = outer_indent + INDENT if hangs else aligned
        end = 0 if hangs else doc.padding + 1 + tail
        rows = _rows_of_source(doc.items, start, start, end)
        for place, item in enumerate(doc.items):
            self.indent = start
            last = end if place == len(doc.items) - 1 else 0
            if place == 0:
                if hangs:
                    self.newline(start)
            elif place in rows or self.must_break or (not rows and not self.fits(Row(Space(), item), last)):
                self.newline(start)
            else:
                self.space()
            self.write(item, last)
        if hangs:
            self.flush(start, keep_blanks=False)
            self.newline(outer_indent)
        else:
            self.space(doc.padding)
        self.word(doc.closing.word)
        self.indent = outside

    def _hangs(self, doc: Brackets, aligned: int, hanging: int) -> bool:
        """Whether the items begin on a line of their own instead of behind the bracket."""
        if not doc.items:
            return False
        if doc.has_inner_comment or doc.items[0].first.newline:
            return True
        widest = max(item.width if item.width is not None else item.lead[0] for item in doc.items)
        return aligned + widest + 2 > WIDTH and aligned > hanging

    def _chain(self, doc: Chain, tail: int) -> None:
        outside, start = self.indent, self.column
        indent = start + INDENT
        rows = _rows_of_source([doc.head, *doc.links], start, indent, tail)
        self.indent = indent
        self.write(doc.head, doc.links[0].lead[0] + 1 if rows and 1 not in rows else 0)
        for place, link in enumerate(doc.links, 1):
            last = tail if place == len(doc.links) else 0
            if self.must_break or place in rows:
                self.newline(indent)
            elif rows or self.fits(Row(Space(), link), last):
                self.space()
            elif (link.width is not None and indent + link.width + last <= WIDTH) or (
                self.column + 1 + link.lead[0] > WIDTH
            ):
                self.newline(indent)
            else:
                self.space()
            self.indent = indent
            self.write(link, last)
        self.indent = outside

    def _definition(self, doc: Definition, tail: int) -> None:
        indent = self.line_indent + INDENT
        width = doc.value.width
        self.write(doc.name, 0)
        own_line = width is not None and self.column + 1 + width + tail > WIDTH and indent + width + tail <= WIDTH
        if doc.value.first.newline or own_line or self.must_break:
            self.indent = indent
            self.newline(indent)
        else:
            self.space()
        self.write(doc.value, tail)

    def _body(self, doc: Body, tail: int) -> None:
        indent = self.statement_indent
        self.word(doc.opening.word)
        if doc.width is not None and self.column + doc.width - 1 + tail <= WIDTH:
            self._row([part for entry in doc.entries for part in (Space(), entry)], 0)
            self.space()
            self.word(doc.closing.word)
            return
        self.opened = True
        self.entries(doc.entries, indent + INDENT)
        self.flush(indent + INDENT)
        self.newline(indent)
        self.word(doc.closing.word)


def _rows_of_source(items: Sequence[Doc], start: int, indent: int, tail: int) -> set[int]:
    """The items before which the source breaks the line, if all lines fit that way; else none."""
    rows = {place for place, item in enumerate(items) if place and item.first.newline}
    column = start
    for place, item in enumerate(items):
        if item.width is None:
            return set()
        column = (indent if place in rows else column + (place > 0)) + item.width
        if column + (tail if place == len(items) - 1 else 0) > WIDTH:
            return set()
    return rows


def _with_trailing(lines: Sequence[str], trailing: dict[int, Comment]) -> list[str]:
    """The lines with the comments that follow code: those of adjoining lines in one column, if there is room.

    A comment keeps the column it has in the source where it can.
    """
    result = list(lines)
    runs: list[list[int]] = []
    numbers = sorted(trailing)
    for number, before in zip(numbers, [None, *numbers], strict=False):
        if before is not None and number == before + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    for run in runs:
        together = max([len(lines[number]) + 2 for number in run] + [trailing[run[0]].column])
        alike = all(together + len(trailing[number].text) <= WIDTH for number in run)
        for number in run:
            comment, least = trailing[number], len(lines[number]) + 2
            column = max(least, comment.column)
            if column + len(comment.text) > WIDTH:
                column = least
            result[number] += " " * ((together if alike else column) - len(lines[number])) + comment.text
    return result

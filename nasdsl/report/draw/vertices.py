"""The vertices of a diagram as shapes: how large each is, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence

from nasdsl.report.diagram import Look, Option, Vertex
from nasdsl.report.draw.palette import FIGURES, GREY, INK, Palette
from nasdsl.report.draw.shapes import Dot, Group, Rect, Shape, Text, shortened, text_width

LABEL, LINE_SIZE, NOTE = 12.0, 11.0, 9.5
LABEL_HEIGHT, LINE_HEIGHT, NOTE_HEIGHT, ROW = 17.0, 14.0, 12.0, 13.0
PADDING = 8.0
DOT, DOTS_IN_A_ROW = 4.0, 8

FILLS = {
    Look.INPUT: ("#dff1dd", "#5f9a63"),
    Look.VALUE: ("#dbe9f9", "#5b84b1"),
    Look.OUTPUT: ("#fbeec4", "#b8952f"),
    Look.BOX: ("#f6f8fa", "#9aa4af"),
    Look.HEADED: ("#f6f8fa", "#9aa4af"),
    Look.BLOCK: ("#f6f8fa", "#57606a"),
    Look.PILL: ("#ffffff", "#9aa4af"),
    Look.STACK: ("#ffffff", "#7d8894"),
    Look.EXIT: ("#ffffff", "#9aa4af"),
    Look.TASK: ("#30363d", "#30363d"),
}


def size(vertex: Vertex) -> tuple[float, float]:
    """Width and height of a vertex."""
    if vertex.look is Look.PILL:
        return _pill_size(vertex.options)
    if vertex.look is Look.EXIT:
        return text_width(vertex.label, NOTE) + 10, 14
    label = text_width(shortened(vertex.label), LABEL, bold=True) + text_width(vertex.below, LABEL * 0.72)
    lines = [text_width(shortened(line), LINE_SIZE) for line in vertex.lines]
    notes = [text_width(shortened(note, 44), NOTE) for note in vertex.notes]
    rows = [text_width(_option(o), NOTE) + 14 for o in vertex.options]
    width = max([label, *lines, *notes, *rows]) + 2 * PADDING
    height = (
        LABEL_HEIGHT + LINE_HEIGHT * len(vertex.lines) + NOTE_HEIGHT * len(vertex.notes) + ROW * len(vertex.options) + 9
    )
    return max(width, 30.0), height + (4 if vertex.options else 0)


def draw(vertex: Vertex, x: float, y: float, palette: Palette) -> Group:
    """A vertex with its centre in (x, y)."""
    width, height = size(vertex)
    fill, stroke = FILLS[vertex.look]
    if vertex.look is Look.BLOCK:
        fill = FIGURES[vertex.figure % len(FIGURES)]
    if vertex.faint:
        fill = "#818b98"
    radius = (
        min(height / 2, 9)
        if vertex.look in (Look.PILL, Look.EXIT)
        else 6
        if vertex.look not in (Look.BOX, Look.HEADED)
        else 3
    )
    chosen = len(vertex.options) == 1
    if chosen:
        stroke = palette.of(vertex.options[0].label)
    left, top = x - width / 2, y - height / 2
    box = Rect(
        left, top, width, height, fill, stroke, radius,
        line=1.6 if chosen else 1.2, dash="3 2" if vertex.look is Look.EXIT else "", kind="box",
    )  # fmt: skip
    if vertex.look is Look.PILL:
        inner = _pill(vertex.options, x, y, palette)
    elif vertex.look is Look.EXIT:
        inner = [Text(x, y + 3.3, vertex.label, size=NOTE, fill=GREY)]
    else:
        inner = _lines(vertex, left, top, width, palette)
    return Group((box, *inner), vertex.title, f"vertex {vertex.look.value}")


def _lines(vertex: Vertex, left: float, top: float, width: float, palette: Palette) -> list[Shape]:
    dark = vertex.look is Look.TASK
    x, y = left + width / 2, top + 4 + LABEL_HEIGHT - 4
    bold = vertex.look not in (Look.BOX, Look.VALUE)
    label = shortened(vertex.label)
    # A subscript makes the line longer to the right; the label moves left by half of that.
    shift = text_width(vertex.below, LABEL * 0.72) / 2 if vertex.below else 0
    shapes: list[Shape] = []
    if vertex.below:
        start = x - text_width(label, LABEL) / 2 - shift
        shapes.append(Text(start, y, label, LABEL, INK, "start", below=vertex.below))
    else:
        shapes.append(Text(x, y, label, LABEL, "#ffffff" if dark else INK, bold=bold))
    for line in vertex.lines:
        y += LINE_HEIGHT
        shapes.append(Text(x, y, shortened(line), LINE_SIZE))
    if vertex.options:
        y += 3
        for option in vertex.options:
            y += ROW
            shapes += [_dot(option, left + PADDING + DOT, y - 3.3, palette)]
            shapes.append(Text(left + PADDING + 14, y, _option(option), NOTE, INK, "start"))
        y += 2
    for note in vertex.notes:
        y += NOTE_HEIGHT
        shapes.append(Text(x, y, shortened(note, 44), NOTE, "#e6e9ec" if dark else GREY))
    return shapes


def _option(option: Option) -> str:
    return shortened(option.label, 24) + (" (soft)" if option.soft else "")


def _dot(option: Option, x: float, y: float, palette: Palette) -> Dot:
    colour = palette.of(option.label)
    return Dot(x, y, DOT - 0.6, "#ffffff", colour) if option.soft else Dot(x, y, DOT, colour)


def _pill_size(options: Sequence[Option]) -> tuple[float, float]:
    if len(options) == 1:
        return text_width(_option(options[0]), NOTE + 1) + 26, 18
    columns, rows = min(len(options), DOTS_IN_A_ROW), -(-len(options) // DOTS_IN_A_ROW)
    return columns * 10 + 8.0, rows * 10 + 6.0


def _pill(options: Sequence[Option], x: float, y: float, palette: Palette) -> list[Shape]:
    width, height = _pill_size(options)
    if len(options) == 1:
        text = Text(x - width / 2 + 18, y + 3.6, _option(options[0]), NOTE + 1, INK, "start")
        return [_dot(options[0], x - width / 2 + 10, y, palette), text]
    shapes: list[Shape] = []
    for i, option in enumerate(options):
        row, column = divmod(i, DOTS_IN_A_ROW)
        at = x - width / 2 + 9 + 10 * column, y - height / 2 + 8 + 10 * row
        shapes.append(_dot(option, *at, palette))
    return shapes


def legend(options: Sequence[Option], palette: Palette, page: float) -> tuple[list[Shape], float, float]:
    """Colours with their names, in rows not wider than the page; with the width and height it takes."""
    shapes: list[Shape] = []
    x, y, widest = 0.0, 0.0, 0.0
    for option in options:
        text = shortened(option.label, 40) + (" (in the supernet only)" if option.soft else "")
        width = text_width(text, 11) + 30
        if x and x + width > page:
            x, y = 0.0, y + 18
        shapes += [_dot(option, x + 6, y + 8, palette), Text(x + 15, y + 12, text, 11, INK, "start")]
        x += width
        widest = max(widest, x)
    return shapes, widest, y + 18

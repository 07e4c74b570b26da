"""A diagram as a figure."""

from __future__ import annotations

from nasdsl.report.diagram import Diagram, Look, Option
from nasdsl.report.draw.layered import Box, arrange
from nasdsl.report.draw.palette import LINE, Palette
from nasdsl.report.draw.shapes import Figure, Path, Shape, arrow, moved
from nasdsl.report.draw.vertices import draw, legend, size

COLUMNS = {Look.INPUT: "first", Look.TASK: "last", Look.OUTPUT: "last"}


def flow_figure(diagram: Diagram, palette: Palette, *, caption: str = "", page: float = 980) -> Figure:
    """The diagram, laid out from left to right, with a legend for the operations that stand as dots."""
    boxes = [Box(*size(vertex), COLUMNS.get(vertex.look, "")) for vertex in diagram.vertices]
    for vertex in diagram.vertices:
        for option in vertex.options:
            palette.of(option.label)
    placed = arrange(boxes, [(a.source, a.target) for a in diagram.arrows], page=page)
    shapes: list[Shape] = []
    for line in placed.lines:
        candidate = all(diagram.arrows[i].candidate for i in line.arrows)
        shapes.append(Path(line.commands, LINE, dash="4 3" if candidate else ""))
    shapes += [arrow(x, y, LINE) for x, y in sorted(set(placed.tips))]
    for vertex, (x, y) in zip(diagram.vertices, placed.centres, strict=True):
        shapes.append(draw(vertex, x, y, palette))
    width, height = placed.width, placed.height
    dots = _as_dots(diagram)
    if dots:
        below, wide, high = legend(dots, palette, max(width, 760))
        shapes += [moved(shape, 0, height + 12) for shape in below]
        width, height = max(width, wide), height + 12 + high
    return Figure(width, height, tuple(shapes), caption)


def _as_dots(diagram: Diagram) -> list[Option]:
    """The operations that the diagram shows without their names."""
    pills = (v.options for v in diagram.vertices if v.look is Look.PILL and len(v.options) > 1)
    found: dict[str, Option] = {}
    for options in pills:
        for option in options:
            found.setdefault(option.label, option)
    return list(found.values())

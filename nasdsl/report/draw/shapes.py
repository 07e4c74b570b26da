"""The shapes pictures are made of, and how they are written as SVG. Every text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

FONT = "Helvetica, Arial, sans-serif"

Command = tuple[str, tuple[float, ...]]
"""A letter of the SVG path language (M, L, C or Q, absolute) with its coordinates, x and y in turn."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle; `kind` is its class in the SVG."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "none"
    stroke: str = "none"
    radius: float = 0
    line: float = 1
    dash: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A circle."""

    x: float
    y: float
    radius: float
    fill: str
    stroke: str = "none"


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text at its baseline; `below` is written behind it as a subscript."""

    x: float
    y: float
    content: str
    size: float = 12
    fill: str = "#1f2328"
    anchor: str = "middle"
    bold: bool = False
    below: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A line of straight and curved pieces."""

    commands: tuple[Command, ...]
    stroke: str = "none"
    line: float = 1.2
    dash: str = ""
    fill: str = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that are one thing; `title` is shown when the mouse rests on it."""

    shapes: tuple[Shape, ...]
    title: str = ""
    kind: str = ""


Shape = Rect | Dot | Text | Path | Group


@dataclass(frozen=True, slots=True)
class Figure:
    """Shapes within (0, 0) to (width, height)."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    caption: str = ""


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """The shape at another place."""
    if isinstance(shape, Group):
        return replace(shape, shapes=tuple(moved(inner, dx, dy) for inner in shape.shapes))
    if isinstance(shape, Path):
        commands = tuple(
            (letter, tuple(v + (dy if i % 2 else dx) for i, v in enumerate(at))) for letter, at in shape.commands
        )
        return replace(shape, commands=commands)
    return replace(shape, x=shape.x + dx, y=shape.y + dy)


def text_width(text: str, size: float = 12, *, bold: bool = False) -> float:
    """About how wide a text is: enough for Helvetica and for the wider fonts that stand in for it."""
    return sum(_em(letter) for letter in text) * size * (1.18 if bold else 1.08)


def _em(letter: str) -> float:
    if letter in "ijl|'.,:;!":
        return 0.29
    if letter in "fIt()[]{}/ -":
        return 0.36
    if letter in "mwMW@%":
        return 0.9
    if letter.isascii():
        return 0.7 if letter.isupper() else 0.57
    return 0.62 if letter in "×∈·–…→Σ‖" else 1.05


def shortened(text: str, most: int = 28) -> str:
    """The text, cut where it is too long for a label.

    >>> shortened("conv_bn_relu", 8)
    'conv_bn…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def polyline(points: Sequence[tuple[float, float]], radius: float = 6) -> tuple[Command, ...]:
    """A line of horizontal and vertical pieces with round corners."""
    commands: list[Command] = [("M", points[0])]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        commands += [
            ("L", _towards(corner, before, radius)),
            ("Q", (*corner, *_towards(corner, after, radius))),
        ]
    return (*commands, ("L", points[-1]))


def _towards(start: tuple[float, float], end: tuple[float, float], most: float) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = abs(dx) + abs(dy)
    share = min(most, length / 2) / length if length else 0
    return start[0] + dx * share, start[1] + dy * share


def arrow(x: float, y: float, fill: str, size: float = 5) -> Path:
    """An arrow head that points right and ends in (x, y)."""
    return Path((("M", (x - size, y - size * 0.6)), ("L", (x, y)), ("L", (x - size, y + size * 0.6))), fill=fill)


def stacked(figures: Sequence[Figure], gap: float = 22) -> Figure:
    """Figures one below the other, each under its caption."""
    shapes: list[Shape] = []
    y = 0.0
    for figure in figures:
        if figure.caption:
            shapes.append(Text(0, y + 12, figure.caption, size=13, anchor="start", bold=True))
            y += 24
        shapes += [moved(shape, 0, y) for shape in figure.shapes]
        y += figure.height + gap
    captions = [text_width(f.caption, 13, bold=True) for f in figures if f.caption]
    width = max([*(f.width for f in figures), *captions], default=0)
    return Figure(width, max(0.0, y - gap), tuple(shapes))


def svg(figure: Figure, title: str, margin: float = 16) -> str:
    """The figure as an SVG document on a white card, which reads on light and on dark pages.

    The size in pixels is that of the view box; there are no scripts, fonts or links in it.
    """
    width, height = figure.width + 2 * margin, figure.height + 2 * margin
    card = Rect(0.5, 0.5, width - 1, height - 1, fill="#ffffff", stroke="#d0d7de", radius=8, kind="card")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" font-family="{FONT}" role="img">',
        f"<title>{_clean(title)}</title>",
        *_written(card),
    ]
    for shape in figure.shapes:
        lines += _written(moved(shape, margin, margin))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _written(shape: Shape) -> Iterator[str]:
    match shape:
        case Group():
            yield f"<g{_attributes([('class', shape.kind)])}>"
            if shape.title:
                yield f"<title>{_clean(shape.title)}</title>"
            for inner in shape.shapes:
                yield from _written(inner)
            yield "</g>"
        case Rect():
            place: list[tuple[str, float | str]] = [
                ("x", shape.x),
                ("y", shape.y),
                ("width", shape.width),
                ("height", shape.height),
            ]
            yield f"<rect{_attributes([('class', shape.kind), *place, ('rx', shape.radius or ''), *_paint(shape)])}/>"
        case Dot():
            place = [("cx", shape.x), ("cy", shape.y), ("r", shape.radius)]
            yield f"<circle{_attributes([*place, ('fill', shape.fill), *_outline(shape.stroke, 1.2, '')])}/>"
        case Path():
            yield f"<path{_attributes([('d', _path(shape.commands)), *_paint(shape)])}/>"
        case Text():
            where: list[tuple[str, float | str]] = [
                ("x", shape.x),
                ("y", shape.y),
                ("font-size", shape.size),
                ("fill", shape.fill),
            ]
            style: list[tuple[str, float | str]] = [
                ("text-anchor", shape.anchor),
                ("font-weight", "bold" if shape.bold else ""),
            ]
            yield f"<text{_attributes([*where, *style])}>{_clean(shape.content)}{_subscript(shape)}</text>"


def _subscript(text: Text) -> str:
    if not text.below:
        return ""
    return f'<tspan dy="{_n(text.size * 0.25)}" font-size="{_n(text.size * 0.72)}">{_clean(text.below)}</tspan>'


def _paint(shape: Rect | Path) -> Iterable[tuple[str, float | str]]:
    return [("fill", shape.fill), *_outline(shape.stroke, shape.line, shape.dash)]


def _outline(stroke: str, line: float, dash: str) -> Iterable[tuple[str, float | str]]:
    if stroke == "none":
        return []
    return [("stroke", stroke), ("stroke-width", line), ("stroke-dasharray", dash)]


def _attributes(pairs: Iterable[tuple[str, float | str]]) -> str:
    written = ((name, value if isinstance(value, str) else _n(value)) for name, value in pairs)
    return "".join(f" {name}={quoteattr(_legal(value))}" for name, value in written if value)


def _path(commands: Sequence[Command]) -> str:
    return " ".join(letter + " ".join(map(_n, at)) for letter, at in commands)


def _n(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _clean(text: str) -> str:
    return escape(_legal(text))


def _legal(text: str) -> str:
    """The text without characters that XML forbids."""
    return "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not _lone(c)) else "\ufffd" for c in text
    )


def _lone(letter: str) -> bool:
    return "\ud800" <= letter <= "\udfff"


def curve(start: tuple[float, float], end: tuple[float, float]) -> tuple[Command, ...]:
    """A line that leaves and arrives horizontally."""
    middle = (start[0] + end[0]) / 2
    return (("M", start), ("C", (middle, start[1], middle, end[1], *end)))

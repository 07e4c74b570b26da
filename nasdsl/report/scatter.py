"""A scatter plot: what was predicted against what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from nasdsl.report.draw.shapes import Dot, Figure, Path, Shape, Text, svg, text_width

SIDE = 420.0
LEFT, BELOW, TOP = 62.0, 48.0, 66.0
KEY = 38.0
"""Where the names of the series stand: between the title and the plot, where no point can lie."""
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df")
GREY = "#8c959f"


def scatter(series: Mapping[str, Sequence[tuple[float, float]]], title: str, x: str, y: str) -> str:
    """An SVG document with both axes alike and the line on which predictions are right.

    Args:
        series: Points (x, y) by name; the names stand in the key.
        title: Above the plot.
        x: Name of the horizontal axis, with its unit.
        y: Name of the vertical axis.
    """
    values = [value for points in series.values() for point in points for value in point]
    ticks = _ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across, up = ((value - low) / (high - low) * SIDE for value in point)
        return LEFT + across, TOP + SIDE - up

    shapes: list[Shape] = [Text(LEFT, 14, title, size=14, anchor="start", bold=True)]
    for tick in ticks:
        across, up = place((tick, low))[0], place((low, tick))[1]
        shapes += [
            _line([(across, TOP), (across, TOP + SIDE)], "#eaeef2"),
            _line([(LEFT, up), (LEFT + SIDE, up)], "#eaeef2"),
            Text(across, TOP + SIDE + 16, f"{tick:g}", size=11),
            Text(LEFT - 6, up + 4, f"{tick:g}", size=11, anchor="end"),
        ]
    shapes += [
        Text(LEFT + SIDE / 2, TOP + SIDE + 36, x),
        Text(LEFT, TOP - 6, y, anchor="start"),
        _line([place((low, low)), place((high, high))], GREY, dash="4 3"),
    ]
    across = LEFT + 4
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        shapes += [Dot(*place(point), 3.5, colour) for point in points]
        shapes += [Dot(across, KEY - 4, 3.5, colour), Text(across + 10, KEY, name, anchor="start")]
        across += 10 + text_width(name) + 22
    return svg(Figure(LEFT + SIDE + 12, TOP + SIDE + BELOW, tuple(shapes)), title)


def _line(points: Sequence[tuple[float, float]], stroke: str, dash: str = "") -> Path:
    first, *rest = points
    return Path((("M", first), *(("L", point) for point in rest)), stroke=stroke, dash=dash)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the least value to above the greatest.

    >>> _ticks(1.2, 4.9)
    [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 8)
    first = floor(low / step)
    last = max(first + 1, ceil(high / step))
    return [round(n * step, 12) for n in range(first, last + 1)]

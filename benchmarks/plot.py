"""A plot of how something grows: a horizontal axis, a logarithmic vertical one, and a line for each series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

from nasdsl.report.draw.shapes import Dot, Figure, Path, Shape, Text, svg

WIDTH, HEIGHT, LEFT, TOP = 460.0, 300.0, 64.0, 46.0
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df")


def growth_plot(series: Mapping[str, Sequence[tuple[float, float]]], title: str, x: str, y: str) -> str:
    """An SVG document.

    Args:
        series: Points (x, y) by name, y above 0.
        title: Above the plot.
        x: Name of the horizontal axis.
        y: Name of the vertical axis, with its unit.
    """
    right = max(point[0] for points in series.values() for point in points)
    exponents = [log10(point[1]) for points in series.values() for point in points]
    low, high = floor(min(exponents)), ceil(max(exponents))

    def place(across: float, value: float) -> tuple[float, float]:
        return LEFT + across / right * WIDTH, TOP + HEIGHT * (high - log10(value)) / (high - low)

    shapes: list[Shape] = [
        Text(LEFT, 16, title, size=14, anchor="start", bold=True),
        Text(LEFT, TOP - 8, y, anchor="start"),
    ]
    for exponent in range(low, high + 1):
        start, end = place(0, 10.0**exponent), place(right, 10.0**exponent)
        shapes += [Path((("M", start), ("L", end)), stroke="#eaeef2")]
        shapes += [Text(LEFT - 6, start[1] + 4, f"{10.0**exponent:g}", size=11, anchor="end")]
    for tick in range(0, int(right) + 1, 50):
        across, bottom = place(tick, 10.0**low)
        shapes += [Text(across, bottom + 16, str(tick), size=11)]
    shapes += [Text(LEFT + WIDTH / 2, TOP + HEIGHT + 36, x)]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        first, *rest = [place(*point) for point in points]
        shapes += [Path((("M", first), *(("L", point) for point in rest)), stroke=colour)]
        shapes += [Dot(*place(*point), 3.5, colour) for point in points]
        last = place(*points[-1])
        shapes += [Text(last[0] + 8, last[1] + 4, name, anchor="start", size=12)]
    return svg(Figure(LEFT + WIDTH + 180, TOP + HEIGHT + 50, tuple(shapes)), title)

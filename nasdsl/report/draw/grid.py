"""A grid of cells with the routes through it, in the manner of Figure 1 of FasterSeg (Chen et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nasdsl.ir.graph import Cell, Decision, Grid, Kind
from nasdsl.report.diagram import Option
from nasdsl.report.draw.palette import FAINT, GREY, INK, LINE, ROUTES, Palette
from nasdsl.report.draw.shapes import (
    Dot,
    Figure,
    Group,
    Path,
    Rect,
    Shape,
    Text,
    arrow,
    curve,
    moved,
    shortened,
    text_width,
)
from nasdsl.report.draw.vertices import legend
from nasdsl.report.patterns import domain_words, name_of, value_words
from nasdsl.report.registry import Registry

ROW_GAP = 26.0
NOTE = 9.5


class GridFigure:
    """Draws one grid: layers from left to right, the second coordinate (the rate) from top to bottom."""

    def __init__(self, registry: Registry, path: str, palette: Palette) -> None:
        self.registry, self.reading, self.palette = registry, registry.reading, palette
        self.graph = self.reading.graph
        self.grid: Grid = self.graph.grids[path]
        self.routes = self.reading.live_routes(path)
        self.decided = self.reading.values is not None
        self.decisions = {cell: self._decisions(cell) for cell in self.grid.cells}
        self.lines = {cell: self._lines(cell) for cell in self.grid.cells}
        self.columns = sorted({cell[0] for cell in self.grid.cells})
        self.rows = sorted({cell[1:] for cell in self.grid.cells})
        self.width = self._cell_width()
        self.height = self._cell_height()
        self.left = max((text_width(self._row_name(r), 11) for r in self.rows), default=0) + 26
        self.pitch = self.width + (14 if self.decided else 22)

    def figure(self, caption: str) -> Figure:
        """The figure with its legend."""
        shapes = [*self._axes(), *self._links(), *self._ways(), *self._ends()]
        shapes += [self._cell(cell) for cell in self.grid.cells]
        right = self.left + self.pitch * len(self.columns) - (self.pitch - self.width) + self._end_room()
        bottom = 22 + len(self.rows) * (self.height + ROW_GAP) - ROW_GAP + 4
        below, width, height = self._legend(right)
        shapes += [moved(shape, 0, bottom + 10) for shape in below]
        return Figure(max(right, width), bottom + (10 + height if below else 0), tuple(shapes), caption)

    # what a cell says

    def _decisions(self, cell: Cell) -> list[str]:
        scope = self.graph.scopes[self.graph.nodes[self.grid.cells[cell]].scope]
        found = [d for d in self.graph.decisions if scope.path and d.startswith(f"{scope.path}.")]
        return [d for d in found if not self.decided or self.reading.value(d) is not None]

    def _lines(self, cell: Cell) -> list[tuple[str, str]]:
        """For an architecture, a line and a colour for each decision of a cell."""
        lines = []
        for path in self.decisions[cell]:
            value, decision = self.reading.value(path), self.graph.decisions[path]
            if value is None:
                continue
            words = shortened(value_words(value), 14)
            plain = decision.kind is Kind.CHOOSE and isinstance(value, str)
            lines.append((words, self.palette.of(words)) if plain else (f"{name_of(path)} = {words}", ""))
        return sorted(lines, key=lambda line: not line[1])

    def _options(self, cell: Cell) -> list[Option]:
        if self.decided:
            return []
        chosen = [self.graph.decisions[d] for d in self.decisions[cell]]
        return [
            Option(str(v), v in d.soft)
            for d in chosen
            if d.kind is Kind.CHOOSE and self.registry.selects(d.path)
            for v in d.domain
        ]

    def _widths(self, cell: Cell) -> list[int]:
        """How many widths each of a cell's width decisions has."""
        chosen = [self.graph.decisions[d] for d in self.decisions[cell]]
        return [] if self.decided else [len(d.domain) for d in chosen if d.kind is Kind.WIDTH]

    def _cell_width(self) -> float:
        texts = [
            text_width(line, NOTE) + (10 if colour else 0) for lines in self.lines.values() for line, colour in lines
        ]
        dots = [min(6, len(self._options(cell))) * 7.0 for cell in self.grid.cells]
        return max([18.0, *texts, *dots]) + 12

    def _cell_height(self) -> float:
        texts = [len(lines) * 12.0 for lines in self.lines.values()]
        dots = [-(-len(self._options(cell)) // 6) * 7.0 + 6.0 * bool(self._widths(cell)) for cell in self.grid.cells]
        return max([12.0, *texts, *dots]) + 10

    # places

    def _at(self, cell: Cell) -> tuple[float, float]:
        x = self.left + self.columns.index(cell[0]) * self.pitch + self.width / 2
        return x, 22 + self.rows.index(cell[1:]) * (self.height + ROW_GAP) + self.height / 2

    def _row_name(self, row: Sequence[int]) -> str:
        """The rate of a row, `1/8`, if its cells have one; else its coordinates."""
        cells = [cell for cell in self.grid.cells if cell[1:] == row]
        rates = {self.graph.nodes[self.grid.cells[cell]].type.rate for cell in cells}
        if len(rates) == 1 and (rate := rates.pop()) > 0:
            return "1" if rate == 1 else f"1/{rate}" if rate.denominator == 1 else f"{1 / rate}"
        return ", ".join(map(str, row))

    def _end_room(self) -> float:
        return 14 + max((text_width(self._end_name(route.path), 11) for route, _ in self._shown_routes()), default=0)

    def _shown_routes(self) -> list[tuple[Decision, tuple[Cell, ...]]]:
        if self.decided:
            return list(self.routes)
        return [(route, (route.end,)) for route in self.graph.routes(self.grid.path)]

    def _end_name(self, route: str) -> str:
        return shortened(route, 24)

    # shapes

    def _axes(self) -> list[Shape]:
        shapes: list[Shape] = []
        for row in self.rows:
            y = self._at((self.columns[0], *row))[1]
            shapes.append(Text(0, y + 4, self._row_name(row), 11, GREY, "start"))
        for column in self.columns:
            x = self._at((column, *self.rows[0]))[0]
            shapes.append(Text(x, 10, str(column), 10, GREY))
        return shapes

    def _port(self, cell: Cell, side: int) -> tuple[float, float]:
        x, y = self._at(cell)
        return x + side * self._size(cell)[0] / 2, y

    def _size(self, cell: Cell) -> tuple[float, float]:
        """Width and height of a cell: large where it has something to say."""
        if any(cell in way for _, way in self.routes) or not self.decided:
            return (self.width, self.height) if self.decisions[cell] else (14.0, 14.0)
        return 10.0, 10.0

    def _links(self) -> list[Shape]:
        shapes: list[Shape] = []
        colour = FAINT if self.decided else LINE
        for link in self.grid.links:
            start, end = self._port(link.source, 1), self._port(link.target, -1)
            shapes.append(Path(curve(start, end), colour, line=1.1))
        start = self._port(self.grid.source, -1)
        shapes += [Path(curve((start[0] - 14, start[1]), start), INK, 1.4), arrow(*start, INK)]
        return shapes

    def _colour(self, index: int) -> str:
        return ROUTES[index % len(ROUTES)]

    def _ways(self) -> list[Shape]:
        """The routes of an architecture; where several take one link they run side by side."""
        shapes: list[Shape] = []
        for index, (_, way) in enumerate(self.routes):
            for a, b in pairwise(way):
                sharing = [i for i, (_, other) in enumerate(self.routes) if (a, b) in pairwise(other)]
                shift = (sharing.index(index) - (len(sharing) - 1) / 2) * 4
                start, end = self._port(a, 1), self._port(b, -1)
                line = curve((start[0], start[1] + shift), (end[0], end[1] + shift))
                shapes.append(Path(line, self._colour(index), line=2.6))
        return shapes

    def _ends(self) -> list[Shape]:
        shapes: list[Shape] = []
        taken: dict[Cell, int] = {}
        for index, (route, way) in enumerate(self._shown_routes()):
            path = route.path
            self.registry.show(path)
            x, y = self._port(way[-1], 1)
            y += 13 * taken.setdefault(way[-1], 0)
            taken[way[-1]] += 1
            colour = self._colour(index) if self.decided else INK
            text = Text(x + 12, y + 4, self._end_name(path), 11, colour, "start", bold=self.decided)
            pieces: list[Shape] = [Path(curve((x, y), (x + 9, y)), colour, 1.4), arrow(x + 9, y, colour), text]
            shapes.append(Group(tuple(pieces), "\n".join(self.registry.title_of(path)), "route"))
        return shapes

    def _cell(self, cell: Cell) -> Group:
        x, y = self._at(cell)
        passing = [i for i, (_, way) in enumerate(self.routes) if cell in way]
        for path in self.decisions[cell]:
            self.registry.show(path)
        alive = not self.decided or bool(passing)
        width, height = self._size(cell)
        stroke = self._colour(passing[0]) if len(passing) == 1 else INK if alive else FAINT
        fill = "#ffffff" if alive else "#f6f8fa"
        box = Rect(x - width / 2, y - height / 2, width, height, fill, stroke, 5, 1.4, kind="box")
        title = [f"{self.grid.path}{list(cell)}"]
        for path in self.decisions[cell]:
            title += self.registry.title_of(path)
        inside = self._inside(cell, x, y) if alive else []
        return Group((box, *inside), "\n".join(title), "vertex cell")

    def _inside(self, cell: Cell, x: float, y: float) -> list[Shape]:
        shapes: list[Shape] = []
        lines = self.lines[cell]
        for i, (line, colour) in enumerate(lines):
            below = y + 3.4 + (i - (len(lines) - 1) / 2) * 12
            if colour:
                shapes.append(Dot(x - text_width(line, NOTE) / 2 - 3, below - 3.4, 3.4, colour))
                shapes.append(Text(x + 4, below, line, NOTE))
            else:
                shapes.append(Text(x, below, line, NOTE, GREY))
        options, widths = self._options(cell), self._widths(cell)
        rows = -(-len(options) // 6)
        top = y - (rows * 7 + (6 if widths else 0)) / 2
        for i, option in enumerate(options):
            row, column = divmod(i, 6)
            at = x + (column - (min(6, len(options) - 6 * row) - 1) / 2) * 7, top + row * 7 + 3.5
            shapes.append(Dot(*at, 2.8, self.palette.of(option.label)))
        if widths:
            shapes += self._bar(widths[0], x, top + rows * 7 + 2)
        return shapes

    def _bar(self, count: int, x: float, y: float) -> list[Shape]:
        """A width decision: a bar with a mark for every slice."""
        length = self.width - 12
        line = Path((("M", (x - length / 2, y + 2)), ("L", (x + length / 2, y + 2))), GREY, 1)
        marks = [x - length / 2 + length * (i + 1) / count for i in range(count)]
        return [line, *(Path((("M", (m, y)), ("L", (m, y + 4))), GREY, 1) for m in marks)]

    def _legend(self, page: float) -> tuple[list[Shape], float, float]:
        if self.decided:
            return [], 0, 0
        options = {o.label: o for cell in self.grid.cells for o in self._options(cell)}
        shapes, width, height = legend(list(options.values()), self.palette, page) if options else ([], 0.0, 0.0)
        words = {
            f"{name_of(d)}: {domain_words(self.graph.decisions[d])}"
            for cell in self.grid.cells
            for d in self.decisions[cell]
            if self.graph.decisions[d].kind is Kind.WIDTH
        }
        for text in sorted(words):
            shapes.append(Text(0, height + 12, f"slices of the widest weights, {text}", 11, INK, "start"))
            width, height = max(width, text_width(text, 11) + 180), height + 18
        return shapes, width, height

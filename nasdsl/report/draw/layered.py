"""Boxes and arrows, laid out from left to right in columns (after Sugiyama, Tagawa and Toda, 1981).

Columns by longest path; a line that crosses columns runs in a lane of its own, which all lines from one box share until
they part; the order within a column by barycentres; heights as close to the neighbours' as the order allows. What is
wider than the page goes on in the next row, like text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nasdsl.report.draw.shapes import Command, curve, polyline

GAP_X = 26.0
GAP_Y = 12.0
LANE = 6.0
"""How high a lane is."""
SWEEPS = 20


@dataclass(frozen=True, slots=True)
class Box:
    """A box to be placed.

    Attributes:
        width: Its width.
        height: Its height.
        column: "first" and "last" keep it in the first and last column.
    """

    width: float
    height: float
    column: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of one or several arrows.

    Attributes:
        commands: Its path.
        arrows: Which arrows run along it, as indices.
    """

    commands: tuple[Command, ...]
    arrows: frozenset[int]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything is: centres of boxes, pieces of lines, tips of arrows; all within `width` and `height`."""

    centres: tuple[tuple[float, float], ...]
    lines: tuple[Line, ...]
    tips: tuple[tuple[float, float], ...]
    width: float
    height: float


def arrange(boxes: Sequence[Box], arrows: Sequence[tuple[int, int]], *, page: float = 980) -> Arrangement:
    """Place boxes and arrows.

    Args:
        boxes: The boxes; an arrow always leads from a box to a later one.
        arrows: Pairs of indices of boxes.
        page: How wide a row may become; a single column may be wider.
    """
    assert all(a < b for a, b in arrows), "boxes come in topological order"
    if not boxes:
        return Arrangement((), (), (), 0, 0)
    return _Layout(boxes, arrows, page).arrangement()


def columns_of(boxes: Sequence[Box], arrows: Sequence[tuple[int, int]]) -> list[int]:
    """The column of each box: behind all it reads, and if it reads one box at most, right before its first reader.

    >>> columns_of([Box(1, 1)] * 4, [(0, 1), (1, 2), (0, 3), (3, 2), (2, 3)][:3])
    [0, 1, 2, 1]
    """
    column = [0] * len(boxes)
    readers: list[list[int]] = [[] for _ in boxes]
    sources: list[list[int]] = [[] for _ in boxes]
    for a, b in arrows:
        readers[a].append(b)
        sources[b].append(a)
    for i in range(len(boxes)):
        column[i] = max((column[s] + 1 for s in sources[i]), default=0)
    last = max(column)
    for i, box in enumerate(boxes):
        if box.column == "last" and not readers[i]:
            column[i] = max(last, 1) if any(b.column != "last" for b in boxes) else last
    for i in range(len(boxes) - 1, -1, -1):
        if boxes[i].column != "first" and readers[i] and len(set(sources[i])) <= 1:
            column[i] = min(column[r] for r in readers[i]) - 1
    return column


Place = int | tuple[int, int]
"""A box, or the lane of a box in a column it only passes."""


class _Layout:
    def __init__(self, boxes: Sequence[Box], arrows: Sequence[tuple[int, int]], page: float) -> None:
        self.boxes, self.arrows, self.page = boxes, arrows, page
        self.column = columns_of(boxes, arrows)
        self.columns: list[list[Place]] = [[] for _ in range(max(self.column) + 1)]
        for i in range(len(boxes)):
            self.columns[self.column[i]].append(i)
        self.pieces: dict[tuple[Place, Place], set[int]] = {}
        self._add_lanes()
        self.before: dict[Place, list[Place]] = {}
        self.after: dict[Place, list[Place]] = {}
        for a, b in self.pieces:
            self.after.setdefault(a, []).append(b)
            self.before.setdefault(b, []).append(a)

    def _add_lanes(self) -> None:
        lanes: dict[Place, None] = {}
        for index, (a, b) in enumerate(self.arrows):
            way: list[Place] = [a, *((a, c) for c in range(self.column[a] + 1, self.column[b])), b]
            lanes.update(dict.fromkeys(way[1:-1]))
            for step in pairwise(way):
                self.pieces.setdefault(step, set()).add(index)
        for lane in lanes:
            assert isinstance(lane, tuple)
            self.columns[lane[1]].append(lane)

    def arrangement(self) -> Arrangement:
        self._order()
        y = self._heights()
        rows = self._rows()
        return _Page(self, y, rows).arrangement()

    # the order within columns

    def _order(self) -> None:
        best, fewest = [list(c) for c in self.columns], self._crossings()
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            count = len(self.columns)
            for c in range(1, count) if forward else range(count - 2, -1, -1):
                beside = self.columns[c - 1 if forward else c + 1]
                place = {p: i / max(1, len(beside) - 1) for i, p in enumerate(beside)}
                self._sort(c, place, self.before if forward else self.after)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(c) for c in self.columns], crossings
        self.columns = best

    def _sort(self, column: int, place: Mapping[Place, float], neighbours: Mapping[Place, list[Place]]) -> None:
        own = self.columns[column]
        size = max(1, len(own) - 1)

        def weight(item: tuple[int, Place]) -> float:
            beside = [place[n] for n in neighbours.get(item[1], ()) if n in place]
            return sum(beside) / len(beside) if beside else item[0] / size

        self.columns[column] = [p for _, p in sorted(enumerate(own), key=weight)]

    def _crossings(self) -> int:
        total = 0
        for left, right in zip(self.columns, self.columns[1:], strict=False):
            of = {p: i for i, p in enumerate(right)}
            ends = [sorted(of[b] for b in self.after.get(a, ()) if b in of) for a in left]
            flat = [e for group in ends for e in group]
            total += sum(flat[i] > e for j, e in enumerate(flat) for i in range(j))
        return total

    # heights

    def height(self, place: Place) -> float:
        return self.boxes[place].height if isinstance(place, int) else LANE

    def _heights(self) -> dict[Place, float]:
        y: dict[Place, float] = {}
        for column in self.columns:
            y.update(zip(column, self._spread(column, [0.0] * len(column), [1.0] * len(column)), strict=True))
        for sweep in range(2 * SWEEPS):
            order = self.columns if sweep % 2 == 0 else self.columns[::-1]
            for column in order:
                wanted, weights = [], []
                for p in column:
                    beside = [*self.before.get(p, ()), *self.after.get(p, ())]
                    pulls = [(12.0 if isinstance(p, tuple) and isinstance(n, tuple) else 1.0, y[n]) for n in beside]
                    weights.append(sum(w for w, _ in pulls) or 0.1)
                    wanted.append(sum(w * v for w, v in pulls) / weights[-1] if pulls else y[p])
                y.update(zip(column, self._spread(column, wanted, weights), strict=True))
        return y

    def _spread(self, column: Sequence[Place], wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
        """The heights nearest to those wanted (least squares) that keep order and distance: pooled neighbours."""
        offsets = [0.0]
        for above, below in pairwise(column):
            gap = GAP_Y if isinstance(above, int) or isinstance(below, int) else GAP_Y / 2
            offsets.append(offsets[-1] + (self.height(above) + self.height(below)) / 2 + gap)
        pools: list[tuple[float, float, int]] = []
        for want, offset, weight in zip(wanted, offsets, weights, strict=True):
            pool = (want - offset, weight, 1)
            while pools and pools[-1][0] > pool[0]:
                value, heavy, count = pools.pop()
                total = heavy + pool[1]
                pool = ((value * heavy + pool[0] * pool[1]) / total, total, count + pool[2])
            pools.append(pool)
        level = [value for value, _, count in pools for _ in range(count)]
        return [v + offset for v, offset in zip(level, offsets, strict=True)]

    # rows

    def width(self, column: int) -> float:
        return max((self.boxes[p].width for p in self.columns[column] if isinstance(p, int)), default=LANE)

    def gap(self, column: int) -> float:
        """The room behind a column: more where many lines cross."""
        pieces = sum(len(self.after.get(p, ())) for p in self.columns[column])
        return GAP_X + min(30.0, 1.5 * max(0, pieces - 4))

    def _rows(self) -> list[range]:
        """Columns in rows of at most the page's width, broken where few lines cross, the last row not too short."""
        widths = [self.width(c) + self.gap(c) for c in range(len(self.columns))]
        count = -(-sum(widths) // self.page)
        rows: list[range] = []
        start = 0
        while sum(widths[start:]) > self.page * 1.15 and start < len(widths) - 1:
            share = sum(widths[start:]) / max(1.0, count - len(rows))
            fits = [c for c in range(start + 1, len(widths)) if sum(widths[start:c]) <= self.page] or [start + 1]

            def badness(c: int, start: int = start, share: float = share) -> tuple[float, int]:
                return 60.0 * self._crossing(c) + abs(sum(widths[start:c]) - min(share, self.page)), c

            end = min(fits, key=badness)
            rows.append(range(start, end))
            start = end
        return [*rows, range(start, len(self.columns))]

    def _crossing(self, column: int) -> int:
        """How many lines lead into a column from the one before."""
        return sum(len(self.before.get(p, ())) for p in self.columns[column])


class _Page:
    """Puts the columns of a layout into rows and draws the lines."""

    def __init__(self, layout: _Layout, y: Mapping[Place, float], rows: Sequence[range]) -> None:
        self.layout, self.rows = layout, rows
        self.left: dict[int, float] = {}
        self.y: dict[Place, float] = {}
        turns = max((len(self._crossing(row)) for row in rows[:-1]), default=0)
        self.margin = 10.0 + LANE * turns if turns else 0.0
        self.bottoms: list[float] = []
        self.right = 0.0
        top = 0.0
        for row in rows:
            x = self.margin
            for c in row:
                self.left[c] = x
                x += layout.width(c) + layout.gap(c)
            self.right = max(self.right, x - layout.gap(row[-1]))
            places = [p for c in row for p in layout.columns[c]]
            highest = min(y[p] - layout.height(p) / 2 for p in places)
            self.y.update({p: y[p] - highest + top for p in places})
            bottom = top + max(y[p] + layout.height(p) / 2 for p in places) - highest
            self.bottoms.append(bottom)
            top = bottom + 24 + LANE * len(self._crossing(row))

    def _crossing(self, row: range) -> list[tuple[Place, Place]]:
        """The pieces that lead from the last column of a row to the next row."""
        if row[-1] + 1 >= len(self.layout.columns):
            return []
        last = set(self.layout.columns[row[-1]])
        return [piece for piece in self.layout.pieces if piece[0] in last]

    def arrangement(self) -> Arrangement:
        layout = self.layout
        lines = [Line(self._through(lane), self._along(lane)) for lane in layout.after if isinstance(lane, tuple)]
        turning = {piece: (row, i) for row in range(len(self.rows) - 1) for i, piece in self._turns(row)}
        for piece, arrows in layout.pieces.items():
            a, b = piece
            start, end = (self._out(a), self.y[a]), (self._in(b), self.y[b])
            if piece in turning:
                lines.append(Line(self._turn(start, end, *turning[piece]), frozenset(arrows)))
            else:
                lines.append(Line(self._between(a, b, start, end), frozenset(arrows)))
        tips = tuple((self._in(b), self.y[b]) for _, b in layout.arrows)
        centres = tuple((self._middle(i), self.y[i]) for i in range(len(layout.boxes)))
        return Arrangement(centres, tuple(lines), tips, self.right + self.margin, self.bottoms[-1])

    def _turns(self, row: int) -> list[tuple[int, tuple[Place, Place]]]:
        pieces = sorted(self._crossing(self.rows[row]), key=lambda piece: (self.y[piece[0]], self.y[piece[1]]))
        return list(enumerate(pieces))

    def _turn(self, start: tuple[float, float], end: tuple[float, float], row: int, place: int) -> tuple[Command, ...]:
        """Around the end of a row to the start of the next; the highest line runs outermost, then lowest."""
        count = len(self._crossing(self.rows[row]))
        right = self.right + 6 + LANE * (count - 1 - place)
        level = self.bottoms[row] + 12 + LANE * (count - 1 - place)
        left = self.margin - 8 - LANE * place
        return polyline([start, (right, start[1]), (right, level), (left, level), (left, end[1]), end])

    def _between(self, a: Place, b: Place, start: tuple[float, float], end: tuple[float, float]) -> tuple[Command, ...]:
        """Straight to the edge of the column, a curve across the gap, straight to the box."""
        leave, arrive = self._edge(a), self.left[self._column(b)]
        bend = curve((leave, start[1]), (arrive, end[1]))
        return (("M", start), ("L", (leave, start[1])), *bend[1:], ("L", end))

    def _through(self, lane: tuple[int, int]) -> tuple[Command, ...]:
        y = self.y[lane]
        return (("M", (self.left[lane[1]], y)), ("L", (self._edge(lane), y)))

    def _along(self, lane: tuple[int, int]) -> frozenset[int]:
        return frozenset(i for b in self.layout.after[lane] for i in self.layout.pieces[lane, b])

    def _column(self, place: Place) -> int:
        return place[1] if isinstance(place, tuple) else self.layout.column[place]

    def _edge(self, place: Place) -> float:
        column = self._column(place)
        return self.left[column] + self.layout.width(column)

    def _middle(self, place: Place) -> float:
        return self.left[self._column(place)] + self.layout.width(self._column(place)) / 2

    def _out(self, place: Place) -> float:
        half = self.layout.boxes[place].width / 2 if isinstance(place, int) else 0
        return self._middle(place) + half if isinstance(place, int) else self._edge(place)

    def _in(self, place: Place) -> float:
        if isinstance(place, tuple):
            return self.left[place[1]]
        return self._middle(place) - self.layout.boxes[place].width / 2

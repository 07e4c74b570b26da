"""Operators, widths and paths of FasterSeg (Chen et al., ICLR 2020), as its public code lists them after decoding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Graph, Value
from nasdsl.notations.notation import Notation, decision, literal, operation

_NAMES = {"skip": "skip", "conv": "conv", "conv_downup": "zoomed", "conv_2x": "conv2x", "conv_2x_downup": "zoomed2x"}
_PRIMITIVES = tuple(_NAMES)
_KEYS = ("lasts", "ops", "paths", "widths")


class FasterSeg(Notation):
    """`{"lasts": [2, 1], "ops": [...], "paths": [...], "widths": [...]}`, each with an entry for either branch.

    * `lasts`: the scale a branch ends at; 0, 1, 2 stand for 1/8, 1/16, 1/32.
    * `ops`: the operator of each layer, as its place among the primitives or by its name in the public code.
    * `paths`: the scale each layer reads at; its map leaves at the scale of the next layer.
    * `widths`: the ratio of the map that leaves each layer but the last, as a fraction of the widest (0.5) or in
      twelfths (6).
    * `stem_head_width`, only where the space leaves it open: the ratio of stem and head.
    """

    name: ClassVar[str] = "fasterseg"
    form: ClassVar[str] = (
        '{"lasts": [2, 1], "ops": [[3, ...], [...]], "paths": [[0, ...], [...]], "widths": [[4, ...], [...]]}'
    )

    def read(self, text: str, graph: Graph) -> Mapping[str, Value]:
        lists = self._lists(text)
        decisions: dict[str, Value] = {}
        for last, ops, path, widths in zip(*(lists[key] for key in _KEYS), strict=True):
            for where, made in self._branch(graph, last, ops, path, widths):
                if decisions.setdefault(where, made) != made:
                    raise NasError(
                        f"the branches want `{decisions[where]}` and `{made}` for `{where}`, which they share",
                        help="lists from which skips were removed lie in spaces/fasterseg.nas under --preset published",
                    )
        if "ends" in graph.decisions:
            ends = {8 * 2**last for last in lists["lasts"]}
            decisions["ends"] = tuple(rate for rate in graph.decisions["ends"].domain if rate in ends)
        if "h" in graph.decisions:
            if "stem_head_width" not in lists:
                raise self.wrong(f"`stem_head_width` is missing, which `{graph.name}` leaves open here")
            decisions["h"] = self._twelfths(lists["stem_head_width"])
        return decisions

    def write(self, architecture: Architecture, graph: Graph) -> str:
        branches = [_cells(way) for path, way in architecture.decisions.items() if path.startswith("branch[")]
        lists: dict[str, Any] = {key: [] for key in _KEYS}
        for cells in sorted(branches, key=lambda cells: -cells[-1][1]):
            labels = [architecture.decisions[_operator(graph, here, after)] for here, after in pairwise(cells)]
            names = {label: place for place, label in enumerate(_NAMES.values())}
            lists["lasts"].append(_scale(cells[-1]))
            lists["ops"].append([names[str(label)] for label in labels])
            lists["paths"].append([_scale(cell) for cell in cells[:-1]])
            lists["widths"].append([self._width(graph, architecture, cell) for cell in cells[1:-1]])
        if "h" in architecture.decisions:
            lists["stem_head_width"] = architecture.decisions["h"]
        return str(lists).replace("'", '"')

    def _lists(self, text: str) -> dict[str, Any]:
        lists = literal(text)
        if not isinstance(lists, dict) or set(lists) - {"stem_head_width"} != set(_KEYS):
            raise self.wrong(f"found no dictionary of {', '.join(_KEYS)}")
        if any(not isinstance(lists[key], list | tuple) or len(lists[key]) != 2 for key in _KEYS):
            raise self.wrong("each list has an entry for each of the two branches")
        if any(not isinstance(entry, list | tuple) for key in _KEYS[1:] for entry in lists[key]):
            raise self.wrong("`ops`, `paths` and `widths` hold a list for each branch")
        if any(type(last) is not int or not 0 <= last <= 2 for last in lists["lasts"]) or len(set(lists["lasts"])) < 2:
            raise self.wrong(f"`lasts` are two different ones of 0, 1, 2, found {lists['lasts']}")
        return lists

    def _branch(
        self, graph: Graph, last: int, ops: Sequence[Any], path: Sequence[Any], widths: Sequence[Any]
    ) -> Iterator[tuple[str, Value]]:
        rate = 8 * 2**last
        route = decision(graph, f"branch[{rate}]")
        layers = route.end[0]
        if not (len(ops) == len(path) == len(widths) + 1 == layers):
            raise NasError(
                f"the branch to 1/{rate} has {len(ops)} operators, {len(path)} scales and {len(widths)} widths; "
                f"in this space it has {layers} layers and {layers - 1} widths",
                help="take the preset `published`, or set the lengths: --param layers=10 --param middle=9",
            )
        if any(type(scale) is not int or not 0 <= scale <= 2 for scale in path) or (path[0], path[-1]) != (0, last):
            raise self.wrong(f"the path of the branch to 1/{rate} must lead from scale 0 to {last}, found {list(path)}")
        cells: list[Cell] = [(layer, 8 * 2**scale) for layer, scale in enumerate((*path, last))]
        if any(after[1] not in (here[1], 2 * here[1]) for here, after in pairwise(cells)):
            raise self.wrong(f"a path stays or goes down by one scale at each layer, found {list(path)}")
        yield route.path, tuple(cells)
        for (here, after), op in zip(pairwise(cells), ops, strict=True):
            where = _operator(graph, here, after)
            if isinstance(op, int) and 0 <= op < len(_PRIMITIVES):
                op = _PRIMITIVES[op]
            yield where, operation(graph, where, str(op), _NAMES)
        for cell, width in zip(cells[1:-1], widths, strict=True):
            yield from self._width_of(graph, cell, self._twelfths(width))

    def _width_of(self, graph: Graph, cell: Cell, width: int) -> Iterator[tuple[str, Value]]:
        path = f"trunk[{cell[0]},{cell[1]}].w"
        if path in graph.decisions:
            yield path, width
        elif (fixed := _fixed_width(graph, cell)) != width:
            raise NasError(f"the map that enters layer {cell[0]} at 1/{cell[1]} has {fixed} twelfths here, not {width}")

    def _width(self, graph: Graph, architecture: Architecture, cell: Cell) -> int:
        width = architecture.decisions.get(f"trunk[{cell[0]},{cell[1]}].w")
        return int(str(width)) if width is not None else int(_fixed_width(graph, cell))

    def _twelfths(self, ratio: Any) -> int:
        if isinstance(ratio, int | float) and 0 < ratio <= 12:
            width = round(ratio * 12) if ratio <= 1 else round(ratio)
            if abs(width - (ratio * 12 if ratio <= 1 else ratio)) < 1e-3:
                return width
        raise self.wrong(f"a width is a ratio such as 0.5 or a number of twelfths, found {ratio!r}")


def _cells(way: Value) -> tuple[Cell, ...]:
    assert isinstance(way, tuple), "the value of a route"
    return way  # type: ignore[return-value]


def _scale(cell: Cell) -> int:
    return {8: 0, 16: 1, 32: 2}[cell[1]]


def _operator(graph: Graph, here: Cell, after: Cell) -> str:
    """The choice of the operator between two cells."""
    down = f"trunk[{here[0]},{here[1]}].down"
    return down if after[1] != here[1] and down in graph.decisions else f"trunk[{here[0]},{here[1]}].op"


def _fixed_width(graph: Graph, cell: Cell) -> Fraction:
    """The width of a cell that is no decision, in twelfths, from the channels of the map that enters."""
    channels = graph.nodes[graph.grids["trunk"].cells[cell]].type.channels.constant
    widest = graph.params["F"]
    assert channels is not None, "a width that is no decision is a constant"
    assert isinstance(widest, int | Fraction), "F is a number"
    return channels * 12 / (cell[1] * Fraction(widest))

"""The decisions of a space as data: what generated files hold as `SPACE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

Cell = tuple[int, ...]
"""Index of a grid cell."""

CellLink = tuple[Cell, Cell]
"""A link of a grid, from a cell to a cell."""


@dataclass(frozen=True)
class Choose:
    """A choice of exactly one alternative; those in `soft` live in relaxations only."""

    domain: tuple[int | str, ...]
    soft: tuple[int | str, ...] = ()

    @cached_property
    def real(self) -> tuple[int, ...]:
        """The places of the alternatives that an architecture can take."""
        return tuple(place for place, value in enumerate(self.domain) if value not in self.soft)

    @property
    def is_number(self) -> bool:
        """Whether it decides a number that channels depend on; a mixture cannot have several of them at once."""
        return isinstance(self.domain[0], int)


@dataclass(frozen=True)
class Width(Choose):
    """A choice of one number, ascending, served by slices of the widest weights."""

    domain: tuple[int, ...]


@dataclass(frozen=True)
class Depth(Choose):
    """How far a chain is live: a choice among its exits."""

    domain: tuple[int, ...]

    @property
    def is_number(self) -> bool:
        """No channels depend on it: a mixture has all exits."""
        return False


@dataclass(frozen=True)
class Pick:
    """A choice of `count` members."""

    domain: tuple[int | str, ...]
    count: int

    @cached_property
    def subsets(self) -> tuple[tuple[int | str, ...], ...]:
        """All that can be picked, in the order of `itertools.combinations`."""
        return tuple(combinations(self.domain, self.count))


@dataclass(frozen=True)
class Route:
    """A way through a grid from its source to a cell."""

    grid: str
    end: Cell


Decision = Choose | Pick | Route


@dataclass(frozen=True)
class Grid:
    """The cells that routes can run through; links are ordered by target, in an order in which they lead forward."""

    source: Cell
    links: tuple[CellLink, ...]

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in an order in which links lead forward."""
        return tuple(dict.fromkeys([self.source, *(target for _, target in self.links)]))

    @cached_property
    def into(self) -> Mapping[Cell, tuple[int, ...]]:
        """For each cell the places of the links that lead into it."""
        return {cell: tuple(place for place, link in enumerate(self.links) if link[1] == cell) for cell in self.cells}


@dataclass(frozen=True)
class Space:
    """All decisions of a space under a preset, by path, and its grids."""

    name: str
    decisions: Mapping[str, Decision]
    grids: Mapping[str, Grid] = field(default_factory=dict)
    preset: str = ""

    @cached_property
    def domains(self) -> Mapping[str, tuple[Any, ...]]:
        """What every decision but routes can be, in the order of its probabilities."""
        return {
            path: decision.subsets if isinstance(decision, Pick) else decision.domain
            for path, decision in self.decisions.items()
            if not isinstance(decision, Route)
        }

    @cached_property
    def numbers_of_cells(self) -> Mapping[tuple[str, Cell], tuple[str, ...]]:
        """For each cell of a grid the numbers decided in it: `trunk[1,8].w` for the cell (1, 8) of `trunk`."""
        owned: dict[str, list[str]] = {}
        for path, decision in self.decisions.items():
            if isinstance(decision, Choose) and decision.is_number:
                owned.setdefault(path.rpartition(".")[0], []).append(path)
        return {
            (name, cell): tuple(owned.get(f"{name}[{','.join(map(str, cell))}]", ()))
            for name, grid in self.grids.items()
            for cell in grid.cells
        }

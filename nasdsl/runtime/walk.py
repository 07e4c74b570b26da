"""Walking through a grid: only what is asked for is computed, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import torch.nn.functional as F
from torch import Tensor

from nasdsl.runtime.choices import Choices, Thunk
from nasdsl.runtime.layers import total
from nasdsl.runtime.space import Cell, CellLink, Route

Links = Mapping[CellLink, Callable[[Tensor], Tensor]]
"""For each link of a grid what makes the map that comes out of it."""


def links(source: int, target: int, layers: Iterable[int], make: Callable[[int, Tensor], Tensor]) -> Links:
    """The links from the cells [i, source] to the cells [i + 1, target], for each i of some layers.

    Args:
        source: The second coordinate of the cells they leave.
        target: That of the cells they lead to.
        layers: The first coordinates of the cells they leave.
        make: Makes of i and the map that enters the cell the map that leaves it.
    """
    return {((i, source), (i + 1, target)): partial(make, i) for i in layers}


class Walk:
    """The maps of a grid in one forward pass.

    With one way for each route, a cell is computed once for every distinct way that leads to it. With mixtures, a cell
    is computed once, and the map that enters it is the weighted sum over its links.

    Args:
        a: The decisions.
        grid: Path of the grid.
        start: The map that enters the grid, or what computes it.
        links: What the links compute.
    """

    def __init__(self, a: Choices, grid: str, start: Tensor | Thunk, links: Links) -> None:
        self._a, self._name, self._links = a.root, grid, links
        self._grid = a.drawn.space.grids[grid]
        self._shares = a.drawn.shares.get(grid)
        self._start = start
        self._along: dict[tuple[Cell, ...], Tensor] = {}
        self._at: dict[Cell, Tensor] = {}
        self._routes: set[str] = set()

    def has(self, route: str) -> bool:
        """Whether the route has been asked for in this pass."""
        return route in self._routes

    def end(self, route: str) -> Tensor:
        """The last map of a route."""
        self._set_out(route)
        if self._shares is not None:
            return self._mixed(self._end_of(route))
        return self._way(route, len(self._a.drawn.ways[route]))

    def last(self, route: str, rate: int) -> Tensor:
        """The last map of a route in the cells (.., rate); in a mixture its expectation, narrower maps padded with
        zero channels.
        """
        self._set_out(route)
        if self._shares is not None:
            return self._expected_last(route, rate)
        way = self._a.drawn.ways[route]
        return self._way(route, max(place for place, cell in enumerate(way) if cell[1] == rate) + 1)

    def _set_out(self, route: str) -> None:
        """The first route that is asked for brings the map that enters the grid."""
        if not self._routes:
            start = self._start if isinstance(self._start, Tensor) else self._start()
            self._along[self._grid.source,] = self._at[self._grid.source] = start
        self._routes.add(route)

    def _end_of(self, route: str) -> Cell:
        decision = self._a.drawn.space.decisions[route]
        assert isinstance(decision, Route), f"{route} is no route"
        return decision.end

    def _way(self, route: str, length: int) -> Tensor:
        """The map after some cells of a route."""
        way = self._a.drawn.ways[route]
        weights = self._a.drawn.strides.get(route, ())
        known = next(n for n in range(length, 0, -1) if way[:n] in self._along)
        x = self._along[way[:known]]
        for place in range(known, length):
            x = self._links[way[place - 1], way[place]](x)
            if weights:
                x = x * weights[place - 1]
            x = self._a.scaled(x, *self._a.drawn.space.numbers_of_cells[self._name, way[place]])
            self._along[way[: place + 1]] = x
        return x

    def _mixed(self, cell: Cell) -> Tensor:
        """The map that enters a cell, mixed over the links into it."""
        for needed in self._before(cell):
            if needed not in self._at:
                parts = []
                for place in self._grid.into[needed]:
                    link = self._grid.links[place]
                    parts.append(self._share(place) * self._links[link](self._at[link[0]]))
                numbers = self._a.drawn.space.numbers_of_cells[self._name, needed]
                self._at[needed] = self._a.scaled(total(parts), *numbers)
        return self._at[cell]

    def _before(self, cell: Cell) -> list[Cell]:
        """The cells on the ways to a cell and itself, in order."""
        found = {cell}
        for target in reversed(self._grid.cells):
            if target in found:
                found |= {self._grid.links[place][0] for place in self._grid.into[target]}
        return [other for other in self._grid.cells if other in found]

    def _share(self, place: int) -> Tensor:
        assert self._shares is not None, "only mixtures have shares"
        return self._shares[place]

    def _expected_last(self, route: str, rate: int) -> Tensor:
        # The chance to come to a cell on the way back from the end, without a cell of this rate before.
        end = self._end_of(route)
        chance: dict[Cell, Tensor | float] = {end: 1.0}
        for cell in reversed(self._before(end)):
            if cell in chance and cell[1] != rate:
                for place in self._grid.into[cell]:
                    source = self._grid.links[place][0]
                    chance[source] = chance.get(source, 0.0) + chance[cell] * self._share(place)
        # What has no chance at all has no say in the number of channels: a mixture of one way is that way.
        likely = [(cell, weight) for cell, weight in chance.items() if cell[1] == rate and weight > 0]
        maps = [(self._mixed(cell), weight) for cell, weight in likely]
        channels = max(x.shape[1] for x, _ in maps)
        return total([F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1])) * weight for x, weight in maps])

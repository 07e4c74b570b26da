"""How the public code of FasterSeg (Chen et al., ICLR 2020) mixes: a cell runs on each of its two inputs by itself, and
what comes out is mixed. The paper's equation 1 mixes the inputs, then runs the cell once.
"""

from __future__ import annotations

from torch import Tensor

from nasdsl import runtime
from nasdsl.runtime.layers import total
from nasdsl.runtime.space import Cell


class WalkOnBothInputs(runtime.Walk):
    """A grid whose cells run on each input before the mixture; else as `runtime.Walk`."""

    def _mixed(self, cell: Cell) -> Tensor:
        maps = [share * x for share, x in self._inputs(cell)]
        numbers = self._a.drawn.space.numbers_of_cells[self._name, cell]
        return self._a.scaled(total(maps), *numbers)

    def _inputs(self, cell: Cell) -> list[tuple[Tensor | float, Tensor]]:
        """What enters a cell, each map with its share."""
        if cell == self._grid.source:
            return [(1.0, self._at[cell])]
        known = self.__dict__.setdefault("_known", {})
        if cell not in known:
            known[cell] = []
            for place in self._grid.into[cell]:
                link = self._grid.links[place]
                parts = [share * self._links[link](x) for share, x in self._inputs(link[0])]
                known[cell].append((self._share(place), total(parts)))
        return known[cell]

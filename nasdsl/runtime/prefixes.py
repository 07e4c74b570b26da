"""How often the cells of a grid run: expectations over random routes.

A route is drawn backwards from its end: at a cell, `chance[link]` is the probability that it came along that link. Live
routes that reach a cell by the same prefix share its computation, so what counts is the number of distinct prefixes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Cell = tuple[int, ...]
Link = tuple[Cell, Cell]


class Prefixes(nn.Module):
    """Expectations over the routes of one grid.

    Args:
        grid: One of the `grids` of `nasdsl.passes.expected_cost.expected_cost_data`.
        leave: Sets of links out of one cell: for each the expected number of distinct prefixes that lead to the cell
            and that a live route continues along one of the links.
        last: Events (route, (rate's cells, the last one visited), ...): for each its probability.
    """

    def __init__(
        self,
        grid: Mapping[str, Any],
        leave: Sequence[Collection[Link]],
        last: Sequence[tuple[str, Sequence[tuple[Collection[Cell], Cell]]]],
    ) -> None:
        super().__init__()
        self.routes = tuple(grid["routes"])
        place = {cell: index for index, cell in enumerate(grid["cells"])}
        links: Sequence[Link] = grid["links"]
        self._cells = len(place)
        self._source = place[grid["source"]]
        groups = [[self.routes.index(route) for route in routes] for routes, _ in grid["live"]]
        self._groups = groups
        sign = torch.tensor([(-1.0) ** (len(group) + 1) for group in groups])
        self.register_buffer("sign", sign, persistent=False)
        flat = torch.tensor([place[a] * len(place) + place[b] for a, b in links])
        self.register_buffer("flat", flat, persistent=False)
        self.register_buffer("target", torch.tensor([place[b] for _, b in links]), persistent=False)
        ends = nn.functional.one_hot(torch.tensor([place[end] for end in grid["routes"].values()]), len(place))
        self.register_buffer("ends", ends.float(), persistent=False)
        of_leave = torch.tensor([[float(link in some) for link in links] for some in leave]).reshape(-1, len(links))
        self.register_buffer("of_leave", of_leave, persistent=False)
        where = torch.tensor([place[next(iter(some))[0]] for some in leave], dtype=torch.long)
        self.register_buffer("leave_cell", where, persistent=False)
        allowed = [[float(_allowed(link, visits, place)) for link in links] for _, visits in last]
        self.register_buffer("allowed", torch.tensor(allowed).reshape(-1, len(links)), persistent=False)
        route_of = torch.tensor([self.routes.index(route) for route, _ in last], dtype=torch.long)
        self.register_buffer("route_of", route_of, persistent=False)

    def forward(self, chance: Tensor, live: Tensor) -> tuple[Tensor, Tensor]:
        """The expectations asked for.

        Args:
            chance: [routes, links], how a route comes to the target of each link.
            live: [groups], the probability that all routes of each group of `grid["live"]` are live.

        Returns:
            One number for each element of `leave`, and one for each of `last`.
        """
        visited = self._solve(self._matrix(chance), self.get_buffer("ends").to(chance), upper=True)
        leaves = (chance * visited[:, self.get_buffer("target")]) @ self.get_buffer("of_leave").to(chance).T
        together = torch.stack([_product(chance, group) for group in self._groups])
        start = torch.zeros(len(together), self._cells, dtype=chance.dtype, device=chance.device)
        start[:, self._source] = 1
        prefixes = self._solve(self._matrix(together).transpose(1, 2), start, upper=False)[
            :, self.get_buffer("leave_cell")
        ]
        continued = torch.stack([_product(leaves, group) for group in self._groups])
        weight = self.get_buffer("sign").to(chance) * live
        numbers = (weight.unsqueeze(1) * prefixes * continued).sum(dim=0)
        route_of = self.get_buffer("route_of")
        restricted = self._matrix(chance[route_of] * self.get_buffer("allowed").to(chance))
        ends = self.get_buffer("ends").to(chance)[route_of]
        return numbers, self._solve(restricted, ends, upper=True)[:, self._source]

    def _matrix(self, links: Tensor) -> Tensor:
        """[batch, links] to [batch, cells, cells]: the row is where a link comes from."""
        flat = self.get_buffer("flat")
        empty = torch.zeros(len(links), self._cells**2, dtype=links.dtype, device=links.device)
        return empty.index_add(1, flat, links).reshape(-1, self._cells, self._cells)

    def _solve(self, matrix: Tensor, right: Tensor, *, upper: bool) -> Tensor:
        """Sums over all ways through the grid, (1 - matrix)^-1 right: cells are in topological order."""
        one = torch.eye(self._cells, dtype=matrix.dtype, device=matrix.device)
        solution: Tensor = torch.linalg.solve_triangular(
            one - matrix, right.unsqueeze(2), upper=upper, unitriangular=True
        )
        return solution.squeeze(2)


def _product(rows: Tensor, chosen: Sequence[int]) -> Tensor:
    total = rows[chosen[0]]
    for row in chosen[1:]:
        total = total * rows[row]
    return total


def _allowed(link: Link, visits: Sequence[tuple[Collection[Cell], Cell]], place: Mapping[Cell, int]) -> bool:
    """Whether a route that visits some cells, each as the last one at its rate, may take a link.

    It may not leap over such a cell, for then it would miss it, nor come to a later cell of the same rate.
    """
    start, end = place[link[0]], place[link[1]]
    for same_rate, cell in visits:
        leaps = start < place[cell] < end
        returns = link[1] in same_rate and end > place[cell]
        if leaps or returns:
            return False
    return True

"""How large the tables of an elimination become, before it starts.

The scopes of all messages follow from those of the factors and the order. How many rows they have does not: tables are
sparse, and what makes them so is only found while they are joined. A bound from above is easy and says little (for a
grid with routes it is too high by many orders of magnitude), so what is given here is one from below: variables that
no factor ties to one another take all their joint values, wherever a message has them together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

Scope = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The largest message.

    Attributes:
        width: The most variables that a message depends on.
        rows: So many rows one has at least, if the space has an architecture.
    """

    width: int
    rows: int


def forecast(tables: Sequence[tuple[Scope, Collection[Scope]]], order: Sequence[int]) -> Forecast:
    """What an elimination will need.

    Args:
        tables: The scope and the rows of each factor.
        order: The variables in the order of elimination.

    >>> pairs = [(a, b) for a in range(3) for b in range(3)]
    >>> forecast([((0, 1), pairs), ((1, 2), pairs), ((0, 2), pairs)], [0, 1, 2])
    Forecast(width=2, rows=9)
    """
    values: dict[int, set[int]] = {}
    tied: set[int] = set()
    for scope, rows in tables:
        columns = [set(column) for column in zip(*rows, strict=True)]
        if prod(map(len, columns)) != len(rows):
            tied.update(scope)
        for variable, own in zip(scope, columns, strict=False):  # no columns: no rows
            values[variable] = values.get(variable, own) & own
    width = most = 0
    for message in _messages([scope for scope, _ in tables], order):
        width = max(width, len(message))
        most = max(most, prod(len(values.get(variable, ())) for variable in message - tied))
    return Forecast(width, most)


def _messages(scopes: Iterable[Scope], order: Sequence[int]) -> Iterator[set[int]]:
    """The scope of each message."""
    place = {variable: n for n, variable in enumerate(order)}
    waiting: list[list[set[int]]] = [[] for _ in order]
    for scope in scopes:
        if scope:
            waiting[min(place[variable] for variable in scope)].append(set(scope))
    for n, variable in enumerate(order):
        if waiting[n]:
            message = set().union(*waiting[n]) - {variable}
            yield message
            if message:
                waiting[min(place[other] for other in message)].append(message)

"""How many different networks a space has: every architecture's network is made, and equal ones count once.

This is no sum of products: whether two architectures are the same network is a question about both. So the space is
enumerated, and a limit says how much of that is too much.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from nasdsl.algebra.costs.priced import Bound, Priced
from nasdsl.algebra.elimination.descent import Descent
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.canonical import CanonicalForm, canonical_form
from nasdsl.passes.equivalence import Equivalence
from nasdsl.passes.network import NetworkReader

LIMIT = 200_000
"""How many architectures are enumerated, unless asked otherwise."""


class Forms:
    """The canonical forms of the networks of a space, under some rules of equivalence.

    Args:
        graph: The space.
        rules: Of `nasdsl.passes.equivalence.RULES`.
    """

    def __init__(self, graph: Graph, rules: Collection[str] = ()) -> None:
        self._reader = NetworkReader(graph)
        self._equivalence = Equivalence(rules, self._reader.labels)

    def form(self, architecture: Architecture) -> CanonicalForm:
        """The form of an architecture's network; the architecture is one of the space."""
        return canonical_form(self._equivalence.normal_form(self._reader.network(architecture)))

    def key(self, architecture: Architecture) -> bytes:
        """Stands for the form among those that this object makes."""
        return self.form(architecture).key


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many architectures there are, and how many networks."""

    architectures: int
    networks: int


def distinct(architectures: Iterator[Architecture], key: Callable[[Architecture], bytes | str]) -> Distinct:
    """Count architectures, and their networks, of which those with equal keys are one."""
    found: set[bytes | str] = set()
    many = 0
    for architecture in architectures:
        many += 1
        found.add(key(architecture))
    return Distinct(many, len(found))


def every(ranking: Ranking, limit: int = LIMIT) -> Iterator[Architecture]:
    """All architectures of a space.

    Raises:
        NasError: There are more than `limit`.
    """
    _check(ranking.model.space.name, ranking.size, limit)
    return iter(ranking)


def within(priced: Priced, bounds: Sequence[Bound], limit: int = LIMIT) -> Iterator[Architecture]:
    """The architectures of a space that keep some bounds; all of the space are enumerated for it.

    Raises:
        NasError: The space has more than `limit`.
    """
    descent, limits = Descent(priced.graph), priced.limits(bounds)
    _check(priced.model.space.name, descent.total, limit)
    for index in range(descent.total if limits is not None else 0):
        values, _ = descent.assignment(index)
        if all(one.keeps(one.metric.units(values)) for one in limits or ()):
            yield priced.model.architecture(values)


def _check(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise NasError(
            f"to count distinct networks every architecture is derived: `{name}` has {size:,}, the limit is {limit:,}",
            help="--limit N allows more; --param or --preset may make the space smaller",
        )

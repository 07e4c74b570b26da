"""An elimination compiled to indices: which rows are multiplied, and which row they add up to.

The dictionary elimination (`nasdsl.algebra.elimination.elimination`) finds out what is possible. That never changes
for a space, so it is written down once; every further question is a pass of gathers, products and segment sums over
flat lists of numbers, upwards to a total or downwards to what each part contributes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from nasdsl.algebra.elimination.elimination import Bucket, eliminate, elimination_order, picker, tables
from nasdsl.algebra.elimination.factors import FactorGraph, Row
from nasdsl.algebra.elimination.semiring import EXISTS


@dataclass(frozen=True, slots=True)
class Step:
    """How one variable is eliminated. Tables are numbered: first the graph's factors, then the message of each step.

    Attributes:
        variable: Which.
        sources: The tables that are multiplied.
        places: For each of them its row in each product.
        targets: The row of the message that each product is added to, ascending.
        values: The value of the variable in each product.
        size: How many rows the message has.
    """

    variable: int
    sources: tuple[int, ...]
    places: tuple[list[int], ...]
    targets: list[int]
    values: list[int]
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A compiled elimination.

    Attributes:
        factors: How many factors there are; those without a variable are in `constants`.
        constants: Factors without a variable.
        steps: In the order of elimination; the message of step n is table `factors + n`.
        roots: The steps whose message is a number; every other message is read by one later step.
    """

    factors: int
    constants: tuple[int, ...]
    steps: tuple[Step, ...]
    roots: tuple[int, ...]

    @property
    def possible(self) -> bool:
        """Whether any assignment is possible."""
        return all(step.size for step in self.steps)

    def children(self, step: Step) -> Iterator[tuple[int, int]]:
        """The steps whose messages a step reads, and which of its sources each is."""
        for place, source in enumerate(step.sources):
            if source >= self.factors:
                yield source - self.factors, place


def plan(graph: FactorGraph) -> Plan:
    """Compile the elimination of a graph.

    Raises:
        NasError: A table grows too large.
    """
    own = tables(graph, EXISTS)
    result = eliminate(own, elimination_order(graph), EXISTS)
    number = {id(table): n for n, table in enumerate(own)}
    places = [_places(table.rows) for table in own]
    steps = []
    for bucket in result.buckets:
        sources = tuple(
            number[id(table)] if source is None else len(own) + source
            for table, source in zip(bucket.tables, bucket.sources, strict=True)
        )
        steps.append(_step(bucket, sources, [places[n] for n in sources], graph.size(bucket.variable)))
        places.append(_places(bucket.message.rows))
    constants = tuple(n for n, table in enumerate(own) if not table.scope)
    roots = tuple(n for n, bucket in enumerate(result.buckets) if not bucket.message.scope)
    return Plan(len(own), constants, tuple(steps), roots)


def _places(rows: Mapping[Row, object]) -> dict[Row, int]:
    return {row: n for n, row in enumerate(rows)}


def _step(bucket: Bucket[bool], sources: tuple[int, ...], places: Sequence[dict[Row, int]], size: int) -> Step:
    message = bucket.message
    scope = (*message.scope, bucket.variable)
    rows = [(*row, value) for row in message.rows for value in range(size)]
    targets = [target for target in range(len(message.rows)) for _ in range(size)]
    found: list[list[int]] = []
    for table, place in zip(bucket.tables, places, strict=True):
        some = list(map(place.get, map(picker([scope.index(v) for v in table.scope]), rows)))
        kept = [n is not None for n in some]
        rows, targets = list(compress(rows, kept)), list(compress(targets, kept))
        found = [*(list(compress(one, kept)) for one in found), [n for n in some if n is not None]]
    return Step(bucket.variable, sources, tuple(found), targets, [row[-1] for row in rows], len(message.rows))

"""The sum over a space as an arithmetic circuit: what an elimination computes, written down once and used many times.

Elimination only adds and multiplies. Done with expressions in place of numbers it leaves the expression of its total,
in which what is needed twice is there once: rows of tables that differ in what is decided elsewhere only, or that are
handed through bucket after bucket, are one node. FasterSeg with costs has 407,000 rows and 13,000 nodes. Every question
about costs is then a pass over the nodes: the bounds, the number of architectures of each cost, draws under a budget.

A node is a sum of terms; a term costs something, decides something (a label), and multiplies the nodes it goes on with.
Nodes that stand for few alternatives (the operators between two widths) are written out in the terms that use them.
Such circuits are known from knowledge compilation (Darwiche and Marquis, JAIR 2002; AND/OR decision diagrams: Mateescu,
Dechter and Marinescu, JAIR 2008).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

from nasdsl.algebra.elimination.elimination import Table, eliminate, elimination_order, tables
from nasdsl.algebra.elimination.factors import Factor, FactorGraph, Row
from nasdsl.algebra.elimination.semiring import Semiring

FEW = 24
"""Most alternatives of a node that is written out where it is used."""

Label = tuple[int, int]
"""A variable and its value."""

Term = tuple[int, tuple[int, ...], tuple[Label, ...]]
"""What it costs, the nodes that it goes on with, what it decides."""


@dataclass(frozen=True)
class Circuit:
    """The sum over a space, as an expression.

    Attributes:
        nodes: Sums of terms. The nodes that a term goes on with come before its own; the last node is the whole sum.
            None if the space has no architecture.
        metrics: How many costs a term has.
        bits: Each cost has that many bits of the number that says what a term costs, the first the lowest.
    """

    nodes: Sequence[Sequence[Term]]
    metrics: int
    bits: int

    def costs(self, packed: int) -> tuple[int, ...]:
        """The costs of a term, one for each metric."""
        mask = (1 << self.bits) - 1
        return tuple(packed >> self.bits * n & mask for n in range(self.metrics))

    @property
    def merged(self) -> list[dict[tuple[int, ...], int]]:
        """The nodes without labels: for what terms go on with, the number of their weights."""
        return self._merged[0]

    @property
    def weights(self) -> list[dict[int, int]]:
        """How many terms have each cost. Layers are alike, so many nodes share them."""
        return self._merged[1]

    @cached_property
    def _merged(self) -> tuple[list[dict[tuple[int, ...], int]], list[dict[int, int]]]:
        numbers: dict[tuple[tuple[int, int], ...], int] = {}
        merged = []
        for terms in self.nodes:
            node: dict[tuple[int, ...], dict[int, int]] = {}
            for cost, children, _ in terms:
                weights = node.setdefault(children, {})
                weights[cost] = weights.get(cost, 0) + 1
            keys = {children: tuple(sorted(weights.items())) for children, weights in node.items()}
            merged.append({children: numbers.setdefault(key, len(numbers)) for children, key in keys.items()})
        return merged, [dict(key) for key in numbers]

    @cached_property
    def sizes(self) -> list[int]:
        """How many architectures each node stands for."""
        ways = [sum(weights.values()) for weights in self.weights]
        found: list[int] = []
        for node in self.merged:
            found.append(sum(ways[n] * prod(found[c] for c in children) for children, n in node.items()))
        return found


def compiled(graph: FactorGraph, metrics: Sequence[Sequence[Factor]], decided: Collection[int] = ()) -> Circuit:
    """The circuit of a space.

    Args:
        graph: Its variables and hard factors.
        metrics: For each cost the factors that add up to it; their costs are natural numbers.
        decided: The variables whose values the labels say; values of 0 ("none") are left out.

    Raises:
        NasError: A table of the elimination grows too large.
    """
    expressions = _Expressions()
    most = max((sum(max(f.rows.values(), default=0) for f in factors) for factors in metrics), default=0)
    bits = most.bit_length() + 1
    found = tables(graph, expressions.semiring)
    for n, factors in enumerate(metrics):
        for factor in factors:
            rows = {row: expressions.leaf(cost << bits * n) for row, cost in factor.rows.items()}
            found.append(Table(factor.scope, rows))
    for variable in sorted(decided):
        values: dict[Row, int] = {(n,): expressions.leaf(0, (variable, n)) for n in range(graph.size(variable))}
        found.append(Table((variable,), values))
    whole = FactorGraph(graph.variables, [*graph.factors, *(factor for factors in metrics for factor in factors)])
    total = eliminate(found, elimination_order(whole), expressions.semiring, keep=False).total
    return Circuit(_flat(expressions, total), len(metrics), bits)


_SUM, _PRODUCT, _LEAF = range(3)


class _Expressions:
    """Numbers whose sums and products are only written down; equal ones are the same number.

    Attributes:
        made: For each what it is: a sum or a product of two others, or a leaf.
        leaves: The cost and the label of each leaf.
    """

    ZERO, ONE = -1, 0

    def __init__(self) -> None:
        self.made: list[tuple[int, int, int]] = []
        self.leaves: list[tuple[int, Label | None]] = []
        self._known: dict[tuple[int, int, int], int] = {}
        self._numbers: dict[tuple[int, Label | None], int] = {}
        self.leaf(0)

    @property
    def semiring(self) -> Semiring[int]:
        return Semiring(self.ZERO, self.ONE, self._plus, self._times, self.leaf)

    def leaf(self, cost: int, label: Label | None = None) -> int:
        """What costs something and decides something, or nothing of these: one."""
        key = (cost, label if label is not None and label[1] else None)
        if key not in self._numbers:
            self._numbers[key] = len(self.leaves)
            self.leaves.append(key)
        return self._make((_LEAF, self._numbers[key], 0))

    def _plus(self, a: int, b: int) -> int:
        return self._make((_SUM, a, b))

    def _times(self, a: int, b: int) -> int:
        if a <= 0 or b <= 0:  # ZERO or ONE
            return min(a, b) if self.ZERO in (a, b) else max(a, b)
        return self._make((_PRODUCT, a, b) if a <= b else (_PRODUCT, b, a))

    def _make(self, key: tuple[int, int, int]) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.made)
            self.made.append(key)
        return number


def _flat(expressions: _Expressions, total: int) -> list[list[Term]]:
    """The nodes of an expression: sums of sums are one sum, and what is small or used once is written out."""
    if total == expressions.ZERO:
        return []
    uses = _uses(expressions, total)
    terms: dict[int, list[Term]] = {}
    few: dict[int, bool] = {}
    nodes: list[list[Term]] = []
    places: dict[int, int] = {}

    def written(number: int, *, inline: bool) -> list[Term]:
        if inline or len(terms[number]) == 1:
            return terms[number]
        if number not in places:
            places[number] = len(nodes)
            nodes.append(terms[number])
        return [(0, (places[number],), ())]

    for number in sorted(uses):
        kind, a, b = expressions.made[number]
        if kind == _LEAF:
            cost, label = expressions.leaves[a]
            found: list[Term] = [(cost, (), () if label is None else (label,))]
        elif kind == _SUM:
            found = [*written(a, inline=few[a] or uses[a] == 1), *written(b, inline=few[b] or uses[b] == 1)]
        else:
            both = len(terms[a]) * len(terms[b]) <= FEW
            first = few[a] and (both or not few[b] or len(terms[a]) <= len(terms[b]))
            some, others = written(a, inline=first), written(b, inline=few[b] and (both or not first))
            found = [(c + d, x + y, v + w) for c, x, v in some for d, y, w in others]
        terms[number] = found
        few[number] = len(found) <= FEW and not any(children for _, children, _ in found)
    return [*nodes, terms[total]]


def _uses(expressions: _Expressions, total: int) -> dict[int, int]:
    """How often each part of an expression is used in it."""
    uses = {total: 0}
    waiting = [total]
    while waiting:
        kind, *parts = expressions.made[waiting.pop()]
        if kind == _LEAF:
            continue
        for part in parts:
            if part not in uses:
                uses[part] = 0
                waiting.append(part)
            uses[part] += 1
    return uses

"""How small and how large the networks of a space are, about: every decision taken by itself.

The exact extremes of a space are a question about all its decisions at once. What stands here are the costs of four
real networks: for parameters and for MACs, the one in which every decision takes the lightest value by itself, and the
one in which it takes the heaviest. So the true range is at least this wide, and it is this range where the decisions do
not depend on one another. Rules are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Cell, Decision, Graph, Kind, Value
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.derive import canonical, derive
from nasdsl.passes.kernels import Costs, costs
from nasdsl.types import MapType

Way = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds that real networks of the space reach: (low, high)."""

    params: tuple[int, int]
    macs: tuple[int, int]


def sizes(graph: Graph) -> Sizes:
    """The costs of the lightest and heaviest networks by single decisions.

    Raises:
        NasError: The costs of an operation are not known.
    """
    found: dict[str, tuple[int, int]] = {}
    for metric in ("params", "macs"):
        low, high = (_Extreme(graph, metric, heavy=heavy).value() for heavy in (False, True))
        found[metric] = (min(low, high), max(low, high))
    return Sizes(found["params"], found["macs"])


class _Extreme:
    """Takes every decision to its lightest or heaviest value by one metric."""

    def __init__(self, graph: Graph, metric: str, *, heavy: bool) -> None:
        self.graph, self.metric = replace(graph, rules=()), metric
        self.best: Callable[..., Value] = max if heavy else min
        self._bounds: dict[str, int | Fraction] = {}
        self.weight = [self._node(i) for i in range(len(graph.nodes))]
        self.inside: dict[int, Fraction] = {}
        for node in graph.nodes:
            scope: int | None = node.scope
            while scope is not None:
                self.inside[scope] = self.inside.get(scope, Fraction(0)) + self.weight[node.id]
                scope = graph.scopes[scope].parent
        self.reads: dict[str, dict[object, Fraction]] = {}
        self._read_conditions()

    def value(self) -> int:
        """The metric of the network it arrives at."""
        decisions: dict[str, Value] = {path: self._decided(d) for path, d in self.graph.decisions.items()}
        for decision in self.graph.decisions.values():
            if decision.kind is Kind.DEPTH:
                ends = dict.fromkeys((decision.domain[0], decision.domain[-1]))
                tried = {end: self._cost({**decisions, decision.path: end}) for end in ends}
                decisions[decision.path] = self.best(tried, key=tried.__getitem__)
        return self._cost(decisions)

    def _cost(self, decisions: Mapping[str, Value]) -> int:
        architecture = Architecture(self.graph.name, decisions, self.graph.preset)
        found: Costs = costs(derive(self.graph, canonical(self.graph, architecture)))
        return found.params if self.metric == "params" else found.macs

    def _node(self, index: int) -> Fraction:
        """What a node costs at its widest."""
        node = self.graph.nodes[index]
        operation = OPERATIONS.get(node.op)
        if operation is None:
            return Fraction(0)
        inputs = [self.graph.nodes[i.node].type for i in node.inputs]
        wide = [MapType(self._widest(t.channels), t.size, t.rate) for t in (*inputs, node.type)]
        attrs = {k: self._widest(v) if isinstance(v, Number) else v for k, v in node.attrs.items()}
        ask = operation.params if self.metric == "params" else operation.macs
        return ask(wide[:-1], wide[-1], attrs).constant or Fraction(0)

    def _widest(self, number: Number) -> Number:
        for symbol in number.symbols:
            if symbol not in self._bounds:
                self._bounds[symbol] = max(self.graph.domain(symbol))
        return Number.of(number.evaluate(self._bounds.__getitem__))

    def _read_conditions(self) -> None:
        """For each decision and value the cost of what is read under that condition, not looking further back."""
        for node in self.graph.nodes:
            for i in node.inputs:
                if i.when is not None:
                    values = self.reads.setdefault(i.when.decision, {})
                    values[i.when.value] = values.get(i.when.value, Fraction(0)) + self._behind(node.scope, i.node)

    def _behind(self, reader: int, source: int) -> Fraction:
        """The cost of the block instance, beside or inside the reader's, that a map comes from."""
        above = set()
        scope: int | None = reader
        while scope is not None:
            above.add(scope)
            scope = self.graph.scopes[scope].parent
        current = self.graph.nodes[source].scope
        if current in above:
            return self.weight[source]
        while (parent := self.graph.scopes[current].parent) not in above and parent is not None:
            current = parent
        return self.inside[current]

    def _decided(self, decision: Decision) -> Value:
        read = self.reads.get(decision.path, {})
        if decision.kind is Kind.ROUTE:
            return self._way(decision)
        if decision.kind is Kind.PICK:
            order = sorted(decision.domain, key=lambda m: read.get(m, Fraction(0)), reverse=self.best is max)
            return tuple(m for m in decision.domain if m in order[: decision.count])
        if read:
            return self.best(decision.real, key=lambda v: read.get(v, Fraction(0)))
        return self.best(decision.real, key=lambda v: v if isinstance(v, int) else 0)

    def _way(self, decision: Decision) -> Way:
        """The lightest or heaviest way through a grid, each link with the heaviest of its alternatives."""
        grid, read = self.graph.grids[decision.grid], self.reads.get(decision.grid, {})
        ways: dict[Cell, tuple[Fraction, Way]] = {grid.source: (Fraction(0), (grid.source,))}
        for cell in grid.cells:
            into = [x for x in grid.into(cell) if x.source in ways]
            if into:
                candidates = [
                    (ways[x.source][0] + read.get((x.source, cell), Fraction(0)), (*ways[x.source][1], cell))
                    for x in into
                ]
                ways[cell] = max(candidates) if self.best is max else min(candidates)
        return ways[decision.end][1]

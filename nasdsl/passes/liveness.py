"""When is a node of a space live? Demand from the tasks, followed backwards through the conditions on inputs.

Requires a graph whose nodes are in topological order. The answer for each node is a `Condition`: a polynomial over
conjunctions of atoms that is 1 in the architectures where the node is live and 0 elsewhere. Because it is linear in the
conjunctions, its expectation under any distribution is a sum of probabilities of conjunctions.

Inside a grid a condition speaks of one prefix of routes that reaches the cell: an atom `(from, to)` of the grid holds
there when a live route with this prefix goes on along that link. Outside, routes do not occur in conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Atom, Cell, Graph, Input, Kind, Node

Literals = frozenset[Atom]
"""Atoms that hold together."""

MAX_TERMS = 20_000
"""How many conjunctions a condition may have."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A sum of conjunctions with integer coefficients, in sorted order, without zeros; `terms` empty means never.

    >>> a, b = (Condition.of([Atom("op", label)]) for label in ("conv", "skip"))
    >>> str(a), str(Condition.of([])), str(Condition(()))
    ('op = conv', 'always', 'never')
    """

    terms: tuple[tuple[Literals, int], ...]

    @staticmethod
    def of(atoms: Iterable[Atom]) -> Condition:
        """The condition that all these atoms hold; no atom: always."""
        return Condition(((frozenset(atoms), 1),))

    def __str__(self) -> str:
        parts = []
        for literals, coefficient in self.terms:
            text = " & ".join(f"{atom.decision} = {atom.value}" for atom in _sorted(literals)) or "always"
            parts.append(text if coefficient == 1 else f"{coefficient} * ({text})")
        return " + ".join(parts) or "never"


ALWAYS = Condition.of([])
NEVER = Condition(())


def _sorted(literals: Literals) -> list[Atom]:
    return sorted(literals, key=lambda atom: (atom.decision, repr(atom.value)))


def _condition(terms: Mapping[Literals, int]) -> Condition:
    kept = [(literals, c) for literals, c in terms.items() if c]
    if len(kept) > MAX_TERMS:
        raise NasError(
            f"what is live in this space depends on its decisions in more than {MAX_TERMS} ways",
            help="let fewer picks decide whether the same map is needed",
        )
    return Condition(
        tuple(sorted(kept, key=lambda t: (len(t[0]), [(a.decision, repr(a.value)) for a in _sorted(t[0])])))
    )


class Conditions:
    """Arithmetic of conditions over the decisions of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._both: dict[tuple[Condition, Condition], Condition] = {}
        self._either: dict[tuple[Condition, Condition], Condition] = {}
        self._settings = {
            path: self._literals_of(path) for path, d in graph.decisions.items() if d.kind is not Kind.ROUTE
        }

    def _literals_of(self, path: str) -> tuple[Literals, ...]:
        """The values of a decision, each as the atoms that hold then; of a pick with very many subsets none."""
        decision = self._graph.decisions[path]
        if decision.kind is not Kind.PICK:
            return tuple(frozenset([Atom(path, value)]) for value in decision.domain)
        if comb(len(decision.domain), decision.count) > 1000:
            return ()
        return tuple(
            frozenset(Atom(path, member) for member in members)
            for members in combinations(decision.domain, decision.count)
        )

    def _possible(self, literals: Literals) -> bool:
        held: dict[str, int] = {}
        for atom in literals:
            held[atom.decision] = held.get(atom.decision, 0) + 1
        for name, count in held.items():
            if name in self._graph.grids:
                most = len(self._graph.routes(name))
            else:
                decision = self._graph.decisions[name]
                most = decision.count if decision.kind is Kind.PICK else 1
            if count > most:
                return False
        return True

    def both(self, a: Condition, b: Condition) -> Condition:
        """Where both hold."""
        if a == ALWAYS:
            return b
        if b == ALWAYS:
            return a
        if (a, b) not in self._both:
            self._both[a, b] = self._product(a, b)
        return self._both[a, b]

    def _product(self, a: Condition, b: Condition) -> Condition:
        total: dict[Literals, int] = {}
        others = [(right, n, *self._names(right)) for right, n in b.terms]
        for left, m in a.terms:
            mine, plain = self._names(left)
            for right, n, its, also_plain in others:
                literals = left | right
                # Two values of a decision that has one: more atoms than names.
                possible = len(literals) == len(mine | its) if plain and also_plain else self._possible(literals)
                if possible:
                    total[literals] = total.get(literals, 0) + m * n
        return self._simplified(total)

    def _names(self, literals: Literals) -> tuple[frozenset[str], bool]:
        """The decisions and grids that atoms speak of, and whether one atom at most can hold for each."""
        names = frozenset(atom.decision for atom in literals)
        decisions = self._graph.decisions
        return names, all(name in decisions and decisions[name].kind is not Kind.PICK for name in names)

    def either(self, a: Condition, b: Condition) -> Condition:
        """Where at least one holds."""
        if ALWAYS in (a, b):
            return ALWAYS
        if (a, b) not in self._either:
            self._either[a, b] = self._sum(a, b, self.both(a, b))
        return self._either[a, b]

    def without(self, a: Condition, b: Condition) -> Condition:
        """Where `a` holds and `b` does not; `b` must imply `a`."""
        return self._sum(a, NEVER, b)

    def real(self, a: Condition) -> Condition:
        """What remains of a condition when no soft alternative is ever taken."""
        decisions = self._graph.decisions
        soft = {Atom(d.path, value) for d in decisions.values() for value in d.soft}
        return Condition(tuple(term for term in a.terms if not term[0] & soft))

    def _sum(self, a: Condition, b: Condition, minus: Condition) -> Condition:
        total = dict(a.terms)
        for condition, sign in ((b, 1), (minus, -1)):
            for literals, coefficient in condition.terms:
                total[literals] = total.get(literals, 0) + sign * coefficient
        return self._simplified(total)

    def _simplified(self, total: dict[Literals, int]) -> Condition:
        """The condition, freed of decisions on which it does not depend whatever the others are."""
        for name in sorted({atom.decision for literals in total for atom in literals}):
            if name in self._graph.grids or not self._settings[name]:
                continue
            groups: dict[Literals, dict[Literals, int]] = {}
            for literals, coefficient in total.items():
                own = frozenset(atom for atom in literals if atom.decision == name)
                groups.setdefault(literals - own, {})[own] = coefficient
            total = {}
            for rest, group in groups.items():
                values = {sum(c for own, c in group.items() if own <= setting) for setting in self._settings[name]}
                if len(values) == 1:
                    total[rest] = values.pop()
                else:
                    total.update({rest | own: c for own, c in group.items()})
        return _condition(total)


@dataclass(frozen=True, slots=True)
class Liveness:
    """When what is live.

    Attributes:
        conditions: The arithmetic they were made with.
        nodes: For each node (by id). Of a node in a grid: given a prefix of routes that reaches its cell; of a join
            the condition is "always", for it is there whenever a route comes by.
        routes: For each route of the graph.
    """

    conditions: Conditions
    nodes: tuple[Condition, ...]
    routes: Mapping[str, Condition]


def liveness(graph: Graph) -> Liveness:
    """When each node and each route is live.

    Raises:
        NasError: A demand that the conditions cannot express: a map outside a grid that only some cells of the grid
            read, a route of which only a part is demanded, or more than `MAX_TERMS` conjunctions.
    """
    return _Walk(graph).run()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.algebra = Conditions(graph)
        self.readers: list[list[tuple[Node, Input]]] = [[] for _ in graph.nodes]
        for node in graph.nodes:
            for item in node.inputs:
                self.readers[item.node].append((node, item))
        self.live: list[Condition] = [NEVER] * len(graph.nodes)
        self.routes: dict[str, Condition] = {d.path: NEVER for d in graph.decisions.values() if d.kind is Kind.ROUTE}
        self.demanded = {task.output for task in graph.tasks if not task.aux}

    def run(self) -> Liveness:
        parts: list[Node] = []
        for node in reversed(self.graph.nodes):
            if node.op == "join":
                self.live[node.id] = ALWAYS
                continue
            self.live[node.id] = self._of(node)
            if node.op == "route_end":
                route = str(node.attrs["route"])
                self.routes[route] = self.algebra.either(self.routes[route], self.live[node.id])
            elif node.op == "route_last":
                parts.append(node)
        for node in parts:
            self._covered(
                self.live[node.id], self.routes[str(node.attrs["route"])], node, "demand the end of its route too"
            )
        return Liveness(self.algebra, tuple(self.live), self.routes)

    def _of(self, node: Node) -> Condition:
        cell = self._cell(node)
        total = ALWAYS if node.id in self.demanded else NEVER
        entering = []
        for reader, item in self.readers[node.id]:
            if total == ALWAYS and cell is None:
                break
            where = self._cell(reader)
            if reader.op == "join" and item.when is not None:
                demand = Condition.of([item.when])
            elif reader.op == "join":
                assert where is not None, "a join lies in a cell"
                demand = self._any_route(where[0])
            elif cell is None and where is not None:
                entering.append((reader, where[0]))
                continue
            else:
                demand = self.live[reader.id]
                if item.when is not None:
                    demand = self.algebra.both(demand, Condition.of([item.when]))
            total = self.algebra.either(total, demand)
        for reader, grid in entering:
            self._covered(self._any_route(grid), total, reader, "let it also be read by what every route starts from")
        return total

    def _cell(self, node: Node) -> tuple[str, Cell] | None:
        """The cell of a grid a node lies in; none in a network, where grids have become plain chains."""
        cell = self.graph.scopes[node.scope].cell
        return cell if cell is not None and cell[0] in self.graph.grids else None

    def _any_route(self, grid: str) -> Condition:
        total = NEVER
        for route in self.graph.routes(grid):
            total = self.algebra.either(total, self.routes[route.path])
        return total

    def _covered(self, part: Condition, whole: Condition, node: Node, help_text: str) -> None:
        if self.algebra.either(part, whole) != whole:
            raise NasError(
                f"{node.span}: `{node.name}` demands more than the rest of the space does ({part}, beside {whole}); "
                "its expected cost is not known",
                help=help_text,
            )

"""Which block instances get a figure of their own, which of them are alike, and what is called how in them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from nasdsl.ir.graph import Value
from nasdsl.number import Number
from nasdsl.report.parts import Form, Part, Parts
from nasdsl.report.patterns import INDEX, domain_words, name_of, value_words
from nasdsl.report.reading import Reading


@dataclass(slots=True)
class Instances:
    """Block instances that one figure shows, or a grid.

    Attributes:
        scopes: The instances; of a grid its cells.
        grid: The path of the grid, "" for blocks.
        decided: The decisions of each instance, in the order of first use.
    """

    scopes: list[int]
    grid: str = ""
    decided: list[list[str]] = field(default_factory=list)


class Registry:
    """Finds the figures of a reading and keeps account of the decisions they show."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.graph, self.parts = reading, reading.graph, Parts(reading)
        self._parts_of: dict[int, list[Part]] = {}
        self.figures: list[Instances] = []
        self._figure_of_key: dict[Hashable, int] = {}
        self._figure_of_scope: dict[int, int] = {}
        self._figure_of_grid: dict[str, int] = {}
        self._selecting = {i.when.decision for node in self.graph.nodes for i in node.inputs if i.when is not None}
        paths = {scope.path for scope in self.graph.scopes}
        self._home = {
            d: max((p for p in paths if p and d.startswith(f"{p}.")), key=len, default="") for d in self.graph.decisions
        }
        self._alike: dict[str, str] = {}
        self.shown: set[str] = set()
        self._walk(0)

    # figures

    def parts_of(self, scope: int) -> list[Part]:
        """The parts of a block instance."""
        if scope not in self._parts_of:
            self._parts_of[scope] = self.parts.of(scope)
        return self._parts_of[scope]

    def figure_of(self, part: Part) -> int:
        """The figure that shows the inside of a part, -1 for none."""
        if part.form is Form.GRID:
            return self._figure_of_grid[part.decision]
        return self._figure_of_scope.get(part.scopes[0], -1) if part.form is Form.BLOCK else -1

    def kind_of(self, part: Part) -> Hashable:
        """What two parts have in common that look the same in a picture."""
        if (figure := self.figure_of(part)) >= 0:
            return "figure", figure
        block = self.graph.scopes[part.scopes[0]].block
        within = self.within(part.scopes[0])
        return block, tuple((domain_words(self.graph.decisions[d]), self.reading.value(d)) for d in within)

    def _walk(self, scope: int) -> None:
        for part in self.parts_of(scope):
            if part.form is Form.GRID:
                self._figure_of_grid[part.decision] = len(self.figures)
                self.figures.append(Instances(list(part.scopes), part.decision))
            elif part.form is Form.CHOICE:
                self._walk_choice(part)
            elif part.form is Form.BLOCK and self.parts.has_choices(part.nodes):
                if self.parts.sole_choice(part):
                    self._walk(part.scopes[0])
                else:
                    self._register(part.scopes[0], part.nodes)

    def _walk_choice(self, choice: Part) -> None:
        alive = set(choice.nodes)
        for scope in choice.scopes:
            nodes = tuple(n for n in self.reading.below(scope) if n in alive)
            if nodes and self.parts.has_choices(nodes):
                self._register(scope, nodes)

    def _register(self, scope: int, nodes: Sequence[int]) -> None:
        block = INDEX.sub("", self.graph.scopes[scope].block)
        within = self.within(scope)
        same: Hashable = (block, "decisions", tuple(within))
        alike: Hashable = (block, "shape", self._shape(nodes))
        index = self._figure_of_key.get(same, self._figure_of_key.get(alike, -1)) if within else -1
        if index < 0:
            index = self._figure_of_key.get(alike, -1)
        if index < 0:
            index = len(self.figures)
            self.figures.append(Instances([]))
        for key in (same, alike):
            self._figure_of_key.setdefault(key, index)
        figure = self.figures[index]
        figure.scopes.append(scope)
        figure.decided.append(within)
        self._figure_of_scope[scope] = index
        self.unite(figure.decided[0], within)
        self._walk(scope)

    def _shape(self, nodes: Sequence[int]) -> Hashable:
        """The operations and how they hang together, without types and names."""
        place = {node: i for i, node in enumerate(nodes)}
        outside: dict[int, int] = {}
        ordinal: dict[str, int] = {}
        rows = []
        for n in nodes:
            reads = []
            for i in self.reading.inputs[n]:
                source = place[i.node] if i.node in place else -1 - outside.setdefault(i.node, len(outside))
                when = (ordinal.setdefault(i.when.decision, len(ordinal)), i.when.value) if i.when else None
                reads.append((source, when))
            rows.append((self.graph.nodes[n].op, tuple(reads)))
        decisions = self.reading.decisions(list(nodes))
        domains = tuple((domain_words(self.graph.decisions[d]), self.reading.value(d)) for d in decisions)
        return tuple(rows), domains

    def within(self, scope: int) -> list[str]:
        """The live decisions that are declared in a block instance, in the order of first use."""
        path = self.graph.scopes[scope].path
        used = self.reading.decisions(self.reading.below(scope))
        return [d for d in used if self._home[d] == path or self._home[d].startswith(f"{path}.")]

    def drawn_from(self, figure: Instances) -> int:
        """The instance that a figure is drawn from: the first of those that read the most places."""

        def sources(scope: int) -> tuple[int, int]:
            found = self._sources(scope)
            cells = self._cells_beside(scope)
            return len(found), sum(any(n in part.nodes for part in cells) for n in found)

        return max(figure.scopes, key=sources)

    # decisions

    def unite(self, first: Iterable[str], second: Iterable[str]) -> None:
        """Decisions that one vertex shows, pair by pair."""
        for a, b in zip(first, second, strict=False):
            if (root := self._root(a)) != (other := self._root(b)):
                self._alike[other] = root

    def _root(self, path: str) -> str:
        while path in self._alike:
            path = self._alike[path]
        return path

    def show(self, path: str) -> Value | None:
        """The value of a decision in the architecture, if there is one; it counts as shown from now on."""
        self.shown.add(self._root(path))
        return self.reading.value(path)

    def is_shown(self, path: str) -> bool:
        """Whether a decision was shown already."""
        return self._root(path) in self.shown

    def missing(self) -> list[str]:
        """Live decisions that were not shown, in the order of declaration."""
        live = self.graph.decisions if self.reading.values is None else self.reading.values
        return [path for path in self.graph.decisions if path in live and self._root(path) not in self.shown]

    def title_of(self, path: str) -> list[str]:
        """A decision and those shown with it, a line each."""
        root = self._root(path)
        return [self._in_words(d) for d in self.graph.decisions if self._root(d) == root] or [self._in_words(path)]

    def _in_words(self, path: str) -> str:
        decision, value = self.graph.decisions[path], self.reading.value(path)
        return f"{path} = {value_words(value)}" if value is not None else f"{path}: {domain_words(decision)}"

    def selects(self, path: str) -> bool:
        """Whether a decision selects among maps; a width is only used as a number."""
        return path in self._selecting

    def home_of(self, path: str) -> str:
        """The path of the scope a decision is declared in."""
        return self._home[path]

    def range_of(self, number: Number) -> tuple[Fraction, Fraction]:
        """Bounds of a number over the space, or its value in the architecture twice."""
        if self.reading.values is not None:
            value = self.reading.number(number)
            return value, value
        low, high = Fraction(0), Fraction(0)
        for monomial, coefficient in number.terms:
            bounds = coefficient, coefficient
            for symbol in monomial:
                domain = self.graph.domain(symbol)
                corners = [Fraction(b * v) for b in bounds for v in (min(domain), max(domain))]
                bounds = min(corners), max(corners)
            low, high = low + bounds[0], high + bounds[1]
        return low, high

    # names

    def _sources(self, scope: int) -> list[int]:
        nodes = tuple(n for n in self.reading.below(scope) if n in self.reading.alive)
        return self.parts.sources(Part(Form.BLOCK, nodes, (scope,)))

    def _cells_beside(self, scope: int) -> list[Part]:
        """The parts around an instance that have figures, in order: the cells of a network of cells."""
        parent = self.graph.scopes[scope].parent
        if parent is None:
            return []
        return [p for p in self.parts_of(parent) if p.form is Form.BLOCK and self.figure_of(p) >= 0]

    def _distances(self, scope: int) -> dict[int, int]:
        """How many cells before an instance each map it reads comes from; {} unless all of them come from cells."""
        cells = self._cells_beside(scope)
        own = next((i for i, part in enumerate(cells) if part.scopes[0] == scope), -1)
        found: dict[int, int] = {}
        for node in self._sources(scope):
            source = next((i for i, part in enumerate(cells) if node in part.nodes), -1)
            if own < 0 or not 0 <= source < own:
                return {}
            found[node] = own - source
        return found if len(set(found.values())) == len(found) <= 3 else {}

    def input_name(self, scope: int, node: int) -> tuple[str, str]:
        """What an instance's input is called: `c` with subscript `k-1` in a network of cells, else its name."""
        distance = self._distances(scope).get(node)
        if distance is not None:
            return "c", f"k-{distance}"
        return self._name(node), ""

    def output_name(self, scope: int) -> tuple[str, str]:
        """What an instance's output is called."""
        return ("c", "k") if self._distances(scope) else ("out", "")

    def _name(self, node: int) -> str:
        made = self.graph.nodes[node]
        current = self.graph.scopes[made.scope]
        if current.cell is not None:
            return current.cell[0]
        if made.scope == 0:
            return made.name
        while current.parent:
            current = self.graph.scopes[current.parent]
        last = name_of(current.name)
        return current.name.removesuffix(f".{last}")

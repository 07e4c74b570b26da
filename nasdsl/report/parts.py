"""What a block instance is made of, as a person would draw it: blocks, choices, grids, and the operations between."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import chain

from nasdsl.ir.graph import Kind
from nasdsl.report.reading import Reading, flow_inputs


class Form(Enum):
    """The forms of a part."""

    NODE = "node"
    BLOCK = "block"
    CHOICE = "choice"
    GRID = "grid"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a block instance.

    Attributes:
        form: What it is. A choice is the alternatives of a choice with the `mix` nodes that select among them.
        nodes: All nodes in it, ascending; live ones only.
        scopes: The block instance, the alternatives, or the cells.
        decision: The decision of a choice; the path of a grid.
    """

    form: Form
    nodes: tuple[int, ...]
    scopes: tuple[int, ...] = ()
    decision: str = ""


class Parts:
    """Splits the block instances of a space into parts."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.graph = reading, reading.graph
        self.readers: list[list[int]] = [[] for _ in self.graph.nodes]
        for node in self.graph.nodes:
            for i in node.inputs:
                self.readers[i.node].append(node.id)

    def of(self, scope: int) -> list[Part]:
        """The parts of a block instance in the order of their first nodes; those without a live node are left out."""
        alive = self.reading.alive
        choices = self._choices(scope)
        taken = {node for part in choices for node in part.nodes}
        found = list(choices)
        grids: dict[str, list[int]] = {}
        for child in self.reading.children(scope):
            cell = self.graph.scopes[child].cell
            if cell is not None and self.graph.scopes[scope].cell is None:
                grids.setdefault(cell[0], []).append(child)
            elif not (nodes := self.reading.below(child)) or nodes[0] not in taken:
                found.append(Part(Form.BLOCK, tuple(nodes), (child,)))
        for path, cells in grids.items():
            nodes = sorted(chain.from_iterable(self.reading.below(cell) for cell in cells))
            found.append(Part(Form.GRID, tuple(nodes), tuple(cells), path))
        found += [Part(Form.NODE, (node,)) for node in self.reading.own(scope) if node not in taken]
        live = (Part(p.form, tuple(n for n in p.nodes if n in alive), p.scopes, p.decision) for p in found)
        return sorted((p for p in live if p.nodes), key=lambda part: part.nodes[0])

    def _choices(self, scope: int) -> list[Part]:
        """The choices made right here: `mix` nodes with the scopes that only they read."""
        mixes = {node: self._chosen(node) for node in self.reading.own(scope)}
        mixes = {node: decision for node, decision in mixes.items() if decision}
        alternatives: dict[int, set[int]] = {}
        for child in self.reading.children(scope):
            nodes = self.reading.below(child)
            inside = set(nodes)
            readers = {r for node in nodes for r in self.readers[node]} - inside
            if readers and readers <= mixes.keys() and len({mixes[r] for r in readers}) == 1:
                alternatives[child] = readers
        groups: list[tuple[set[int], list[int]]] = []
        for child, readers in alternatives.items():
            touching = [g for g in groups if g[0] & readers]
            groups = [g for g in groups if not g[0] & readers]
            merged = (set().union(readers, *(g[0] for g in touching)), [*(c for g in touching for c in g[1]), child])
            groups.append(merged)
        found = []
        for selecting, children in groups:
            whole = selecting.union(*(self.reading.below(child) for child in children))
            found.append(Part(Form.CHOICE, tuple(sorted(whole)), tuple(sorted(children)), mixes[min(selecting)]))
        return found

    def _chosen(self, node: int) -> str:
        """The choice that a `mix` selects by; "" for other nodes and other decisions."""
        made = self.graph.nodes[node]
        atom = made.inputs[0].when if made.op == "mix" and made.inputs else None
        if atom is None or self.graph.decisions[atom.decision].kind is not Kind.CHOOSE:
            return ""
        return atom.decision

    def sole_choice(self, part: Part) -> str:
        """The choice that a part consists of and nothing else; "" if there is more to it."""
        if part.form is Form.CHOICE:
            return part.decision
        if part.form is not Form.BLOCK:
            return ""
        inner = self.of(part.scopes[0])
        return self.sole_choice(inner[0]) if len(inner) == 1 else ""

    def has_choices(self, nodes: tuple[int, ...]) -> bool:
        """Whether some of these nodes select by a decision."""
        return any(
            i.when is not None and self.graph.nodes[n].op not in ("join", "route_last")
            for n in nodes
            for i in self.graph.nodes[n].inputs
        )

    def sources(self, part: Part) -> list[int]:
        """The nodes outside a part that it reads, in the order in which they are read."""
        inside = set(part.nodes)
        reads = (i.node for node in part.nodes for i in flow_inputs(self.reading, node))
        return [node for node in dict.fromkeys(reads) if node not in inside]

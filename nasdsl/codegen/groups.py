"""The outliner, second half: instances of a block that look alike become one class with parameters.

Two instances look alike when they do the same steps on the same wiring. What still differs are numbers: arguments of
modules, and the channels that sliced operations are told at run time. Where such a number is the same in all instances,
the class holds it as a literal; numbers that agree with one another in every instance share a parameter.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from nasdsl.codegen.blocks import Block, Item, Shared
from nasdsl.codegen.classnames import body_name, name_classes
from nasdsl.codegen.externs import extern_names
from nasdsl.codegen.group import Group, inlined
from nasdsl.codegen.late import find_late
from nasdsl.codegen.parameters import Parameters
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.ops.operation import TOLD


class Groups(Parameters):
    """The classes of a graph, inner ones first; the last is the graph itself.

    Attributes:
        classes: The classes.
        externs: For each class that is imported its name here.
    """

    def __init__(self, graph: Graph, top_name: str) -> None:
        super().__init__(graph)
        self.externs = extern_names(graph)
        self.classes: list[Group] = []
        self._held: dict[int, Group] = {}
        for blocks in self.levels:
            found: dict[Hashable, Group] = {}
            for block in blocks:
                found.setdefault(self._shape(block), Group([])).blocks.append(block)
            for group in self._merged(found.values()):
                self._of |= {id(block): (group, place) for place, block in enumerate(group.blocks)}
                self.unify(group)
                self.classes.append(group)
        find_late(self)
        self.classes[-1].name = top_name
        name_classes(self.classes[:-1], self.outliner.tree, lambda block: self.of(block)[0], self.externs.values())

    def _merged(self, groups: Iterable[Group]) -> list[Group]:
        """Those that differ in the class of a single module as one, which is given that module."""
        outlines: dict[Hashable, list[tuple[Group, list[int]]]] = {}
        for group in groups:
            block = group.blocks[0]
            kinds = [id(self.of(item.child[0])[0]) if item.child else 0 for item in block.items]
            places = [place for place, item in enumerate(block.items) if self._can_be_given(item)]
            outline = (id(block) if block.is_cell or not block.scope else self._shape(block, places), tuple(places))
            for other, its in outlines.setdefault(outline, []):
                differ = {place for place in places if kinds[place] != its[place]} | set(other.given)
                if len(differ) == 1:
                    (place,) = differ
                    other.given = {place: self.outliner.tree.attribute[block.items[place].child[0].scope]}
                    other.blocks += group.blocks
                    break
            else:
                outlines[outline].append((group, kinds))
        return [group for alike in outlines.values() for group, _ in alike]

    def _can_be_given(self, item: Item) -> bool:
        """Whether the module of a step can be an argument of the constructor."""
        if not item.child or item.shared is not None or item.symbols or inlined(self.of(item.child[0])[0]):
            return False
        return "." not in self.outliner.tree.attribute[item.child[0].scope]

    def _shape(self, block: Block, free: Sequence[int] = ()) -> Hashable:
        """What instances of one class have in common; the classes of the modules at some places do not matter."""
        known: dict[Any, Hashable] = {ref: ("argument", i) for i, ref in enumerate(block.arguments)}
        if block.scope == 0:
            known |= {node.id: ("input", node.name) for node in self.graph.inputs()}
        steps: list[Hashable] = []
        for place, item in enumerate(block.items):
            known |= {ref: (place, i) for i, ref in enumerate(item.makes)}
            steps.append(self._step_shape(block, item, known, place in free))
        results = tuple(known.get(ref) for ref in block.results)
        holds = tuple(self._hold_shape(item) for item in block.holds)
        name = body_name(self.graph.scopes[block.scope])
        return (name, block.names, block.is_cell, tuple(steps), results, holds)

    def _hold_shape(self, item: Item) -> Hashable:
        attribute = self.outliner.tree.attribute[item.child[0].scope]
        return attribute, item.symbols, tuple(id(self.of(child)[0]) for child in item.child)

    def _step_shape(self, block: Block, item: Item, known: Mapping[Any, Hashable], free: bool) -> Hashable:
        refs = tuple(known.get(ref, "join") for ref in item.reads)
        symbols = tuple(self.relative(symbol, block) for symbol in item.symbols)
        if item.grid is not None:
            return ("grid", item.grid.path, block.scope)
        if item.child:
            return self._call_shape(block, item, (refs, known.get(item.shared)), symbols, free)
        assert item.node is not None, "a step walks, calls or computes"
        node = item.node
        conditions = tuple(
            None if i.when is None else (self.condition(i.when.decision, block), i.when.value) for i in node.inputs
        )
        wiring = (
            tuple(known.get(i.node, "join") for i in node.inputs) if node.op not in ("route_end", "route_last") else ()
        )
        route = tuple(str(value) for name, value in node.attrs.items() if name in ("route", "rate"))
        forms = tuple((form.widest.module, tuple(form.widest.args), form.widest.call) for form in item.forms)
        attribute = self.outliner.tree.node_attribute.get(node.id, "")
        # Not as the form is under the values of this instance: what some values slice, others may not.
        sliced = self.outliner.tree.form(node, {}).told if item.forms else ()
        told = tuple(self.told_text(block, item, name) if name in sliced else None for name in TOLD)
        return (node.op, attribute, wiring, conditions, route, forms, symbols, told, self.scaled(block, item))

    def _call_shape(self, block: Block, item: Item, refs: Hashable, symbols: Hashable, free: bool) -> Hashable:
        inner = [self.of(child) for child in item.child]
        group, _ = inner[0]
        if item.shared is not None:
            self._check_alike(item, group)
        if any(other is not group for other, _ in inner):
            span = self.graph.scopes[item.child[0].scope].span
            raise NasError(
                f"{span}: what depends on `{item.symbols[0]}` differs between its values in more than numbers",
                help="fix it with a preset and compile once for each of its values",
            )
        path = self.graph.scopes[item.child[0].scope].path
        told = tuple(self.number_text(self._number(item, i), block, n.name) for i, n in enumerate(group.numbers))
        attribute = self.outliner.tree.attribute[item.child[0].scope]
        called_with = group.chooses, tuple(number.name for number in group.numbers)
        what: Hashable = called_with if free else tuple(self._classes(child) for child in item.child)
        view = self.view(path, block) if group.chooses else ""
        return ("call", what, attribute, refs, symbols, view, told, self.scaled(block, item))

    def _classes(self, block: Block) -> Hashable:
        """The class of an instance, and those of the modules it is given."""
        group, where = self.of(block)
        return id(group), tuple(
            self._classes(p.values[where]) for p in group.parameters if p.name in group.given.values()
        )

    def _check_alike(self, item: Item, group: Group) -> None:
        """All calls of a shared block are of one class."""
        assert item.shared is not None, "only shared calls are checked"
        alike = self._held.setdefault(item.shared.scope, group) is group
        assert alike, f"the calls of {self.graph.scopes[item.shared.scope].weights} use the same parts"

    def class_of(self, shared: Shared) -> str:
        """The type of the module that the calls of a shared block have in common."""
        scope = shared.scope
        found = next(group for group in self.classes for block in group.blocks if block.scope == scope)
        return f"runtime.PerValue[{found.name}]" if self.outliner.variants(shared) else found.name

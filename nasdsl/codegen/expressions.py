"""The steps of a `forward` as Python expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nasdsl.codegen.blocks import Item, Ref, Shared, conditional
from nasdsl.codegen.group import Group, inlined, steps_of
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import Expression, Nest, Prefixed, flat, literal, quoted
from nasdsl.codegen.names import Names
from nasdsl.codegen.shapes import Shapes
from nasdsl.ir.graph import Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import makes_zeros
from nasdsl.ops.operation import TOLD
from nasdsl.passes.module_paths import accessor


class Expressions(Names):
    """Says what the steps of one class compute.

    Args:
        groups: All classes.
        group: The class.
        shapes: Says shapes and latencies.
    """

    def __init__(self, groups: Groups, group: Group, shapes: Shapes) -> None:
        super().__init__(groups, group)
        self.shapes = shapes
        self._place = {id(step): place for place, step in enumerate(steps_of(self.block))}
        self._deferred: set[str] = set()

    def expression(self, item: Item) -> Expression:
        """What a step computes."""
        scaled = [quoted(name) for name in self.groups.scaled(self.block, item)]
        plain = self._call(item) if item.child else self._operation(item)
        return Nest("arch.scaled(", (plain, *scaled)) if scaled else plain

    def value(self, ref: Ref) -> Expression:
        """How a map is written: its variable, or what computes it; a shared module: where it is at hand."""
        if isinstance(ref, Shared) and ref not in self.names:
            return f"self.{self.groups.outliner.tree.attribute[ref.scope]}"
        maker = self._maker.get(ref)
        return self.expression(maker) if maker is not None and id(maker) in self._lazy else self.names[ref]

    def _call(self, item: Item) -> Expression:
        child = item.child[0]
        module = f"self.{accessor(self.groups.outliner.tree.attribute[child.scope])}"
        name = f"{flat(self.value(item.shared)) if item.shared else module}{self.variant(item)}"
        return self.call(name, item, self._told(item), {})

    def _told(self, item: Item) -> dict[str, Expression | None]:
        """The channels that an inner instance is told, by name."""
        inner, _ = self.groups.of(item.child[0])
        place = self._place[id(item)]
        return {number.name: self.group.told.get((place, i)) for i, number in enumerate(inner.numbers)}

    def _said(self, told: str) -> str:
        """What is told, with the walks of grids as they are called here."""
        grids = list(self.groups.graph.grids)
        told = re.sub(r"\b(\w+)(?=\.shape\[1\])", lambda x: f"{x[1]}()" if x[1] in self._deferred else x[1], told)
        return re.sub(r"\{walk (\d+)\}", lambda found: self.names[grids[int(found[1])]], told)

    def call(
        self, name: str, item: Item, told: Mapping[str, Expression | None], names: Mapping[Ref, str]
    ) -> Expression:
        """The call of an inner instance; one that is a single operation without state is written out."""
        child = item.child[0]
        inner, _ = self.groups.of(child)
        if inlined(inner):
            (only,) = child.items
            assert only.node is not None, "what is written out is an operation"
            if only.node.op in ("route_end", "route_last"):
                return self._route(only.node)
            values = [names.get(i.node) or self.value(i.node) for i in only.node.inputs]
            return _formatted(only.forms[0].call, "", values, {})
        return Nest(f"{name}(", tuple(self._arguments_of(item, told, names)))

    def _arguments_of(
        self, item: Item, told: Mapping[str, Expression | None], names: Mapping[Ref, str]
    ) -> list[Expression]:
        """What an inner instance is called with."""
        late = self.groups.of(item.child[0])[0].late_arguments
        arguments: list[Expression] = []
        for place, ref in enumerate(item.reads):
            read = names.get(ref) or self.value(ref)
            arguments.append(self._thunk(read, "") if place in late else read)
            if place in late and ref in self.names:
                self._pinned.add(self.names[ref].partition("(")[0])
        if self.groups.of(item.child[0])[0].chooses:
            arguments.append(self.groups.view(self.groups.path(item.child[0]), self.block))
        skipped = False
        for number, value in told.items():
            if value is not None:
                said = self._said(flat(value))
                arguments.append(Prefixed(f"{number}=", said) if skipped else said)
            skipped = skipped or value is None
        return arguments

    def variant(self, item: Item) -> str:
        """How the module for the decided value is picked, where there is one for each."""
        if not item.symbols:
            return ""
        reads = [_read(*self.groups.condition(symbol, self.block)) for symbol in item.symbols]
        return f"[{', '.join(reads)}]"

    def _route(self, node: Node) -> Expression:
        grid = self.names[self.groups.outliner.reads_of(node)[0]]
        route = quoted(str(node.attrs["route"]))
        if node.op == "route_end":
            return f"{grid}.end({route})"
        rate = node.attrs["rate"]
        assert isinstance(rate, Number), "the rate is a number"
        assert rate.constant is not None, "rates do not depend on decisions"
        return f"{grid}.last({route}, {int(rate.constant)})"

    def _operation(self, item: Item) -> Expression:
        node = item.node
        assert node is not None, "the others are handled before"
        if node.op in ("route_end", "route_last"):
            return self._route(node)
        if node.op == "mix":
            view, name = self.groups.condition(node.inputs[0].when.decision, self.block)  # type: ignore[union-attr]
            return Nest(f"{view}.mix(", (quoted(name), self._thunks(_alternatives(node))))
        if conditional(node) is not None:
            return self._picked(node)
        place = self._place[id(item)]
        module = f"self.{self.groups.outliner.tree.node_attribute.get(node.id, '')}{self.variant(item)}"
        call = item.forms[0].call
        told = {name: self._said(flat(self.group.told.get((place, i), ""))) for i, name in enumerate(TOLD)}
        for name, text in told.items():
            call = call if text else re.sub(rf", (\w+=)?\{{{name}\}}", "", call)
        return _formatted(call, module, [self.value(i.node) for i in node.inputs], told)

    def _thunks(self, members: Sequence[tuple[Expression, Ref]]) -> Nest:
        """A dict of functions that compute the members when they are wanted."""
        items, comments = [], {}
        for place, (key, ref) in enumerate(members):
            maker = self._maker.get(ref)
            thunk = self._thunk(self.value(ref), "")
            node = self.groups.graph.nodes[ref] if isinstance(ref, int) else None
            if node is not None and makes_zeros(node.op, node.attrs):
                thunk = Nest("runtime.Zero(", (thunk,))
            items.append(Prefixed(f"{flat(key)}: ", thunk))
            if maker is not None and id(maker) in self._lazy:
                comments[place] = self.shapes.latency(self.group, self._place[id(maker)])
        simple = all(flat(item).partition(": ")[2] in self._deferred for item in items)
        said = {place: comment for place, comment in comments.items() if comment}
        return Nest("{", tuple(items), "}", broken=bool(said) or (not simple and len(items) > 2), comments=said)

    def _by_number(self, decision: str, members: Sequence[tuple[Expression, Ref]]) -> Expression | None:
        """One function of the number that is picked, if the members differ in that only: `lambda j: self.x[j](...)`."""
        makers = [self._maker.get(ref) for _, ref in members]
        if self.groups.graph.decisions[decision].domain != tuple(range(len(members))) or len(members) < 2:
            return None
        rows: list[list[str]] = []
        lists: set[str] = set()
        for place, (maker, (key, _)) in enumerate(zip(makers, members, strict=True)):
            if maker is None or id(maker) not in self._lazy or not maker.child or maker.shared or maker.symbols:
                return None
            name, _, number = self.groups.outliner.tree.attribute[maker.child[0].scope].partition(".")
            if number != str(place) or key != number or self.groups.scaled(self.block, maker):
                return None
            lists.add(name)
            rows.append([flat(argument) for argument in self._arguments_of(maker, self._told(maker), {})])
        index = next(i for i in ("j", "i", "k", "n", "index") if i not in self._bound or i == "index")
        arguments = [_indexed(column, index) for column in zip(*rows, strict=True)]
        if len(lists) != 1 or any(argument is None for argument in arguments):
            return None
        call = Nest(f"self.{lists.pop()}[{index}](", tuple(argument for argument in arguments if argument))
        return Prefixed(f"lambda {index}: ", call)

    def _thunk(self, body: Expression, argument: str) -> Expression:
        """A function of what computes a map."""
        plain = flat(body).removesuffix("()")
        if plain in self._deferred and not argument:
            return plain
        return Prefixed(f"lambda{' ' if argument else ''}{argument}: ", body)

    def _picked(self, node: Node) -> Expression:
        """A sum or concat of which some members depend on a pick."""
        groups: list[Expression] = []
        atom = conditional(node)
        assert atom is not None, "asked before"
        view, name = self.groups.condition(atom.decision, self.block)
        members = [(literal(i.when.value), i.node) for i in node.inputs if i.when is not None]
        by_number = self._by_number(atom.decision, members)
        picked = Nest(f"{view}.picked(", (quoted(name), by_number or self._thunks(members)))
        first = min(place for place, i in enumerate(node.inputs) if i.when is not None)
        if len(members) == len(node.inputs):
            every: Expression = picked
        else:
            for place, i in enumerate(node.inputs):
                if place == first:
                    groups.append(Prefixed("*", picked))
                elif i.when is None:
                    groups.append(self.value(i.node))
            every = Nest("[", tuple(groups), "]")
        return Nest("runtime.total(", (every,)) if node.op == "sum" else Nest("torch.cat(", (every, "dim=1"))


def _indexed(texts: Sequence[str], index: str) -> str | None:
    """An argument that depends on a number, from what it is for 0, 1, ...; None if that cannot be said."""
    if len(set(texts)) == 1:
        return texts[0]
    if all(text.isidentifier() for text in texts):
        return f"({', '.join(texts)})[{index}]"
    views = [re.fullmatch(r'(\S+ / )"([\w.,\[\]]*)\[(\d+)\]"', text) for text in texts]
    if all(view and view[3] == str(place) for place, view in enumerate(views)):
        whole = {f'{view[1]}f"{view[2]}[{{{index}}}]"' for view in views if view}
        return whole.pop() if len(whole) == 1 else None
    return None


def _alternatives(node: Node) -> list[tuple[Expression, Ref]]:
    """The maps of a mix with their values; those that stand for several values once, with all of them."""
    values: dict[Ref, list[Any]] = {}
    for i in node.inputs:
        assert i.when is not None, "all inputs of a mix are conditional"
        values.setdefault(i.node, []).append(i.when.value)
    return [(literal(having[0] if len(having) == 1 else tuple(having)), ref) for ref, having in values.items()]


def _read(view: str, name: str) -> str:
    return f"{view}[{quoted(name)}]"


def _formatted(call: str, module: str, values: Sequence[Expression], told: Mapping[str, str]) -> Expression:
    """The call expression of an operation, with values put in."""
    texts = [flat(value) for value in values]
    if len(texts) == 1 and ("{all}" in call or "{plus}" in call):
        return texts[0]
    text = call.replace("{self}", module)
    for name, number in told.items():
        text = text.replace(f"{{{name}}}", number)
    text = text.replace("{all}", ", ".join(texts)).replace("{plus}", " + ".join(texts))
    text = text.replace("{x}", texts[0]).replace("{y}", texts[1] if len(texts) > 1 else "")
    opening = text.find("(")
    if opening < 0 or not text.endswith(")") or call == "{plus}":
        return text
    return Nest(text[: opening + 1], tuple(_arguments(text[opening + 1 : -1])))


def _arguments(text: str) -> list[str]:
    """The arguments of a call, apart."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            found.append(text[start:place].strip())
            start = place + 1
    return [*found, text[start:].strip()] if text.strip() else found

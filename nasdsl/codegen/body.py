"""The `forward` of a class: steps as Python statements, each with the shape of the map it makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nasdsl.codegen.blocks import Item, Ref, Shared, conditional
from nasdsl.codegen.group import Group, inlined, steps_of
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import LINE, Expression, Nest, Prefixed, Sum, flat, joined, lay_out, literal, quoted
from nasdsl.codegen.names import Names
from nasdsl.codegen.shapes import Shapes
from nasdsl.ir.graph import Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import makes_zeros
from nasdsl.ops.operation import TOLD
from nasdsl.passes.module_paths import RESERVED, accessor, identifier

TYPED = (
    "F.relu(",
    "F.channel_shuffle(",
    "F.interpolate(",
    "F.pad(",
    "F.adaptive_avg_pool2d(",
    "torch.",
    "runtime.",
    "arch.",
)
"""Calls of which a type checker knows that a tensor comes back; modules may return anything."""


MANY = 3
"""Terms from which on a sum that does not fit on a line is laid out in parentheses."""


@dataclass(frozen=True, slots=True)
class Written:
    """A step that has been written as one line.

    Attributes:
        item: The step.
        line: Its line.
        text: What it computes.
        typed: The variables whose type was known before.
    """

    item: Item
    line: int
    text: str
    typed: frozenset[str]


class Body(Names):
    """Writes the `forward` of one class.

    Args:
        groups: All classes.
        group: The class.
        shapes: Says shapes and latencies.

    Attributes:
        lines: What has been written, indented.
    """

    def __init__(self, groups: Groups, group: Group, shapes: Shapes) -> None:
        super().__init__(groups, group)
        self.shapes = shapes
        self.lines: list[str] = []
        self._indent = 8
        self._place = {id(step): place for place, step in enumerate(steps_of(self.block))}
        self._typed: set[str] = set()
        self._deferred: set[str] = set()
        self._modules: set[str] = set()
        self._written: list[Written] = []

    def parameters(self) -> list[str]:
        """The arguments of `forward`, with their types."""
        found = []
        nodes = self.groups.graph.nodes
        inputs = [n.id for n in self.groups.graph.inputs()] if self.block.scope == 0 else []
        late = {self.block.arguments[place] for place in self.group.late_arguments}
        for ref in (*inputs, *self.block.arguments):
            if isinstance(ref, str):
                name = identifier(ref, RESERVED | self._bound)
                kind = "runtime.Walk"
                self._pinned.add(name)
            elif isinstance(ref, Shared):
                attribute = self.groups.outliner.tree.attribute[ref.scope]
                name, kind = identifier(attribute, RESERVED | self._bound), self.groups.class_of(ref)
                self._pinned.add(name)
                self._modules.add(name)
            else:
                wanted = nodes[ref].name if self.block.scope == 0 else self._argument(ref)
                name, kind = identifier(wanted, RESERVED | self._bound), "Tensor"
            self.names[ref] = self._late(name) if ref in late else name
            self._bound.add(name)
            self._typed.add(name)
            found.append(f"{name}: {'runtime.Thunk' if ref in late else kind}")
        if self.group.chooses:
            found.append("arch: Choices")
        told = " ".join(flat(text) for text in self.group.told.values())
        self._pinned |= {name for name in self.names.values() if f"{name}.shape[1]" in told}
        self._bound |= {number.name for number in self.group.numbers}
        self._pinned |= {number.name for number in self.group.numbers}
        return found + [
            f"{number.name}: int | None = None" if number.optional else f"{number.name}: int"
            for number in self.group.numbers
        ]

    def statements(self, items: Sequence[Item]) -> None:
        """Write some of the steps."""
        for item in items:
            if id(item) in self._lazy:
                continue
            if item.grid is not None:
                self._walk(item)
            elif item.makes:
                self._assign(item)

    def finish(self) -> None:
        """Write the steps and return the results."""
        results = self.block.results
        live = [item for item in self.items if id(item) not in self._lazy]
        last = live[-1] if live else None
        if last is not None and len(results) == 1 and last.makes == results and last.grid is None:
            self.statements(live[:-1])
            self._return(last)
        else:
            self.statements(live)
            late = self.group.late_results
            shown = [
                flat(self._thunk(self.names[r], "")) if i in late else self.names[r] for i, r in enumerate(results)
            ]
            self.lines.append(f"{' ' * self._indent}return {', '.join(shown)}")

    def finish_with(self, output: int) -> None:
        """Write the steps and return one of their maps."""
        if self.items and self.items[-1].makes == (output,) and self.items[-1].grid is None:
            self.statements(self.items[:-1])
            self._return(self.items[-1])
        else:
            self.statements(self.items)
            self.lines.append(f"{' ' * self._indent}return {self.names[output]}")

    def _return(self, item: Item) -> None:
        expression = self.expression(item)
        expression = self._with_members(item) or expression
        comment = self._comment(item)
        if self._is_typed(item, expression):
            self.lines += lay_out("return ", expression, "", self._indent, comment)
            return
        name = identifier("out", RESERVED | self._bound)
        self.lines += lay_out(f"{name}: Tensor = ", expression, "", self._indent, comment)
        self.lines.append(f"{' ' * self._indent}return {name}")

    def _assign(self, item: Item) -> None:
        expression = self.expression(item)
        if item.is_alias and isinstance(expression, str):
            self.names[item.makes[0]] = expression
            return
        if id(item) not in self._eager:
            self._defer(item)
            return
        expression = self._with_members(item) or expression
        names: list[str] = []
        for ref in item.makes:
            name = self._variable(ref, item, set(names))
            self.names[ref] = self._late(name) if self._comes_late(item, len(names)) else name
            names.append(name)
            self._bound.add(name)
        annotated = len(names) == 1 and names[0] not in self._typed and not self._is_typed(item, expression)
        before = f"{', '.join(names)}{': Tensor' if annotated else ''} = "
        typed = frozenset(self._typed)
        self._typed.update(names)
        self._bound.update(names)
        if before == f"{flat(expression)} = ":
            return
        lines = lay_out(before, expression, "", self._indent, self._comment(item))
        if len(lines) == 1:
            self._written.append(Written(item, len(self.lines), flat(expression), typed))
        self.lines += lines

    def _with_members(self, item: Item) -> Expression | None:
        """A sum with the calls written out that were written just before it for it alone; two that fit on a line."""
        if item.node is None or not item.forms or item.forms[0].call != "{plus}":
            return None
        parts, first = [flat(self.value(i.node)) for i in item.node.inputs], len(self._written)
        end = len(self.lines)
        while first and self._written[first - 1].line == end - 1 and self._serves(self._written[first - 1].item, item):
            first, end = first - 1, end - 1
        members: dict[Ref, Written] = {written.item.makes[0]: written for written in self._written[first:]}
        if not members:
            return None
        written_out = [members[i.node].text if i.node in members else "" for i in item.node.inputs]
        total = Sum(tuple(call or part for call, part in zip(written_out, parts, strict=True)))
        name = max("out_2", *self._wanted(item.makes[0], item), key=len)
        if len(f"{' ' * self._indent}{name}: Tensor = {flat(total)}") > LINE and len(parts) < MANY:
            return None
        del self.lines[self._written[first].line :]
        self._typed = set(self._written[first].typed)
        del self._written[first:]
        return total

    def _serves(self, item: Item, reader: Item) -> bool:
        """Whether a step is the call of a module of which only one step reads the map, once."""
        module = bool(item.forms and item.forms[0].module)
        if item.child:  # A sum in a sum would be added in another order.
            module = not inlined(self.groups.of(item.child[0])[0])
        if len(item.makes) != 1 or item.makes[0] in self._outputs:
            return False
        assert reader.node is not None, "asked before"
        reads = [i.node for i in reader.node.inputs if i.node in item.makes]
        return module and len(reads) == 1 and self._uses.get(item.makes[0]) == [reader]

    def _defer(self, item: Item) -> None:
        """Write a step that only some alternatives need as a function that is run at most once."""
        expression, comment = self.expression(item), self._comment(item)
        self._pinned |= self._captured(item)
        name = self._binding(item.makes[0]) or self._full_name(item.makes[0])
        name = identifier(name, RESERVED | self._bound)
        self._bound.add(name)
        made = self._late(name)
        for place, ref in enumerate(item.makes):
            call = "()" if self._comes_late(item, place) else ""
            self.names[ref] = made if len(item.makes) == 1 else f"{made}[{place}]{call}"
        later = Nest("runtime.once(", (Prefixed("lambda: ", expression),))
        self.lines += lay_out(f"{name} = ", later, "", self._indent, comment)

    def _late(self, name: str) -> str:
        """How a map is written that a function of this name computes; the name stays."""
        self._pinned.add(name)
        self._deferred.add(name)
        return f"{name}()"

    def _comes_late(self, item: Item, place: int) -> bool:
        """Whether one of the results of a step is a function."""
        return bool(item.child) and place in self.groups.of(item.child[0])[0].late_results

    def _captured(self, item: Item) -> set[str]:
        """The variables that a function of a step reads later: they must stay as they are."""
        read = (self.names[ref] for ref in self._all_reads(item) if ref in self.names)
        return {name.partition("(")[0] for name in read}

    def _is_typed(self, item: Item, expression: Expression) -> bool:
        """Whether a type checker knows that this is a tensor."""
        text = flat(expression)
        if item.node is not None and item.node.op in ("route_end", "route_last", "sum"):
            modules = ["self.", *(f"{name}{end}" for name in self._modules for end in "([")]
            return text.startswith(TYPED) or not any(module in text for module in modules)
        return text.startswith(TYPED) or text in self._typed

    def indented(self, items: Sequence[Item]) -> None:
        """Write some of the steps inside a condition."""
        self._indent += 4
        self.statements(items)
        self._indent -= 4

    def _comment(self, item: Item) -> str:
        kinds = [self.shapes.of(self.group, ref) for ref in item.makes if isinstance(ref, int)]
        return joined(["; ".join(kinds), self.shapes.latency(self.group, self._place[id(item)])])

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

    def _walk(self, item: Item) -> None:
        """The links of a grid and what walks along them."""
        grid = item.grid
        assert grid is not None, "asked before"
        entries, comments = [], {}
        x = next(name for name in ("x", "y", "z", "here", "arriving") if name not in self._bound)
        for place, (link, step) in enumerate(self.groups.links(item)):
            names: dict[Ref, str] = {grid.cells[link.source]: x}
            body = x if step is None else self._link(item, link.node, step, names)
            key = flat(literal((link.source, link.target)))
            entries.append(Prefixed(f"{key}: ", self._thunk(body, x)))
            comments[place] = joined([self.shapes.short(link.node), self.shapes.latency_of(link.node, step)])
        name = identifier(grid.path.rpartition(".")[2], RESERVED | self._bound)
        links = identifier(f"{name}_links", RESERVED | self._bound)
        self._bound |= {name, links}
        self._pinned |= {name, links}
        self.names[grid.path] = name
        self._pinned |= {self.names[ref] for ref in item.reads[1:] if ref in self.names}
        table = Nest("{", tuple(entries), "}", broken=True, comments=comments)
        self.lines += lay_out(f"{links}: runtime.Links = ", table, "", self._indent)
        start = self.value(item.reads[0])
        if item.reads[0] not in self.group.always:
            start = self._thunk(start, "")
        walk = Nest("runtime.Walk(", ("arch", quoted(grid.path), start, links))
        self.lines += lay_out(f"{name} = ", walk, "", self._indent)

    def _link(self, walk: Item, node: int, step: Item, names: dict[Ref, str]) -> Expression:
        (join,) = names
        assert isinstance(join, int), "a map arrives"
        cell = walk.cells[self.groups.graph.nodes[join].scope]
        attributes = self.groups.outliner.tree.attribute
        place = f"self.{attributes[cell.child[0].scope]}{self.variant(cell)}"
        for hold in cell.child[0].holds:
            names[Shared(hold.child[0].scope)] = f"{place}.{attributes[hold.child[0].scope]}"
        module = f"{place}.{attributes[step.child[0].scope]}"
        if step.shared is not None:
            module = names.get(step.shared) or flat(self.value(step.shared))
        inner, _ = self.groups.of(step.child[0])
        told = {number.name: self.group.links.get((node, i)) for i, number in enumerate(inner.numbers)}
        return self.call(f"{module}{self.variant(step)}", step, told, names)


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

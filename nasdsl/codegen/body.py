"""The `forward` of a class: steps as Python statements, each with the shape of the map it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasdsl.codegen.blocks import Item, Ref, Shared
from nasdsl.codegen.expressions import Expressions
from nasdsl.codegen.group import Group, inlined
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import LINE, Expression, Nest, Prefixed, Sum, flat, joined, lay_out, quoted
from nasdsl.codegen.links import Entry, links_table
from nasdsl.codegen.shapes import Shapes
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


class Body(Expressions):
    """Writes the `forward` of one class.

    Args:
        groups: All classes.
        group: The class.
        shapes: Says shapes and latencies.

    Attributes:
        lines: What has been written, indented.
    """

    def __init__(self, groups: Groups, group: Group, shapes: Shapes) -> None:
        super().__init__(groups, group, shapes)
        self.lines: list[str] = []
        self._indent = 8
        self._typed: set[str] = set()
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

    def _walk(self, item: Item) -> None:
        """The links of a grid and what walks along them."""
        grid = item.grid
        assert grid is not None, "asked before"
        x = next(name for name in ("x", "y", "z", "here", "arriving") if name not in self._bound)
        entries = []
        for link, step in self.groups.links(item):
            body = x if step is None else self._link(item, link.node, step, {grid.cells[link.source]: x})
            entries.append(Entry(link, body, self.shapes.short(link.node), step))
        name = identifier(grid.path.rpartition(".")[2], RESERVED | self._bound)
        links = identifier(f"{name}_links", RESERVED | self._bound)
        self._bound |= {name, links}
        self._pinned |= {name, links}
        self.names[grid.path] = name
        self._pinned |= {self.names[ref] for ref in item.reads[1:] if ref in self.names}
        table = links_table(entries, x, self._bound, self.shapes.latency_of)
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
        place = f"self.{accessor(attributes[cell.child[0].scope])}{self.variant(cell)}"
        for hold in cell.child[0].holds:
            names[Shared(hold.child[0].scope)] = f"{place}.{attributes[hold.child[0].scope]}"
        module = f"{place}.{attributes[step.child[0].scope]}"
        if step.shared is not None:
            module = names.get(step.shared) or flat(self.value(step.shared))
        inner, _ = self.groups.of(step.child[0])
        told = {number.name: self.group.links.get((node, i)) for i, number in enumerate(inner.numbers)}
        return self.call(f"{module}{self.variant(step)}", step, told, names)

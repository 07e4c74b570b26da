"""The outliner, second half: instances of a block that look alike become one class with parameters.

Two instances look alike when they do the same steps on the same wiring. What still differs are numbers: arguments of
modules, and the channels that sliced operations are told at run time. Where such a number is the same in all instances,
the class holds it as a literal; numbers that agree with one another in every instance share a parameter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from nasdsl.codegen.arguments import with_separate_arguments
from nasdsl.codegen.blocks import Block, Item, Outliner, Shared, conditional
from nasdsl.codegen.classnames import block_name, name_classes
from nasdsl.codegen.externs import extern_names
from nasdsl.codegen.group import Group, Parameter, steps_of
from nasdsl.codegen.layout import Expression, flat, literal
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Kind, Link
from nasdsl.number import Number
from nasdsl.passes.module_paths import RESERVED, identifier, unlike_calls


class Groups:
    """The classes of a graph, inner ones first; the last is the graph itself.

    Attributes:
        original: The graph.
        graph: The graph with separate arguments (see `nasdsl.codegen.arguments`).
        classes: The classes.
        externs: For each class that is imported its name here.
    """

    def __init__(self, graph: Graph, top_name: str) -> None:
        self.original = graph
        arguments = with_separate_arguments(graph)
        self.graph = graph = arguments.graph
        self.outliner = Outliner(arguments)
        self.externs = extern_names(graph)
        self.top = self.outliner.top()
        self._cell_scopes = {graph.nodes[join].scope for grid in graph.grids.values() for join in grid.cells.values()}
        self._widths = self._width_owners()
        self._felt_in: dict[int, dict[Any, list[str]]] = {}
        self._of: dict[int, tuple[Group, int]] = {}
        self.classes: list[Group] = []
        levels: dict[int, list[Block]] = {}
        self._height(self.top, levels, {})
        self._held: dict[int, Group] = {}
        for _, blocks in sorted(levels.items()):
            found: dict[Hashable, Group] = {}
            for block in blocks:
                group = found.setdefault(self._shape(block), Group([]))
                self._of[id(block)] = (group, len(group.blocks))
                group.blocks.append(block)
            for group in found.values():
                self._unify(group)
            self.classes += found.values()
        self.classes[-1].name = top_name
        name_classes(self.classes[:-1], graph, lambda block: self.of(block)[0], self.externs.values())

    def of(self, block: Block) -> tuple[Group, int]:
        """The class of an instance, and its place among the class's instances."""
        return self._of[id(block)]

    def _height(self, block: Block, levels: dict[int, list[Block]], known: dict[int, int]) -> int:
        if id(block) not in known:
            inner = [child for step in steps_of(block) for child in step.child]
            known[id(block)] = 1 + max((self._height(child, levels, known) for child in inner), default=-1)
            levels.setdefault(known[id(block)], []).append(block)
        return known[id(block)]

    def path(self, block: Block) -> str:
        """The prefix of the decisions declared in an instance."""
        return self.graph.scopes[block.scope].path

    def _shape(self, block: Block) -> Hashable:
        """What instances of one class have in common."""
        known: dict[Any, Hashable] = {ref: ("argument", i) for i, ref in enumerate(block.arguments)}
        if block.scope == 0:
            known |= {node.id: ("input", node.name) for node in self.graph.inputs()}
        steps: list[Hashable] = []
        for place, item in enumerate(block.items):
            known |= {ref: (place, i) for i, ref in enumerate(item.makes)}
            steps.append(self._step_shape(block, item, known))
        results = tuple(known.get(ref) for ref in block.results)
        holds = tuple(self._hold_shape(item) for item in block.holds)
        name = block_name(self.graph.scopes[block.scope])
        return (name, block.names, block.is_cell, tuple(steps), results, holds)

    def _hold_shape(self, item: Item) -> Hashable:
        attribute = self.outliner.tree.attribute[item.child[0].scope]
        return attribute, item.symbols, tuple(id(self.of(child)[0]) for child in item.child)

    def _step_shape(self, block: Block, item: Item, known: Mapping[Any, Hashable]) -> Hashable:
        refs = tuple(known.get(ref, "join") for ref in item.reads)
        symbols = tuple(self.relative(symbol, block) for symbol in item.symbols)
        if item.grid is not None:
            return ("grid", item.grid.path, block.scope)
        if item.child:
            return self._call_shape(block, item, (refs, known.get(item.shared)), symbols)
        assert item.node is not None, "a step walks, calls or computes"
        node = item.node
        conditions = tuple(
            None if i.when is None else (self.condition(i.when.decision, block), i.when.value) for i in node.inputs
        )
        wiring = (
            tuple(known.get(i.node, "join") for i in node.inputs) if node.op not in ("route_end", "route_last") else ()
        )
        route = tuple(str(value) for name, value in node.attrs.items() if name in ("route", "rate"))
        forms = tuple((form.module, tuple(form.args), form.call, form.sliced) for form in item.forms)
        attribute = self.outliner.tree.node_attribute.get(node.id, "")
        told = self.told_text(block, item) if any(form.sliced for form in item.forms) else None
        return (node.op, attribute, wiring, conditions, route, forms, symbols, told, self.scaled(block, item))

    def _call_shape(self, block: Block, item: Item, refs: Hashable, symbols: Hashable) -> Hashable:
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
        told = tuple(self.number_text(self._number(item, i), block) for i in range(len(group.numbers)))
        attribute = self.outliner.tree.attribute[item.child[0].scope]
        return ("call", id(group), attribute, refs, symbols, self.view(path, block), told, self.scaled(block, item))

    def _check_alike(self, item: Item, group: Group) -> None:
        """All calls of a shared block are of one class."""
        assert item.shared is not None, "only shared calls are checked"
        if self._held.setdefault(item.shared.scope, group) is not group:
            raise unlike_calls(self.graph, item.child[0].scope)

    def class_of(self, shared: Shared) -> str:
        """The type of the module that the calls of a shared block have in common."""
        scope = shared.scope
        found = next(group for group in self.classes for block in group.blocks if block.scope == scope)
        return f"runtime.PerValue[{found.name}]" if self.outliner.variants(shared) else found.name

    def _number(self, item: Item, place: int) -> Number:
        group, where = self.of(item.child[0])
        number: Number = group.numbers[place].values[where]
        return number

    def relative(self, path: str, block: Block) -> str:
        """A decision's path as the instance calls it; "" if the decision is none of its own."""
        prefix = self.path(block)
        if not prefix:
            return path
        return path[len(prefix) + 1 :] if path.startswith(f"{prefix}.") else ""

    def condition(self, path: str, block: Block) -> tuple[str, str]:
        """How an instance reads a decision: the view of the decisions and the name in it."""
        name = self.relative(path, block)
        return ("arch", name) if name else ("arch.root", path)

    def view(self, path: str, block: Block) -> str:
        """The view of the decisions that an inner instance gets."""
        if path == self.path(block):
            return "arch"
        view, name = self.condition(path, block)
        return f"{view} / {flat(literal(name))}" if path else "arch.root"

    def number_text(self, number: Number, block: Block) -> str | None:
        """A number that an instance can compute from decisions of its own, else None: it must be told."""
        if number.constant is None and any(not self.relative(symbol, block) for symbol in number.symbols):
            return None
        if any(symbol in self.graph.cases for symbol in number.symbols):
            raise NasError(
                f"{self.graph.scopes[block.scope].span}: channels are computed from those of a route's last map",
                help="give the operation a number of channels of its own: conv(c, k = 1)",
            )
        scale = lcm(*(coefficient.denominator for _, coefficient in number.terms))
        parts = []
        for monomial, coefficient in number.terms:
            factors = [f"arch[{flat(literal(self.relative(symbol, block)))}]" for symbol in monomial]
            integer = int(coefficient * scale)
            parts.append(" * ".join(([] if integer == 1 and factors else [str(integer)]) + factors))
        total = " + ".join(parts)
        if scale == 1:
            return total
        return f"{total} // {scale}" if len(parts) == 1 else f"({total}) // {scale}"

    def told_text(self, block: Block, item: Item) -> tuple[str, str]:
        """How a sliced operation learns its channels: they follow its input, are computed here, or are told."""
        number = _sliced_number(item)
        assert item.node is not None, "only operations are sliced"
        from_cases = any(symbol in self.graph.cases for symbol in number.symbols)
        if from_cases and number == self.graph.nodes[item.node.inputs[0].node].type.channels:
            return ("follows", "")
        text = self.number_text(number, block)
        return ("computed", text) if text is not None else ("told", "")

    def _width_owners(self) -> dict[str, list[str]]:
        """The decided numbers by the path of the innermost instance they belong to, without those of cells."""
        scopes = [self.graph.scopes[scope] for scope in (0, *self.outliner.tree.parent)]
        paths = {scope.path for scope in scopes}
        cells = {scope.path for scope in scopes if scope.id in self._cell_scopes}
        owners: dict[str, list[str]] = {}
        for decision in self.graph.decisions.values():
            if decision.kind in (Kind.WIDTH, Kind.CHOOSE) and isinstance(decision.domain[0], int):
                owner = decision.path
                while owner and owner not in paths:
                    owner = owner.rpartition(".")[0]
                if owner not in cells:
                    owners.setdefault(owner, []).append(decision.path)
        return owners

    def scaled(self, block: Block, item: Item) -> tuple[str, ...]:
        """The widths, decided in this instance, for whose gradient a step's map is where it is felt.

        That is where a map of this width is read by something that makes another width, or leaves the instance.
        """
        if block.is_cell or item.grid is not None or len(item.makes) != 1 or not isinstance(item.makes[0], int):
            return ()
        (made,) = item.makes
        readers = [other for other in block.items if made in other.reads]
        found = []
        for symbol in self._felt(block).get(made, ()):
            ends = [symbol not in self._symbols(ref) for other in readers for ref in other.makes]
            if made in block.results or not readers or any(ends):
                found.append(self.relative(symbol, block))
        return tuple(found)

    def _felt(self, block: Block) -> dict[Any, list[str]]:
        """For each map made in an instance the widths decided there that it has, or, where none has, that it uses."""
        if id(block) in self._felt_in:
            return self._felt_in[id(block)]
        mine = self._widths.get(self.path(block), [])
        felt: dict[Any, list[str]] = {}
        for symbol in mine:
            makers = [
                ref for item in block.items if item.grid is None for ref in item.makes if symbol in self._symbols(ref)
            ]
            if not makers:
                calls = [item for item in block.items if item.child and symbol in self._told_symbols(item)]
                makers = [ref for item in calls for ref in item.makes]
            for ref in makers:
                felt.setdefault(ref, []).append(symbol)
        self._felt_in[id(block)] = felt
        return felt

    def _symbols(self, ref: Any) -> tuple[str, ...]:
        return self.graph.nodes[ref].type.channels.symbols if isinstance(ref, int) else ()

    def _told_symbols(self, item: Item) -> set[str]:
        group, where = self.of(item.child[0])
        told = {symbol for number in group.numbers for symbol in number.values[where].symbols} | set(item.symbols)
        return told.union(*(self.outliner.variants(ref) for ref in item.reads if isinstance(ref, Shared)))

    def _unify(self, group: Group) -> None:
        slots: list[tuple[tuple[int, int, str], str, tuple[Any, ...]]] = []
        told: list[tuple[tuple[int, int], tuple[Number, ...]]] = []
        for place, item in enumerate(steps_of(group.blocks[0])):
            steps = group.steps(place)
            for variant, form in enumerate(item.forms):
                for key in form.args:
                    values = tuple(step.forms[variant].args[key] for step in steps)
                    slots.append(((place, variant, key), key.lstrip("*"), values))
            for variant, child in enumerate(() if item.shared else item.child):
                inner, _ = self.of(child)
                for parameter in inner.parameters:
                    values = tuple(parameter.values[self.of(step.child[variant])[1]] for step in steps)
                    slots.append(((place, variant, parameter.name), parameter.name, values))
            told += self._numbers(group, place, item, steps)
        taken = set(RESERVED)
        frequent = Counter(values for _, _, values in slots)
        named: dict[tuple[Any, ...], str] = {}
        for _, name, values in slots:
            # What comes out names what goes in, where they agree.
            named[values] = "c" if name == "c" and named.get(values) == "c_in" else named.get(values, name)
        for slot, name, values in sorted(slots, key=lambda slot: _is_secondary(slot[1], slot[2], frequent)):
            group.arguments[slot] = self._argument(group, values, named[values] if name[:1] == "c" else name, taken)
        words = [set(re.findall(r"\w+", flat(group.arguments[slot]))) for slot, _, _ in slots]
        group.parameters.sort(key=lambda parameter: next(i for i, found in enumerate(words) if parameter.name in found))
        often = Counter(values for _, values in told)
        for where, numbers in sorted(told, key=lambda entry: _is_secondary("c", entry[1], often)):
            group.told[where] = self._told(group, numbers)
        called = steps_of(group.blocks[0])[: -len(group.blocks[0].holds) or None]
        group.chooses = any(self._chooses(group.blocks[0], item) for item in called)

    def _argument(self, group: Group, values: tuple[Any, ...], name: str, taken: set[str]) -> Expression:
        if all(value == values[0] and type(value) is type(values[0]) for value in values):
            return literal(values[0])
        for parameter in group.parameters:
            if parameter.values == values and type(parameter.values[0]) is type(values[0]):
                return parameter.name
        if isinstance(values[0], int) and not isinstance(values[0], bool):
            for parameter in group.parameters:
                found = _related(name, values, parameter)
                if found:
                    return found
        base = name.rstrip("0123456789").rstrip("_") or name
        new = identifier(base, taken)
        taken.add(new)
        group.parameters.append(Parameter(new, values))
        return new

    def _numbers(
        self, group: Group, place: int, item: Item, steps: Sequence[Item]
    ) -> list[tuple[tuple[int, int], tuple[Number, ...]]]:
        """The channels that a step must be told; those that the instance can compute itself are noted at once."""
        if item.grid is not None:
            self._links_told(group, item)
        if any(form.sliced for form in item.forms):
            kind, text = self.told_text(group.blocks[0], item)
            if kind == "told":
                return [((place, 0), tuple(map(_sliced_number, steps)))]
            if kind == "computed":
                group.told[place, 0] = text
        if not item.makes or not item.child or group.blocks[0].is_cell or item.child[0].scope in self._cell_scopes:
            return []  # The walk calls the links of a cell: what they are told goes past the cell.
        found = []
        for index, parameter in enumerate(self.of(item.child[0])[0].numbers):
            numbers = tuple(parameter.values[self.of(step.child[0])[1]] for step in steps)
            text_here = self.number_text(numbers[0], group.blocks[0])
            if text_here is None:
                found.append(((place, index), numbers))
            else:
                group.told[place, index] = text_here
        return found

    def _links_told(self, group: Group, item: Item) -> None:
        """What a walk tells the links; a walk is the only one of its class."""
        for link, step in self.links(item):
            if step is not None:
                inner, where = self.of(step.child[0])
                for index, parameter in enumerate(inner.numbers):
                    text = self.number_text(parameter.values[where], group.blocks[0])
                    told = self._told(group, (parameter.values[where],)) if text is None else text
                    group.links[link.node, index] = told

    def links(self, walk: Item) -> list[tuple[Link, Item | None]]:
        """The links of a walk, each with the call that makes it, or None where it hands on the map that arrives."""
        assert walk.grid is not None, "only walks have links"
        calls = {ref: step for cell in walk.cells.values() for step in cell.child[0].items for ref in step.makes}
        return [(link, calls.get(link.node)) for link in walk.grid.links]

    def _told(self, group: Group, values: tuple[Number, ...]) -> Expression:
        for parameter in group.numbers:
            ratio = _ratio(values, parameter.values)
            if ratio == 1:
                return parameter.name
            if ratio is not None:
                times = f"{ratio.numerator} * {parameter.name}" if ratio.numerator != 1 else parameter.name
                return times if ratio.denominator == 1 else f"{times} // {ratio.denominator}"
        new = identifier("c", RESERVED | {parameter.name for parameter in group.numbers})
        group.numbers.append(Parameter(new, values))
        return new

    def _chooses(self, block: Block, item: Item) -> bool:
        if item.grid is not None or item.symbols or self.scaled(block, item):
            return True
        if item.child:
            inner, _ = self.of(item.child[0])
            computed = any(
                self.number_text(self._number(item, i), block) is not None for i in range(len(inner.numbers))
            )
            return inner.chooses or computed
        assert item.node is not None, "a step walks, calls or computes"
        if item.node.op == "mix" or (item.node.op in ("sum", "concat") and conditional(item.node) is not None):
            return True
        return any(form.sliced for form in item.forms) and self.told_text(block, item)[0] == "computed"


def _sliced_number(item: Item) -> Number:
    """The channels that a sliced operation makes, in terms of all decisions."""
    assert item.node is not None, "only operations are sliced"
    return item.node.type.channels


def _is_secondary(name: str, values: tuple[Any, ...], frequent: Mapping[tuple[Any, ...], int]) -> bool:
    """Whether channels are better said in terms of others, which come more often."""
    if name[:1] != "c" or not all(isinstance(value, int | Number) for value in values):
        return False
    return any(
        count > frequent[values]
        and all(isinstance(v, int | Number) for v in other)
        and _ratio(values, other) is not None
        for other, count in frequent.items()
        if other != values
    )


def _related(name: str, values: tuple[int, ...], parameter: Parameter) -> str:
    """One parameter in terms of another, in the forms that people write; "" if there is none."""
    if any(not isinstance(other, int) or isinstance(other, bool) for other in parameter.values):
        return ""
    if (
        name == "padding"
        and parameter.name.startswith("k")
        and all(v == k // 2 for v, k in zip(values, parameter.values, strict=True))
    ):
        return f"{parameter.name} // 2"
    if name == "padding" and parameter.name.startswith("k"):
        times = {Fraction(v, k // 2) for v, k in zip(values, parameter.values, strict=True) if k > 1}
        if len(times) == 1 and min(times).denominator == 1 and min(parameter.values) > 1:
            return f"{min(times)} * ({parameter.name} // 2)"
    if name[:1] == parameter.name[:1] == "c" and len(set(values)) > 1:
        ratio = _ratio(values, parameter.values)
        if ratio is not None and ratio.denominator == 1:
            return f"{ratio} * {parameter.name}"
        if ratio is not None and ratio.numerator == 1:
            return f"{parameter.name} // {ratio.denominator}"
    return ""


def _ratio(values: Sequence[Any], others: Sequence[Any]) -> Fraction | None:
    """The constant q with value = q * other everywhere, if there is one."""
    first = _leading(values[0]), _leading(others[0])
    if not first[0] or not first[1]:
        return None
    ratio = Fraction(first[0]) / first[1]
    return ratio if all(value == other * ratio for value, other in zip(values, others, strict=True)) else None


def _leading(value: Any) -> Fraction:
    if isinstance(value, Number):
        return value.terms[0][1] if value.terms else Fraction(0)
    return Fraction(value)

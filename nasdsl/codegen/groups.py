"""The outliner, second half: instances of a block that look alike become one class with parameters.

Two instances look alike when they do the same steps on the same wiring. What still differs are numbers: arguments of
modules, and the channels that sliced operations are told at run time. Where such a number is the same in all instances,
the class holds it as a literal; numbers that agree with one another in every instance share a parameter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import lcm
from typing import Any

from nasdsl.codegen.arguments import with_separate_arguments
from nasdsl.codegen.blocks import Block, Item, Outliner, Shared, conditional
from nasdsl.codegen.classnames import block_name, name_classes
from nasdsl.codegen.externs import extern_names
from nasdsl.codegen.group import Group, Parameter, inlined, steps_of
from nasdsl.codegen.layout import Expression, flat, literal
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Kind, Link, Scope
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
        self._multiples = self._multiplied_parameters(block for blocks in levels.values() for block in blocks)
        for _, blocks in sorted(levels.items()):
            found: dict[Hashable, Group] = {}
            for block in blocks:
                found.setdefault(self._shape(block), Group([])).blocks.append(block)
            for group in self._merged(found.values()):
                self._of |= {id(block): (group, place) for place, block in enumerate(group.blocks)}
                self._unify(group)
                self.classes.append(group)
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

    def scope_of(self, group: Group) -> Scope:
        """The scope of the first instance of a class."""
        return self.graph.scopes[group.blocks[0].scope]

    def path(self, block: Block) -> str:
        """The prefix of the decisions declared in an instance."""
        return self.graph.scopes[block.scope].path

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
        name = block_name(self.graph.scopes[block.scope])
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
        told = self.told_text(block, item)[1] if any(form.sliced for form in item.forms) else ""
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
        told = tuple(self.number_text(self._number(item, i), block) for i in range(len(group.numbers)))
        attribute = self.outliner.tree.attribute[item.child[0].scope]
        what: Hashable = group.chooses if free else tuple(self._classes(child) for child in item.child)
        view = self.view(path, block) if group.chooses else ""
        return ("call", what, attribute, refs, symbols, view, told, self.scaled(block, item))

    def _classes(self, block: Block) -> Hashable:
        """The class of an instance, and those of the modules it is given."""
        group, where = self.of(block)
        return id(group), tuple(self._classes(p.values[where]) for p in group.parameters if p.name in group.given.values())

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

    def _number(self, item: Item, place: int) -> Number | None:
        group, where = self.of(item.child[0])
        number: Number | None = group.numbers[place].values[where]
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

    def number_text(self, number: Number | None, block: Block) -> str | None:
        """A number that an instance can compute from decisions of its own, else None: it must be told."""
        if number is None:
            return None
        by_shape = self._by_shape(number, block)
        if by_shape:
            return by_shape
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

    def _by_shape(self, number: Number, block: Block) -> str:
        """A number that is that of a map's channels times decisions of the instance: `arch["e"] * x.shape[1]`."""
        if number.constant is not None or len(number.terms) != 1:
            return ""
        for ref, name in zip(block.arguments, block.names, strict=True):
            channels = self.graph.nodes[ref].type.channels.substitute(block.values) if isinstance(ref, int) else number
            quotient = _quotient(number, channels)
            known = (block_name(self.graph.scopes[block.scope]), name) in self._multiples
            if not name or quotient is None or (channels.constant is not None and not known):
                continue
            symbols, ratio = quotient
            own = [self.relative(symbol, block) for symbol in symbols]
            if all(own) and (own or any(symbol in self.graph.cases for symbol in number.symbols)):
                factors = [str(ratio.numerator)] if ratio.numerator != 1 else []
                factors += [*(f"arch[{flat(literal(symbol))}]" for symbol in own), f"{identifier(name)}.shape[1]"]
                return " * ".join(factors) + (f" // {ratio.denominator}" if ratio.denominator != 1 else "")
        return ""

    def _multiplied_parameters(self, blocks: Iterable[Block]) -> set[tuple[str, str]]:
        """The parameters of blocks whose channels, not being constant, some instance multiplies by its own decisions.

        Where they are constant the text may mean the number as well; then it is written as in the other instances.
        """
        numbers: dict[int, set[Number]] = {}
        for node in self.graph.nodes:
            if node.type.channels.symbols:
                for scope in self.outliner.tree.chain(node.scope):
                    numbers.setdefault(scope, set()).add(node.type.channels)
        found = set()
        for block in blocks:
            for ref, name in zip(block.arguments, block.names, strict=True):
                channels = self.graph.nodes[ref].type.channels if isinstance(ref, int) and name else None
                if channels is not None and channels.constant is None:
                    for number in numbers.get(block.scope, ()):
                        quotient = _quotient(number, channels)
                        if quotient and quotient[0] and all(self.relative(symbol, block) for symbol in quotient[0]):
                            found.add((block_name(self.graph.scopes[block.scope]), name))
        return found

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
        numbers = [number.values[where] for number in group.numbers]
        told = {symbol for number in numbers if number is not None for symbol in number.symbols} | set(item.symbols)
        return told.union(*(self.outliner.variants(ref) for ref in item.reads if isinstance(ref, Shared)))

    def _unify(self, group: Group) -> None:
        slots: list[tuple[tuple[int, int, str], str, tuple[Any, ...]]] = []
        told: list[tuple[tuple[int, int], tuple[Number | None, ...]]] = []
        for place, item in enumerate(steps_of(group.blocks[0])):
            steps = group.steps(place)
            told += self._numbers(group, place, item, steps)
            _make_alike(steps)
            for variant, form in enumerate(item.forms):
                for key in form.args:
                    values = tuple(step.forms[variant].args[key] for step in steps)
                    slots.append(((place, variant, key), key.lstrip("*"), values))
            for variant in range(0 if item.shared or place in group.given else len(item.child)):
                slots += self._slots((place, variant), "", [step.child[variant] for step in steps])
        taken = set(RESERVED).union(group.given.values())
        frequent = Counter(values for _, _, values in slots)
        named: dict[tuple[Any, ...], str] = {}
        for _, name, values in slots:
            # What comes out names what goes in, where they agree.
            named[values] = "c" if name == "c" and named.get(values) == "c_in" else named.get(values, name)
        given = self._given_channels(group) if len(group.blocks[0].arguments) > 1 else {}
        for slot, name, values in sorted(slots, key=lambda s: (s[1] == "padding", _is_secondary(s[1], s[2], frequent))):
            wanted = named[values] if name[:1] == "c" else name
            wanted = given.get(values, wanted) if wanted == "c_in" else wanted
            group.arguments[slot] = self._argument(group, values, wanted, taken)
        words = [set(re.findall(r"\w+", flat(group.arguments[slot]))) for slot, _, _ in slots]
        group.parameters.sort(
            key=lambda p: (
                p.optional,
                p.name[:1] != "c",
                p.name.startswith("widths"),
                next(i for i, found in enumerate(words) if p.name in found),
            )
        )
        group.parameters[:0] = [
            Parameter(name, tuple(step.child[0] for step in group.steps(place))) for place, name in group.given.items()
        ]
        often = Counter(values for _, values in told)
        for where, numbers in sorted(told, key=lambda entry: _is_secondary("c", entry[1], often)):
            group.told[where] = self._told(group, numbers)
        group.numbers.sort(key=lambda number: number.optional)
        called = steps_of(group.blocks[0])[: -len(group.blocks[0].holds) or None]
        group.chooses = group.chooses or any(self._chooses(group.blocks[0], item) for item in called)

    def _given_channels(self, group: Group) -> dict[tuple[Any, ...], str]:
        """Names for the most channels that the maps have which instances are given: `c_a` for those of `a`."""
        found: dict[tuple[Any, ...], str] = {}
        for place, name in enumerate(group.blocks[0].names):
            refs = [block.arguments[place] for block in group.blocks]
            kinds = [self.graph.nodes[ref].type if isinstance(ref, int) else None for ref in refs]
            most = tuple(
                int(max(kind.channels.values(lambda symbol, b=block: self.outliner.tree.domain(symbol, b.values))))
                for kind, block in zip(kinds, group.blocks, strict=True)
                if kind is not None
            )
            if name and len(most) == len(refs):
                found.setdefault(most, f"c_{name}")
        return found

    def _slots(
        self, at: tuple[int, int], prefix: str, children: Sequence[Block]
    ) -> Iterator[tuple[tuple[int, int, str], str, tuple[Any, ...]]]:
        """The arguments with which inner instances are made, with those of the modules they are given."""
        inner, _ = self.of(children[0])
        for parameter in inner.parameters:
            values = tuple(parameter.values[self.of(child)[1]] for child in children)
            if isinstance(values[0], Block):
                yield from self._slots(at, f"{prefix}{parameter.name}.", values)
            else:
                yield (*at, prefix + parameter.name), parameter.name, values

    def _argument(self, group: Group, values: tuple[Any, ...], name: str, taken: set[str]) -> Expression:
        if all(value == values[0] and type(value) is type(values[0]) for value in values):
            return literal(values[0])
        for parameter in group.parameters:
            if parameter.values == values and type(parameter.values[0]) is type(values[0]):
                return parameter.name
        if name == "padding":
            for k, dilation in product(group.parameters, group.parameters):
                if k.name[:1] == "k" and dilation.name.startswith("dilation") and len(set(dilation.values)) > 1:
                    each = zip(values, k.values, dilation.values, strict=True)
                    if all(v == d * (size // 2) for v, size, d in each):
                        return f"{dilation.name} * ({k.name} // 2)"
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
    ) -> list[tuple[tuple[int, int], tuple[Number | None, ...]]]:
        """The channels that a step must be told; those that the instance can compute itself are noted at once."""
        if item.grid is not None:
            self._links_told(group, item)
        sliced = [any(form.sliced for form in step.forms) for step in steps]
        if any(sliced):
            found = [
                self.told_text(block, step) if here else ("", "")
                for here, block, step in zip(sliced, group.blocks, steps, strict=True)
            ]
            computed = {text for kind, text in found if kind == "computed"}
            if computed:
                group.told[place, 0] = computed.pop()
                group.chooses = True
            if any(kind == "told" for kind, _ in found):
                numbers = [_sliced_number(s) if kind == "told" else None for s, (kind, _) in zip(steps, found, strict=True)]
                return [((place, 0), tuple(numbers))]
        if not item.makes or not item.child or group.blocks[0].is_cell or item.child[0].scope in self._cell_scopes:
            return []  # The walk calls the links of a cell: what they are told goes past the cell.
        found = []
        for index, parameter in enumerate(self.of(item.child[0])[0].numbers):
            numbers = tuple(parameter.values[self.of(step.child[0])[1]] for step in steps)
            text_here = self.number_text(numbers[0], group.blocks[0])
            if any(number is not None for number in numbers) and text_here is None:
                found.append(((place, index), numbers))
            elif text_here is not None:
                group.told[place, index] = text_here
        return found

    def _links_told(self, group: Group, item: Item) -> None:
        """What a walk tells the links; a walk is the only one of its class."""
        for link, step in self.links(item):
            if step is not None:
                inner, where = self.of(step.child[0])
                for index, parameter in enumerate(inner.numbers):
                    number = parameter.values[where]
                    text = self.number_text(number, group.blocks[0])
                    if number is not None:
                        group.links[link.node, index] = self._told(group, (number,)) if text is None else text

    def links(self, walk: Item) -> list[tuple[Link, Item | None]]:
        """The links of a walk, each with the call that makes it, or None where it hands on the map that arrives."""
        assert walk.grid is not None, "only walks have links"
        calls = {ref: step for cell in walk.cells.values() for step in cell.child[0].items for ref in step.makes}
        return [(link, calls.get(link.node)) for link in walk.grid.links]

    def _told(self, group: Group, values: tuple[Number | None, ...]) -> Expression:
        for parameter in group.numbers:
            if values == parameter.values:
                return parameter.name
            ratio = None if parameter.optional or None in values else _ratio(values, parameter.values)
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
        return item.node.op == "mix" or (item.node.op in ("sum", "concat") and conditional(item.node) is not None)


def _quotient(number: Number, divisor: Number) -> tuple[tuple[str, ...], Fraction] | None:
    """The symbols and the factor with number = symbols * factor * divisor, for numbers of one term."""
    if len(number.terms) != 1 or len(divisor.terms) != 1:
        return None
    left = Counter(number.terms[0][0])
    left.subtract(divisor.terms[0][0])
    if any(count < 0 for count in left.values()):
        return None
    return tuple(left.elements()), number.terms[0][1] / divisor.terms[0][1]


def _make_alike(steps: Sequence[Item]) -> None:
    """Where some instances have an operation in several widths, the others get its form for several, too."""
    for variant in range(len(steps[0].forms)):
        if len({step.forms[variant].module for step in steps}) > 1 or len({s.forms[variant].sliced for s in steps}) > 1:
            for step in steps:
                forms = list(step.forms)
                forms[variant] = forms[variant].widest
                step.forms = tuple(forms)


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

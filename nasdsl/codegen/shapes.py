"""What comments in generated code say: the shapes of maps and the latencies of operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import prod

from nasdsl.codegen.blocks import Block, Item, Ref
from nasdsl.codegen.group import Group, Parameter
from nasdsl.codegen.groups import Groups
from nasdsl.codegen.layout import prose
from nasdsl.ir.graph import Decision, Kind
from nasdsl.number import Number, quotient
from nasdsl.ops.catalogue import SELECTING
from nasdsl.passes.annotations import Range, latency_ranges, range_text
from nasdsl.types import MapType

MAX_CASES = 1000
"""Joint values of the decisions in a block up to which the latency of the whole block is said."""


class Shapes:
    """Says shapes and latencies.

    Args:
        groups: The classes.
        latency: Latency in milliseconds by signature; None: nothing is said about latency.
    """

    def __init__(self, groups: Groups, latency: Mapping[str, float] | None) -> None:
        self._groups = groups
        self._graph = groups.graph
        self._totals: dict[int, Range | None] = {}
        self._references: dict[int, int | None] = {}
        self._latency = latency_ranges(groups.original, latency) if latency is not None else {}

    def of(self, group: Group, ref: int) -> str:
        """The shape of a map that the instances of a class make, in the words of the class."""
        block = group.blocks[0]
        if block.scope == 0:
            return prose(str(self._graph.nodes[ref].type))
        where = self._place(group, ref)
        nodes = [self._graph.nodes[self._made(group, i, where)] for i in range(len(group.blocks))]
        channels = self._channels(
            group, [n.type.channels.substitute(b.values) for n, b in zip(nodes, group.blocks, strict=True)]
        )
        sizes = {node.type.size for node in nodes}
        if sizes == {None}:
            return f"[N, {channels}]"
        if len(sizes) == 1:
            (size,) = sizes
            assert size is not None, "asked before"
            return f"[N, {channels}, {size[0]}, {size[1]}]"
        return f"[N, {channels}, {self._sides(group, [n.type.size for n in nodes])}]"

    def short(self, node: int) -> str:
        """The shape of a map, with decisions by their last name."""
        kind = self._graph.nodes[node].type
        terms = tuple((tuple(s.rpartition(".")[2] for s in symbols), c) for symbols, c in kind.channels.terms)
        return prose(str(MapType(Number(terms), kind.size, kind.rate)))

    def _place(self, group: Group, ref: int) -> tuple[int, int]:
        for place, item in enumerate(group.blocks[0].items):
            if ref in item.makes:
                return place, item.makes.index(ref)
        raise AssertionError("only maps made in the class are shown")

    def _made(self, group: Group, instance: int, where: tuple[int, int]) -> int:
        ref = group.blocks[instance].items[where[0]].makes[where[1]]
        assert isinstance(ref, int), "grids have no shape"
        return ref

    def _channels(self, group: Group, numbers: list[Number]) -> str:
        if all(number == numbers[0] for number in numbers) and numbers[0].constant is not None:
            return str(numbers[0])
        known = [Parameter(p.name, self._told(group, p)) for p in group.numbers if p.name[0] == "c"]
        known += [
            Parameter(p.name, tuple(map(Number.of, p.values)))
            for p in group.parameters
            if all(isinstance(value, int) for value in p.values)
        ]
        given = self._arguments(group)
        return _in_words(numbers, known) or _in_words(numbers, given) or self._product(group, numbers, given) or "..."

    def _product(self, group: Group, numbers: list[Number], given: list[Parameter]) -> str:
        """What numbers are as channels that `forward` is given times decisions of the instance; "" if they are not."""
        for parameter in given:
            found = set()
            for number, channels, block in zip(numbers, parameter.values, group.blocks, strict=True):
                known = quotient(number, channels)
                own = tuple(self._groups.relative(symbol, block) for symbol in known[0]) if known else ()
                found.add((own, known[1]) if known and own and all(own) else None)
            if len(found) == 1 and (product_ := found.pop()) is not None:
                decisions, ratio = product_
                times = [] if ratio.numerator == 1 else [str(ratio.numerator)]
                over = "" if ratio.denominator == 1 else f" / {ratio.denominator}"
                return " * ".join([*times, *decisions, parameter.name]) + over
        return ""

    def _told(self, group: Group, number: Parameter) -> tuple[Number, ...]:
        """The channels that instances are told; where they are told none, those they are made for."""
        made = next((p.values for p in group.parameters if p.name == number.name), (0,) * len(group.blocks))
        return tuple(
            Number.of(fixed) if n is None else n.substitute(block.values)
            for n, block, fixed in zip(number.values, group.blocks, made, strict=True)
        )

    def _arguments(self, group: Group) -> list[Parameter]:
        """The channels of the maps that `forward` is given."""
        found: list[Parameter] = []
        for place, ref in enumerate(group.blocks[0].arguments):
            if isinstance(ref, int):
                refs = [block.arguments[place] for block in group.blocks]
                numbers = tuple(
                    self._graph.nodes[r].type.channels.substitute(b.values)
                    for r, b in zip(refs, group.blocks, strict=True)
                    if isinstance(r, int)
                )
                found.append(Parameter("C" if not found else f"C{len(found) + 1}", numbers))
        return found

    def _sides(self, group: Group, sizes: list[tuple[int, int] | None]) -> str:
        """Height and width in terms of those of a map that `forward` is given."""
        place = self._reference(group)
        return self._relative(group, sizes, place) if place is not None else "..."

    def reference(self, group: Group) -> int | None:
        """Of the arguments the one whose height and width are meant by H and W, if that is not the first map."""
        place = self._reference(group)
        maps = [i for i, ref in enumerate(group.blocks[0].arguments) if isinstance(ref, int)]
        return place if place is not None and place != maps[0] else None

    def _reference(self, group: Group) -> int | None:
        """The argument in terms of which most can be said; the first of those."""
        if id(group) not in self._references:
            places = [i for i, ref in enumerate(group.blocks[0].arguments) if isinstance(ref, int)]
            made = [ref for item in group.blocks[0].items for ref in item.makes if isinstance(ref, int)]
            sizes = [
                [self._graph.nodes[self._made(group, i, where)].type.size for i in range(len(group.blocks))]
                for where in (self._place(group, ref) for ref in made)
            ]
            said = {p: sum(self._relative(group, each, p) != "..." for each in sizes) for p in places}
            self._references[id(group)] = max(said, key=said.__getitem__) if said else None
        return self._references[id(group)]

    def _relative(self, group: Group, sizes: list[tuple[int, int] | None], place: int) -> str:
        ratios = []
        for block, size in zip(group.blocks, sizes, strict=True):
            ref = block.arguments[place]
            given = self._graph.nodes[ref].type.size if isinstance(ref, int) else None
            if given is None or size is None:
                return "..."
            ratios.append(Fraction(size[0], given[0]))
            if ratios[-1] != Fraction(size[1], given[1]):
                return "..."
        for parameter in group.parameters:
            if parameter.name == "stride" and all(r * s == 1 for r, s in zip(ratios, parameter.values, strict=True)):
                return "H/stride, W/stride"
        ratio = ratios[0]
        if any(other != ratio for other in ratios):
            return "..."
        times = f"{ratio.numerator} " if ratio.numerator != 1 else ""
        over = f"/{ratio.denominator}" if ratio.denominator != 1 else ""
        return f"{times}H{over}, {times}W{over}"

    def latency(self, group: Group, *places: int) -> str:
        """The latency of a step, over all instances of a class; of several steps that of one of them."""
        if not self._latency:
            return ""
        ranges = [self._range(step) for place in places for step in group.steps(place)]
        return range_text([r for r in ranges if r is not None])

    def latency_of(self, steps: Sequence[Item]) -> str:
        """The latency of one of some steps."""
        ranges = [self._range(step) for step in steps] if self._latency else []
        return range_text([found for found in ranges if found is not None])

    def _range(self, item: Item) -> Range | None:
        """From the least to the greatest that a step can cost."""
        if item.child:
            block = item.child[0]
            if id(block) not in self._totals:
                self._totals[id(block)] = self._total(block)
            return self._totals[id(block)]
        return self._latency.get(item.node.id) if item.node is not None else None

    def _total(self, block: Block) -> Range | None:
        """From the least to the greatest that an instance can cost, over the decisions that its own steps read."""
        parts = [self._range(item) for item in block.items]
        nodes = [item.node for item in block.items if item.node is not None and item.node.op not in SELECTING - {"mix"}]
        atoms = [i.when for node in nodes for i in node.inputs if i.when is not None]
        asked = [self._graph.decisions[path] for path in dict.fromkeys(atom.decision for atom in atoms)]
        options = [_options(decision) for decision in asked]
        if not any(parts) or prod(map(len, options)) > MAX_CASES:
            return None
        totals = []
        for values in product(*options):
            held = dict(zip([decision.path for decision in asked], values, strict=True))
            live = [part for place in _reached(block, held) if (part := parts[place]) is not None]
            totals.append((sum(part[0] for part in live), sum(part[1] for part in live)))
        return min(low for low, _ in totals), max(high for _, high in totals)


def _in_words(numbers: list[Number], known: list[Parameter]) -> str:
    """What numbers are in terms of those that are known: one of them, or a multiple; "" if neither."""
    for parameter in known:
        if all(n == value for n, value in zip(numbers, parameter.values, strict=True)):
            return parameter.name
    for parameter in known:
        ratio = _ratio(numbers, parameter.values)
        if ratio is not None:
            times = f"{ratio.numerator} * {parameter.name}" if ratio.numerator != 1 else parameter.name
            return times if ratio.denominator == 1 else f"{times} / {ratio.denominator}"
    return ""


def _options(decision: Decision) -> list[tuple[int | str, ...]]:
    """What a decision can be, each as the values for which conditions hold then."""
    if decision.kind is Kind.PICK:
        return list(combinations(decision.domain, decision.count))
    return [(value,) for value in decision.real]


def _reached(block: Block, held: Mapping[str, tuple[int | str, ...]]) -> set[int]:
    """The places of the steps whose maps an instance needs when its conditions hold for some values."""
    maker = {ref: place for place, item in enumerate(block.items) for ref in item.makes}
    found: set[int] = set()
    stack: list[Ref] = [*block.results]
    while stack:
        place = maker.get(stack.pop())
        if place is None or place in found:
            continue
        found.add(place)
        item = block.items[place]
        if item.node is None or item.node.op in SELECTING - {"mix"}:
            stack += item.reads
        else:
            stack += [i.node for i in item.node.inputs if i.when is None or i.when.value in held[i.when.decision]]
    return found


def _ratio(numbers: list[Number], others: tuple[Number, ...]) -> Fraction | None:
    if not numbers[0].terms or not others[0].terms:
        return None
    ratio = numbers[0].terms[0][1] / others[0].terms[0][1]
    return ratio if all(n == other * ratio for n, other in zip(numbers, others, strict=True)) else None

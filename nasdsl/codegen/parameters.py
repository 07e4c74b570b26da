"""What instances of one class differ in: the parameters of its constructor, and the channels its `forward` is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from nasdsl.codegen.blocks import Block, Item, conditional
from nasdsl.codegen.channels import Channels, sliced_number
from nasdsl.codegen.group import Group, Parameter, steps_of
from nasdsl.codegen.layout import Expression, flat, literal
from nasdsl.ir.graph import Link
from nasdsl.number import Number
from nasdsl.ops.operation import TOLD
from nasdsl.passes.module_paths import RESERVED, identifier

Slot = tuple[tuple[int, int, str], str, tuple[Any, ...]]
"""A constructor argument: its step, variant and key, what it is called there, and its value in each instance."""

Told = tuple[tuple[int, int], str, tuple[Number | None, ...]]
"""A number that a step is told: its place and which of its numbers, what it is (of `TOLD`), and its value in each
instance.
"""


class Parameters(Channels):
    """Finds the parameters of classes."""

    def unify(self, group: Group) -> None:
        """Find the parameters of a class, and what its steps are given in terms of them."""
        slots: list[Slot] = []
        told: list[Told] = []
        for place, item in enumerate(steps_of(group.blocks[0])):
            steps = group.steps(place)
            told += self._asked_numbers(group, place, item, steps)
            _make_alike(steps)
            for variant, form in enumerate(item.forms):
                for key in form.args:
                    values = tuple(step.forms[variant].args[key] for step in steps)
                    slots.append(((place, variant, key), key.lstrip("*"), values))
            for variant in range(0 if item.shared or place in group.given else len(item.child)):
                slots += self._slots((place, variant), "", [step.child[variant] for step in steps])
        self._find_arguments(group, slots)
        often = Counter(values for _, name, values in told if name == "c")
        for where, name, numbers in sorted(told, key=lambda entry: _is_secondary(entry[1], entry[2], often)):
            group.told[where] = self._told(group, name, numbers)
        group.numbers.sort(key=lambda number: number.optional)
        called = steps_of(group.blocks[0])[: -len(group.blocks[0].holds) or None]
        group.chooses = group.chooses or any(self._chooses(group.blocks[0], item) for item in called)

    def _find_arguments(self, group: Group, slots: Sequence[Slot]) -> None:
        """The arguments of the modules of a class, and the parameters of its constructor, in the order of their use."""
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

        def order(parameter: Parameter) -> tuple[bool, bool, bool, int]:
            name = parameter.name
            first = next(i for i, found in enumerate(words) if name in found)
            return parameter.optional, name[:1] != "c", name.startswith("widths"), first

        group.parameters.sort(key=order)
        group.parameters[:0] = [
            Parameter(name, tuple(step.child[0] for step in group.steps(place))) for place, name in group.given.items()
        ]

    def _given_channels(self, group: Group) -> dict[tuple[Any, ...], str]:
        """Names for the most channels that the maps have which instances are given: `c_a` for those of `a`."""
        found: dict[tuple[Any, ...], str] = {}
        for place, name in enumerate(group.blocks[0].names):
            refs = [block.arguments[place] for block in group.blocks]
            kinds = [self.graph.nodes[ref].type if isinstance(ref, int) else None for ref in refs]
            most = tuple(
                int(self.outliner.tree.values(kind.channels, block.values)[-1])
                for kind, block in zip(kinds, group.blocks, strict=True)
                if kind is not None
            )
            if name and len(most) == len(refs):
                found.setdefault(most, f"c_{name}")
        return found

    def _slots(self, at: tuple[int, int], prefix: str, children: Sequence[Block]) -> Iterator[Slot]:
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
        dilated = _dilated_padding(values, group.parameters) if name == "padding" else ""
        if dilated:
            return dilated
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

    def _asked_numbers(self, group: Group, place: int, item: Item, steps: Sequence[Item]) -> list[Told]:
        """The numbers that a step must be told; those that the instance can compute itself are noted at once."""
        if item.grid is not None:
            self._links_told(group, item)
        found: list[Told] = []
        for index, name in enumerate(TOLD):
            sliced = [any(name in form.told for form in step.forms) for step in steps]
            if not any(sliced):
                continue
            texts = {self.told_text(b, s, name) for here, b, s in zip(sliced, group.blocks, steps, strict=True) if here}
            text = texts.pop()
            if text is not None:
                group.told[place, index] = text
                group.chooses = group.chooses or "arch[" in text
            else:
                numbers = tuple(sliced_number(s, name) if here else None for s, here in zip(steps, sliced, strict=True))
                found.append(((place, index), name, numbers))
        if not item.makes or not item.child or group.blocks[0].is_cell or item.child[0].scope in self._cell_scopes:
            return found  # The walk calls the links of a cell: what they are told goes past the cell.
        for index, parameter in enumerate(self.of(item.child[0])[0].numbers):
            numbers = tuple(self._number(step, index) for step in steps)
            text_here = self.number_text(numbers[0], group.blocks[0], parameter.name)
            if any(number is not None for number in numbers) and text_here is None:
                found.append(((place, index), parameter.name[0], numbers))
            elif text_here is not None:
                group.told[place, index] = text_here
        return found

    def _links_told(self, group: Group, item: Item) -> None:
        """What a walk tells the links; a walk is the only one of its class."""
        for link, step in self.links(item):
            if step is not None:
                inner, _ = self.of(step.child[0])
                for index, parameter in enumerate(inner.numbers):
                    alike = (self._number(other, index) for other in _in_all_variants(item, link))
                    number = next((each for each in alike if each is not None), None)
                    text = self.number_text(number, group.blocks[0], parameter.name)
                    if number is not None:
                        group.links[link.node, index] = (
                            self._told(group, parameter.name[0], (number,)) if text is None else text
                        )

    def links(self, walk: Item) -> list[tuple[Link, Item | None]]:
        """The links of a walk, each with the call that makes it, or None where it hands on the map that arrives."""
        assert walk.grid is not None, "only walks have links"
        calls = {ref: step for cell in walk.cells.values() for step in cell.child[0].items for ref in step.makes}
        return [(link, calls.get(link.node)) for link in walk.grid.links]

    def _told(self, group: Group, name: str, values: tuple[Number | None, ...]) -> Expression:
        for parameter in group.numbers:
            if parameter.name[0] != name:
                continue
            if values == parameter.values:
                return parameter.name
            ratio = None if parameter.optional or None in values else _ratio(values, parameter.values)
            if ratio is not None:
                times = f"{ratio.numerator} * {parameter.name}" if ratio.numerator != 1 else parameter.name
                return times if ratio.denominator == 1 else f"{times} // {ratio.denominator}"
        new = identifier(name, RESERVED | {parameter.name for parameter in group.numbers})
        group.numbers.append(Parameter(new, values))
        return new

    def _chooses(self, block: Block, item: Item) -> bool:
        if item.grid is not None or item.symbols or self.scaled(block, item):
            return True
        if item.child:
            inner, _ = self.of(item.child[0])
            told = [self.number_text(self._number(item, i), block, n.name) for i, n in enumerate(inner.numbers)]
            computed = any(text is not None for text in told)
            return inner.chooses or computed
        assert item.node is not None, "a step walks, calls or computes"
        return item.node.op == "mix" or (item.node.op in ("sum", "concat") and conditional(item.node) is not None)

    def _number(self, item: Item, place: int) -> Number | None:
        """A number that an instance is told: where there is one instance for each value, that of any that is told."""
        found = (group.numbers[place].values[where] for group, where in map(self.of, item.child))
        return next((number for number in found if number is not None), None)


def _in_all_variants(walk: Item, link: Link) -> Iterator[Item]:
    """The calls that make a link, one in each instance of its cell that there is for a value."""
    for cell in walk.cells.values():
        for block in cell.child:
            yield from (step for step in block.items if link.node in step.makes)


def _make_alike(steps: Sequence[Item]) -> None:
    """Where some instances have an operation in several widths, the others get its form for several, too."""
    for variant in range(len(steps[0].forms)):
        if len({step.forms[variant].module for step in steps}) > 1 or len({s.forms[variant].told for s in steps}) > 1:
            for step in steps:
                forms = list(step.forms)
                forms[variant] = forms[variant].widest
                step.forms = tuple(forms)


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


def _dilated_padding(values: tuple[int, ...], parameters: Sequence[Parameter]) -> str:
    """The padding in terms of a dilation and a kernel; "" if it is not that of a kernel whose middle stays there."""
    for k, dilation in product(parameters, parameters):
        if k.name[:1] == "k" and dilation.name.startswith("dilation") and len(set(dilation.values)) > 1:
            each = zip(values, k.values, dilation.values, strict=True)
            if all(value == times * (size // 2) for value, size, times in each):
                return f"{dilation.name} * ({k.name} // 2)"
    return ""


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

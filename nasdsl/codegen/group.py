"""A class: block instances that look alike, and what sets them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nasdsl.codegen.blocks import Block, Item, Ref
from nasdsl.codegen.layout import Expression

DEFAULTS: Mapping[str, Any] = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "affine": True,
    "*widths": (),
}
"""What the modules of PyTorch take where nothing is said."""


@dataclass(slots=True)
class Parameter:
    """A constructor argument of a class, or a number its `forward` is told.

    Attributes:
        name: Its name.
        values: Its value in each instance: plain data; for run-time numbers a `Number`, or None where nothing is told;
            for a module the instance that is given.
    """

    name: str
    values: tuple[Any, ...]

    @property
    def optional(self) -> bool:
        """Whether it need not be said."""
        return None in self.values or () in self.values


@dataclass(slots=True)
class Group:
    """A class: instances of one block that look alike.

    Attributes:
        blocks: The instances.
        name: Name of the class.
        parameters: Constructor arguments.
        numbers: Channels and kernel sizes (`c`, `k`) that `forward` is told at run time.
        chooses: Whether `forward` needs the decisions.
        given: By the place of a step the constructor argument that is its module: where instances differ in it.
        late_arguments: The places of the arguments that come as functions (see `nasdsl.codegen.late`).
        late_results: The places of the results that go as functions.
        always: The maps of the first instance that are needed whatever has been decided.
    """

    blocks: list[Block]
    name: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    numbers: list[Parameter] = field(default_factory=list)
    chooses: bool = False
    arguments: dict[tuple[int, int, str], Expression] = field(default_factory=dict)
    told: dict[tuple[int, int], Expression] = field(default_factory=dict)
    links: dict[tuple[int, int], Expression] = field(default_factory=dict)
    given: dict[int, str] = field(default_factory=dict)
    late_arguments: set[int] = field(default_factory=set)
    late_results: set[int] = field(default_factory=set)
    always: set[Ref] = field(default_factory=set)

    def steps(self, place: int) -> list[Item]:
        """The steps at one place, in every instance."""
        return [steps_of(block)[place] for block in self.blocks]


def steps_of(block: Block) -> list[Item]:
    """The steps of an instance, with the cells of its grids and the modules it holds for others."""
    return [*(step for item in block.items for step in (item, *item.cells.values())), *block.holds]


def inlined(group: Group) -> bool:
    """Whether a class is not worth being one: a single operation without state or decision."""
    items = group.blocks[0].items
    if len(items) != 1 or items[0].child or items[0].grid is not None or group.blocks[0].is_cell:
        return False
    (item,) = items
    if item.node is not None and item.node.op in ("route_end", "route_last"):
        return True
    return not group.chooses and bool(item.forms) and not item.forms[0].module

"""What PyTorch keeps of a forward pass until the backward pass has used it: the tape, in bytes instead of tensors.

A map is kept by the operation that makes it or by those that read it, as their rules say
(`nasdsl.ops.operation.Operation.kept`), and only once however many keep it; only operations through which a gradient
passes keep anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasdsl.number import Number
from nasdsl.ops.operation import Attributes, Kept, Operation, ZeroWhen
from nasdsl.passes.memory import map_bytes
from nasdsl.types import MapType

OF_EXTERNS = Kept(inputs=(0,), output=True)
"""What is assumed of an operation of which nothing is known: as a convolution with a relu behind it."""


@dataclass(frozen=True, slots=True)
class Map:
    """A map of the forward pass.

    Attributes:
        id: Its number; one that is passed on is the same map, and a view of a map is that map, too.
        size: Bytes for each image.
        held: Bytes for each image of the memory it lies in, which is what keeping it keeps.
        learns: Whether a gradient comes back to it.
        again: Whether it can be had again from what the operation that made it keeps.
    """

    id: int
    size: int
    learns: bool
    held: int
    again: bool = False


class Tape:
    """Records a forward pass.

    Attributes:
        each: Bytes kept of each image of the batch.
        once: Bytes kept of the whole batch.
        largest: Bytes of the largest map.
    """

    def __init__(self) -> None:
        self.each = self.once = self.largest = self._maps = 0
        self._kept: set[int] = set()

    def map(self, size: int, *, learns: bool, again: bool = False) -> Map:
        """A new map that keeps nothing: an input, or a sum of maps."""
        self._maps += 1
        self.largest = max(self.largest, size)
        return Map(self._maps, size, learns, size, again)

    def keep(self, x: Map) -> None:
        """Keep a map, if it is not kept."""
        if x.id not in self._kept:
            self._kept.add(x.id)
            self.each += x.held

    def call(
        self,
        operation: Operation | None,
        inputs: Sequence[Map],
        types: Sequence[MapType],
        output: MapType,
        attrs: Attributes,
        *,
        weights: bool,
    ) -> Map:
        """The map that an operation makes.

        Args:
            operation: The operation; None: an extern.
            inputs: The maps it reads.
            types: Their types, without decisions.
            output: The type of what it makes, without decisions.
            attrs: Its attributes, without decisions.
            weights: Whether weights learn in this pass.
        """
        stateful = operation is None or operation.params(types, output, attrs).constant != 0
        zeros = operation is not None and operation.zero(attrs) is ZeroWhen.ALWAYS
        learns = not zeros and (any(x.learns for x in inputs) or (weights and stateful))
        kept = OF_EXTERNS if operation is None else operation.kept(types, output, attrs)
        if kept.view:
            return Map(inputs[0].id, map_bytes(output), inputs[0].learns, inputs[0].held)
        again = learns and kept.again and (weights or not stateful)
        made = self.map(map_bytes(output), learns=learns, again=again)
        if learns:
            for place in kept.inputs:
                self.keep(inputs[place])
            if kept.output:
                self.keep(made)
            self.each += _integer(kept.each)
            self.once += _integer(kept.once)
        return made

    def scaled(self, x: Map, *, learned: bool) -> Map:
        """A map times a scalar, which keeps the map if the scalar is learned."""
        if learned:
            self.keep(x)
        return self.map(x.size, learns=learned or x.learns)

    def weighted(self, x: Map, *, learned: bool) -> Map:
        """A map times its weight in a mixture, which keeps the map if the weight is learned and there is no other way
        to have it (`nasdsl.runtime.weighted`).
        """
        return self.scaled(x, learned=learned) if not x.again else self.map(x.size, learns=learned or x.learns)

    def total(self, maps: Sequence[Map]) -> Map:
        """The sum of maps, one after the other; of one map it is that map."""
        if len(maps) == 1:
            return maps[0]
        return self.map(maps[0].size, learns=any(x.learns for x in maps))


def _integer(number: Number) -> int:
    constant = number.constant
    assert constant is not None, "all decisions have been made"
    return int(constant)

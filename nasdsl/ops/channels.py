"""Operations on the order of channels: a part of them, and shuffling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import (
    Attributes,
    Division,
    Emitter,
    Kept,
    Operation,
    Parameter,
    RuleError,
    TorchForm,
    Widths,
    ZeroWhen,
    integer,
    spatial,
)
from nasdsl.types import MapType


class Slice(Operation):
    """`slice(start = 0, end = 1)`: the channels from one share of all to another: `slice(end = 1/2)` are the first
    half, `slice(start = 1/2)` the others (the channel split of ShuffleNet V2: Ma et al., ECCV 2018).
    """

    name: ClassVar[str] = "slice"
    opset: ClassVar[int] = 10  # Slice at places that are inputs
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("start", 0), Parameter("end", 1))

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        x = inputs[0]
        start, end = _share(attrs, "start"), _share(attrs, "end")
        if start >= end:
            raise RuleError(f"`slice` needs a `start` before its `end`, found {start} and {end}")
        return MapType(x.channels * (end - start), x.size, x.rate)

    def divisions(self, inputs: Sequence[MapType], attrs: Attributes) -> Iterable[Division]:
        for share in (_share(attrs, "start"), _share(attrs, "end")):
            problem = f"`slice` cannot cut {{dividend}} channels at {share}"
            yield Division(inputs[0].channels, Number.of(share.denominator), problem)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        start, end = _share(attrs, "start"), _share(attrs, "end")
        if end - start == 1:
            return TorchForm("", call="{x}")
        before, after = _place(start, " "), _place(end, "")
        return TorchForm("", call=f"{{x}}[:, {before}:{' ' if after else ''}{after}]")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        channels = inputs[0].channels.constant
        assert channels is not None, "a network has no decisions"
        if output.channels == inputs[0].channels:
            return names[0]
        ends = [int(channels * _share(attrs, name)) for name in ("start", "end")]
        return emit.node("Slice", [names[0], *(emit.constant([place]) for place in (*ends, 1))])

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept(view=True)

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.channels == output.channels

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


def _share(attrs: Attributes, name: str) -> Fraction:
    number: Number = attrs[name]
    share = number.constant
    if share is None or not 0 <= share <= 1:
        raise RuleError(f"`{name}` of `slice` is a share of the channels, a constant from 0 to 1; found {number}")
    return share


def _place(share: Fraction, after: str) -> str:
    """Where a share of the channels of `x` ends, as Python's slices say it: nothing at the first and the last."""
    if share in (0, 1):
        return ""
    times = "" if share.numerator == 1 else f"{share.numerator} * "
    return f"{times}{{x}}.shape[1] // {share.denominator}{after}"


class Shuffle(Operation):
    """`shuffle(groups)`: the channels reordered so that a grouped convolution reads from every group of the one before
    (Zhang et al., CVPR 2018): seen as a table with a row for each group, they are transposed.
    """

    name: ClassVar[str] = "shuffle"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("groups"),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        integer(attrs, "groups", least=2)
        return inputs[0]

    def divisions(self, inputs: Sequence[MapType], attrs: Attributes) -> Iterable[Division]:
        groups = Number.of(integer(attrs, "groups"))
        yield Division(inputs[0].channels, groups, "`shuffle` with {divisor} groups cannot divide {dividend} channels")

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call=f"F.channel_shuffle({{x}}, {integer(attrs, 'groups')})")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        assert output.channels.constant is not None, "a network has no decisions"
        groups, channels = integer(attrs, "groups"), int(output.channels.constant)
        order = [row + column for column in range(channels // groups) for row in range(0, channels, channels // groups)]
        return emit.node("Gather", [names[0], emit.constant(order)], axis=1)

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST

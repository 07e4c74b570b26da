"""Operations that bring several maps together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import Attributes, Emitter, Operation, RuleError, TorchForm, Widths, ZeroWhen
from nasdsl.types import MapType


def _same_size(op: str, inputs: Sequence[MapType]) -> None:
    for other in inputs[1:]:
        if other.size != inputs[0].size:
            raise RuleError(
                f"`{op}` needs maps of one size, found {inputs[0]} and {other}",
                help="bring them together first: x >> resize_like(y)",
            )


class Sum(Operation):
    """`sum(x, y, ...)`: element by element; channels and sizes must agree in every architecture."""

    name: ClassVar[str] = "sum"
    arity: ClassVar[int | None] = None
    commutative: ClassVar[bool] = True
    associative: ClassVar[bool] = True
    zero_neutral: ClassVar[bool] = True

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        _same_size(self.name, inputs)
        for other in inputs[1:]:
            if other.channels != inputs[0].channels:
                found = f"{inputs[0].channels} and {other.channels}"
                raise RuleError(
                    f"`sum` needs equal channels in every architecture, found {found}",
                    help="give the maps the same number of channels, for example with conv_bn(c, k = 1)",
                )
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="{plus}")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        total = names[0]
        for name in names[1:]:
            total = emit.node("Add", [total, name])
        return total

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.ALL


class Concat(Operation):
    """`concat(x, y, ...)`: channels one after the other; sizes must agree."""

    name: ClassVar[str] = "concat"
    arity: ClassVar[int | None] = None
    associative: ClassVar[bool] = True

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        _same_size(self.name, inputs)
        channels = Number.of(0)
        for x in inputs:
            channels = channels + x.channels
        return MapType(channels, inputs[0].size, inputs[0].rate)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="torch.cat(({all}), dim=1)")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return names[0] if len(names) == 1 else emit.node("Concat", names, axis=1)

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.ALL

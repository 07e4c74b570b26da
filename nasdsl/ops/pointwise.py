"""Operations that keep the size: normalisation, activation, dropout, identity, and the absence of everything."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import Attributes, Emitter, Operation, Parameter, TorchForm, Widths, integer, spatial, strided
from nasdsl.types import MapType


class BatchNorm(Operation):
    """`bn(affine = true)`: batch normalisation, eps 1e-5; where channels depend on decisions, one per width, as in
    slimmable networks (Yu et al., ICLR 2019).
    """

    name: ClassVar[str] = "bn"
    fuses: ClassVar[tuple[str, ...]] = ("relu",)
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("affine", True),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        channels = widths(output.channels)
        if len(channels) == 1:
            return TorchForm("nn.BatchNorm2d", {"*c": channels[0], "affine": attrs["affine"]})
        return TorchForm("runtime.BatchNorm2d", {"*widths": channels, "affine": attrs["affine"]})

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        channels = output.channels.constant
        assert channels is not None, "a network has no decisions"
        if attrs["affine"]:
            scale, shift = emit.weight("weight"), emit.weight("bias")
        else:
            scale = emit.constant([1.0] * int(channels), "float32")
            shift = emit.constant([0.0] * int(channels), "float32")
        statistics = [emit.weight("running_mean"), emit.weight("running_var")]
        return emit.node("BatchNormalization", [names[0], scale, shift, *statistics], epsilon=1e-5)

    def params(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        return output.channels * (2 if attrs["affine"] else 0)


class Relu(Operation):
    """`relu()`."""

    name: ClassVar[str] = "relu"

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="F.relu({x})")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return emit.node("Relu", names)


class Dropout(Operation):
    """`dropout(p)`: zeroes elements with probability p in training; the identity otherwise."""

    name: ClassVar[str] = "dropout"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("p", Fraction(1, 2)),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("nn.Dropout", {"*p": float(attrs["p"].constant)})

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return names[0]


class Identity(Operation):
    """`identity()`: the map itself."""

    name: ClassVar[str] = "identity"

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="{x}")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return names[0]


class Zero(Operation):
    """`none(stride = 1)`: a map of zeros; a mixture does not compute it."""

    name: ClassVar[str] = "none"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("stride", 1),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        return strided(inputs[0], integer(attrs, "stride"), self.name)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        stride = integer(attrs, "stride")
        step = "" if stride == 1 else f"[:, :, ::{stride}, ::{stride}]"
        return TorchForm("", call=f"torch.zeros_like({{x}}{step})")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        stride = integer(attrs, "stride")
        x = names[0]
        if stride > 1:
            bounds = [emit.constant(v) for v in ([0, 0], [2**31, 2**31], [2, 3], [stride, stride])]
            x = emit.node("Slice", [x, *bounds])
        return emit.node("Mul", [x, emit.constant(0.0, "float32")])

"""Operations that keep the size: normalisation, activation, dropout, shuffling, identity, and the absence of all."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import (
    Attributes,
    Emitter,
    Kept,
    Operation,
    Parameter,
    RuleError,
    TorchForm,
    Widths,
    ZeroWhen,
    elements,
    integer,
    spatial,
    strided,
)
from nasdsl.types import MapType


class BatchNorm(Operation):
    """`bn(affine = true)`: batch normalisation, eps 1e-5; where channels depend on decisions, one per width, as in
    slimmable networks (Yu et al., ICLR 2019).
    """

    name: ClassVar[str] = "bn"
    statistics: ClassVar[bool] = True
    fuses: ClassVar[tuple[str, ...]] = ("relu",)
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("affine", True),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        channels = widths(output.channels)
        widest, affine = channels[-1], attrs["affine"]
        several = channels if len(channels) > 1 else ()
        slim = TorchForm("runtime.BatchNorm2d", {"*c": widest, "*widths": several, "affine": affine})
        return slim if several else TorchForm("nn.BatchNorm2d", {"*c": widest, "affine": affine}, slim=slim)

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

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,), once=output.channels * 8, again=True)

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.NEVER if trained else ZeroWhen.FIRST


class GroupNorm(Operation):
    """`gn(groups = 32)`: group normalisation (Wu and He, ECCV 2018), eps 1e-5; its channels must not depend on
    decisions, since slices would mix the groups.
    """

    name: ClassVar[str] = "gn"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("groups", 32),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        channels, groups = inputs[0].channels.constant, integer(attrs, "groups")
        if channels is None:
            raise RuleError(f"the channels of `gn` must not depend on decisions, found {inputs[0].channels}")
        if channels % groups:
            raise RuleError(f"`gn` with {groups} groups cannot divide {channels} channels")
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("nn.GroupNorm", {"*groups": integer(attrs, "groups"), "*c": widths(output.channels)[0]})

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        # GroupNormalization of opset 18 has scales for groups, not for channels.
        assert output.channels.constant is not None, "a network has no decisions"
        assert output.size is not None, "the type rule gives a feature map"
        groups, channels = integer(attrs, "groups"), int(output.channels.constant)
        x = emit.node("Reshape", [names[0], emit.constant([0, groups, -1])])
        ones, zeros = (emit.constant([value] * groups, "float32") for value in (1.0, 0.0))
        x = emit.node("InstanceNormalization", [x, ones, zeros], epsilon=1e-5)
        shape = emit.node("Shape", [names[0]]) if emit.free_size else emit.constant([0, channels, *output.size])
        x = emit.node("Reshape", [x, shape])
        scale, shift = (emit.weight(name, [channels, 1, 1]) for name in ("weight", "bias"))
        return emit.node("Add", [emit.node("Mul", [x, scale]), shift])

    def params(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        return output.channels * 2

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,), each=Number.of(8 * integer(attrs, "groups")))

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.NEVER if trained else ZeroWhen.FIRST


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

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept(output=True)

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class Dropout(Operation):
    """`dropout(p)`: zeroes elements with probability p in training; the identity otherwise."""

    name: ClassVar[str] = "dropout"
    random: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("p", Fraction(1, 2)),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("nn.Dropout", {"*p": float(attrs["p"].constant)})

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return names[0]

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return bool(attrs["p"].constant == 0)

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept(each=elements(output) * (4 if attrs["p"].constant else 0))

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


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

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return True

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class Shuffle(Operation):
    """`shuffle(groups)`: the channels reordered so that a grouped convolution reads from every group of the one before
    (Zhang et al., CVPR 2018): seen as a table with a row for each group, they are transposed.
    """

    name: ClassVar[str] = "shuffle"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("groups"),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        channels, groups = inputs[0].channels.constant, integer(attrs, "groups", least=2)
        if channels is not None and channels % groups:
            raise RuleError(f"`shuffle` with {groups} groups cannot divide {channels} channels")
        return inputs[0]

    def groups(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        return Number.of(integer(attrs, "groups"))

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


class Zero(Operation):
    """`none(stride = 1)`: a map of zeros; a mixture does not compute it."""

    name: ClassVar[str] = "none"
    opset: ClassVar[int] = 10  # Slice by steps
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

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.ALWAYS

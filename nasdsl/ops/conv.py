"""Convolutions and the linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

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
    integer,
    padding,
    spatial,
    strided,
    windowed,
)
from nasdsl.types import MapType


class Conv(Operation):
    """`conv(c, k, stride = 1, dilation = 1, groups = 1, bias = false, padding)`: a 2-d convolution.

    Without `padding` there are dilation * (k - 1) / 2 pixels on every side, so that at stride 1 the size stays;
    `padding = 0` reads what is there only. Where decisions decide `k`, smaller kernels are the centre of the largest
    (Cai et al., "Once-for-All", ICLR 2020; without that paper's learned transformation of the crop).
    """

    name: ClassVar[str] = "conv"
    fuses: ClassVar[tuple[str, ...]] = ("bn", "relu")
    elastic: ClassVar[tuple[str, ...]] = ("k",)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("c", inferred=True),
        Parameter("k"),
        Parameter("stride", 1),
        Parameter("dilation", 1),
        Parameter("groups", 1),
        Parameter("bias", False),
        Parameter("padding", inferred=True),
    )

    def infer(self, inputs: Sequence[MapType], attrs: Attributes) -> Attributes:
        return {} if "c" in attrs else {"c": inputs[0].channels}

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        k, stride, dilation = (integer(attrs, name) for name in ("k", "stride", "dilation"))
        given = padding(attrs)
        if given is not None:
            out = windowed(inputs[0], k, stride, given, self.name, dilation=dilation)
        elif k % 2:
            out = strided(inputs[0], stride, self.name)
        else:
            help_ = f"say how many pixels to add on every side: {self.name}(k = {k}, padding = 0)"
            raise RuleError(f"`{self.name}` needs an odd kernel, found k = {k}", help=help_)
        groups = self.groups(inputs, attrs).constant
        for what, channels in (("input", inputs[0].channels.constant), ("output", attrs["c"].constant)):
            if groups is not None and channels is not None and channels % groups:
                raise RuleError(f"`{self.name}` with {groups} groups cannot divide {channels} {what} channels")
        return MapType(attrs["c"], out.size, out.rate)

    def groups(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        return Number.of(integer(attrs, "groups"))

    def _padding(self, attrs: Attributes) -> int:
        given = padding(attrs)
        return integer(attrs, "dilation") * (integer(attrs, "k") - 1) // 2 if given is None else given

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        ins, outs, kernels = widths(inputs[0].channels), widths(output.channels), widths(attrs["k"])
        largest = {**attrs, "k": Number.of(kernels[-1])}
        args: dict[str, Any] = {"*c_in": ins[-1], "*c": outs[-1], "*k": kernels[-1]}
        args |= {"stride": integer(attrs, "stride"), "padding": self._padding(largest)}
        args |= {"dilation": integer(attrs, "dilation"), "groups": self._torch_groups(attrs, ins)}
        args["bias"] = attrs["bias"]
        k = ", k={k}" if len(kernels) > 1 else ""
        c = "" if self._follows_input() else ", {c}"
        slim = TorchForm("runtime.Conv2d", args, f"{{self}}({{x}}{c}, k={{k}})")
        if len(outs) > 1:
            return TorchForm("runtime.Conv2d", args, f"{{self}}({{x}}{c}{k})", slim=slim)
        plain = len(ins) == len(kernels) == 1
        return TorchForm("nn.Conv2d" if plain else "runtime.Conv2d", args, f"{{self}}({{x}}{k})", slim=slim)

    def _follows_input(self) -> bool:
        return False

    def _torch_groups(self, attrs: Attributes, ins: tuple[int, ...]) -> int:
        return integer(attrs, "groups")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        k, stride, dilation = integer(attrs, "k"), integer(attrs, "stride"), integer(attrs, "dilation")
        groups = self.groups(inputs, attrs).constant
        assert groups is not None, "a network has no decisions"
        weights = [emit.weight("weight")] + ([emit.weight("bias")] if attrs["bias"] else [])
        return emit.node(
            "Conv",
            [names[0], *weights],
            kernel_shape=[k, k],
            strides=[stride, stride],
            dilations=[dilation, dilation],
            pads=[self._padding(attrs)] * 4,
            group=int(groups),
        )

    def _kernel(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        k: Number = attrs["k"]
        return inputs[0].channels * output.channels * k * k / integer(attrs, "groups")

    def params(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        return self._kernel(inputs, output, attrs) + (output.channels if attrs["bias"] else 0)

    def macs(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        assert output.size is not None, "the type rule gives a feature map"
        return self._kernel(inputs, output, attrs) * output.size[0] * output.size[1]

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,))

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.NEVER if attrs["bias"] else ZeroWhen.FIRST


class DepthwiseConv(Conv):
    """`dw_conv(k, stride = 1, dilation = 1, bias = false, padding)`: every channel is convolved by itself; `k` may be
    decided as for `conv`.
    """

    name: ClassVar[str] = "dw_conv"
    parameters: ClassVar[tuple[Parameter, ...]] = tuple(p for p in Conv.parameters if p.name not in ("c", "groups"))

    def infer(self, inputs: Sequence[MapType], attrs: Attributes) -> Attributes:
        return {"c": inputs[0].channels}

    def groups(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        return inputs[0].channels

    def _follows_input(self) -> bool:
        return True

    def _torch_groups(self, attrs: Attributes, ins: tuple[int, ...]) -> int:
        return ins[-1]

    def _kernel(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        k: Number = attrs["k"]
        return output.channels * k * k


class Linear(Operation):
    """`linear(c, bias = true)`: a fully connected layer on vectors, or on globally pooled maps [N, C, 1, 1]."""

    name: ClassVar[str] = "linear"
    opset: ClassVar[int] = 11  # Gemm without a bias
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("c"), Parameter("bias", True))

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        if inputs[0].size not in (None, (1, 1)):
            raise RuleError(f"`linear` needs a vector, found {inputs[0]}", help="pool first: x >> global_avg_pool()")
        return MapType(attrs["c"], None, inputs[0].rate * 0)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        ins, outs = widths(inputs[0].channels), widths(output.channels)
        flat = "{x}" if inputs[0].size is None else "{x}.flatten(1)"
        args = {"*c_in": ins[-1], "*c": outs[-1], "bias": attrs["bias"]}
        slim = TorchForm("runtime.Linear", args, f"{{self}}({flat}, {{c}})")
        if len(outs) > 1:
            return slim
        return TorchForm("nn.Linear" if len(ins) == 1 else "runtime.Linear", args, f"{{self}}({flat})", slim=slim)

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        x = names[0] if inputs[0].size is None else emit.node("Flatten", [names[0]], axis=1)
        weights = [emit.weight("weight")] + ([emit.weight("bias")] if attrs["bias"] else [])
        return emit.node("Gemm", [x, *weights], transB=1)

    def params(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        return inputs[0].channels * output.channels + (output.channels if attrs["bias"] else 0)

    def macs(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Number:
        return inputs[0].channels * output.channels

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,))

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.NEVER if attrs["bias"] else ZeroWhen.FIRST

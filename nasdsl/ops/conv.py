"""Convolutions and the linear layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import (
    Attributes,
    DecidedError,
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
    (Cai et al., "Once-for-All", ICLR 2020; without that paper's learned transformation of the crop). They may decide
    `groups` where a group reads as many channels in every architecture: `groups = channels(x) / 16`, as in RegNet
    (Radosavovic et al., "Designing Network Design Spaces", CVPR 2020).
    """

    name: ClassVar[str] = "conv"
    fuses: ClassVar[tuple[str, ...]] = ("bn", "relu")
    elastic: ClassVar[tuple[str, ...]] = ("k",)
    _told_channels: ClassVar[str] = ", {c}"
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
        return MapType(attrs["c"], out.size, out.rate)

    def divisions(self, inputs: Sequence[MapType], attrs: Attributes) -> Iterable[Division]:
        groups, per_group = self._groups(inputs, attrs), self._per_group(inputs, attrs).constant
        if groups.constant is None and per_group is not None:
            problem = f"`{self.name}` cannot make groups of {{divisor}} of {{dividend}} input channels"
            yield Division(inputs[0].channels, Number.of(per_group), problem)
        for what, channels in (("input", inputs[0].channels), ("output", attrs["c"])):
            problem = f"`{self.name}` with {{divisor}} groups cannot divide {{dividend}} {what} channels"
            yield Division(channels, groups, problem)

    def narrowed(self, inputs: Sequence[MapType], attrs: Attributes, parts: int) -> Attributes:
        """A convolution that treats every channel by itself goes on to do so; else the number of groups stays."""
        attrs = super().narrowed(inputs, attrs, parts)
        alone = attrs.get("groups") == inputs[0].channels
        return {**attrs, "groups": attrs["groups"] / parts} if alone else attrs

    def _groups(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        groups: Number = attrs["groups"]
        return groups if groups.constant is None else Number.of(integer(attrs, "groups"))

    def _per_group(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        """How many channels a group reads; the same in every architecture if decisions decide the groups."""
        groups, channels = self._groups(inputs, attrs), inputs[0].channels
        if groups.constant is not None:
            return channels / groups.constant
        ratio = channels.ratio(groups)
        if ratio is None or ratio.denominator != 1:
            raise DecidedError("groups", unless="a group reads as many channels in every architecture")
        return Number.of(ratio)

    def _padding(self, attrs: Attributes) -> int:
        given = padding(attrs)
        return integer(attrs, "dilation") * (integer(attrs, "k") - 1) // 2 if given is None else given

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        ins, outs, kernels = widths(inputs[0].channels), widths(output.channels), widths(attrs["k"])
        largest = {**attrs, "k": Number.of(kernels[-1])}
        args: dict[str, Any] = {"*c_in": ins[-1], "*c": outs[-1], "*k": kernels[-1]}
        args |= {"stride": integer(attrs, "stride"), "padding": self._padding(largest)}
        args |= {"dilation": integer(attrs, "dilation"), "groups": widths(self._groups(inputs, attrs))[-1]}
        args["bias"] = attrs["bias"]
        channels, groups = self._told_channels, self._told_groups(inputs, attrs)
        slim = TorchForm("runtime.Conv2d", args, f"{{self}}({{x}}{channels}, k={{k}}{groups})")
        told = (", k={k}" if len(kernels) > 1 else "") + groups
        if len(outs) > 1:
            return TorchForm("runtime.Conv2d", args, f"{{self}}({{x}}{channels}{told})", slim=slim)
        plain = len(ins) == len(kernels) == 1
        return TorchForm("nn.Conv2d" if plain else "runtime.Conv2d", args, f"{{self}}({{x}}{told})", slim=slim)

    def _told_groups(self, inputs: Sequence[MapType], attrs: Attributes) -> str:
        if self._groups(inputs, attrs).constant is not None:
            return ""
        each = self._per_group(inputs, attrs).constant
        return ", groups={x}.shape[1]" + (f" // {each}" if each != 1 else "")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        k, stride, dilation = integer(attrs, "k"), integer(attrs, "stride"), integer(attrs, "dilation")
        groups = self._groups(inputs, attrs).constant
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
        return self._per_group(inputs, attrs) * output.channels * k * k

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
    _told_channels: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = tuple(p for p in Conv.parameters if p.name not in ("c", "groups"))

    def infer(self, inputs: Sequence[MapType], attrs: Attributes) -> Attributes:
        return {"c": inputs[0].channels}

    def _groups(self, inputs: Sequence[MapType], attrs: Attributes) -> Number:
        return inputs[0].channels

    def _told_groups(self, inputs: Sequence[MapType], attrs: Attributes) -> str:
        return ""


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
        return TorchForm("runtime.Linear" if len(ins) > 1 else "nn.Linear", args, f"{{self}}({flat})", slim=slim)

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

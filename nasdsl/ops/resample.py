"""Operations that change the size: pooling, resizing, shifting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

from nasdsl.number import Number
from nasdsl.ops.operation import (
    Attributes,
    Emitter,
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


class Pool(Operation):
    """A pooling over k x k windows.

    Without `padding` there are (k - 1) / 2 pixels on every side of a map for odd windows and none for even ones, which
    must then lie side by side; `padding = 0` reads what is there only.
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("k"),
        Parameter("stride", 1),
        Parameter("padding", inferred=True),
    )

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        k, stride, given = integer(attrs, "k"), integer(attrs, "stride"), padding(attrs)
        if given is not None:
            if 2 * given > k:
                raise RuleError(f"`{self.name}` can add at most half its window of {k} pixels, found {given}")
            return windowed(inputs[0], k, stride, given, self.name)
        if k % 2 == 0 and k != stride:
            raise RuleError(
                f"`{self.name}` with an even window needs a stride equal to it, found k = {k}, stride = {stride}"
            )
        return strided(inputs[0], stride, self.name)

    def _window(self, attrs: Attributes) -> tuple[int, int, int]:
        k, given = integer(attrs, "k"), padding(attrs)
        return k, integer(attrs, "stride"), (k // 2 if k % 2 else 0) if given is None else given

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        k, stride, pad = self._window(attrs)
        return self._onnx_node(emit, names, {"kernel_shape": [k, k], "strides": [stride, stride], "pads": [pad] * 4})

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return self._window(attrs) == (1, 1, 0)

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST

    @abstractmethod
    def _onnx_node(self, emit: Emitter, names: Sequence[str], window: dict[str, Any]) -> str: ...


class MaxPool(Pool):
    """`max_pool(k, stride = 1, padding)`."""

    name: ClassVar[str] = "max_pool"

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        k, stride, pad = self._window(attrs)
        return TorchForm("", call=f"F.max_pool2d({{x}}, {k}, stride={stride}, padding={pad})")

    def _onnx_node(self, emit: Emitter, names: Sequence[str], window: dict[str, Any]) -> str:
        return emit.node("MaxPool", names, **window)


class AvgPool(Pool):
    """`avg_pool(k, stride = 1, padding)`: the mean over the pixels of the window that lie inside the map."""

    name: ClassVar[str] = "avg_pool"

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        k, stride, pad = self._window(attrs)
        arguments = f"{k}, stride={stride}, padding={pad}, count_include_pad=False"
        return TorchForm("", call=f"F.avg_pool2d({{x}}, {arguments})")

    def _onnx_node(self, emit: Emitter, names: Sequence[str], window: dict[str, Any]) -> str:
        return emit.node("AveragePool", names, count_include_pad=0, **window)


class GlobalAvgPool(Operation):
    """`global_avg_pool()`: the mean over all pixels, [N, C, 1, 1]."""

    name: ClassVar[str] = "global_avg_pool"

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return MapType(inputs[0].channels, (1, 1), Fraction(0))

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="F.adaptive_avg_pool2d({x}, 1)")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        return emit.node("GlobalAveragePool", names)

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.size == output.size

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


def _resize_onnx(emit: Emitter, x: str, size: tuple[int, int], channels: Number) -> str:
    """Bilinear resizing with corners aligned to a fixed size, batch free."""
    batch = emit.node("Shape", [x], start=0, end=1)
    count = channels.constant
    assert count is not None, "a network has no decisions"
    sizes = emit.node("Concat", [batch, emit.constant([int(count), *size])], axis=0)
    return emit.node("Resize", [x, "", "", sizes], mode="linear", coordinate_transformation_mode="align_corners")


class Resize(Operation):
    """`resize(scale)`: bilinear resizing by a factor, corners aligned; a size that comes out fractional is rounded
    down.
    """

    name: ClassVar[str] = "resize"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("scale"),)

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        height, width = spatial(inputs[0], self.name)
        scale = attrs["scale"].constant
        if scale is None or scale <= 0:
            raise RuleError(f"`resize` needs a positive constant scale, found {attrs['scale']}")
        size = (int(height * scale), int(width * scale))
        if min(size) < 1:
            raise RuleError(f"`resize` by {scale} leaves nothing of a map of {height}x{width}")
        return MapType(inputs[0].channels, size, inputs[0].rate / scale)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        scale = attrs["scale"].constant
        size = ", ".join(f"{{x}}.shape[{axis}] * {scale.numerator} // {scale.denominator}" for axis in (2, 3))
        size = size.replace(" * 1 ", " ").replace(" // 1,", ",").removesuffix(" // 1")
        return TorchForm("", call=f'F.interpolate({{x}}, ({size}), mode="bilinear", align_corners=True)')

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        assert output.size is not None, "the type rule gives a feature map"
        return _resize_onnx(emit, names[0], output.size, output.channels)

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.size == output.size

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class ResizeLike(Operation):
    """`resize_like(y)`: bilinear resizing to the size of another map, corners aligned."""

    name: ClassVar[str] = "resize_like"
    arity: ClassVar[int | None] = 2

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return MapType(inputs[0].channels, spatial(inputs[1], self.name), inputs[1].rate)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call='F.interpolate({x}, {y}.shape[2:], mode="bilinear", align_corners=True)')

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        assert output.size is not None, "the type rule gives a feature map"
        return _resize_onnx(emit, names[0], output.size, output.channels)

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.size == output.size

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class Shift(Operation):
    """`shift()`: the map moved by one pixel up and left, zeros entering: the second half of a factorized reduction."""

    name: ClassVar[str] = "shift"

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return inputs[0]

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call="F.pad({x}[:, :, 1:, 1:], (0, 1, 0, 1))")

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        cropped = emit.node("Slice", [names[0], *(emit.constant(v) for v in ([1, 1], [2**31, 2**31], [2, 3]))])
        return emit.node("Pad", [cropped, emit.constant([0, 0, 0, 0, 0, 0, 1, 1])])

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST

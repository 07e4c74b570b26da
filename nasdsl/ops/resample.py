"""Operations that change the size: pooling, resizing, shifting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

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

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,), each=elements(output) * 8, again=True)

    def _onnx_node(self, emit: Emitter, names: Sequence[str], window: dict[str, Any]) -> str:
        return emit.node("MaxPool", names, **window)


class AvgPool(Pool):
    """`avg_pool(k, stride = 1, padding)`: the mean over the pixels of the window that lie inside the map."""

    name: ClassVar[str] = "avg_pool"

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        k, stride, pad = self._window(attrs)
        arguments = f"{k}, stride={stride}, padding={pad}, count_include_pad=False"
        return TorchForm("", call=f"F.avg_pool2d({{x}}, {arguments})")

    def kept(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes) -> Kept:
        return Kept((0,), again=True)

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


def _bilinear(emit: Emitter, x: str, *, scales: str = "", sizes: str = "") -> str:
    """Bilinear resizing with corners aligned, by scales or to sizes."""
    # Below opset 13 inputs that are not read must be there, empty.
    nothing = "" if emit.opset >= 13 else emit.constant([], "float32")
    inputs = [x, nothing, scales or nothing, sizes]
    mode = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    return emit.node("Resize", inputs if sizes else inputs[:3], **mode)


def _resized_by(emit: Emitter, x: str, factors: tuple[Fraction, Fraction]) -> str | None:
    """Resizing by factors that a floating-point number holds exactly; None where the size could come out wrong.

    Engines run it faster than resizing to a size.
    """
    if all(factor == 1 for factor in factors):
        return x
    if any(Fraction(float(factor)) != factor or factor.numerator >= 2**10 for factor in factors):
        return None
    return _bilinear(emit, x, scales=emit.constant([1.0, 1.0, *map(float, factors)], "float32"))


def _resized_to(emit: Emitter, x: str, size: str) -> str:
    """Resizing to a size: a value of two numbers.

    All four sides are given: ONNX Runtime 1.31 mistakes sizes along `axes` in quantised models.
    """
    return _bilinear(emit, x, sizes=emit.node("Concat", [_sides(emit, x, 0, 2), size], axis=0))


def _sides(emit: Emitter, x: str, start: int, end: int) -> str:
    """Some of the sides of a map, as a value."""
    if emit.opset >= 15:
        return emit.node("Shape", [x], start=start, end=end)
    bounds = [emit.constant([bound]) for bound in (start, end)]
    return emit.node("Slice", [emit.node("Shape", [x]), *bounds])


def _resized(emit: Emitter, x: str, before: MapType, after: MapType) -> str:
    """Resizing from the size of one type to that of another."""
    assert before.size is not None, "the type rule takes a feature map"
    assert after.size is not None, "the type rule gives a feature map"
    factors = Fraction(after.size[0], before.size[0]), Fraction(after.size[1], before.size[1])
    return _resized_by(emit, x, factors) or _resized_to(emit, x, emit.constant(after.size))


class Resize(Operation):
    """`resize(scale)`: bilinear resizing by a factor, corners aligned; a size that comes out fractional is rounded
    down.
    """

    name: ClassVar[str] = "resize"
    opset: ClassVar[int] = 11  # Resize with corners aligned
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
        if not emit.free_size:
            return _resized(emit, names[0], inputs[0], output)
        scale = attrs["scale"].constant
        assert scale is not None, "the type rule wants a constant"
        x, (p, q) = names[0], ([scale.numerator] * 2, [scale.denominator] * 2)
        resized = _resized_by(emit, x, (scale, scale))
        if resized is not None:
            return resized
        times = emit.node("Mul", [_sides(emit, x, 2, 4), emit.constant(p)])
        return _resized_to(emit, x, emit.node("Div", [times, emit.constant(q)]))

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.size == output.size

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class ResizeLike(Operation):
    """`resize_like(y)`: bilinear resizing to the size of another map, corners aligned."""

    name: ClassVar[str] = "resize_like"
    opset: ClassVar[int] = 11  # Resize with corners aligned
    arity: ClassVar[int | None] = 2

    def type(self, inputs: Sequence[MapType], attrs: Attributes) -> MapType:
        spatial(inputs[0], self.name)
        return MapType(inputs[0].channels, spatial(inputs[1], self.name), inputs[1].rate)

    def torch(self, inputs: Sequence[MapType], output: MapType, attrs: Attributes, widths: Widths) -> TorchForm:
        return TorchForm("", call='F.interpolate({x}, {y}.shape[2:], mode="bilinear", align_corners=True)')

    def onnx(
        self, emit: Emitter, names: Sequence[str], inputs: Sequence[MapType], output: MapType, attrs: Attributes
    ) -> str:
        if emit.free_size:
            return _resized_to(emit, names[0], _sides(emit, names[1], 2, 4))
        return _resized(emit, names[0], inputs[0], output)

    def identity(self, x: MapType, output: MapType, attrs: Attributes) -> bool:
        return x.size == output.size

    def zero(self, attrs: Attributes, *, trained: bool = True) -> ZeroWhen:
        return ZeroWhen.FIRST


class Shift(Operation):
    """`shift()`: the map moved by one pixel up and left, zeros entering: the second half of a factorized reduction."""

    name: ClassVar[str] = "shift"
    opset: ClassVar[int] = 11  # Pad by an input

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

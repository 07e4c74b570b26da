"""ONNX models of this compiler as PyTorch modules, so that PyTorch's engines are given what the others are given.

A module is a `torch.fx` graph: its names are made here, nothing of the file gets into code. It knows the operations
that `nasdsl.lowering.onnx` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import fx, nn

from nasdsl.diagnostics.errors import NasError

Attributes = Mapping[str, Any]
Constants = Sequence[NDArray[Any] | None]
"""For each input its value, where that is known before the model runs."""


def torch_model(content: bytes, *, batch: int = 1) -> tuple[nn.Module, list[tuple[int, ...]]]:
    """The module that computes what an ONNX model does, and the shapes of its inputs.

    Args:
        content: The bytes of an ONNX file that this compiler wrote.
        batch: The first dimension of its inputs.

    Raises:
        NasError: The bytes are no ONNX model, or it has an operation that this compiler does not write.
    """
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # of protobuf
        raise NasError(f"it is no ONNX model: {error}") from None
    return _Conversion(model, batch).module()


class _Conversion:
    def __init__(self, model: onnx.ModelProto, batch: int) -> None:
        self.model = model
        self.batch = batch
        self.graph = fx.Graph()
        self.root = nn.Module()
        self.constants: dict[str, NDArray[Any]] = {
            item.name: numpy_helper.to_array(item) for item in model.graph.initializer
        }
        self.values: dict[str, fx.Node] = {}

    def module(self) -> tuple[nn.Module, list[tuple[int, ...]]]:
        shapes = []
        for place, item in enumerate(self.model.graph.input):
            self.values[item.name] = self.graph.placeholder(f"x{place}")
            shapes.append((self.batch, *(d.dim_value for d in item.type.tensor_type.shape.dim[1:])))
        for node in self.model.graph.node:
            self._add(node)
        self.graph.output(tuple(self.values[item.name] for item in self.model.graph.output))
        return fx.GraphModule(self.root, self.graph).eval(), shapes

    def _add(self, node: onnx.NodeProto) -> None:
        attrs = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        known = [self.constants.get(name) for name in node.input]
        if node.op_type == "Shape":  # of which only the batch matters: heights and widths are known, channels stay
            sides = [self.batch, -1, -1, -1][attrs.get("start", 0) : attrs.get("end")]
            self.constants[node.output[0]] = np.array(sides, dtype=np.int64)
        elif node.op_type in _FOLDED and all(value is not None for value in known):
            self.constants[node.output[0]] = _FOLDED[node.op_type](attrs, [v for v in known if v is not None])
        elif node.op_type in _OPERATIONS:
            target, args, kwargs = _OPERATIONS[node.op_type](attrs, known)
            reads = [self._value(name) for name in node.input[: args.count(_X)]]
            filled = iter(reads)
            arguments = tuple(next(filled) if arg is _X else self._listed(arg, node) for arg in args)
            self.values[node.output[0]] = self.graph.call_function(target, arguments, kwargs)
        else:
            raise NasError(
                f"`{node.op_type}` is no operation that nasdsl writes",
                help="PyTorch's devices measure models that `nasdsl export` or `nasdsl search` wrote",
            )

    def _listed(self, arg: Any, node: onnx.NodeProto) -> Any:
        return [self._value(name) for name in node.input] if arg is _ALL else arg

    def _value(self, name: str) -> fx.Node:
        """A map, or a weight, which becomes a buffer of the module."""
        if name not in self.values:
            place = f"w{sum(1 for _ in self.root.buffers())}"
            self.root.register_buffer(place, torch.from_numpy(np.array(self.constants[name])))
            self.values[name] = self.graph.get_attr(place)
        return self.values[name]


_X = object()
"""In arguments: the next input."""
_ALL = object()
"""In arguments: all inputs as a list."""

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def _conv(attrs: Attributes, known: Constants) -> Call:
    tops, bottoms = attrs["pads"][:2], attrs["pads"][2:]
    assert tops == bottoms, "the lowering pads both sides alike"
    window = {"stride": tuple(attrs["strides"]), "padding": tuple(tops), "dilation": tuple(attrs["dilations"])}
    return F.conv2d, (_X,) * len(known), window | {"groups": attrs["group"]}


def _pool(function: Callable[..., Any], **extra: Any) -> Callable[[Attributes, Constants], Call]:
    def call(attrs: Attributes, known: Constants) -> Call:
        window = {"stride": tuple(attrs["strides"]), "padding": tuple(attrs["pads"][:2])}
        return function, (_X, tuple(attrs["kernel_shape"])), window | extra

    return call


def _resize(attrs: Attributes, known: Constants) -> Call:
    arguments: dict[str, Any] = {"mode": "bilinear", "align_corners": True}
    if len(known) > 3 and known[3] is not None:
        return F.interpolate, (_X,), {"size": tuple(int(side) for side in known[3][2:]), **arguments}
    scales = known[2]
    assert scales is not None, "the lowering says sizes or scales"
    return F.interpolate, (_X,), {"scale_factor": tuple(float(scale) for scale in scales[2:]), **arguments}


def _reshape(attrs: Attributes, known: Constants) -> Call:
    shape = known[1]
    assert shape is not None, "the lowering knows every shape"
    return _shaped, (_X, tuple(int(side) for side in shape)), {}


def _slice(attrs: Attributes, known: Constants) -> Call:
    starts, ends, axes, *steps = ([] if value is None else value.tolist() for value in known[1:])
    cut = [slice(None)] * 4
    for place, axis in enumerate(axes):
        cut[axis] = slice(starts[place], ends[place], steps[0][place] if steps else 1)
    return _cut, (_X, tuple(cut)), {}


def _pad(attrs: Attributes, known: Constants) -> Call:
    pads = known[1]
    assert pads is not None, "the lowering knows every padding"
    half = len(pads) // 2
    # PyTorch wants pairs from the last axis on.
    pairs = [int(side) for axis in reversed(range(half)) for side in (pads[axis], pads[half + axis])]
    return F.pad, (_X, tuple(pairs)), {}


def _gathered(attrs: Attributes, known: Constants) -> Call:
    order = known[1]
    assert order is not None, "the lowering knows every order"
    return _ordered, (_X, attrs["axis"], tuple(order.tolist())), {}


def _normalised(attrs: Attributes, known: Constants) -> Call:
    return _batch_norm, (_X,) * 5, {"eps": attrs["epsilon"]}


def _instance_norm(attrs: Attributes, known: Constants) -> Call:
    return _instances, (_X,) * 3, {"eps": attrs["epsilon"]}


def _shaped(x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    return x.reshape([x.shape[axis] if side == 0 else side for axis, side in enumerate(shape)])


def _ordered(x: torch.Tensor, axis: int, order: tuple[int, ...]) -> torch.Tensor:
    return x.index_select(axis, torch.tensor(order, device=x.device))


def _cut(x: torch.Tensor, cut: tuple[slice, ...]) -> torch.Tensor:
    return x[cut]


def _batch_norm(x: Any, scale: Any, shift: Any, mean: Any, variance: Any, eps: float) -> torch.Tensor:
    return F.batch_norm(x, mean, variance, scale, shift, eps=eps)


def _instances(x: Any, scale: Any, shift: Any, eps: float) -> torch.Tensor:
    return F.instance_norm(x, weight=scale, bias=shift, eps=eps)


def _simple(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[Attributes, Constants], Call]:
    return lambda attrs, known: (function, args, kwargs)


_OPERATIONS: dict[str, Callable[[Attributes, Constants], Call]] = {
    "Add": _simple(torch.add, _X, _X),
    "AveragePool": _pool(F.avg_pool2d, count_include_pad=False),
    "BatchNormalization": _normalised,
    "Concat": lambda attrs, known: (torch.cat, (_ALL,), {"dim": attrs["axis"]}),
    "Conv": _conv,
    "Flatten": _simple(torch.flatten, _X, 1),
    "Gather": _gathered,
    "Gemm": lambda attrs, known: (F.linear, (_X,) * len(known), {}),
    "GlobalAveragePool": _simple(F.adaptive_avg_pool2d, _X, 1),
    "Identity": _simple(torch.clone, _X),
    "InstanceNormalization": _instance_norm,
    "MaxPool": _pool(F.max_pool2d),
    "Mul": _simple(torch.mul, _X, _X),
    "Pad": _pad,
    "Relu": _simple(torch.relu, _X),
    "Reshape": _reshape,
    "Resize": _resize,
    "Slice": _slice,
    "Transpose": lambda attrs, known: (torch.permute, (_X, tuple(attrs["perm"])), {}),
}
_FOLDED: dict[str, Callable[[Attributes, list[NDArray[Any]]], NDArray[Any]]] = {
    "Concat": lambda attrs, known: np.concatenate(known, axis=attrs["axis"]),
    "Reshape": lambda attrs, known: known[0].reshape(known[1].tolist()),
}

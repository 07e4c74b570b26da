"""FasterSeg's lookup table (Chen et al., ICLR 2020): operators on a GTX 1080 Ti with TensorRT.

A JSON object of names such as `BasicResidual2x_H128_W256_Cin32_Cout48_stride1_dilation1` and milliseconds. An operator
becomes the block of the same layers, as `spaces/fasterseg.nas` has it. The table knows nothing of the concatenations
and resizings of the refining head, which are free in it, and it was measured on variants of the operators: nearest
neighbours instead of bilinear resizing, and one 1x1 convolution for the skip with stride 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published.files import json_object
from nasdsl.hardware.table import Entry, Table
from nasdsl.ir.graph import Graph

DEVICE = "tensorrt_fp32"
MACHINE = "NVIDIA GeForce GTX 1080 Ti, TensorRT"
SOURCE = "FasterSeg's lookup table for GTX 1080 Ti with TensorRT"
BLOCKS = ("zoomed", "zoomed2x", "conv2x", "stay", "head")
FREE = ("resize", "resize_like", "concat")
UP = 8
"""How much the head enlarges its map in the end."""

_NAME = re.compile(
    r"(?P<kind>[A-Za-z_0-9]+?)_H(?P<h>\d+)_W(?P<w>\d+)(?:_Cin(?P<cin>\d+)_Cout(?P<cout>\d+)|_C(?P<c>\d+))"
    r"(?:_kernel(?P<k>\d))?(?:_stride(?P<stride>[12]))?(?:_dilation1)?"
)


def read(path: Path, device: str | None = None, space: Graph | None = None) -> Table:
    """The table, each operator under its own name.

    Raises:
        NasError: The file is not in this form.
    """
    return _table(path, json_object(path), SOURCE)


def read_as_coded(path: Path, device: str | None = None, space: Graph | None = None) -> Table:
    """The table as the public code of FasterSeg reads it: a zoomed pair of convolutions is looked up as one that is not
    zoomed.

    Raises:
        NasError: The file is not in this form.
    """
    own = json_object(path)
    as_coded = {name: own.get(name.replace("_downup_2x_", "2x_"), value) for name, value in own.items()}
    return _table(path, as_coded, f"{SOURCE}, as the public code reads it")


def _table(path: Path, content: Mapping[str, object], source: str) -> Table:
    entries: dict[str, Entry] = {}
    # What a skip is equal to in layers may be measured under two names; that of the operator itself counts.
    for name, ms in sorted(content.items(), key=lambda item: item[0].startswith("FactorizedReduce"), reverse=True):
        if not isinstance(ms, int | float) or isinstance(ms, bool):
            raise NasError(f"{path}: `{name}`: expected milliseconds, found {ms!r}")
        entries[_text(path, name)] = Entry(ms=ms)
    return Table(device=DEVICE, machine=MACHINE, source=source, threads=1, blocks=BLOCKS, free=FREE, entries=entries)


def _text(path: Path, name: str) -> str:
    """What an entry is called here."""
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] not in _FORMS:
        raise NasError(f"{path}: `{name}` is no operator of FasterSeg", help=f"expected {', '.join(_FORMS)}")
    height, width = int(found["h"]), int(found["w"])
    cin, cout = (int(found["cin"] or found["c"]), int(found["cout"] or found["c"]))
    steps = _FORMS[found["kind"]](_Maps(height, width, cin, cout, int(found["stride"] or 1), int(found["k"] or 1)))
    return "; ".join(steps)


class _Maps:
    """The maps of an operator, as texts."""

    def __init__(self, height: int, width: int, cin: int, cout: int, stride: int, k: int) -> None:
        self.stride, self.k = stride, k
        self.x, self.y = f"{cin}x{height}x{width}", f"{cout}x{height // stride}x{width // stride}"
        self.half_x, self.half_y = f"{cin}x{height // 2}x{width // 2}", f"{cout}x{height // 2}x{width // 2}"
        self.part = f"{cout // 2}x{height // stride}x{width // stride}"
        self.mid, self.up = self.x, f"{cout}x{height * UP}x{width * UP}"

    def conv(self, source: str, target: str, k: int = 3, stride: int = 1, relu: str = " relu") -> str:
        strided = f" stride={stride}" if stride > 1 else ""
        return f"conv k={k}{strided}{relu} {source} -> {target}"


def _conv(m: _Maps) -> Iterator[str]:
    yield m.conv(m.x, m.y, stride=m.stride)


def _conv2x(m: _Maps) -> Iterator[str]:
    yield m.conv(m.x, m.y, stride=m.stride)
    yield m.conv(m.y, m.y)


def _zoomed(m: _Maps, twice: bool = False) -> Iterator[str]:
    yield f"resize {m.x} -> {m.half_x}"
    if twice:
        yield m.conv(m.half_x, m.half_y)
    last = "" if m.stride == 1 else " relu"
    yield m.conv(m.half_y if twice else m.half_x, m.half_y, relu=last)
    if m.stride == 1:
        yield f"resize {m.half_y} -> {m.y}"
        yield f"relu {m.y} -> {m.y}"


def _stay(m: _Maps) -> Iterator[str]:
    if m.stride == 1:
        yield m.conv(m.x, m.y, k=1)
        return
    yield m.conv(m.x, m.part, k=1, stride=2, relu="")
    yield f"shift {m.x} -> {m.x}"
    yield m.conv(m.x, m.part, k=1, stride=2, relu="")
    yield f"concat {m.part} + {m.part} -> {m.y}"
    yield f"bn relu {m.y} -> {m.y}"


def _conv_norm(m: _Maps) -> Iterator[str]:
    yield m.conv(m.x, m.y, k=m.k, stride=m.stride)


def _head(m: _Maps) -> Iterator[str]:
    yield m.conv(m.x, m.x)
    yield m.conv(m.x, m.y, k=1, relu="")
    yield f"resize {m.y} -> {m.up}"


_FORMS: dict[str, Callable[[_Maps], Iterator[str]]] = {
    "BasicResidual1x": _conv,
    "BasicResidual2x": _conv2x,
    "BasicResidual_downup_1x": _zoomed,
    "BasicResidual_downup_2x": lambda m: _zoomed(m, twice=True),
    "FactorizedReduce": _stay,
    "ConvNorm": _conv_norm,
    "ff": lambda m: iter([m.conv(m.x, m.x, k=1)]),
    "head": _head,
}

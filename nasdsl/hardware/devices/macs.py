"""No hardware: multiply-accumulates, times one number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import isfinite, prod
from pathlib import Path
from typing import Any, ClassVar

import onnx

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import expanded
from nasdsl.hardware.device import Measurement, device_name
from nasdsl.hardware.named import how_to_name
from nasdsl.hardware.table import load_table
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.kernels import Signature, Step
from nasdsl.types import MapType


class Macs:
    """A latency that is proportional to the MACs; what has none costs nothing.

    Args:
        name: What it is called.
        threads: Must be those of the table, where one is given.
        batch: Images that are computed at once.
        precision: Only "fp32".
        ns_per_mac: The scale, in nanoseconds.
        table: Instead of it, a lookup table whose total time, over its total MACs, is the scale.

    Raises:
        NasError: Neither or both are given (status 2), or the table has no MACs or cannot be read.
    """

    kind: ClassVar[str] = "macs"
    options: ClassVar[tuple[str, ...]] = ("ns_per_mac", "table")

    def __init__(
        self,
        *,
        name: str = "macs",
        threads: int = 1,
        batch: int = 1,
        precision: str = "fp32",
        ns_per_mac: float | None = None,
        table: str | Path | None = None,
    ) -> None:
        if precision != "fp32":
            raise NasError(f"`{name}` knows no precision: there are as many MACs in {precision}", status=2)
        if (ns_per_mac is None) == (table is None):
            raise NasError(
                f"`{name}` needs its scale: `ns_per_mac`, or a lookup table to take it from",
                help=how_to_name("flat", "macs", ns_per_mac=0.05),
                status=2,
            )
        self.name = device_name(name, batch=batch)
        self.threads, self.batch, self.precision = threads, batch, precision
        self._source = "given"
        if table is not None:
            ns_per_mac, self._source = _fitted(expanded(table), threads)
        self.ns_per_mac = _scale(ns_per_mac)

    def describe(self) -> str:
        """The scale, and where it comes from."""
        return f"{self.ns_per_mac:.6g} ns for each multiply-accumulate, {self._source}"

    def libraries(self) -> Mapping[str, str]:
        """None computes anything."""
        return {}

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        """The scaled MACs of kernels, whatever the footprint."""
        for signature in signatures:
            ms = round(self._ms(macs(signature.steps, signature.inputs)), 6)
            yield signature.text, Measurement(ms, ms, 1)

    def measure_model(self, path: str | Path) -> float:
        """The scaled MACs of an ONNX file's convolutions and linear layers.

        Raises:
            NasError: The file is no ONNX model with known sizes.
        """
        try:
            model = onnx.shape_inference.infer_shapes(onnx.load_from_string(Path(path).read_bytes()), strict_mode=True)
            return self._ms(_model_macs(model.graph))
        except OSError as error:
            raise NasError(f"cannot read {path}: {error.strerror}") from None
        except Exception as error:  # protobuf and ONNX raise classes of their own
            raise NasError(f"{path} is not an ONNX model whose MACs can be counted: {error}") from None

    def measure_models(self, paths: Sequence[str | Path]) -> list[float]:
        """The scaled MACs of ONNX files, each as `measure_model`."""
        return [self.measure_model(path) for path in paths]

    def _ms(self, count: int) -> float:
        return count * self.batch * self.ns_per_mac / 1e6


def macs(steps: Iterable[Step], inputs: Iterable[MapType]) -> int:
    """The multiply-accumulates of a kernel for one image; its numbers are constants."""
    total, types = Fraction(0), list(inputs)
    for op, attrs in steps:
        output = OPERATIONS[op].type(types, attrs)
        total += OPERATIONS[op].macs(types, output, attrs).evaluate(_undecided)
        types = [output]
    return int(total)


def macs_of(text: str) -> int:
    """The multiply-accumulates of a kernel for one image, from its signature's text.

    >>> macs_of("conv k=3 stride=2 relu 32x128x256 -> 64x64x128"), macs_of("max_pool k=3 8x8x8 -> 8x8x8")
    (150994944, 0)
    """
    left, _, right = text.partition(" -> ")
    name, *words = left.split()
    operation = OPERATIONS[name]
    attrs: dict[str, Any] = {
        item.name: Number.of(item.default) if isinstance(item.default, int) else item.default
        for item in operation.parameters
    }
    attrs |= {key: Number.of(Fraction(value)) for key, equals, value in (w.partition("=") for w in words) if equals}
    output = _type(right)
    types = [_type(word) for word in words if re.fullmatch(r"\d+(x\d+x\d+)?", word)]
    return int(operation.macs(types, output, attrs | {"c": output.channels}).evaluate(_undecided))


def _type(text: str) -> MapType:
    channels, *size = (int(side) for side in text.split("x"))
    return MapType(Number.of(channels), (size[0], size[1]) if size else None, Fraction(1))


def _undecided(symbol: str) -> Fraction:
    raise AssertionError(f"a signature has no decisions, found {symbol}")


def _scale(ns_per_mac: Any) -> float:
    try:
        scale = float(ns_per_mac)
    except ValueError:
        scale = 0.0
    if not (isfinite(scale) and scale > 0):
        raise NasError(f"ns_per_mac = {ns_per_mac!r}: a number of nanoseconds above 0 is needed", status=2)
    return scale


def _fitted(path: Path, threads: int) -> tuple[float, str]:
    table = load_table(path, threads=threads)
    try:
        counts = {text: macs_of(text) for text in table.latency_ms}
    except (KeyError, ValueError, IndexError) as error:
        raise NasError(f"{path} has an entry that is no signature of a kernel: {error}") from None
    if not sum(counts.values()):
        raise NasError(f"{path} has no entry with MACs, so no scale", help="profile a space with convolutions first")
    scale = sum(table.latency_ms.values()) * 1e6 / sum(counts.values())
    return scale, f"from {len(counts)} kernels on {table.device}, {table.machine}"


def _model_macs(graph: onnx.GraphProto) -> int:
    shapes = {
        item.name: [side.dim_value for side in item.type.tensor_type.shape.dim]
        for item in (*graph.input, *graph.value_info, *graph.output)
    }
    weights = {item.name: list(item.dims) for item in graph.initializer}
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            total += prod(shapes[node.output[0]][2:]) * prod(weights[node.input[1]])
        elif node.op_type == "Gemm":
            total += prod(weights[node.input[1]])
    return total

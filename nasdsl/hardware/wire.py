"""What goes over the network between a remote device and who uses it: JSON, checked and bounded on both sides."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Measurement
from nasdsl.hardware.passage import MOST_BYTES
from nasdsl.ir.graph import Attribute
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import RuleError
from nasdsl.passes.kernels import Signature, Step
from nasdsl.types import MapType

PORT = 8517
"""Where a device is served unless said otherwise."""
DEVICE, KERNELS, MODEL = "/v1/device", "/v1/kernels", "/v1/model"
"""What can be asked for: what the device is; kernels measured; a model measured."""
MOST_KERNELS = 8
"""Kernels in one request: those that are measured in turn."""
MOST_JSON = 2**20
"""Bytes of a document."""
MOST_MODEL = 2**28
"""Bytes of an ONNX model."""
MOST_NUMBERS = 2**28
"""Numbers in the maps and weights of a kernel and its neighbours."""
MOST_MACS = 2**38
"""Multiply-accumulates of a kernel: some seconds of a slow processor."""

Ratio = Annotated[str, Field(pattern=r"^\d{1,6}(/[1-9]\d{0,5})?$")]
"""A number from 0, exact."""
Side = Annotated[int, Field(ge=1, le=2**16)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MapWire(_Wire):
    """A map that a kernel reads."""

    channels: Side
    height: Side | None = None
    width: Side | None = None
    rate: Ratio


class NumberWire(_Wire):
    """An integer attribute."""

    number: Ratio


class FractionWire(_Wire):
    """An attribute that is no integer."""

    fraction: Ratio


class StepWire(_Wire):
    """An operation with its attributes."""

    op: Annotated[str, Field(max_length=64)]
    attrs: Annotated[dict[str, bool | NumberWire | FractionWire], Field(max_length=16)]


class KernelWire(_Wire):
    """A kernel without its name, which the server has no use for."""

    steps: Annotated[list[StepWire], Field(min_length=1, max_length=16)]
    inputs: Annotated[list[MapWire], Field(min_length=1, max_length=64)]


class KernelsWire(_Wire):
    """A request: measure these in turn; see `nasdsl.hardware.device.Device.measure`."""

    kernels: Annotated[list[KernelWire], Field(min_length=1, max_length=MOST_KERNELS)]
    footprint: Annotated[int, Field(ge=0, le=MOST_BYTES)] = 0


class MeasurementWire(_Wire):
    """What a kernel takes; see `nasdsl.hardware.device.Measurement`."""

    ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    alone_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    rounds: Annotated[int, Field(ge=1)]

    def measurement(self) -> Measurement:
        """The same, as devices say it."""
        return Measurement(self.ms, self.alone_ms, self.rounds)


class MeasurementsWire(_Wire):
    """The answer, in the order of the request."""

    measurements: list[MeasurementWire]


class ModelWire(_Wire):
    """What a model takes."""

    ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class DeviceWire(_Wire):
    """What the device is."""

    device: str
    machine: str
    threads: int
    batch: int
    precision: str
    libraries: dict[str, str]


class ErrorWire(_Wire):
    """Why there is no answer."""

    error: str
    help: str | None = None


def to_wire(signature: Signature) -> KernelWire:
    """A kernel, to be sent."""
    inputs = []
    for x in signature.inputs:
        height, width = x.size or (None, None)
        inputs.append(MapWire(channels=int(_constant(x.channels)), height=height, width=width, rate=str(x.rate)))
    steps = [
        StepWire(op=op, attrs={key: _sent(value) for key, value in attrs.items()}) for op, attrs in signature.steps
    ]
    return KernelWire(steps=steps, inputs=inputs)


def from_wire(kernel: KernelWire, text: str) -> Signature:
    """A kernel that was sent; its operations are ours, their rules hold, and it is not too large.

    Raises:
        NasError: It is not so.
    """
    inputs = tuple(_map(x) for x in kernel.inputs)
    steps: tuple[Step, ...] = tuple(
        (step.op, {key: _received(value) for key, value in step.attrs.items()}) for step in kernel.steps
    )
    try:
        numbers, macs = _size(steps, inputs)
    except RuleError as error:
        raise NasError(f"{text}: {error.message}") from None
    except (KeyError, ValueError, ArithmeticError, AttributeError, TypeError, AssertionError, IndexError):
        raise NasError(f"{text} is no kernel that nasdsl can measure") from None
    for what, found, most in (("numbers", numbers, MOST_NUMBERS), ("MACs", macs, MOST_MACS)):
        if found > most:
            raise NasError(f"{text} is too large: {found:,} {what}, at most {most:,} are allowed")
    return Signature(text, steps, inputs)


def _size(steps: tuple[Step, ...], inputs: tuple[MapType, ...]) -> tuple[int, int]:
    """How many numbers a kernel's maps and weights hold, and those of its neighbours; and its MACs."""
    types, weights, macs = list(inputs), 0, 0
    for op, attrs in steps:
        output = OPERATIONS[op].type(types, attrs)
        weights += int(_constant(OPERATIONS[op].params(types, output, attrs)))
        macs += int(_constant(OPERATIONS[op].macs(types, output, attrs)))
        types = [output]
    sides = [(int(_constant(x.channels)), x.size or ()) for x in (*inputs, *types)]
    held = sum(2 * channels * prod(size) + channels * channels for channels, size in sides)
    return weights + held, macs


def _map(x: MapWire) -> MapType:
    size = (x.height, x.width) if x.height is not None and x.width is not None else None
    return MapType(Number.of(x.channels), size, Fraction(x.rate))


def _sent(value: Attribute) -> bool | NumberWire | FractionWire:
    if isinstance(value, bool):
        return value
    if isinstance(value, Number):
        return NumberWire(number=str(_constant(value)))
    assert isinstance(value, Fraction), "only externs have texts, and they are not measured"
    return FractionWire(fraction=str(value))


def _received(value: bool | NumberWire | FractionWire) -> Attribute:
    if isinstance(value, NumberWire):
        return Number.of(Fraction(value.number))
    return Fraction(value.fraction) if isinstance(value, FractionWire) else value


def _constant(number: Number) -> Fraction:
    value = number.constant
    assert value is not None, "a signature has no decisions"
    return value

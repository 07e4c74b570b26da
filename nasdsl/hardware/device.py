"""What a device is to the compiler: something that measures kernels and whole networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.kernels import Signature


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long a kernel takes.

    Attributes:
        ms: What it adds to a network, in ms: measured between neighbours.
        alone_ms: What it takes by itself, in ms.
        rounds: How often it was run; the minimum counts.
    """

    ms: float
    alone_ms: float
    rounds: int


class Device(Protocol):
    """A device, or an inference engine on one, with fixed settings."""

    name: str
    """What .nas files call it, as in `latency(ort_cpu)`."""
    threads: int
    """Threads that one operation may use."""

    def describe(self) -> str:
        """The machine, for people."""

    def libraries(self) -> Mapping[str, str]:
        """Versions of what does the computing."""

    def measure(self, signatures: Iterable[Signature]) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels at batch 1, one after the other; yields each one's text with its measurement."""

    def measure_model(self, path: str | Path) -> float:
        """The latency of a whole ONNX model at batch 1, in ms."""


DEVICES = {"ort_cpu": "nasdsl.hardware.ort_cpu:OrtCpu"}
"""Where the devices are, by name."""


def open_device(name: str, *, threads: int = 1) -> Device:
    """The device that .nas files call so.

    Raises:
        NasError: There is none of this name (status 2), or what it needs is not installed (status 3).
    """
    if name not in DEVICES:
        raise NasError(
            f"`{name}` cannot be measured here; devices that can: {', '.join(sorted(DEVICES))}",
            help="measure on one of them, or give a lookup table that was made elsewhere: --table FILE",
            status=2,
        )
    module, _, attribute = DEVICES[name].partition(":")
    try:
        device: Device = getattr(import_module(module), attribute)(threads=threads)
    except ImportError as error:
        raise NasError(f"`{name}` needs {error.name}", help="pip install 'nasdsl[all]'", status=3) from None
    return device

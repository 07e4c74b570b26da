"""What a device is to the compiler: something that measures kernels and whole networks; and where devices are found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.named import named_devices
from nasdsl.passes.kernels import Signature


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long a kernel takes.

    Attributes:
        ms: What it adds to a network, in ms: measured between neighbours.
        alone_ms: What it takes by itself, in ms.
        rounds: How often it was run; the minimum counts.
        energy_mj: What it adds to the energy of a network, in mJ; None where that was not asked for.
    """

    ms: float
    alone_ms: float
    rounds: int
    energy_mj: float | None = None


class Device(Protocol):
    """A device, or an inference engine on one, with fixed settings: two that differ in any of these are two devices.

    To have it measured by the compiler, derive from `nasdsl.hardware.engine.Engine` instead of writing all of this.
    """

    name: str
    """What .nas files call it, as in `latency(ort_cpu)`; see `device_name`."""
    threads: int
    """Threads that one operation may use."""
    batch: int
    """Images that are computed at once; latencies are those of the whole batch."""
    precision: str
    """Of weights and maps: "fp32", "fp16" or "bf16"."""

    def describe(self) -> str:
        """The machine, for people."""

    def libraries(self) -> Mapping[str, str]:
        """Versions of what does the computing."""

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels; yields each one's text with its measurement as soon as it is there.

        Args:
            signatures: The kernels.
            footprint: The bytes that go through the caches of a processor between two uses of a kernel, as many as
                the networks hold in which it is to be used (see `nasdsl.hardware.footprint`).
        """

    def measure_model(self, path: str | Path) -> float:
        """The latency of a whole ONNX model, in ms."""

    def measure_models(self, paths: Sequence[str | Path]) -> list[float]:
        """The latencies of whole ONNX models, in ms; where measurements drift, the models take turns."""


class Known(NamedTuple):
    """Where a device of ours is, and what makes pip install what it needs."""

    target: str
    install: str


_ROOM = "nasdsl.hardware.devices"
DEVICES = {
    "cuda": Known(f"{_ROOM}.cuda:Cuda", "'nasdsl[all]'"),
    "macs": Known(f"{_ROOM}.macs:Macs", "'nasdsl[all]'"),
    "ncnn_cpu": Known(f"{_ROOM}.ncnn_cpu:NcnnCpu", "'nasdsl[all,ncnn]'"),
    "openvino_cpu": Known(f"{_ROOM}.openvino_cpu:OpenvinoCpu", "'nasdsl[all,openvino]'"),
    "ort_cpu": Known(f"{_ROOM}.ort_cpu:OrtCpu", "'nasdsl[all]'"),
    "ort_cuda": Known(f"{_ROOM}.ort_cuda:OrtCuda", "onnxruntime-gpu"),
    "remote": Known(f"{_ROOM}.remote:Remote", "'nasdsl[all]'"),
    "tensorrt": Known(f"{_ROOM}.tensorrt:TensorRT", "tensorrt"),
    "torch_compile_cpu": Known(f"{_ROOM}.torch_compile_cpu:TorchCompileCpu", "'nasdsl[all]'"),
    "torch_cpu": Known(f"{_ROOM}.torch_cpu:TorchCpu", "'nasdsl[all]'"),
}
"""The devices of this package, by name."""

ENTRY_POINTS = "nasdsl.devices"
"""The group of entry points under which other packages name theirs: a class, made as those here are."""


def device_names() -> list[str]:
    """Every device that can be named here, sorted: ours, those of other packages, and those that the user has named."""
    return sorted({*DEVICES, *_others(), *named_devices()})


def device_name(kind: str, *, batch: int = 1, precision: str = "fp32") -> str:
    """The name of a device with its settings; those that are usual are left out.

    >>> device_name("ort_cpu"), device_name("cuda", batch=8, precision="fp16")
    ('ort_cpu', 'cuda_fp16_b8')
    """
    return kind + (f"_{precision}" if precision != "fp32" else "") + (f"_b{batch}" if batch != 1 else "")


def open_device(name: str, *, threads: int = 1, **options: Any) -> Device:
    """The device that .nas files call so.

    Args:
        name: A device, perhaps with its precision and batch behind it: `ort_cpu`, `cuda_fp16`, `openvino_cpu_bf16_b4`.
        threads: Threads that one operation may use.
        options: What is the device's own, such as `timeout_s`; given ones win over those that the user has stored.

    Raises:
        NasError: There is none of this name, or it cannot be set so (status 2), or what it needs is not here (3).
    """
    base, settings = split_name(name)
    stored = named_devices().get(base)
    kind = stored.device if stored else base
    found = _load(kind)
    options = (dict(stored.options) if stored else {}) | options
    own = tuple(getattr(found, "options", ()))
    for option in options:
        if option not in own:
            raise NasError(
                f"`{kind}` has no option `{option}`" + (f", which `{base}` has stored" if stored else ""),
                help=f"its options: {', '.join(own)}" if own else "it has no options",
                status=2,
            )
    device: Device = found(name=base, threads=threads, **settings, **options)
    return device


def device_here(name: str, *, threads: int = 1) -> Device | None:
    """The device of this name, if it can measure on this machine."""
    try:
        return open_device(name, threads=threads)
    except NasError:
        return None


def split_name(name: str) -> tuple[str, dict[str, Any]]:
    """A name without precision and batch, and these where the name says them.

    >>> split_name("ort_cpu"), split_name("openvino_cpu_bf16_b4")
    (('ort_cpu', {}), ('openvino_cpu', {'precision': 'bf16', 'batch': 4}))

    Raises:
        NasError: No device can be named so.
    """
    known = device_names()
    if name in known:
        return name, {}
    found = re.fullmatch(r"(\w+?)(?:_(fp16|bf16))?(?:_b([1-9]\d{0,3}))?", name)
    if found is None or found[1] not in known:
        raise unknown_device(name)
    settings = {"precision": found[2], "batch": int(found[3]) if found[3] else None}
    return found[1], {key: value for key, value in settings.items() if value is not None}


def settings_of(name: str) -> tuple[int | None, str | None]:
    """The batch and the precision that a name says; None for both where it is the name of no device here.

    >>> settings_of("ort_cpu"), settings_of("cuda_fp16"), settings_of("raspi4")
    ((1, 'fp32'), (1, 'fp16'), (None, None))
    """
    try:
        _, settings = split_name(name)
    except NasError:
        return None, None
    return settings.get("batch", 1), settings.get("precision", "fp32")


def unknown_device(name: str) -> NasError:
    """The message that nothing here is called so."""
    return NasError(
        f"`{name}` cannot be measured here; devices that can be named: {', '.join(device_names())}",
        help="`nasdsl devices` says which of them run here; a lookup table that was made elsewhere: --table FILE",
        status=2,
    )


def _load(kind: str) -> Any:
    """The class of a device."""
    if kind not in DEVICES:
        entry = _others().get(kind)
        if entry is None:
            raise unknown_device(kind)
        try:
            return entry.load()
        except (ImportError, AttributeError) as error:
            raise NasError(f"`{kind}` ({entry.value}) cannot be loaded: {error}", status=3) from None
    module, _, attribute = DEVICES[kind].target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise NasError(
            f"`{kind}` needs {error.name or error}", help=f"pip install {DEVICES[kind].install}", status=3
        ) from None


def _others() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}

"""ONNX Runtime on the processor."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Measurement
from nasdsl.hardware.neighbours import surroundings
from nasdsl.passes.kernels import Signature

LEAST_MS = 4.0
"""How long a kernel is measured at least."""
MOST_MS = 120.0
"""How long at most, once it has run `LEAST_ROUNDS` times."""
LEAST_ROUNDS = 6
STEADY_ROUNDS = 12
"""A minimum that nothing has lowered by a percent for so many rounds is taken."""


class OrtCpu:
    """ONNX Runtime with the CPU provider, all graph optimisations on, and threads that sleep while they wait.

    Args:
        threads: Threads that one operation may use.
    """

    name = "ort_cpu"

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._cache = _Cache()
        self._cached = lru_cache(maxsize=64)(self._session)

    def describe(self) -> str:
        """The processor, and how many cores the machine has."""
        return f"{_processor()}, {platform.machine()}, {platform.system()}"

    def libraries(self) -> Mapping[str, str]:
        """The version of ONNX Runtime."""
        return {"onnxruntime": ort.__version__}

    def measure(self, signatures: Iterable[Signature]) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels at batch 1 (see `nasdsl.hardware.neighbours`)."""
        for signature in signatures:
            yield signature.text, self._measure(signature)

    def measure_model(self, path: str | Path) -> float:
        """The latency of an ONNX file at batch 1, in ms: the minimum over at least 20 runs and half a second.

        Raises:
            NasError: The file cannot be read or run.
        """
        try:
            session = self._session(Path(path).read_bytes())
        except OSError as error:
            raise NasError(f"cannot read {path}: {error.strerror}") from None
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise NasError(f"{path} is not an ONNX model that ONNX Runtime can run: {error}") from None
        return _minima([session], least_ms=500, most_ms=3000, least_rounds=20)[0][0]

    def _measure(self, signature: Signature) -> Measurement:
        models = surroundings(signature)
        sessions = [
            self._session(models.alone),
            self._cached(models.before),
            self._cached(models.after),
            self._session(models.between),
        ]
        best, rounds = _minima(
            sessions, least_ms=LEAST_MS, most_ms=MOST_MS, least_rounds=LEAST_ROUNDS, cache=self._cache
        )
        alone, before, after, between = best
        ms = models.latency_ms(alone, before, after, between)
        return Measurement(round(ms, 6), round(alone, 6), rounds)

    def _session(self, content: bytes) -> _Session:
        return _Session(content, self.threads)


class _Session:
    """A model that is ready to run on random input at batch 1."""

    def __init__(self, content: bytes, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait make other sessions slow.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        generator = np.random.default_rng(0)
        self._binding = self._session.io_binding()
        self._inputs: list[Any] = []
        for item in self._session.get_inputs():
            array = generator.standard_normal((1, *item.shape[1:]), dtype=np.float32)
            self._inputs.append(ort.OrtValue.ortvalue_from_numpy(array))
            self._binding.bind_ortvalue_input(item.name, self._inputs[-1])
        self._outputs: list[Any] = []
        for item in self._session.get_outputs():
            self._outputs.append(ort.OrtValue.ortvalue_from_shape_and_type([1, *item.shape[1:]], np.float32))
            self._binding.bind_ortvalue_output(item.name, self._outputs[-1])

    def run_ms(self) -> float:
        """Run once; how long it took, in ms."""
        start = time.perf_counter()
        self._session.run_with_iobinding(self._binding)
        return (time.perf_counter() - start) * 1000


class _Cache:
    """The cache of a core, which the rest of a network leaves full of other things.

    In a network a kernel finds its input in the cache, made just before, but not its weights, last used one inference
    ago. A model that runs over and over finds both.
    """

    def __init__(self) -> None:
        self._content = np.zeros(2 * _cache_bytes(), dtype=np.uint8)

    def displace(self) -> None:
        """Fill it with something else."""
        self._content += 1


def _minima(
    sessions: Sequence[_Session], *, least_ms: float, most_ms: float, least_rounds: int, cache: _Cache | None = None
) -> tuple[list[float], int]:
    """The minimal latency of each session in ms over interleaved rounds, and the number of rounds.

    With a cache, that is displaced before every run.
    """

    def once(session: _Session) -> float:
        if cache is not None:
            cache.displace()
        return session.run_ms()

    for session in sessions:
        session.run_ms()
    best = [once(session) for session in sessions]
    spent, rounds, steady = sum(best), 1, 0
    while rounds < least_rounds or (spent < most_ms and (spent < least_ms or steady < STEADY_ROUNDS)):
        found = [once(session) for session in sessions]
        lowered = any(new < 0.99 * old for new, old in zip(found, best, strict=True))
        best = [min(pair) for pair in zip(found, best, strict=True)]
        steady = 0 if lowered else steady + 1
        spent += sum(found)
        rounds += 1
    return best, rounds


def _cache_bytes() -> int:
    """The size of a core's own second-level cache; 1 MiB where the system does not say."""
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cache/index2/size").read_text().strip()
        return int(text.removesuffix("K")) * 1024
    except (OSError, ValueError):
        return 2**20


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )

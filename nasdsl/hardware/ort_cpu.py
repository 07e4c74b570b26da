"""ONNX Runtime on the processor."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Measurement
from nasdsl.hardware.neighbours import Surroundings, surroundings
from nasdsl.lowering.metadata import declared_sizes
from nasdsl.passes.kernels import Signature

BATCH = 8
"""How many kernels are measured in turn: their models use about as much memory as a small network, so that weights are
as cold as there. One at a time, large kernels come out too fast; with 48, small ones too slow."""
BATCH_BYTES = 2**28
"""How much memory their weights and maps may take together; a single kernel may take more."""
LEAST_ROUNDS = 12
MOST_ROUNDS = 40
STEADY_ROUNDS = 6
"""Rounds after which the minima are taken: in so many, not one in a hundred sank by more than two percent."""


class OrtCpu:
    """ONNX Runtime with the CPU provider, all graph optimisations on, and threads that sleep while they wait.

    Args:
        threads: Threads that one operation may use.
    """

    name = "ort_cpu"

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def describe(self) -> str:
        """The processor, its architecture and the operating system."""
        return f"{_processor()}, {platform.machine()}, {platform.system()}"

    def libraries(self) -> Mapping[str, str]:
        """The version of ONNX Runtime."""
        return {"onnxruntime": ort.__version__}

    def measure(self, signatures: Iterable[Signature]) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels at batch 1 (see `nasdsl.hardware.neighbours`), many in turn, so that each finds the caches as
        the rest of a network leaves them; the minimum over the rounds counts.
        """
        batch: list[tuple[Signature, Surroundings]] = []
        for signature in signatures:
            batch.append((signature, surroundings(signature)))
            if len(batch) == BATCH or sum(models.size for _, models in batch) > BATCH_BYTES:
                yield from self._measure(batch)
                batch = []
        if batch:
            yield from self._measure(batch)

    def measure_model(self, path: str | Path) -> float:
        """The latency of an ONNX file at batch 1, in ms: the minimum over at least 30 runs and one second.

        Raises:
            NasError: The file cannot be read or run.
        """
        try:
            session = self._session(Path(path).read_bytes())
        except OSError as error:
            raise NasError(f"cannot read {path}: {error.strerror}") from None
        except Exception as error:  # ONNX Runtime raises classes of its own that it does not export
            raise NasError(f"{path} is not an ONNX model that ONNX Runtime can run: {error}") from None
        session.run_ms()
        start, best, rounds = time.perf_counter(), session.run_ms(), 1
        while rounds < 30 or time.perf_counter() - start < 1:
            best, rounds = min(best, session.run_ms()), rounds + 1
        return best

    def _measure(self, batch: Sequence[tuple[Signature, Surroundings]]) -> Iterator[tuple[str, Measurement]]:
        sessions = [
            self._session(content)
            for _, models in batch
            for content in (models.alone, models.before, models.after, models.between)
        ]
        best, rounds = self._minima(sessions)
        for place, (signature, models) in enumerate(batch):
            alone, before, after, between = best[4 * place : 4 * place + 4]
            ms = models.latency_ms(alone, before, after, between)
            yield signature.text, Measurement(round(ms, 6), round(alone, 6), rounds)

    def _minima(self, sessions: Sequence[_Session]) -> tuple[list[float], int]:
        """The minimal latency of each session in ms over rounds in which each runs once, and the number of rounds.

        In a network a kernel finds its input in the cache, made just before, but not its weights, which were last used
        an inference ago. A model that runs over and over would find both, so the models take turns.
        """
        for session in sessions:
            session.run_ms()
        best = [float("inf")] * len(sessions)
        rounds, steady = 0, 0
        while rounds < LEAST_ROUNDS or (rounds < MOST_ROUNDS and steady < STEADY_ROUNDS):
            found = [session.run_ms() for session in sessions]
            lowered = sum(new < 0.98 * old for new, old in zip(found, best, strict=True))
            best = [min(pair) for pair in zip(found, best, strict=True)]
            steady = 0 if lowered > len(sessions) / 100 else steady + 1
            rounds += 1
        return best, rounds

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
        sizes = declared_sizes(self._session.get_modelmeta().custom_metadata_map)
        for place, item in enumerate(self._session.get_inputs()):
            # Where height and width are free, those that the space declares count.
            sides = sizes[place] if place < len(sizes) else item.shape[2:]
            array = generator.standard_normal((1, item.shape[1], *sides), dtype=np.float32)
            self._inputs.append(ort.OrtValue.ortvalue_from_numpy(array))
            self._binding.bind_ortvalue_input(item.name, self._inputs[-1])
        self._outputs: list[Any] = []
        for item in self._session.get_outputs():
            if any(isinstance(side, str) for side in item.shape[1:]):
                self._binding.bind_output(item.name)
                continue
            self._outputs.append(ort.OrtValue.ortvalue_from_shape_and_type([1, *item.shape[1:]], np.float32))
            self._binding.bind_ortvalue_output(item.name, self._outputs[-1])

    def run_ms(self) -> float:
        """Run once; how long it took, in ms."""
        start = time.perf_counter()
        self._session.run_with_iobinding(self._binding)
        return (time.perf_counter() - start) * 1000


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )

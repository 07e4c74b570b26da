"""How an engine is timed: what all backends have in common.

A backend says how to prepare a model (`Engine.prepare`) and, where it differs, how to warm it up, time it and let it
go. Here are the neighbours, the turns that models take, and the minimum that counts.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Measurement, device_name
from nasdsl.hardware.energy import EnergyCounter, watts_above_idle
from nasdsl.hardware.host import cores, processor
from nasdsl.hardware.neighbours import Surroundings, surroundings
from nasdsl.hardware.passage import Passage
from nasdsl.hardware.watch import Watch, checked_timeout
from nasdsl.passes.kernels import Signature

BATCH = 8
"""How many kernels are measured in turn. With 48 at a time, small ones come out too slow."""
BATCH_BYTES = 2**28
"""How much memory their weights and maps may take together; a single kernel may take more."""
LEAST_ROUNDS = 24
MOST_ROUNDS = 40
STEADY_ROUNDS = 6
"""Rounds after which the minima are taken: in so many, not one in a hundred sank by more than two percent."""

LEAST_RUNS = 30
LEAST_S = 0.5
"""How often, and for how long, a whole model is run at least."""
VISIT = 3
"""Runs of a whole model when it is its turn, after one to warm up."""
MODELS = 32
"""How many whole models are held, and take turns, at a time."""

Run = Callable[[], object]
"""A model that is ready: computes once, on input that it holds."""


class Engine(ABC):
    """An inference engine with fixed settings, on this machine.

    Args:
        name: What it is called; the class's own name if empty. Precision and batch are appended to it.
        threads: Threads that one operation may use.
        batch: Images that are computed at once.
        precision: Of weights and maps.
        timeout_s: How long a step (preparing a model, running it once) may take; None: for ever.
        energy: Whether kernels are measured in energy too.

    Raises:
        NasError: It cannot be set so (status 2), or cannot run on this machine (3).
    """

    kind: ClassVar[str]
    """The device's name in .nas files, without settings."""
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    """What it can compute in."""
    most_images: ClassVar[int] = 4096
    """The largest batch."""
    options: ClassVar[tuple[str, ...]] = ("timeout_s", "energy")
    """Arguments of the constructor that a user can set, besides threads, batch and precision."""

    on_processor: ClassVar[bool] = True
    """Whether it computes on this machine's processor, through its caches."""

    counts_energy: ClassVar[type[EnergyCounter] | None] = None
    """What counts the energy of its runs, such as `nasdsl.hardware.energy.Rapl`; None: nothing does."""

    def __init__(
        self,
        *,
        name: str = "",
        threads: int = 1,
        batch: int = 1,
        precision: str = "fp32",
        timeout_s: float | None = None,
        energy: bool = False,
    ) -> None:
        self.name = device_name(name or self.kind, batch=batch, precision=precision)
        self.threads, self.batch, self.precision = threads, batch, precision
        if not 1 <= threads <= self.most_threads():
            raise NasError(
                f"`{self.name}` cannot be measured with {threads} threads: it has 1 to {self.most_threads()} here",
                help=f"--threads {self.most_threads()} or fewer",
                status=2,
            )
        if precision not in self.precisions:
            raise NasError(
                f"`{name or self.kind}` cannot compute in {precision} here; it can in {', '.join(self.precisions)}",
                help="bf16 and fp16 are part of a device's name: leave it away for fp32",
                status=2,
            )
        if not 1 <= batch <= self.most_images:
            raise NasError(f"`{name or self.kind}` computes 1 to {self.most_images} images at once", status=2)
        self.timeout_s = None if timeout_s is None else checked_timeout(timeout_s)
        self._watch = Watch(self.name, self.timeout_s)
        self._counter = self.energy_counter() if energy else None

    @abstractmethod
    def prepare(self, model: bytes) -> Run:
        """Get an ONNX model ready to run at `self.batch` on random input that lies where the device wants it.

        Args:
            model: The bytes of an ONNX file; the first dimension of inputs and outputs is free.

        Raises:
            Exception: The engine cannot run it; any class, the message is shown.
        """

    @abstractmethod
    def libraries(self) -> Mapping[str, str]:
        """Versions of what does the computing."""

    def describe(self) -> str:
        """The processor, its architecture and the operating system."""
        return processor()

    def most_threads(self) -> int:
        """How many threads one operation can have: more than there are cores are not measured but scheduled."""
        return cores()

    def energy_counter(self) -> EnergyCounter:
        """What counts the energy of its runs.

        Raises:
            NasError: Nothing does, or it cannot be read here (status 3).
        """
        if self.counts_energy is None:
            raise NasError(
                f"`{self.name}` cannot tell energy", help="`nasdsl devices` says which devices can", status=3
            )
        return self.counts_energy()

    def warm_up(self, run: Run) -> None:
        """What is done before a model is timed."""
        run()

    def time(self, run: Run) -> float:
        """Run once; how long it took, in ms."""
        start = time.perf_counter()
        run()
        return (time.perf_counter() - start) * 1000

    def settings(self) -> AbstractContextManager[object]:
        """Around warming up and timing: what must be set for the whole process."""
        return nullcontext()

    def close(self) -> None:  # noqa: B027 - most engines keep nothing
        """Let go what the engine keeps of models that were timed; called when they are no longer used."""

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        """Measure kernels (see `nasdsl.hardware.neighbours`), some in turn; the minimum over the rounds counts.

        Args:
            signatures: The kernels.
            footprint: The bytes that go through the processor's caches between two rounds.

        Raises:
            NasError: The engine cannot run one of them, or a step took longer than it may (status 3).
        """
        yield from self._watch.over(self._batches(signatures, Passage(footprint if self.on_processor else 0)))

    def measure_model(self, path: str | Path) -> float:
        """The latency of an ONNX file, in ms: the minimum over at least 30 runs and half a second.

        Raises:
            NasError: The file cannot be read or run, or a step took longer than it may.
        """
        return self.measure_models([path])[0]

    def measure_models(self, paths: Sequence[str | Path]) -> list[float]:
        """The latencies of ONNX files that take turns, so that what disturbs one disturbs all; each as `measure_model`.

        Raises:
            NasError: A file cannot be read or run, or a step took longer than it may.
        """
        found: list[float] = []
        for start in range(0, len(paths), MODELS):
            found += next(iter(self._watch.over(self._whole(paths[start : start + MODELS]))))
        return found

    def _whole(self, paths: Sequence[str | Path]) -> Iterator[list[float]]:
        runs = [
            self._prepared(_content(path), f"{path} is not an ONNX model that `{self.name}` can run", status=1)
            for path in paths
        ]
        best = [float("inf")] * len(runs)
        with self.settings():
            start, rounds = time.perf_counter(), 0
            while rounds * VISIT < LEAST_RUNS or time.perf_counter() - start < LEAST_S * len(runs):
                for place, run in enumerate(runs):
                    self.warm_up(run)
                    best[place] = min(best[place], *(self.time(run) for _ in range(VISIT)))
                    self._watch.beat()
                rounds += 1
        del runs
        self.close()
        yield best

    def _batches(self, signatures: Iterable[Signature], passage: Passage) -> Iterator[tuple[str, Measurement]]:
        batch: list[tuple[Signature, Surroundings]] = []
        for signature in signatures:
            batch.append((signature, surroundings(signature)))
            if len(batch) == BATCH or sum(models.size for _, models in batch) * self.batch > BATCH_BYTES:
                yield from self._measure(batch, passage)
                batch = []
        if batch:
            yield from self._measure(batch, passage)

    def _measure(
        self, batch: Sequence[tuple[Signature, Surroundings]], passage: Passage
    ) -> list[tuple[str, Measurement]]:
        runs = [
            self._prepared(content, f"`{self.name}` cannot run `{signature.text}`", status=3)
            for signature, models in batch
            for content in (models.alone, models.before, models.after, models.between)
        ]
        with self.settings():
            best, rounds = self._minima(runs, passage)
            watts = watts_above_idle(runs[::4], self._counter, self._watch.beat) if self._counter else []
        del runs
        self.close()
        found = []
        for place, (signature, models) in enumerate(batch):
            alone, before, after, between = best[4 * place : 4 * place + 4]
            ms = models.latency_ms(alone, before, after, between)
            # As much power as it draws by itself, for as long as it adds to a network: W times ms are mJ.
            energy = round(watts[place] * ms, 6) if watts else None
            found.append((signature.text, Measurement(round(ms, 6), round(alone, 6), rounds, energy)))
        return found

    def _prepared(self, content: bytes, complaint: str, *, status: int) -> Run:
        self._watch.beat()
        try:
            run = self.prepare(content)
            with self.settings():
                run()
        except NasError:
            raise
        except Exception as error:  # engines raise classes of their own, and bare ones
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise NasError(f"{complaint}: {reason}", status=status) from None
        return run

    def _minima(self, runs: Sequence[Run], passage: Passage) -> tuple[list[float], int]:
        """The minimal latency of each model in ms over rounds in which each runs once, and the number of rounds.

        In a network a kernel finds its input in the cache, made just before, but not its weights, which were last used
        an inference ago. A model that runs over and over would find both, so the models take turns.
        """
        for run in runs:
            self.warm_up(run)
            self._watch.beat()
        best = [float("inf")] * len(runs)
        rounds, steady = 0, 0
        while rounds < LEAST_ROUNDS or (rounds < MOST_ROUNDS and steady < STEADY_ROUNDS):
            found = []
            passage.send()
            for run in runs:
                found.append(self.time(run))
                self._watch.beat()
            lowered = sum(new < 0.98 * old for new, old in zip(found, best, strict=True))
            best = [min(pair) for pair in zip(found, best, strict=True)]
            steady = 0 if lowered > len(runs) / 100 else steady + 1
            rounds += 1
        return best, rounds


def _content(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NasError(f"cannot read {path}: {error.strerror}") from None

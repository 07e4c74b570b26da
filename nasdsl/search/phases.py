"""Running a phase: steps, log, checkpoints, stopping between two steps."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nasdsl.search.observer import Observer
from nasdsl.search.run_directory import Checkpoint, RunDirectory
from nasdsl.search.strategy import Stepper

CHECKPOINT_EVERY_S = 30.0
"""Seconds between checkpoints: what a run that is killed loses at most."""


def run_phase(
    name: str,
    stepper: Stepper,
    steps: int,
    run: RunDirectory,
    observer: Observer,
    checkpoint: Checkpoint | None,
) -> None:
    """Do all steps that are not done yet, and leave a checkpoint behind the last.

    Args:
        name: Of the phase, for log and checkpoint.
        stepper: At its beginning; brought to where the checkpoint is if that is one of this phase.
        steps: How many there are.
        run: Takes log and checkpoints.
        observer: Is told of every step.
        checkpoint: The run's last one, or None.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; the step it fell into is finished and saved.
    """
    done = 0
    if checkpoint is not None and checkpoint.phase == name:
        stepper.restore(checkpoint.tensors, checkpoint.state)
        done = checkpoint.step
    else:
        _save(name, stepper, 0, run)
    if steps:
        observer.phase(name, steps, done)
    saved, last = done, time.monotonic()
    with _asked_to_stop() as asked:
        for index in range(done, steps):
            record: dict[str, Any] = {"phase": name, "step": index + 1, **stepper.step(index)}
            run.log(record)
            observer.step(index + 1, record)
            if asked or time.monotonic() - last > CHECKPOINT_EVERY_S or index + 1 == steps:
                _save(name, stepper, index + 1, run)
                saved, last = index + 1, time.monotonic()
            if asked:
                raise KeyboardInterrupt(f"after step {saved} of {steps} of the phase {name}")


def _save(name: str, stepper: Stepper, step: int, run: RunDirectory) -> None:
    run.save_checkpoint(Checkpoint(name, step, stepper.tensors(), stepper.state()))


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """A list that Ctrl-C appends to instead of interrupting; pressed again, it interrupts at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)

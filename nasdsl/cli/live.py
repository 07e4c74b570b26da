"""Progress of a run on stderr: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from nasdsl.search.observer import Observer

LINE_EVERY_S = 10.0
"""Seconds between lines where there is no terminal."""

SMOOTHING = 0.98
"""Weight of the past in the loss that is shown."""


@contextmanager
def watching(*, quiet: bool = False) -> Iterator[Observer]:
    """An observer that shows a run on stderr while the block runs."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Lines(sys.stderr, every_s=float("inf") if quiet else LINE_EVERY_S)
        return
    with _progress(console) as progress:
        yield Table(progress)


def following(observer: Observer, name: str) -> Callable[[int, int], None]:
    """What shows progress that comes as how many are done and how many there are, which may become more."""
    expected = 0

    def step(done: int, total: int) -> None:
        nonlocal expected
        if total != expected:
            observer.phase(name, total, done - 1)
            expected = total
        observer.step(done, {})

    return step


class Lines:
    """Writes plain lines: the beginning of each phase, then one every few seconds.

    Args:
        stream: Where to.
        every_s: Seconds between lines of a phase; infinite: what is said only.
    """

    def __init__(self, stream: TextIO, every_s: float) -> None:
        self._stream, self._every_s = stream, every_s
        self._pace = Pace()
        self._name, self._steps, self._shown = "", 0, 0.0

    def phase(self, name: str, steps: int, done: int) -> None:
        """Name the phase."""
        self._name, self._steps, self._shown = name, steps, time.monotonic()
        self._pace = Pace(done)
        if self._every_s < float("inf"):
            after = f", {done} of them done before" if done else ""
            self.say(f"{name}: {steps} steps{after}" if steps else name)

    def step(self, done: int, record: Mapping[str, Any]) -> None:
        """Every few seconds, and after the last step, a line."""
        self._pace.step(done, record)
        now = time.monotonic()
        if now - self._shown < self._every_s and (done < self._steps or self._every_s == float("inf")):
            return
        self._shown = now
        left = self._pace.left_s(self._steps)
        facts = [f"{self._name} {done}/{self._steps}", *self._pace.facts(), f"{clock(left)} left" if left else ""]
        self.say("  ".join(fact for fact in facts if fact))

    def say(self, text: str) -> None:
        """Write the line."""
        self._stream.write(text + "\n")
        self._stream.flush()


class Table:
    """Shows every phase as a row of a live table."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._row: TaskID | None = None
        self._pace, self._steps = Pace(), 0

    def phase(self, name: str, steps: int, done: int) -> None:
        """Begin a row."""
        self._finish()
        self._pace, self._steps = Pace(done), steps
        self._row = self._progress.add_task(name, total=steps or None, completed=done, facts="", left="")

    def step(self, done: int, record: Mapping[str, Any]) -> None:
        """Update the row."""
        self._pace.step(done, record)
        if self._row is not None:
            left = f"{clock(self._pace.left_s(self._steps))} left"
            self._progress.update(self._row, completed=done, facts="  ".join(self._pace.facts()), left=left)
        if done == self._steps:
            self._finish()

    def say(self, text: str) -> None:
        """Write the line above the table."""
        self._progress.console.print(text, highlight=False, markup=False)

    def _finish(self) -> None:
        if self._row is not None:
            took = f"took {clock(self._pace.seconds)}"
            total = max(self._steps, 1)
            self._progress.update(self._row, total=total, completed=total, left=took)
        self._row = None


class Pace:
    """How fast steps go by, and what they say last: losses smoothed, since single ones jump."""

    def __init__(self, done: int = 0) -> None:
        self._first, self._done = done, done
        self._start = time.monotonic()
        self._facts: dict[str, float] = {}
        self._weight = 0.0

    def step(self, done: int, record: Mapping[str, Any]) -> None:
        """A step is done."""
        self._done = done
        if "loss" in record:
            self._weight = SMOOTHING * self._weight + 1 - SMOOTHING
            before = self._facts.get("loss", 0.0)
            self._facts["loss"] = before + (1 - SMOOTHING) / self._weight * (record["loss"] - before)
        if "expected_latency_ms" in record:
            self._facts["latency"] = record["expected_latency_ms"]

    @property
    def seconds(self) -> float:
        """Since the phase began."""
        return time.monotonic() - self._start

    def left_s(self, steps: int) -> float:
        """Seconds until all steps are done, at the pace up to now; 0 where it is not known."""
        new = self._done - self._first
        return (steps - self._done) * self.seconds / new if new > 0 else 0.0

    def facts(self) -> list[str]:
        """Loss and expected latency, as far as the phase has them."""
        loss, latency = self._facts.get("loss"), self._facts.get("latency")
        return [
            *([f"loss {loss:.3f}"] if loss is not None else []),
            *([f"expected {latency:.2f} ms"] if latency is not None else []),
        ]


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(75.2)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


class _Steps(ProgressColumn):
    """`120/1500`, or nothing for a phase without steps."""

    def render(self, task: Task) -> Text:
        known = task.total is not None and task.total > 1
        return Text(f"{int(task.completed)}/{int(task.total or 0)}" if known else "", justify="right")


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:<9}", style="bold"),
        BarColumn(bar_width=24),
        _Steps(),
        TextColumn("{task.fields[facts]}"),
        TextColumn("{task.fields[left]}", style="dim"),
    )
    return Progress(*columns, console=console, refresh_per_second=4)

"""Time-outs for work that cannot be interrupted: a native library that hangs holds its thread for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, TypeVar

from nasdsl.diagnostics.errors import NasError

T = TypeVar("T")


def checked_timeout(timeout_s: Any) -> float:
    """A time-out as a user may have written it.

    Raises:
        NasError: It is no number of seconds above 0 (status 2).
    """
    try:
        found = float(timeout_s)
    except (TypeError, ValueError):
        found = 0.0
    if not 0 < found < float("inf"):
        raise NasError(f"timeout_s = {timeout_s}: a number of seconds above 0 is needed", status=2)
    return found


class Watch:
    """Runs measurements in a thread of its own and gives them up when they show no life.

    Args:
        name: The device, for the message.
        timeout_s: How long they may show no life; None: for ever, and in the caller's thread.
    """

    def __init__(self, name: str, timeout_s: float | None) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._last = 0.0

    def beat(self) -> None:
        """Said by the work after every step."""
        self._last = time.monotonic()

    def over(self, work: Iterator[T]) -> Iterator[T]:
        """What the work yields, as it yields it.

        Raises:
            NasError: No beat within the time. What was yielded stands; the thread is left behind and ends with the
                process.
        """
        if self.timeout_s is None:
            yield from work
            return
        self.beat()
        results: Queue[tuple[str, Any]] = Queue()
        abandoned = Event()
        Thread(target=_work, args=(work, results, abandoned), daemon=True).start()
        try:
            while True:
                kind, value = self._next(results, self.timeout_s)
                if kind == "done":
                    return
                if kind == "error":
                    raise value
                yield value
        finally:
            abandoned.set()

    def _next(self, results: Queue[tuple[str, Any]], timeout_s: float) -> tuple[str, Any]:
        while (left := self._last + timeout_s - time.monotonic()) > 0:
            try:
                return results.get(timeout=left)
            except Empty:
                continue
        try:
            return results.get_nowait()
        except Empty:
            raise NasError(
                f"`{self.name}` hangs: one step took longer than {timeout_s:g} s",
                help="what was measured before is kept; measure again, or allow more with the option timeout_s",
                status=3,
            ) from None


def _work(work: Iterator[Any], results: Queue[tuple[str, Any]], abandoned: Event) -> None:
    try:
        for item in work:
            results.put(("item", item))
            if abandoned.is_set():
                return
        results.put(("done", None))
    except BaseException as error:
        results.put(("error", error))

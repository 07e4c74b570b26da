"""Who watches a run: the command line shows it live, a test may look on or interrupt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Observer(Protocol):
    """Is told what happens; must not change it."""

    def phase(self, name: str, steps: int, done: int) -> None:
        """A phase begins: how many steps it has and how many of them were done before an interruption."""

    def step(self, done: int, record: Mapping[str, Any]) -> None:
        """A step is done: how many are now, and what the log says about it."""

    def say(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """Shows nothing."""

    def phase(self, name: str, steps: int, done: int) -> None:
        """Nothing."""

    def step(self, done: int, record: Mapping[str, Any]) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

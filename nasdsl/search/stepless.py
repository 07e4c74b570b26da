"""Strategies that decide at once: no steps, no weights, nothing to save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from nasdsl.search.strategy import Candidate, Problem


class Stepless:
    """A strategy that only derives: what a subclass adds is `derive`.

    Args:
        problem: The problem.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def check(self) -> None:
        """Nothing: `derive` says it without delay."""

    def step(self, index: int) -> dict[str, Any]:
        """Nothing."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """None."""
        return {}

    def state(self) -> dict[str, Any]:
        """None."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Nothing."""

    def weights(self, chosen: Candidate) -> dict[str, Tensor] | None:
        """None: nothing was learned."""
        return None

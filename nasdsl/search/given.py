"""No search at all: the architecture is given. What `nasdsl train` runs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from nasdsl.ir.architecture import Architecture
from nasdsl.passes.kernels import latency_ms
from nasdsl.search.strategy import Candidate, Log, Problem


class Given:
    """Has no steps and learns no weights; the target is not asked for."""

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

    def derive(self, log: Log) -> Candidate:
        """The architecture of the config."""
        architecture = Architecture.from_json(self._problem.config.architecture, "the run's architecture")
        network = self._problem.space.derive(architecture)
        latency = latency_ms(network, self._problem.latency_ms)
        log({"phase": "derive", "architecture": architecture.hash, "latency_ms": latency})
        return Candidate(architecture, network, latency)

    def weights(self, chosen: Candidate) -> dict[str, Tensor] | None:
        """None: nothing was learned."""
        return None

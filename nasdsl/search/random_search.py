"""The baseline: one random architecture that meets the target (Li and Talwalkar, UAI 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.kernels import latency_ms
from nasdsl.search import chance
from nasdsl.search.strategy import Candidate, Log, Problem

MAX_DRAWS = 1000


class RandomSearch:
    """Draws architectures until one meets the target; has no steps and learns no weights."""

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
        """The first architecture drawn that meets the target."""
        problem, fastest = self._problem, float("inf")
        for draw in range(MAX_DRAWS):
            architecture = problem.space.sample(chance.number(problem.config.seed, "random architecture", draw))
            network = problem.space.derive(architecture)
            latency = latency_ms(network, problem.latency_ms)
            fastest = min(fastest, latency)
            if problem.target_ms is None or latency <= problem.target_ms:
                log({"phase": "derive", "draws": draw + 1, "architecture": architecture.hash, "latency_ms": latency})
                return Candidate(architecture, network, latency)
        raise NasError(
            f"none of {MAX_DRAWS} random architectures meets {problem.target_ms:g} ms: the fastest needs {fastest:.3f}",
            help="raise --latency, or choose another preset",
        )

    def weights(self, chosen: Candidate) -> dict[str, Tensor] | None:
        """None: nothing was learned."""
        return None

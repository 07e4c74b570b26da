"""The baseline: one random architecture that meets the target (Li and Talwalkar, UAI 2019)."""

from __future__ import annotations

from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.units import latency_ms
from nasdsl.search import chance
from nasdsl.search.stepless import Stepless
from nasdsl.search.strategy import Candidate, Log

MAX_DRAWS = 1000


class RandomSearch(Stepless):
    """Draws architectures until one meets the target; has no steps and learns no weights."""

    def derive(self, log: Log) -> Candidate:
        """The first architecture drawn that meets the target and the bounds."""
        problem, fastest = self._problem, float("inf")
        for draw in range(MAX_DRAWS):
            architecture = problem.space.sample(chance.number(problem.config.seed, "random architecture", draw))
            network = problem.space.derive(architecture)
            latency = latency_ms(network, problem.latency_ms)
            fastest = min(fastest, latency)
            if problem.meets(network, latency):
                log({"phase": "derive", "draws": draw + 1, "architecture": architecture.hash, "latency_ms": latency})
                return Candidate(architecture, network, latency)
        raise NasError(
            f"none of {MAX_DRAWS} random architectures meets what is required; the fastest needs {fastest:.6g} ms",
            help="raise --latency or the bounds of the space's `require`, or choose another preset",
        )

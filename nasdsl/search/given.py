"""No search at all: the architecture is given. What `nasdsl train` runs with."""

from __future__ import annotations

from nasdsl.ir.architecture import Architecture
from nasdsl.passes.units import latency_ms
from nasdsl.search.stepless import Stepless
from nasdsl.search.strategy import Candidate, Log


class Given(Stepless):
    """Has no steps and learns no weights; the target is not asked for."""

    def derive(self, log: Log) -> Candidate:
        """The architecture of the config."""
        architecture = Architecture.from_json(self._problem.config.architecture, "the run's architecture")
        network = self._problem.space.derive(architecture)
        latency = latency_ms(network, self._problem.latency_ms)
        log({"phase": "derive", "architecture": architecture.hash, "latency_ms": latency})
        return Candidate(architecture, network, latency)

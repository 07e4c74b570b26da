"""What a search strategy is.

A strategy is something with steps, like training: `nasdsl.search.phases` runs the steps, keeps the log and the
checkpoints, and stops and resumes it. Adding a strategy is one file and an entry in `nasdsl.search.strategies`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from torch import Tensor

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import costs
from nasdsl.passes.memory import activation_bytes
from nasdsl.passes.partial import Proxy
from nasdsl.passes.prices import energies
from nasdsl.passes.units import latency_ms
from nasdsl.search.batches import Batches
from nasdsl.search.config import RunConfig
from nasdsl.search.objective import Objective
from nasdsl.search.strategies import GIVEN, strategy_kind
from nasdsl.space import Space

Log = Callable[[Mapping[str, Any]], None]
"""Takes a record of the run's log."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a strategy is given.

    Attributes:
        space: The space, with the run's preset and parameters applied.
        latency_ms: The lookup table: milliseconds by signature; covers every architecture of the space.
        objective: Losses and metrics of the space's tasks.
        batches: Training and held-out batches.
        config: The run's config; its plan is decided.
        proxy: The space with partial channels, where the supernet is to be that (see `nasdsl.search.searched`).
    """

    space: Space
    latency_ms: Mapping[str, float]
    objective: Objective
    batches: Batches
    config: RunConfig
    proxy: Proxy | None = None

    @property
    def searched(self) -> Graph:
        """What the supernet is made from."""
        return self.space.graph if self.proxy is None else self.proxy.graph

    @property
    def target_ms(self) -> float | None:
        """The latency bound, or None."""
        return self.config.target.latency_ms if self.config.target else None

    def meets(self, network: Graph, latency: float) -> bool:
        """Whether a network, with its latency in ms, keeps the target and the space's bounds on MACs, parameters,
        memory (`nasdsl.passes.memory`) and energy.

        Raises:
            NasError: Energy is bounded, and the table does not have it of all operations.
        """
        if self.target_ms is not None and latency > self.target_ms:
            return False
        found = costs(network)
        known: dict[str, float] = {
            "macs": found.macs,
            "params": found.params,
            "memory": activation_bytes(network),
        }
        if any(limit.metric == "energy" for limit in self.space.graph.limits):
            known["energy"] = latency_ms(network, energies(self.latency_ms))
        compare = {"<=": operator.le, ">=": operator.ge}
        limits = (limit for limit in self.space.graph.limits if limit.metric in known)
        return all(compare[limit.relation](known[limit.metric], limit.value) for limit in limits)


class Stepper(Protocol):
    """Something done in steps that can be stopped between two of them and go on in another process.

    A step depends on the state, on its index and on the run's seed, on nothing else.
    """

    def step(self, index: int) -> dict[str, Any]:
        """Do one step; returns what the log is to say about it (no times)."""

    def tensors(self) -> dict[str, Tensor]:
        """All weights, by name."""

    def state(self) -> dict[str, Any]:
        """What else decides the next steps: nested dicts, lists, numbers and tensors."""

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take over what `tensors` and `state` gave."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An architecture with its network.

    Attributes:
        architecture: The decisions.
        network: The graph derived for it.
        latency_ms: The network's latency by the lookup table.
    """

    architecture: Architecture
    network: Graph
    latency_ms: float


class Strategy(Stepper, Protocol):
    """A way of searching."""

    def check(self) -> None:
        """Find out, before the first step, whether the target can be met at all; the strategy is not used afterwards.

        Raises:
            NasError: No architecture that meets it was found.
        """

    def derive(self, log: Log) -> Candidate:
        """Decide for one architecture that meets the target, after all steps.

        Raises:
            NasError: None was found that meets it.
        """

    def weights(self, chosen: Candidate) -> dict[str, Tensor] | None:
        """The state dict that the chosen network can start from, if the search has learned weights."""


def make_strategy(problem: Problem) -> Strategy:
    """The strategy that the run's config names, at its beginning."""
    name = problem.config.strategy
    maker = "nasdsl.search.given:Given" if name == GIVEN else strategy_kind(name).maker
    module, _, name = maker.partition(":")
    strategy: Strategy = getattr(import_module(module), name)(problem)
    return strategy

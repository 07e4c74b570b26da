"""What the supernet of a search is made from: the space, or its proxy with partial channels.

With partial channels (`SearchSettings.partial_channels`) only the supernet, and the networks that candidates are ranked
with, are those of the proxy. Decisions are the same in both, so the target, the expected latency and the network in the
end are those of the space.
"""

from __future__ import annotations

from typing import Any

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.partial import Proxy, partial_channels
from nasdsl.search.config import RunConfig
from nasdsl.search.strategies import GIVEN, strategy_kind
from nasdsl.search.strategy import Problem
from nasdsl.space import Space


def proxy_of(space: Space, config: RunConfig) -> Proxy | None:
    """The proxy that a run searches instead of the space, or None.

    Raises:
        NasError: The space has none, or the run needs the supernet's weights, which are not those of the space.
    """
    searches = config.strategy != GIVEN and strategy_kind(config.strategy).searches
    if config.search.partial_channels == 1 or not searches:
        return None
    if config.train.start == "supernet":
        raise NasError(
            "with search.partial_channels the supernet's weights are those of operations on a part of the channels: "
            "the network that is found cannot start from them",
            help="leave out train.start=supernet, or search.partial_channels",
            status=2,
        )
    return partial_channels(space.graph, config.search.partial_channels)


def searched_source(problem: Problem) -> str:
    """The run's supernet as text; it has latencies if it is that of the space."""
    if problem.proxy is not None:
        return supernet_source(problem.proxy.graph, note=problem.proxy.note)
    return supernet_source(problem.space.graph, latency=problem.latency_ms, device=problem.config.device)


def expected_cost(problem: Problem, supernet: Any) -> runtime.ExpectedCost:
    """The expected latency of the space in ms, a function of the probabilities of decisions.

    Args:
        problem: The problem.
        supernet: An instance of the class that `searched_source` has.
    """
    if problem.proxy is None:
        found: runtime.ExpectedCost = supernet.expected_cost
        return found
    return runtime.ExpectedCost(expected_cost_data(problem.space.graph, problem.latency_ms), problem.latency_ms)

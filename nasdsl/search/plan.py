"""From a time budget to numbers of steps.

Steps are timed before the first one that counts, on a supernet and a network that are then thrown away; from then on
only the numbers matter, so that a run can be repeated on a machine of another speed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from nasdsl.codegen import network_source
from nasdsl.passes.units import latency_ms
from nasdsl.search import chance
from nasdsl.search.config import Plan
from nasdsl.search.generated import module_from
from nasdsl.search.strategies import strategy_kind
from nasdsl.search.strategy import Problem, make_strategy
from nasdsl.search.train import Training

SEARCH_SHARE = 0.65
"""Share of the time for steps that goes to the search; the rest trains the chosen network."""

DRAWS = 32
"""Random architectures of which one stands for the network that will be chosen."""

PROBE_STEPS = 6
"""Timed steps; the first ones, which warm caches up, do not count."""

MARGIN = 0.93
"""Share of the time that is planned: steps of the network that is chosen may be slower than those timed."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Seconds a step takes.

    Attributes:
        search: A step of the search with weights and logits; 0 where the strategy has no steps.
        train: A training step of a typical network.
        rest: All that is not steps: ranking, judging, lowering, pictures.
    """

    search: float
    train: float
    rest: float


def measure(problem: Problem) -> StepTimes:
    """Time the steps of a problem on this machine."""
    config, searches = problem.config, strategy_kind(problem.config.strategy).searches
    search = 0.0
    if searches:
        probe = config.model_copy(update={"plan": Plan(search_steps=2 * PROBE_STEPS, train_steps=1)})
        settings = probe.search.model_copy(update={"warmup_share": 0.5})
        probe = probe.model_copy(update={"search": settings})
        strategy = make_strategy(replace(problem, config=probe))
        warm = _seconds(strategy.step, range(PROBE_STEPS))
        full = _seconds(strategy.step, range(PROBE_STEPS, 2 * PROBE_STEPS))
        search = config.search.warmup_share * warm + (1 - config.search.warmup_share) * full
    training = _typical(problem)
    train = _seconds(training.step, range(PROBE_STEPS))
    judged = sum(problem.batches.length(split) for split in ("val", "test"))
    ranked = config.search.candidates * (config.search.ranking_batches + config.search.recalibration_batches)
    images = judged + (ranked * config.search.batch if searches else 0)
    return StepTimes(search, train, 10.0 + images * train / config.train.batch / 3)


def plan(times: StepTimes, budget_s: float) -> Plan:
    """The steps that fit into a time.

    >>> plan(StepTimes(search=0.5, train=0.2, rest=40.0), 600.0)
    Plan(search_steps=677, train_steps=911)
    """
    seconds = max(0.0, budget_s - times.rest) * MARGIN
    search_steps = int(seconds * SEARCH_SHARE / times.search) if times.search else 0
    return Plan(search_steps=search_steps, train_steps=max(1, int(seconds * (1 - SEARCH_SHARE) / times.train)))


def _typical(problem: Problem) -> Training:
    """Training of a random architecture: the one that comes closest to the target, or the middle one without it."""
    drawn = []
    for draw in range(DRAWS):
        architecture = problem.space.sample(chance.number(problem.config.seed, "typical architecture", draw))
        network = problem.space.derive(architecture)
        drawn.append((latency_ms(network, problem.latency_ms), draw, architecture, network))
    drawn.sort(key=lambda entry: entry[:2])
    target = problem.target_ms
    chosen = drawn[len(drawn) // 2] if target is None else min(drawn, key=lambda entry: abs(entry[0] - target))
    source = network_source(chosen[3], architecture=chosen[2], facts={})
    return Training(
        module_from(source, "network").Network(),
        problem.batches,
        problem.objective,
        problem.config.train,
        steps=PROBE_STEPS,
        seed=problem.config.seed,
    )


def _seconds(step: Callable[[int], object], indices: range) -> float:
    """The median time of the later half of some steps."""
    times = []
    for index in indices:
        start = time.perf_counter()
        step(index)
        times.append(time.perf_counter() - start)
    later = sorted(times[len(times) // 2 :])
    return later[len(later) // 2]

"""From a searched relaxation to one architecture.

Candidates are the most probable architecture and others drawn from the relaxation; only those stay that keep the rules
of the space and whose network meets the target, by the lookup table, and the bounds of the space. They are ranked on
held-out batches with the supernet's weights: each candidate's network inherits its share of them, takes its batch-norm
statistics from training batches (those of the supernet mix all paths) and is judged by the task's first metric.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from nasdsl import runtime
from nasdsl.codegen import network_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.derive import canonical, derive
from nasdsl.passes.rules import broken_rule
from nasdsl.passes.units import latency_ms
from nasdsl.search import chance
from nasdsl.search.evaluate import judge_module
from nasdsl.search.generated import module_from
from nasdsl.search.strategy import Candidate, Log, Problem

DRAWS = 4
"""Architectures drawn per candidate wanted, before the relaxation is moved towards faster ones."""

BATCHES = 50
"""How many times as many are drawn at most where rules forbid some."""

ROUNDS = 40
"""How often it is moved before giving up."""

FASTEN_STEPS = 5
"""Steps of the latency alone each time."""


def choose(
    problem: Problem, supernet: nn.Module, distribution: runtime.Distribution, fasten: Callable[[int], None], log: Log
) -> Candidate:
    """The best candidate that meets the target.

    Args:
        problem: The problem.
        supernet: With learned weights.
        distribution: As learned.
        fasten: Moves the logits a number of steps towards lower latency; used while too few candidates meet the target.
        log: Gets a record of every candidate.

    Raises:
        NasError: No architecture that meets the target was found.
    """
    candidates = _candidates(problem, distribution, fasten)
    ranked = []
    for number, candidate in enumerate(candidates):
        score, loss = rank(problem, supernet, candidate)
        hash_, latency = candidate.architecture.hash, candidate.latency_ms
        log({"phase": "derive", "candidate": hash_, "latency_ms": latency, "score": score, "loss": loss})
        ranked.append((score, -loss, -number))
    best = candidates[-max(ranked)[2]]
    log({"phase": "derive", "architecture": best.architecture.hash, "latency_ms": best.latency_ms})
    return best


def _candidates(problem: Problem, distribution: runtime.Distribution, fasten: Callable[[int], None]) -> list[Candidate]:
    wanted = problem.config.search.candidates
    found: dict[Architecture, Candidate | None] = {}
    fastest = float("inf")
    for round_ in range(ROUNDS):
        for architecture in _drawn(problem, distribution, wanted * DRAWS, round_):
            if architecture in found:
                continue
            network = problem.space.derive(architecture)
            latency = latency_ms(network, problem.latency_ms)
            fastest = min(fastest, latency)
            met = problem.meets(network, latency)
            found[architecture] = Candidate(architecture, network, latency) if met else None
            if sum(candidate is not None for candidate in found.values()) == wanted:
                break
        met_target = [candidate for candidate in found.values() if candidate is not None]
        if len(met_target) >= min(wanted, 1 + round_) or (met_target and problem.target_ms is None):
            return met_target
        fasten(FASTEN_STEPS)
    raise _unreachable(problem, fastest)


def _drawn(problem: Problem, distribution: runtime.Distribution, count: int, round_: int) -> list[Architecture]:
    """The most probable architecture and others, drawn from the relaxation; only those that keep the rules.

    Raises:
        NasError: None does.
    """
    generator = chance.generator(problem.config.seed, "candidates", round_)
    graph = problem.space.graph
    found: list[Architecture] = []
    batch = [distribution.most_probable()]
    for _ in range(BATCHES):
        batch += distribution.sample_architectures(count, generator)
        allowed = [a for a in (canonical(graph, decisions) for decisions in batch) if broken_rule(graph, a) is None]
        found += allowed
        if len(found) >= count or len(allowed) == len(batch):
            return found
        batch = []
    if not found:
        raise NasError(
            f"none of {BATCHES * count} architectures drawn from the relaxation keeps the rules of the space",
            help="let the rules forbid less, or restrict the decisions with a preset",
        )
    return found


def check_reachable(problem: Problem, distribution: runtime.Distribution, fasten: Callable[[int], None]) -> None:
    """Nothing, if an architecture that meets the target is found.

    Raises:
        NasError: None is.
    """
    fastest = float("inf")
    for round_ in range(ROUNDS):
        network = problem.space.derive(_drawn(problem, distribution, 1, round_)[0])
        fastest = min(fastest, latency_ms(network, problem.latency_ms))
        if problem.target_ms is None or fastest <= problem.target_ms:
            return
        fasten(FASTEN_STEPS)
    raise _unreachable(problem, fastest)


def _unreachable(problem: Problem, fastest_ms: float) -> NasError:
    wanted = "the bounds of the space" if problem.target_ms is None else f"{problem.target_ms:g} ms"
    return NasError(
        f"no architecture that meets {wanted} was found: the fastest needs {fastest_ms:.6g} ms",
        help="raise --latency or the bounds of the space's `require`, or choose another preset",
    )


def rank(problem: Problem, supernet: nn.Module, candidate: Candidate) -> tuple[float, float]:
    """How good an architecture's network is with the supernet's weights: first metric and loss on held-out batches."""
    module = inherited(problem, supernet, candidate)
    settings = problem.config.search
    batches = problem.batches.held_out(settings.ranking_batches, settings.batch)
    metrics = problem.objective.metrics()
    loss = judge_module(module, batches, metrics, problem.objective.main_loss)
    return next((metric.value() for metric in metrics.values()), -loss), loss


def inherited(problem: Problem, supernet: nn.Module, candidate: Candidate) -> nn.Module:
    """A candidate's network, or the proxy's for it, with the supernet's weights and batch-norm statistics of its
    own.
    """
    graph = candidate.network if problem.proxy is None else derive(problem.searched, candidate.architecture)
    source = network_source(graph, architecture=candidate.architecture, facts={})
    network: nn.Module = module_from(source, "candidate").Network()
    network.load_state_dict(runtime.inherit(supernet, problem.searched, graph))
    settings = problem.config.search
    batches = (
        problem.batches.train("recalibration", index, settings.batch, half="a")[0]
        for index in range(settings.recalibration_batches)
    )
    runtime.recalibrate(network, batches)
    return network

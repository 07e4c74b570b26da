"""The main job: table, plan, search, derive, train, lower, judge; in a run directory, stoppable at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import nn

from nasdsl import __version__
from nasdsl.codegen import network_source
from nasdsl.data.dataset import open_data
from nasdsl.hardware.table import Table
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import costs
from nasdsl.passes.units import latency_ms
from nasdsl.search import chance
from nasdsl.search.batches import Batches
from nasdsl.search.config import RunConfig
from nasdsl.search.finish import Outcome, finish
from nasdsl.search.generated import module_from
from nasdsl.search.objective import Objective
from nasdsl.search.observer import Observer
from nasdsl.search.phases import run_phase
from nasdsl.search.plan import measure, plan
from nasdsl.search.run_directory import Checkpoint, RunDirectory
from nasdsl.search.searched import proxy_of, searched_source
from nasdsl.search.strategy import Candidate, Problem, make_strategy
from nasdsl.search.train import Training
from nasdsl.space import Space

ARCHITECTURE, NETWORK, SUPERNET, TABLE = "architecture.json", "network.py", "supernet.py", "table.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A run and what it works on.

    Attributes:
        directory: Where it is kept.
        space: The space, with the config's preset and parameters applied.
        table: Lookup table that covers the space.
        observer: Is told what happens.
        spent_s: Seconds of the budget that are gone already.
    """

    directory: RunDirectory
    space: Space
    table: Table
    observer: Observer
    spent_s: float = 0.0


def search(job: Job, config: RunConfig) -> Outcome:
    """Do what of the run is not done yet.

    Raises:
        NasError: The data do not fit the space, or no architecture meets the target.
        KeyboardInterrupt: Ctrl-C was pressed; the run can go on from where it was.
    """
    torch.set_num_threads(config.threads)
    directory, table = job.directory, job.table.latency_ms
    problem = make_problem(job.space, table, config)
    job.table.save(directory.path / TABLE)
    directory.write(SUPERNET, searched_source(problem))
    checkpoint = directory.load_checkpoint()
    if checkpoint is None:
        make_strategy(problem).check()
    if config.plan is None:
        config = _planned(job, problem)
        problem = replace(problem, config=config)
        directory.write_config(config)
    network, candidate = _network(job, problem, checkpoint)
    assert config.plan is not None, "planned above"
    training = Training(
        network,
        problem.batches,
        problem.objective,
        config.train,
        steps=config.plan.train_steps,
        seed=config.seed,
    )
    run_phase("train", training, config.plan.train_steps, directory, job.observer, checkpoint)
    return finish(directory, problem, candidate, network, job.observer)


def make_problem(space: Space, table: Mapping[str, float], config: RunConfig) -> Problem:
    """What a strategy is given, for a run's config.

    Raises:
        NasError: The data cannot be opened, or do not fit the space, or it has no partial channels that are asked for.
    """
    size = input_size(space.graph)
    data = open_data(config.data, size=size)
    objective = Objective.of(space.graph, data.classes.names)
    batches = Batches(data, size, config.seed, config.train.augmentation)
    return Problem(space, table, objective, batches, config, proxy_of(space, config))


def input_size(graph: Graph) -> tuple[int, int]:
    """Height and width of the space's only input."""
    size = next(graph.inputs()).type.size
    assert size is not None, "inputs are maps"
    return size


def _planned(job: Job, problem: Problem) -> RunConfig:
    config = problem.config
    assert config.budget_s is not None, "either steps or a budget"
    job.observer.phase("plan", 0, 0)
    times = measure(problem)
    steps = plan(times, config.budget_s - job.spent_s)
    job.observer.say(
        f"plan: {steps.search_steps} search steps of {times.search:.2f} s, {steps.train_steps} training steps of about "
        f"{times.train:.2f} s"
    )
    return config.model_copy(update={"plan": steps})


def _network(job: Job, problem: Problem, checkpoint: Checkpoint | None) -> tuple[nn.Module, Candidate]:
    """The chosen architecture's network with the weights that its training starts from."""
    directory, config = job.directory, problem.config
    if checkpoint is not None and checkpoint.phase == "train":
        candidate = _stored(job.space, directory.read(ARCHITECTURE), problem.latency_ms)
        return _fresh_network(problem, candidate), candidate
    assert config.plan is not None, "planned before"
    strategy = make_strategy(problem)
    run_phase("search", strategy, config.plan.search_steps, directory, job.observer, checkpoint)
    job.observer.phase("derive", 0, 0)
    candidate = strategy.derive(directory.log)
    directory.write(ARCHITECTURE, candidate.architecture.to_json())
    directory.write(NETWORK, _source(candidate, config))
    network = _fresh_network(problem, candidate)
    weights = strategy.weights(candidate) if config.train.start == "supernet" else None
    if weights is not None:
        network.load_state_dict(weights)
    return network, candidate


def _stored(space: Space, text: str, table: Mapping[str, float]) -> Candidate:
    architecture = Architecture.from_json(text, ARCHITECTURE)
    network = space.derive(architecture)
    return Candidate(architecture, network, latency_ms(network, table))


def _fresh_network(problem: Problem, candidate: Candidate) -> nn.Module:
    torch.manual_seed(chance.number(problem.config.seed, "network"))
    network: nn.Module = module_from(_source(candidate, problem.config), "network").Network()
    return network


def _source(candidate: Candidate, config: RunConfig) -> str:
    found = costs(candidate.network)
    facts = {
        "parameters": f"{found.params:,}",
        "MACs": f"{found.macs:,}",
        "latency": f"{candidate.latency_ms:.3f} ms on {config.device}, by the lookup table",
        "made by": f"nasdsl {__version__} search {config.space_file} --strategy {config.strategy} --seed {config.seed}",
    }
    return network_source(candidate.network, architecture=candidate.architecture, facts=facts)

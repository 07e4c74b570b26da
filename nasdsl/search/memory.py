"""Whether a run fits into memory, found out before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.memory import memory_text
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.training_memory import (
    TrainingMemory,
    largest_network_memory,
    network_memory,
    supernet_memory,
)
from nasdsl.search.config import RunConfig
from nasdsl.search.observer import Observer
from nasdsl.search.searched import proxy_of
from nasdsl.search.strategies import GIVEN, strategy_kind
from nasdsl.space import Space

MIXED = frozenset({"straight_through", "gumbel", "softmax", "dirichlet"})
"""The relaxations of which all alternatives run; two paths are less than a mixture, and counted as one path."""

HEAP = 1.5
"""How many times as much the heap takes as the tensors on it, about at most (`benchmarks/results/memory.md`)."""


def check_memory(
    space: Space, config: RunConfig, observer: Observer, *, limit: int | None, base: int, refuse: bool = True
) -> None:
    """Say how much memory a run needs, and refuse it where that is more than there is.

    Refused is what cannot fit even if the heap had no gaps; what may not fit, since it has, is warned of. So is the
    training of the network that a search finds, since that is not known and the largest of the space is meant.

    Args:
        space: The space.
        config: The run.
        observer: Is told.
        limit: The bytes there are; None: not known.
        base: The bytes that the process has already.
        refuse: Whether to refuse at all.

    Raises:
        NasError: It cannot fit.
    """
    if config.strategy == GIVEN:
        network = space.derive(Architecture.from_json(config.architecture, "the run's architecture"))
        training = _Phase("training", network_memory(network), config.train.batch, "train.batch")
        _judge(training, observer, limit, base, refuse=refuse)
        return
    if strategy_kind(config.strategy).searches:
        mixed = config.search.relaxation in MIXED
        proxy = proxy_of(space, config)
        step = supernet_memory(proxy.graph if proxy else space.graph, mixed=mixed)
        ways = ("--set search.relaxation=single_path computes one path a step",) if mixed else ()
        _judge(
            _Phase("the search", step, config.search.batch, "search.batch", ways), observer, limit, base, refuse=refuse
        )
    last = largest_network_memory(space.graph)
    training = _Phase("training the largest network", last, config.train.batch, "train.batch")
    _judge(training, observer, limit, base, refuse=False)


@dataclass(frozen=True, slots=True)
class _Phase:
    """A phase of a run: what it is called, what a step needs, the setting of its batch, and other ways out."""

    name: str
    step: TrainingMemory
    batch: int
    setting: str
    ways: tuple[str, ...] = ()


def _judge(phase: _Phase, observer: Observer, limit: int | None, base: int, *, refuse: bool) -> None:
    need = phase.step.total(phase.batch)
    text = f"{phase.name} on batches of {phase.batch} needs about {memory_text(need)}, and PyTorch {memory_text(base)}"
    if limit is None:
        observer.say(f"memory: {text}")
        return
    text += f"; this process can have {memory_text(limit)}"
    if base + int(need * HEAP) <= limit:
        observer.say(f"memory: {text}")
        return
    fits = phase.step.fits(int(max(0, limit - base) / HEAP))
    knobs = [f"--set {phase.setting}={fits} is the largest batch that fits" if fits else "not even one image fits"]
    knobs += [*phase.ways, "a preset or --param for smaller inputs or fewer layers"]
    if base + need > limit and refuse:
        raise NasError(f"{text}", help="; ".join([*knobs, "--ignore-memory starts anyway"]), status=3)
    verdict = "too little" if base + need > limit else "may be too little"
    observer.say(f"memory: {text}, {verdict}: {'; '.join(knobs)}")

"""Every relaxation on generated and on shipped spaces: it computes architectures exactly, and runs what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import nn

from nasdsl import runtime
from nasdsl.codegen import module_paths
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.derive import canonical
from nasdsl.passes.rules import broken_rule
from nasdsl.runtime.relaxations.schedules import Constant
from nasdsl.search.relaxation import RELAXATIONS
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import FASTERSEG, Pair, _number_values, runs_of, values_of
from tests.generators.spaces import chains, grids, selections, spaces

SPACES = Path(__file__).parents[2] / "spaces"
ALL_KINDS = st.one_of(chains(), chains(), grids(), selections())
QUIET = settings(
    max_examples=12, deadline=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
)
ONE_ARCHITECTURE = ("single_path", "two_path", "straight_through")


def spread(distribution: runtime.Logits, seed: int, scale: float = 1.0) -> runtime.Logits:
    """Random logits, those of soft alternatives so low that none is drawn."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in distribution.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
        for path, decision in distribution.space.decisions.items():
            if isinstance(decision, runtime.Choose):
                for place in set(range(len(decision.domain))) - set(decision.real):
                    distribution.logits(path)[place] = -1e6
    return distribution


def drawn(pair: Pair, seed: int) -> Iterator[tuple[str, runtime.Choices, Architecture]]:
    """A draw of every relaxation that computes one architecture, and which it is, if no rule forbids it."""
    space, graph = pair.logits.space, pair.space.graph
    logits = spread(pair.logits, seed)
    given_one = pair.space.sample(seed)
    made = [RELAXATIONS[name](space, Constant(1.0)) for name in ONE_ARCHITECTURE]
    for relaxation in made:
        relaxation.distribution.load_state_dict(logits.state_dict())
    for relaxation in (*made, runtime.Uniform(space), runtime.Fixed(space, given_one)):
        choices = relaxation.draw(torch.Generator().manual_seed(seed))
        values = Architecture(given_one.space, values_of(choices), given_one.preset)
        architecture = canonical(graph, values)
        if isinstance(relaxation, runtime.Fixed):
            assert architecture == given_one
        if broken_rule(graph, architecture) is None:
            yield type(relaxation).__name__, choices, architecture


def same_values(pair: Pair, architecture: Architecture, choices: runtime.Choices) -> None:
    """In training the values are those without a relaxation, to the last bit."""
    pair.supernet.train()
    found = pair.supernet(*pair.images, choices)
    alone = pair.supernet(*pair.images, pair.relaxation.fixed(architecture))
    assert found.keys() >= alone.keys(), "what runs for its gradient may have a task of its own"
    assert all(torch.equal(found[name], alone[name]) for name in alone)


@given(spaces(ALL_KINDS))
@QUIET
def test_draws_of_one_path_compute_the_derived_network(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    for _, choices, architecture in drawn(pair, 0):
        pair.check(architecture, choices, training=False)
        same_values(pair, architecture, choices)


@given(spaces(ALL_KINDS))
@QUIET
def test_one_path_runs_what_is_live_and_nothing_else(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    runs = runs_of(pair.supernet)
    for name, choices, architecture in drawn(pair, 1):
        derived = pair.space.derive(architecture)
        paths = module_paths(pair.space.graph, _number_values(pair)(derived))
        alone = Counter(paths[derived.nodes[node].origin] for node in module_paths(derived))
        runs.clear()
        pair.supernet(*pair.images, choices)
        ran: Counter[str] = Counter()
        for path, times in runs.items():
            ran[path.partition(".at.")[0]] += times  # one layer, whatever its width
        if name in ("SinglePath", "Uniform", "Fixed"):
            assert ran == alone, name
        else:
            assert ran.keys() >= alone.keys(), name


@given(spaces(ALL_KINDS))
@QUIET
def test_mixtures_with_one_hot_weights_compute_the_derived_network(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    logits = spread(pair.logits, 0, scale=1e4)
    architecture = canonical(pair.space.graph, logits.most_probable())
    if broken_rule(pair.space.graph, architecture) is not None:
        return
    generator = torch.Generator().manual_seed(0)
    pair.check(architecture, runtime.Softmax(logits, Constant(0.1)).draw(generator), training=True)
    pair.check(architecture, runtime.GumbelSoftmax(logits, Constant(0.1)).draw(generator), training=False)


EDGES = """space edges {
  input image: [3, 8, 8]
  block edge(x) {
    choose op in { a: conv_bn(k = 1), b: conv_bn(k = 3), c: conv_bn_relu(k = 1), d: conv_bn_relu(k = 3) }
    return x >> op()
  }
  x[0] = image
  for i in 1..=3 { x[i] = edge(x[i-1]) }
  task t = x[3] >> conv(2, k = 1) { loss cross_entropy() }
}"""


@pytest.mark.parametrize(
    ("name", "count"),
    [("single_path", 1), ("two_path", 2), ("straight_through", 4), ("gumbel", 4), ("softmax", 4), ("dirichlet", 4)],
)
def test_how_many_modules_of_an_edge_run(name: str, count: int) -> None:
    pair = Pair(load(Source("edges.nas", EDGES)))
    runs = runs_of(pair.supernet)
    relaxation = RELAXATIONS[name](pair.logits.space, Constant(1.0))
    for seed in range(4):
        runs.clear()
        pair.supernet(*pair.images, relaxation.draw(torch.Generator().manual_seed(seed)))
        ran = Counter(path.rpartition(".")[0] for path in runs if path.endswith("conv"))
        per_edge = Counter(path.partition(".op_")[0] for path in ran if ".op_" in path)
        assert per_edge == dict.fromkeys(("x_1", "x_2", "x_3"), count)


CASES = {
    "darts": ("cifar", {"C": 4, "layers": 3}),
    "fasterseg": ("student", FASTERSEG),
    "autortnet": ("demo", {}),
    "fork": ("demo", {}),
    "panoptic": ("demo", {}),
}


@pytest.fixture(scope="module", params=CASES)
def shipped(request: pytest.FixtureRequest) -> Pair:
    preset, params = CASES[request.param]
    return Pair(load(SPACES / f"{request.param}.nas", preset=preset, params=params))


def test_shipped_spaces_compute_architectures(shipped: Pair) -> None:
    for _, choices, architecture in drawn(shipped, 2):
        shipped.check(architecture, choices, training=False)
        same_values(shipped, architecture, choices)


@pytest.mark.parametrize("name", RELAXATIONS)
def test_shipped_spaces_give_gradients(shipped: Pair, name: str) -> None:
    torch.manual_seed(0)
    made = RELAXATIONS[name](shipped.logits.space, Constant(1.0))
    nn.Module.requires_grad_(shipped.supernet, False)
    outputs = shipped.supernet.train()(*shipped.images, made.draw(torch.Generator().manual_seed(0)))
    sum((out * torch.linspace(0, 1, out.numel()).reshape(out.shape)).sum() for out in outputs.values()).backward()
    nn.Module.requires_grad_(shipped.supernet, True)
    gradients = {path: p.grad for path, p in made.distribution.named_parameters() if p.grad is not None}
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    moved = {path for path, gradient in gradients.items() if gradient.abs().max() > 0}
    assert len(moved) >= 2
    if name in ("gumbel", "softmax", "dirichlet"):
        kinds = made.space.decisions
        soft = {path.replace(".", "/") for path, d in kinds.items() if isinstance(d, runtime.Pick)}
        assert soft | {grid.replace(".", "/") for grid in made.space.grids} <= moved

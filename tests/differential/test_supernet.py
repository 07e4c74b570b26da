"""A supernet set to an architecture computes what the derived network with its weights computes, gradients included."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.codegen import module_paths, network_source, supernet_source
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.derive import canonical
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.spaces import spaces

SPACES = Path(__file__).parents[2] / "spaces"

TINY_NUMBERS = """space tiny {
  input image: [3, 8, 8]
  choose h in {4, 6}
  width w in {2, 4}
  x = image >> conv_bn_relu(h, k = 3) >> dw_conv_bn_relu(k = 3)
  y = x >> conv_bn_relu(w + h, k = 1) >> conv_bn_relu(k = 3)
  z = concat(y, x) >> conv_bn(h, k = 1)
  task t = z >> conv(2, k = 1, bias = true) { loss cross_entropy() metric miou }
}
"""

PRODUCTS = """space products {
  input image: [3, 8, 8]
  width e in {1, 2, 3}
  block expanded(x, t) { width w in {2, 4}  return x >> conv_bn_relu(w * t, k = 1) >> conv_bn(4, k = 3) }
  x = image >> conv_bn_relu(4, k = 3)
  y[0] = expanded(x, e)
  y[1] = sum(expanded(y[0], 2), y[0])
  pick ins in 1 of 0..2
  task t = sum(y[i] for i in ins) >> conv(2, k = 1, bias = true) { loss cross_entropy() metric miou }
}
"""


def module_of(source: str) -> ModuleType:
    module = ModuleType("generated")
    exec(compile(source, "generated", "exec"), module.__dict__)  # noqa: S102 - made by the code under test
    return module


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and statistics at which no two channels are alike."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.is_floating_point() and tensor.dim() == 1:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3 + ("weight" in name))
        elif tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / tensor[0].numel()) ** 0.5)
    return module


class Pair:
    """The supernet of a space, to be compared with networks of it."""

    def __init__(self, space: Space) -> None:
        self.space = space
        module = module_of(supernet_source(space.graph))
        self.supernet = randomised(module.Supernet())
        self.relaxation = runtime.Relaxation(module.SPACE)
        shapes = [(int(n.type.channels.constant), *n.type.size) for n in space.graph.inputs()]
        self.images = [torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)) for shape in shapes]

    def check(self, architecture: Architecture, choices: runtime.Choices, *, training: bool) -> None:
        derived = self.space.derive(architecture)
        network = module_of(network_source(derived, architecture=architecture, facts={})).Network()
        network.load_state_dict(runtime.inherit(self.supernet, self.space.graph, derived), strict=True)
        self.supernet.train(training)
        network.train(training)
        self.supernet.zero_grad()
        state = {name: tensor.clone() for name, tensor in self.supernet.state_dict().items()}
        name = next(task.name for task in derived.tasks)
        found = self.supernet(*self.images, choices)[name]
        expected = network(*self.images)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        weights = torch.linspace(-1, 1, found.numel()).reshape(found.shape)
        (found * weights).sum().backward()
        (expected * weights).sum().backward()
        self._compare_gradients(network, derived)
        self.supernet.load_state_dict(state)

    def _compare_gradients(self, network: nn.Module, derived: object) -> None:
        """Copies that stand for one node of the space: their gradients add up to the supernet's."""
        space, origins = self.space.graph, {}
        for node_id, path in module_paths(derived).items():
            origins.setdefault(derived.nodes[node_id].origin, []).append(path)
        values = _number_values(self)
        paths = module_paths(space, values(derived))
        for origin, copies in origins.items():
            module = self.supernet.get_submodule(paths[origin])
            for name, parameter in network.get_submodule(copies[0]).named_parameters():
                total = sum(dict(network.get_submodule(c).named_parameters())[name].grad for c in copies)
                key = name if not isinstance(module, runtime.BatchNorm2d) else f"at.{len(parameter)}.{name}"
                mine = dict(module.named_parameters())[key].grad
                mine = mine[tuple(slice(0, n) for n in total.shape)]
                scale = total.abs().max().clamp_min(1e-3)
                torch.testing.assert_close(mine / scale, total / scale, rtol=1e-3, atol=2e-4)


def _number_values(pair: Pair):
    from nasdsl.runtime.inherit import _chosen_numbers

    return lambda derived: _chosen_numbers(pair.space.graph, derived)


def architectures(pair: Pair, count: int) -> list[Architecture]:
    return [pair.space.sample(seed) for seed in range(count)]


FASTERSEG = {"F": 3, "layers": 5, "H": 64, "W": 128, "classes": 5}


@pytest.fixture(scope="module")
def fasterseg() -> Pair:
    return Pair(load(SPACES / "fasterseg.nas", preset="student", params=FASTERSEG))


@pytest.fixture(scope="module")
def darts() -> Pair:
    return Pair(load(SPACES / "darts.nas", params={"C": 4, "layers": 3}))


@pytest.mark.parametrize("seed", range(30))
def test_fasterseg(fasterseg: Pair, seed: int) -> None:
    architecture = fasterseg.space.sample(seed)
    fasterseg.check(architecture, fasterseg.relaxation.fixed(architecture), training=seed % 2 == 0)


def test_fasterseg_with_both_ratios() -> None:
    pair = Pair(load(SPACES / "fasterseg.nas", params={"F": 6, "layers": 3, "H": 64, "W": 64, "classes": 3}))
    for seed, architecture in enumerate(architectures(pair, 4)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


def test_routes_that_meet_again(fasterseg: Pair) -> None:
    """Two routes through one cell by different ways are two computations with the same weights."""
    values = dict(fasterseg.space.sample(0).decisions)
    values |= {d: fasterseg.relaxation.space.decisions[d].domain[-1] for d in fasterseg.relaxation.space.decisions
               if not d.startswith(("branch", "ends"))}  # fmt: skip
    values |= {
        "ends": (16, 32),
        "branch[16]": ((0, 8), (1, 16), (2, 16), (3, 16), (4, 16), (5, 16)),
        "branch[32]": ((0, 8), (1, 8), (2, 16), (3, 16), (4, 32), (5, 32)),
    }
    graph = fasterseg.space.graph
    architecture = canonical(graph, Architecture("fasterseg", values, "student"))
    derived = fasterseg.space.derive(architecture)
    origins = [node.origin for node in derived.nodes]
    assert len(origins) > len(set(origins))
    for training in (False, True):
        fasterseg.check(architecture, fasterseg.relaxation.fixed(architecture), training=training)


@pytest.mark.parametrize("seed", range(6))
def test_darts(darts: Pair, seed: int) -> None:
    architecture = darts.space.sample(seed)
    darts.check(architecture, darts.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.mark.parametrize("text", [TINY_NUMBERS, PRODUCTS], ids=["numbers", "products"])
def test_tiny(text: str) -> None:
    pair = Pair(load(Source("tiny.nas", text)))
    for seed, architecture in enumerate(architectures(pair, 6)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@given(spaces())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_spaces(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    for seed, architecture in enumerate(architectures(pair, 2)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.mark.parametrize("seed", range(6))
def test_hard_sample_computes_its_architecture(fasterseg: Pair, seed: int) -> None:
    with torch.no_grad():
        for parameter in fasterseg.relaxation.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(seed))
    choices = fasterseg.relaxation.sample(1.0, torch.Generator().manual_seed(seed), hard=True)
    architecture = canonical(fasterseg.space.graph, Architecture("fasterseg", values_of(choices), "student"))
    fasterseg.check(architecture, choices, training=True)
    gradients = [p.grad for p in fasterseg.relaxation.parameters() if p.grad is not None]
    assert any(gradient.abs().max() > 0 for gradient in gradients)
    fasterseg.relaxation.zero_grad()


def values_of(choices: runtime.Choices) -> Mapping[str, object]:
    space, drawn = choices.drawn.space, choices.drawn
    values: dict[str, object] = dict(drawn.ways)
    for path, draw in drawn.draws.items():
        decision = space.decisions[path]
        domain = decision.subsets if isinstance(decision, runtime.Pick) else decision.domain
        values[path] = domain[draw.place]
    return values


@pytest.mark.parametrize("name", ["fasterseg", "darts"])
def test_a_mixture_is_differentiable_everywhere(request: pytest.FixtureRequest, name: str) -> None:
    pair: Pair = request.getfixturevalue(name)
    pair.supernet.train()
    choices = pair.relaxation.sample(1.0, torch.Generator().manual_seed(0), hard=False)
    outputs: dict[str, Tensor] = pair.supernet(*pair.images, choices)
    sum((out * torch.linspace(0, 1, out.numel()).reshape(out.shape)).sum() for out in outputs.values()).backward()
    moved = {path for path, p in pair.relaxation.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
    pair.relaxation.zero_grad()
    assert set(pair.relaxation.space.grids) <= moved
    assert len([path for path in moved if path.endswith("op")]) > 8


def test_auxiliary_outputs_follow_their_routes(fasterseg: Pair) -> None:
    fasterseg.supernet.train()
    for seed in range(8):
        architecture = fasterseg.space.sample(seed)
        outputs = fasterseg.supernet(*fasterseg.images, fasterseg.relaxation.fixed(architecture))
        expected = {"segment"} | {f"deep[{end}]" for end in architecture.decisions["ends"] if end != 8}
        assert set(outputs) == expected
    fasterseg.supernet.eval()
    assert set(fasterseg.supernet(*fasterseg.images, fasterseg.relaxation.fixed(architecture))) == {"segment"}

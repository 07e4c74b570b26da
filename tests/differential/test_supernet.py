"""A supernet set to an architecture computes what the derived network with its weights computes, gradients included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
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
from tests.generators.spaces import selections, spaces

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


KERNELS = """space kernels {
  input image: [3, 16, 16]
  choose m in {1, 3}
  width k in {1, 5, 7}
  width r in {1, 2, 4}
  block down(x, c) = x >> conv_bn_relu(2 * r, k = 2 * r - 1, stride = 2) >> conv(c, k = k, dilation = 3, bias = true)
  x = image >> conv_bn_relu(4, k = m) >> conv_bn_relu(4, k = k, groups = 2)
  y = x >> dw_conv_bn_relu(k = k, stride = 2) >> dw_conv(k = m)
  task t = sum(y, down(x, 4)) >> conv(2, k = 1, bias = true) { loss cross_entropy() metric miou }
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
    """The supernet of a space, to be compared with networks of it, in double precision: where a norm makes a weight
    matter little, its gradient in single precision is noise.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        module = module_of(supernet_source(space.graph))
        self.supernet = randomised(module.Supernet()).double()
        self.logits = runtime.Logits(module.SPACE)
        self.relaxation = runtime.SinglePath(self.logits)
        shapes = [(int(n.type.channels.constant), *n.type.size) for n in space.graph.inputs()]
        self.images = [torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)).double() for shape in shapes]

    def check(self, architecture: Architecture, choices: runtime.Choices, *, training: bool) -> None:
        derived = self.space.derive(architecture)
        network = module_of(network_source(derived, architecture=architecture, facts={})).Network().double()
        network.load_state_dict(runtime.inherit(self.supernet, self.space.graph, derived), strict=True)
        self.supernet.train(training)
        network.train(training)
        self.supernet.zero_grad()
        state = {name: tensor.clone() for name, tensor in self.supernet.state_dict().items()}
        found = self.supernet(*self.images, choices)
        expected = network(*self.images)
        if len(derived.tasks) == 1:
            expected = {derived.tasks[0].name: expected}
        for name in expected:
            torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-5)
        for outputs in (found, expected):
            weighted = [
                (outputs[name] * torch.linspace(-1, 1, outputs[name].numel()).reshape(outputs[name].shape)).sum()
                for name in expected
            ]
            torch.stack(weighted).sum().backward()
        self._compare_gradients(network, derived)
        self.supernet.load_state_dict(state)

    def _compare_gradients(self, network: nn.Module, derived: object) -> None:
        """Copies that stand for one module of the supernet: their gradients add up to its own."""
        space, origins = self.space.graph, {}
        paths = module_paths(space, _number_values(self)(derived))
        for node_id, path in module_paths(derived).items():
            origins.setdefault(paths[derived.nodes[node_id].origin], {})[path] = None
        for origin, copies in origins.items():
            module = self.supernet.get_submodule(origin)
            for name, parameter in network.get_submodule(next(iter(copies))).named_parameters():
                total = sum(gradient_of(network.get_submodule(c), name) for c in copies)
                key = name if not isinstance(module, runtime.BatchNorm2d) else f"at.{len(parameter)}.{name}"
                mine = gradient_of(module, key)
                whole = mine.abs().sum()
                mine = used_part(mine, total.shape)
                torch.testing.assert_close(mine.abs().sum(), whole, rtol=1e-5, atol=1e-6)  # nothing elsewhere
                scale = total.abs().max().clamp_min(1e-3)
                torch.testing.assert_close(mine / scale, total / scale, rtol=1e-3, atol=2e-4)


def gradient_of(module: nn.Module, name: str) -> Tensor:
    """The gradient of a parameter; zeros where nothing but the size of a map depends on it."""
    parameter = module.get_parameter(name)
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def used_part(tensor: Tensor, shape: torch.Size) -> Tensor:
    """The first channels and the middle of the kernel, as far as a shape goes."""
    starts = [0 if dim < 2 else (tensor.shape[dim] - n) // 2 for dim, n in enumerate(shape)]
    return tensor[tuple(slice(start, start + n) for start, n in zip(starts, shape, strict=True))]


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


@pytest.mark.parametrize("text", [TINY_NUMBERS, PRODUCTS, KERNELS], ids=["numbers", "products", "kernels"])
def test_tiny(text: str) -> None:
    pair = Pair(load(Source("tiny.nas", text)))
    for seed, architecture in enumerate(architectures(pair, 6)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.fixture
def doubles() -> Iterator[None]:
    """Float64, where a gradient that batch norm makes zero is told from one that is small."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("doubles")
@given(spaces())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_spaces(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    for seed, architecture in enumerate(architectures(pair, 4)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.mark.usefixtures("doubles")
@given(spaces(selections()))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_depths_conditions_and_shared_blocks(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    for seed, architecture in enumerate(architectures(pair, 5)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


def runs_of(supernet: nn.Module) -> Counter[str]:
    """Counts, from now on, how often each module with weights of its own runs."""
    runs: Counter[str] = Counter()
    for path, module in supernet.named_modules():
        if not list(module.children()) and list(module.parameters()):
            name, _, _ = path.partition(".at.")  # the statistics of one width
            module.register_forward_hook(lambda *_, name=name: runs.update([name]))
    return runs


@given(spaces(selections()))
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_only_what_is_live_runs_and_each_call_once(text: str) -> None:
    pair = Pair(load(Source("generated.nas", text)))
    runs = runs_of(pair.supernet)
    for architecture in architectures(pair, 3):
        derived = pair.space.derive(architecture)
        paths = module_paths(pair.space.graph, _number_values(pair)(derived))
        runs.clear()
        pair.supernet(*pair.images, pair.relaxation.fixed(architecture))
        assert runs == Counter(paths[derived.nodes[node].origin] for node in module_paths(derived))


GIVEN = """space given {
  input image: [3, 16, 16]
  block zoomed(x, c, stride = 1) {
    y = x >> (conv_bn(c, k = 3) if stride == 1 else factorized_reduce(c))
    return y >> relu()
  }
  stem = image >> conv_bn_relu(4, k = 3)
  grid g[l in 0..=3, r in {1, 2}] from stem at [0, 1] {
    width w in {1, 2}
    choose op in { conv: conv_bn_relu(k = 3), zoomed }
    to [l+1, r] = here >> op(c = 4*next.w if l < 2 else 4, stride = 1)
    to [l+1, 2*r] = here >> op(c = 4*next.w if l < 2 else 4, stride = 2)
  }
  route way in g to [3, 2]
  y = way.end >> zoomed(4) >> zoomed(4, stride = 2)
  block doubled(x) = sum(x, x)
  task t = sum(y >> conv(4, k = 1), doubled(y), y >> conv(4, k = 3)) >> conv(2, k = 1) { loss cross_entropy() }
}"""


def test_modules_that_are_given_to_their_class() -> None:
    """Instances of one class with different modules inside, some of them told their channels."""
    space = load(Source("given.nas", GIVEN))
    pair = Pair(space)
    assert "    def __init__(self, y: nn.Module) -> None:" in supernet_source(space.graph)
    for seed, architecture in enumerate(architectures(pair, 10)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)
        choices = pair.relaxation.fixed(architecture)
        network = module_of(network_source(space.derive(architecture), architecture=None, facts={})).Network().double()
        network.load_state_dict(runtime.inherit(pair.supernet, space.graph, space.derive(architecture)))
        pair.supernet.eval()
        assert torch.equal(pair.supernet(*pair.images, choices)["t"], network.eval()(*pair.images))


SHARED = """space sharing {
  input image: [3, 16, 16]
  shared block f(x) { choose op in { a: conv_bn(k = 1), b: conv_bn_relu(k = 3) } return x >> op() }
  shared block g(x) = f(x) >> conv(3, k = 3, bias = true)
  depth d in 0..=2
  y[0] = image >> conv_bn(3, k = 1)
  y[1] = g(y[0])
  y[2] = f(y[1])
  z = y[d] >> resize(2)
  block once(x) { y = f(x)  return y }
  block twice(x) { y = g(x)  return f(y) }
  choose last in { once, twice }
  task t = sum(z, z >> last()) >> conv(2, k = 1) { loss cross_entropy() }
}"""


def test_shared_weights_are_there_once() -> None:
    pair = Pair(load(Source("sharing.nas", SHARED)))
    state = pair.supernet.state_dict()
    assert {name.partition(".")[0] for name in state} == {"y_0", "f", "g", "t_conv"}
    assert len([name for name in state if name.startswith("f.op_a.conv")]) == 1
    # y[1] is dead: the first call of f in the space is not in the network, and the only one left is a plain module.
    architecture = Architecture("sharing", {"d": 0, "f.op": "b", "last": "once"})
    pair.check(architecture, pair.relaxation.fixed(architecture), training=True)
    network = module_of(network_source(pair.space.derive(architecture), architecture=None, facts={})).Network()
    assert sum(parameter.numel() for parameter in network.parameters()) == 3 * 3 + 6 + 3 * 3 * 9 + 6 + 3 * 2
    for d, last in product((0, 1, 2), ("once", "twice")):
        architecture = Architecture("sharing", {"d": d, "f.op": "a", "last": last})
        pair.check(architecture, pair.relaxation.fixed(architecture), training=d == 1)


SHARED_IN_CELLS = """space cells {
  input image: [3, 16, 16]
  stem = image >> conv_bn_relu(4, k = 3)
  shared block top(x) { y = x >> conv_bn_relu(4, k = 3)  return y >> conv(4, k = 1) }
  shared block up(x) = x >> conv_bn(4, k = 3)
  grid g[l in 0..=3, r in {1, 2}] from stem at [0, 1] {
    choose op in {a: conv_bn(k = 3), b: conv_bn_relu(k = 1)}
    depth d in 1..=2
    shared block f(x) { y = x >> op(c = 4) return y }
    block chain(x) { y[1] = f(x)  y[2] = f(y[1])  return y[d] }
    to [l+1, r] = top(chain(here))
    to [l+1, 2*r] = up(f(here)) >> max_pool(k = 3, stride = 2)
  }
  route way[1] in g to [3, 1]
  route way[2] in g to [3, 2]
  z = concat(way[1].end, top(way[2].end) >> resize_like(image))
  task t = z >> conv(2, k = 1) { loss cross_entropy() }
}"""


def test_blocks_shared_within_a_cell_and_between_cells() -> None:
    """What cells share is there once; what is shared within a cell once for each of its copies."""
    pair = Pair(load(Source("cells.nas", SHARED_IN_CELLS)))
    holders = {name.partition(".")[0] for name in pair.supernet.state_dict()}
    assert holders == {"stem", "g_1", "g_1_2", "g_2_2", "t", "top", "up"}
    for seed, architecture in enumerate(architectures(pair, 8)):
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


CHAIN = """space chain {
  input image: [3, 8, 8]
  y[0] = image
  for i in 1..=3 { y[i] = y[i-1] >> conv(3, k = 3) }
  depth d in {0, 1, 3}
  task t = y[d] { loss cross_entropy() }
  task u = y[3] if d == 3 else image { loss cross_entropy() }
}"""


def test_a_mixture_of_exits_is_their_weighted_sum() -> None:
    pair = Pair(load(Source("chain.nas", CHAIN)))
    exits = [pair.relaxation.fixed(Architecture("chain", {"d": d})) for d in (0, 1, 3)]
    maps = [pair.supernet(*pair.images, choices)["t"] for choices in exits]
    choices = runtime.GumbelSoftmax(pair.logits).draw(torch.Generator().manual_seed(3))
    weights = choices.drawn.draws["d"].weights
    runs = runs_of(pair.supernet)
    outputs = pair.supernet(*pair.images, choices)
    assert set(runs.values()) == {1}
    torch.testing.assert_close(outputs["t"], sum(w * x for w, x in zip(weights, maps, strict=True)))
    torch.testing.assert_close(outputs["u"], weights[2] * maps[2] + (weights[0] + weights[1]) * pair.images[0])
    outputs["t"].sum().backward()
    gradient = pair.logits.logits("d").grad
    assert gradient.abs().min() > 0
    hard = pair.relaxation.draw(torch.Generator().manual_seed(3))
    place = hard.drawn.draws["d"].place
    torch.testing.assert_close(pair.supernet(*pair.images, hard)["t"], maps[place])


@pytest.mark.parametrize("seed", range(6))
def test_hard_sample_computes_its_architecture(fasterseg: Pair, seed: int) -> None:
    with torch.no_grad():
        for parameter in fasterseg.relaxation.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(seed))
    choices = fasterseg.relaxation.draw(torch.Generator().manual_seed(seed))
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
    choices = runtime.GumbelSoftmax(pair.logits).draw(torch.Generator().manual_seed(0))
    outputs: dict[str, Tensor] = pair.supernet(*pair.images, choices)
    sum((out * torch.linspace(0, 1, out.numel()).reshape(out.shape)).sum() for out in outputs.values()).backward()
    moved = {path for path, p in pair.logits.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
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

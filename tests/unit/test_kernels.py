"""Partition into kernels, their signatures and liveness, counts of parameters and MACs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import Costs, costs, kernels, signatures
from nasdsl.passes.units import latency_ms
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.direct_network import DirectNetwork
from tests.generators.spaces import selections, spaces

SPACE = """space s {
  input image: [3, 16, 16]
  width w in {2, 4}
  choose op in {
    a: conv_bn_relu(k = 3),
    b: conv_bn(k = 5),
    c: identity
  }
  x = image >> conv(4, k = 1, bias = true)
  y = x >> op()
  z = y >> relu() >> conv(w, k = 3, stride = 2) >> bn() >> relu() >> dropout(1/2)
  u = z >> resize_like(y)
  pick ins in 2 of 0..3
  m[0] = u
  m[1] = z >> resize(2)
  m[2] = x >> conv(w, k = 3)
  task t = concat(m[i] for i in ins) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
  aux task v = y >> relu() >> global_avg_pool() >> linear(7) { loss cross_entropy() }
}"""


def read(text: str) -> Space:
    return load(Source("s.nas", text))


def templates(graph: Graph) -> list[str]:
    return [kernel.template for kernel in kernels(graph)]


def test_kernels_of_a_space() -> None:
    found = [(kernel.template, str(kernel.live)) for kernel in kernels(read(SPACE).graph)]
    assert found == [
        ("conv k=1 3x16x16 -> 4x16x16", "always"),
        ("conv k=3 relu 4x16x16 -> 4x16x16", "op = a"),
        ("conv k=5 4x16x16 -> 4x16x16", "op = b"),
        ("relu 4x16x16 -> 4x16x16", "always"),
        ("conv k=3 stride=2 relu 4x16x16 -> {}x8x8", "always"),
        ("resize {}x8x8 -> {}x16x16", "ins = 0"),
        ("resize {}x8x8 -> {}x16x16", "ins = 1"),
        ("conv k=3 4x16x16 -> {}x16x16", "ins = 2"),
        ("concat {}x16x16 + {}x16x16 -> {}x16x16", "always"),
        ("global_avg_pool {}x16x16 -> {}x1x1", "always"),
        ("linear {}x1x1 -> 2", "always"),
    ]


def test_signatures_are_those_that_architectures_reach() -> None:
    space = read(SPACE)
    reached = {text for seed in range(60) for text in templates(space.derive(space.sample(seed)))}
    assert set(signatures(space.graph)) == reached
    concat = signatures(space.graph)["concat 4x16x16 + 4x16x16 -> 8x16x16"]
    assert [x.channels.constant for x in concat.inputs] == [4, 4]


def test_soft_alternatives_have_no_signature() -> None:
    text = SPACE.replace("c: identity", "soft c: max_pool(k = 3)")
    assert "max_pool k=3 4x16x16 -> 4x16x16" in templates(read(text).graph)
    assert not [text for text in signatures(read(text).graph) if text.startswith("max_pool")]


def test_a_map_that_is_also_read_elsewhere_is_a_kernel_of_its_own_where_the_rest_is_dead() -> None:
    text = """space s {
      input image: [3, 8, 8]
      m[1] = image >> conv(4, k = 3)
      m[0] = m[1] >> relu()
      pick which in 1 of 0..2
      task t = sum(m[i] for i in which) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
    }"""
    space = read(text)
    found = [(kernel.template, str(kernel.live)) for kernel in kernels(space.graph)]
    assert found[:2] == [
        ("conv k=3 3x8x8 -> 4x8x8", "always + -1 * (which = 0)"),
        ("conv k=3 relu 3x8x8 -> 4x8x8", "which = 0"),
    ]
    for seed in range(4):
        check_partition(space, seed)


def check_partition(space: Space, seed: int) -> None:
    """The kernels of a network are those of the space: no node is in two, none is forgotten, origins agree."""
    network = space.derive(space.sample(seed))
    found = kernels(network)
    inside = Counter(node for kernel in found for node in kernel.nodes)
    assert set(inside.values()) <= {1}
    alone = {"input", "identity", "dropout"}
    lonely = {node.id for node in network.nodes if node.op in ("sum", "concat") and len(node.inputs) == 1}
    demanded = {task.output for task in network.tasks if not task.aux}
    for node in reversed(network.nodes):
        if node.id in demanded:
            demanded.update(item.node for item in node.inputs)
    assert set(inside) == {n.id for n in network.nodes if n.op not in alone} & demanded - lonely
    of_space = {kernel.nodes for kernel in kernels(space.graph)}
    known = signatures(space.graph)
    for kernel in found:
        assert tuple(network.nodes[node].origin for node in kernel.nodes) in of_space
        assert kernel.template in known


@pytest.mark.parametrize(("name", "preset"), [("darts", ""), ("fasterseg", "demo")])
def test_networks_have_the_kernels_of_their_space(repository: Path, name: str, preset: str) -> None:
    space = load(repository / f"spaces/{name}.nas", preset=preset, params={"layers": 5})
    for seed in range(3):
        check_partition(space, seed)


@given(text=spaces(), seed=st.integers(0, 1000))
def test_generated_networks_have_the_kernels_of_their_space(text: str, seed: int) -> None:
    check_partition(read(text), seed)


@pytest.mark.parametrize(("name", "preset"), [("darts", ""), ("fasterseg", "demo")])
def test_params_and_macs_are_those_of_the_executed_network(repository: Path, name: str, preset: str) -> None:
    space = load(repository / f"spaces/{name}.nas", preset=preset)
    graph = space.derive(space.sample(4))
    network = DirectNetwork(graph)
    macs = 0

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal macs
        weight: torch.Tensor = module.weight  # type: ignore[assignment]
        macs += output.numel() * weight[0].numel()

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(count)
    (image,) = graph.inputs()
    network(torch.zeros(1, 3, *(image.type.size or ())))
    assert costs(graph) == Costs(sum(p.numel() for p in network.parameters()), macs)


def test_shared_weights_count_once_and_their_work_every_time() -> None:
    space = read("""space s {
      input image: [3, 8, 8]
      shared block f(x) = x >> conv(3, k = 3) >> bn()
      task t = f(f(image)) >> conv(2, k = 1, bias = true) { loss cross_entropy() }
    }""")
    assert costs(space.graph) == Costs(params=81 + 6 + 8, macs=2 * 81 * 64 + 6 * 64)
    assert len(kernels(space.graph)) == 3


@given(text=spaces(selections()), seed=st.integers(0, 1000))
def test_params_are_those_of_the_executed_network(text: str, seed: int) -> None:
    network = read(text).derive(read(text).sample(seed))
    assert costs(network).params == sum(p.numel() for p in DirectNetwork(network).parameters())


def test_the_latency_of_an_extern_is_not_known() -> None:
    text = 'extern f(x) -> [3, 4, 4] from "layers:F"\nspace s { input image: [3, 8, 8]\n'
    with pytest.raises(NasError, match=r"s\.nas:3: `layers:F` is an extern: its latency cannot be measured"):
        signatures(read(text + "task t = image >> f() { loss cross_entropy() } }").graph)
    aux = "task t = image { loss cross_entropy() } aux task u = image >> f() { loss cross_entropy() } }"
    assert not kernels(read(text + aux).graph)


def test_a_missing_entry_names_the_command() -> None:
    space = read(SPACE)
    network = space.derive(space.sample(0))
    table = dict.fromkeys(signatures(space.graph), 1.0)
    assert latency_ms(network, table) == len(kernels(network))
    del table["conv k=1 3x16x16 -> 4x16x16"]
    with pytest.raises(NasError, match=r"no entry for 1 .* `conv k=1 3x16x16 -> 4x16x16`\nhelp: .*nasdsl profile"):
        latency_ms(network, table)

"""Proxies with partial channels of generated and shipped spaces: the same decisions, other networks, exact ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from nasdsl import runtime
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.ir.verify import verify
from nasdsl.passes.derive import canonical, demand
from nasdsl.passes.partial import Proxy, partial_channels
from nasdsl.passes.shared import Sharing
from nasdsl.runtime.relaxations.schedules import Constant
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.differential.test_supernet import Pair
from tests.generators.spaces import BLOCKS, HEADS, chains, selections, spaces
from tests.property.test_relaxations import spread

SPACES = Path(__file__).parents[2] / "spaces"
QUIET = settings(
    max_examples=40, deadline=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
)

ALTERNATIVES = {
    "nested": "inner",
    "expanded": "inverted_residual(c = channels(x), mid = 2 * channels(x), k = 3)",
    "grouped": "grouped",
    "picked": "picked",
    "same": "identity",
    "nothing": "none",
    "pooled": "max_pool(k = 3)",
    "sliced": "sliced",
    "conv3": "conv_bn_relu(k = 3)",
}

INSIDE = """
  block inner(x) { choose op in { a: conv_bn(k = 1), b: dil_conv(k = 3) } y = x >> op()  return sum(x, y) >> relu() }
  block grouped(x) = x >> conv(channels(x), k = 3, groups = channels(x)) >> conv(k = 1, groups = 2) >> gn(groups = 2)
  block picked(x) {
    for i in 0..3 { y[i] = x >> conv_bn(channels(x)/2, k = 1) }
    pick ins in 2 of 0..3
    return concat(y[i] for i in ins)
  }
  block sliced(x) = concat(x >> slice(1/2), x >> slice(end = 1/2) >> conv_bn(k = 1)) >> shuffle(2)"""


@st.composite
def edges(draw: st.DrawFn) -> str:
    """Chains of uses of choices whose alternatives have something in them, on widths that are decided or not."""
    channels = draw(st.sampled_from(["8", "16", "8 * w"]))
    # Groups must not depend on decisions.
    possible = sorted(ALTERNATIVES.keys() - ({"grouped"} if "w" in channels else set()))
    labels = draw(st.lists(st.sampled_from(possible), min_size=2, max_size=4, unique=True))
    sharing = draw(st.sampled_from(["", "tied ", "shared "])) if channels != "8 * w" else ""
    alternatives = ", ".join(f"{label}: {ALTERNATIVES[label]}" for label in labels)
    block = f"{sharing}block edge(x) {{ choose op in {{ {alternatives} }} return x >> op() }}"
    lines = [INSIDE, "width w in {1, 2}" if "w" in channels else "", block]
    lines += [f"x[0] = image >> conv_bn_relu({channels}, k = 3)", "x[1] = edge(x[0])", "x[2] = edge(x[1])"]
    return "\n  ".join([*lines, "y = sum(x[2], x[0])"])


BODIES = st.one_of(edges(), edges(), chains(), selections())


def proxy_or_skip(text: str, parts: int) -> tuple[Space, Proxy]:
    space = load(Source("generated.nas", text))
    try:
        return space, partial_channels(space.graph, parts)
    except NasError as error:
        if "nothing in `generated` can work on" not in error.message:
            raise
        reject()


def named(graph: Graph) -> dict[tuple[int, str], int]:
    return {(node.scope, node.name.removesuffix(".mix")): node.id for node in graph.nodes}


def check_channels(space: Graph, proxy: Proxy) -> None:
    """Every map is there and has all its channels or one part; each choice on a part is joined with all the others."""
    new = named(proxy.graph)
    added = Counter(node.op for node in proxy.graph.nodes) - Counter(node.op for node in space.nodes)
    edges = len(proxy.partial)
    assert (added["slice"], added["concat"], added["shuffle"]) == (2 * edges, edges, edges)
    assert set(added) <= {"slice", "concat", "shuffle", "max_pool"}
    whole = 0
    for node in space.nodes:
        mine = proxy.graph.nodes[new[node.scope, node.name]]
        assert (mine.op, mine.type.size) == (node.op, node.type.size)
        assert mine.type.channels in (node.type.channels, node.type.channels / proxy.parts)
        whole += mine.type == node.type
        if node.id in proxy.partial:
            assert mine.type.channels == node.type.channels / proxy.parts
            joined = proxy.graph.nodes[mine.id + added_after(proxy.graph, mine.id)]
            assert (joined.op, joined.type.channels) == ("shuffle", node.type.channels)
    assert whole > 0
    before = {task.name: space.nodes[task.output].type.channels for task in space.tasks}
    assert before == {task.name: proxy.graph.nodes[task.output].type.channels for task in proxy.graph.tasks}


def added_after(graph: Graph, mix: int) -> int:
    return next(step for step in range(1, 5) if graph.nodes[mix + step].op == "shuffle")


def live(graph: Graph, architecture: Architecture) -> set[tuple[int, str]]:
    """The maps that an architecture demands, by scope and name."""
    nodes = (graph.nodes[node] for node, _ in demand(graph, architecture).reads)
    return {(node.scope, node.name.removesuffix(".mix")) for node in nodes}


@given(spaces(BODIES), st.sampled_from([2, 4]), st.integers(0, 2**32))
@QUIET
def test_the_proxy_has_the_same_decisions_in_the_same_architectures(text: str, parts: int, seed: int) -> None:
    space, proxy = proxy_or_skip(text, parts)
    verify(proxy.graph)
    check_channels(space.graph, proxy)
    searched = Space(proxy.graph, space.source)
    assert searched.graph.decisions == space.graph.decisions
    assert searched.graph.rules == space.graph.rules
    assert searched.count() == space.count()
    architecture = space.sample(seed)
    assert searched.sample(seed) == architecture
    networks = [verify(each.derive(architecture)) for each in (space, searched)]
    assert networks[0].decided == networks[1].decided
    assert live(space.graph, architecture) == live(searched.graph, architecture) & named(space.graph).keys()


@given(spaces(BODIES), st.sampled_from([2, 4]))
@settings(QUIET, max_examples=25)
def test_supernets_of_proxies_compute_the_networks_of_proxies(text: str, parts: int) -> None:
    space, proxy = proxy_or_skip(text, parts)
    pair = Pair(Space(proxy.graph, space.source))
    for seed in range(2):
        architecture = space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed == 0)


@given(spaces(st.one_of(edges(), chains())))
@settings(QUIET, max_examples=15)
def test_mixtures_of_proxies_with_one_hot_weights_compute_networks(text: str) -> None:
    space, proxy = proxy_or_skip(text, 2)
    pair = Pair(Space(proxy.graph, space.source))
    logits = spread(pair.logits, 0, scale=1e4)
    architecture = canonical(proxy.graph, logits.most_probable())
    generator = torch.Generator().manual_seed(0)
    pair.check(architecture, runtime.Softmax(logits, Constant(0.1)).draw(generator), training=True)


@given(spaces(st.one_of(edges(), selections())))
@QUIET
def test_shared_weights_are_on_a_part_everywhere_or_nowhere(text: str) -> None:
    space, proxy = proxy_or_skip(text, 2)
    old, new = Sharing(space.graph).nodes, named(proxy.graph)
    alike: dict[int, set[bool]] = {}
    for node in space.graph.nodes:
        mine = proxy.graph.nodes[new[node.scope, node.name]]
        alike.setdefault(old[node.id], set()).add(mine.type.channels == node.type.channels)
    assert all(len(found) == 1 for found in alike.values())


@pytest.mark.parametrize(
    ("name", "preset", "places"),
    [
        ("darts", "", (112, 0)), ("nasbench201", "", (90, 0)), ("fbnet", "", (16, 6)), ("autortnet", "demo", (37, 0)),
        ("panoptic", "", (9, 15)), ("fork", "", (26, 0)), ("spatialflow", "", (53, 0)),
    ],
)  # fmt: skip
def test_shipped_spaces(name: str, preset: str, places: tuple[int, int]) -> None:
    space = load(SPACES / f"{name}.nas", preset=preset)
    proxy = partial_channels(space.graph, 2)
    assert (len(proxy.partial), len(proxy.whole)) == places
    verify(proxy.graph)
    check_channels(space.graph, proxy)
    assert proxy.graph.decisions == space.graph.decisions
    assert Space(proxy.graph, space.source).count() == space.count()


def test_what_generated_spaces_hold() -> None:
    """The properties above speak about something: each alternative works on a part in some space of its own."""
    for label, alternative in ALTERNATIVES.items():
        chosen = f"choose op in {{ {label}: {alternative}, other: conv_bn(k = 1) }}"
        body = f"{INSIDE}\n  block edge(x) {{ {chosen} return x >> op() }}\n  y = edge(image >> conv(8, k = 1))"
        text = f"space s {{\n  input image: [3, 16, 16]{BLOCKS}\n  {body}\n  {HEADS[0]}\n}}\n"
        assert len(partial_channels(load(Source("s.nas", text)).graph, 2).partial) == 1, label

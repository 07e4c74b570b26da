"""Invariants of elaboration and derivation over generated spaces."""

from hypothesis import given
from hypothesis import strategies as st

from nasdsl.ir.text import dump
from nasdsl.ir.verify import verify
from nasdsl.passes.derive import demand
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.spaces import spaces


@given(spaces(), st.integers(0, 2**32))
def test_every_architecture_gives_a_well_formed_network(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    verify(space.graph)
    architecture = space.sample(seed)
    network = verify(space.derive(architecture))
    assert not network.decisions
    live = {space.graph.nodes[place[0]].op for place in demand(space.graph, architecture).reads}
    assert {node.op for node in network.nodes} == live - {"mix", "join", "route_end", "route_last"}


@given(spaces())
def test_the_same_text_gives_the_same_graph(text: str) -> None:
    assert dump(load(Source("a.nas", text)).graph) == dump(load(Source("b.nas", text)).graph)

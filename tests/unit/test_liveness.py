"""Conditions as polynomials, and the liveness of nodes against the demand of architectures."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.ir.graph import Atom, Graph
from nasdsl.passes.derive import demand
from nasdsl.passes.liveness import ALWAYS, NEVER, Condition, Conditions, liveness
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.spaces import spaces

SPACE = """space s {
  input image: [3, 8, 8]
  choose op in {a: conv_bn(k = 1), b: conv_bn(k = 3), c: identity}
  pick ins in 2 of 0..4
  x[0] = image
  for i in 1..4 { x[i] = image >> conv(3, k = 3) >> op() }
  task t = sum(x[i] for i in ins) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


@pytest.fixture
def graph() -> Graph:
    return load(Source("s.nas", SPACE)).graph


def has(member: int) -> Condition:
    return Condition.of([Atom("ins", member)])


def is_op(label: str) -> Condition:
    return Condition.of([Atom("op", label)])


def value(condition: Condition, members: tuple[int, ...], label: str) -> int:
    held = {Atom("op", label), *(Atom("ins", member) for member in members)}
    return sum(coefficient for literals, coefficient in condition.terms if literals <= held)


def test_what_always_holds_is_found(graph: Graph) -> None:
    algebra = Conditions(graph)
    any_op = algebra.either(algebra.either(is_op("a"), is_op("b")), is_op("c"))
    assert any_op == ALWAYS
    any_member = NEVER
    for member in (0, 1):
        any_member = algebra.either(any_member, has(member))
    assert any_member != ALWAYS
    assert algebra.either(any_member, has(2)) == ALWAYS  # two of four cannot all be the fourth
    assert algebra.both(is_op("a"), is_op("b")) == NEVER
    assert algebra.both(algebra.both(has(0), has(1)), has(2)) == NEVER


@given(data=st.data())
def test_arithmetic_is_that_of_truth(data: st.DataObject) -> None:
    algebra = Conditions(load(Source("s.nas", SPACE)).graph)
    atoms = st.sampled_from([has(i) for i in range(4)] + [is_op(label) for label in "abc"])
    conditions = st.recursive(
        atoms,
        lambda inner: st.builds(lambda f, x, y: f(x, y), st.sampled_from([algebra.both, algebra.either]), inner, inner),
        max_leaves=6,
    )
    x, y = data.draw(conditions), data.draw(conditions)
    for members in combinations(range(4), 2):
        for label in "abc":
            a, b = value(x, members, label), value(y, members, label)
            assert {a, b} <= {0, 1}
            assert value(algebra.both(x, y), members, label) == min(a, b)
            assert value(algebra.either(x, y), members, label) == max(a, b)
            assert value(algebra.without(algebra.either(x, y), x), members, label) == max(a, b) - a


def check_demand(space: Space, seed: int) -> None:
    """Nodes outside of grids are live where the demand of the architecture reaches them."""
    architecture = space.sample(seed)
    reached = {node for node, way in demand(space.graph, architecture).reads if not way}
    live = liveness(space.graph)
    for node in space.graph.nodes:
        if space.graph.scopes[node.scope].cell is not None:
            continue
        total = 0
        for literals, coefficient in live.nodes[node.id].terms:
            total += coefficient * all(_holds(architecture.decisions.get(a.decision), a.value) for a in literals)
        assert total == (node.id in reached), node


def _holds(value: object, wanted: object) -> bool:
    return wanted in value if isinstance(value, tuple) else wanted == value


@pytest.mark.parametrize("name", ["darts", "fasterseg"])
def test_live_is_what_architectures_demand(repository: Path, name: str) -> None:
    space = load(repository / f"spaces/{name}.nas", params={"layers": 5})
    for seed in range(5):
        check_demand(space, seed)


@given(text=spaces(), seed=st.integers(0, 1000))
def test_live_is_what_generated_architectures_demand(text: str, seed: int) -> None:
    check_demand(load(Source("generated.nas", text)), seed)

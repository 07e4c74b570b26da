"""From architectures to networks."""

from dataclasses import replace
from pathlib import Path

import pytest

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.verify import verify
from nasdsl.passes.derive import demand
from nasdsl.passes.rules import broken_rule
from nasdsl.source import Source
from nasdsl.space import Space, load

PRESETS = [("darts", ""), ("fasterseg", ""), ("fasterseg", "demo"), ("fasterseg", "teacher")]


@pytest.fixture(params=PRESETS, ids=str)
def space(request: pytest.FixtureRequest, repository: Path) -> Space:
    name, preset = request.param
    return load(repository / f"spaces/{name}.nas", preset=preset)


def test_networks_are_well_formed_and_free_of_decisions(space: Space) -> None:
    for seed in range(20):
        network = verify(space.derive(space.sample(seed)))
        assert not network.decisions
        for node in network.nodes:
            assert all(i.when is None for i in node.inputs)
            assert node.type.channels.constant is not None
            assert node.origin is not None
            assert space.graph.nodes[node.origin].op == node.op


def test_samples_are_canonical_and_repeat(space: Space) -> None:
    for seed in range(20):
        architecture = space.sample(seed)
        assert architecture == space.sample(seed)
        assert demand(space.graph, architecture).decisions == set(architecture.decisions)
        assert Architecture.from_json(architecture.to_json()) == architecture
    assert len({space.sample(seed).hash for seed in range(20)}) == 20


TWO_ROUTES = """space s {
  input image: [3, 16, 16]
  grid g[l in 0..=3, r in {1, 2}] from image at [0, 1] {
    choose op in {a: conv_bn(k = 3), b: conv_bn(k = 5)}
    to [l+1, r] = here >> op(c = 4, stride = 1)
    to [l+1, 2*r] = here >> op(c = 4, stride = 2)
  }
  for e in {1, 2} { route way[e] in g to [3, e] }
  y = concat(way[1].end, way[2].end >> resize_like(image))
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


def two_routes(second: list[tuple[int, int]]) -> Architecture:
    ways = {"way[1]": tuple((i, 1) for i in range(4)), "way[2]": tuple(second)}
    cells = {cell for way in ways.values() for cell in way[:-1]}
    return Architecture("s", {**ways, **{f"g[{i},{r}].op": "a" for i, r in cells}})


def convolutions(second: list[tuple[int, int]]) -> int:
    network = load(Source("s.nas", TWO_ROUTES)).derive(two_routes(second))
    return sum(node.op == "conv" for node in network.nodes)


def test_equal_prefixes_of_routes_are_computed_once() -> None:
    assert convolutions([(0, 1), (1, 1), (2, 1), (3, 2)]) == 2 + 1 + 1
    assert convolutions([(0, 1), (1, 2), (2, 2), (3, 2)]) == 0 + 3 + 3


def test_an_architecture_of_something_else_is_refused_with_the_difference() -> None:
    space = load(Source("s.nas", TWO_ROUTES))
    good = two_routes([(0, 1), (1, 1), (2, 1), (3, 2)])
    space.derive(good)

    def refused(match: str, **changes: object) -> None:
        decisions = {k: v for k, v in {**good.decisions, **changes}.items() if v is not None}
        with pytest.raises(NasError, match=match):
            space.derive(replace(good, decisions=decisions))

    refused(r"decides nothing for `g\[0,1\].op`", **{"g[0,1].op": None})
    refused(r"`g\[0,1\].op` cannot be 'c'", **{"g[0,1].op": "c"})
    refused(r"`g\[1,2\].op` has a value but is not live", **{"g[1,2].op": "a"})
    refused(r"no decision `g\[9,9\].op`", **{"g[9,9].op": "a"})
    refused(r"`way\[2\]` cannot be", **{"way[2]": ((0, 1), (3, 2))})
    with pytest.raises(NasError, match="of the space `other`"):
        space.derive(replace(good, space="other"))


@pytest.mark.parametrize("text", ["", "[]", '{"space": "s"}', '{"space": "s", "decisions": {"a": null}}', "\0"])
def test_what_is_no_architecture_is_refused(text: str) -> None:
    with pytest.raises(NasError, match=r"a\.json"):
        Architecture.from_json(text, "a.json")


RULES = """space s {
  input image: [3, 8, 8]
  block layer(x) { choose op in {a: conv_bn(k = 1), b: conv_bn_relu(k = 3), skip} return x >> op() }
  y[0] = image
  for i in 1..=4 { y[i] = layer(y[i-1]) }
  depth d in 1..=4
  depth e in 1..=4
  require d == e or e == 4
  require at most 1 of y[*].layer.op in {a, skip}
  task t = y[d] { loss cross_entropy() }
  task u = y[e] if d > 1 else image { loss cross_entropy() }
}"""


def ruled(d: int, ops: str, **others: object) -> Architecture:
    decisions = {f"y[{i}].layer.op": {"s": "skip"}.get(op, op) for i, op in enumerate(ops, start=1)}
    return Architecture("s", {"d": d, **decisions, **others})  # type: ignore[arg-type]


def test_architectures_that_break_a_rule_are_refused_with_the_rule_and_its_place() -> None:
    space = load(Source("s.nas", RULES))
    space.derive(ruled(2, "ab", e=2))
    space.derive(ruled(1, "s"))  # e is dead, so no rule speaks of it
    with pytest.raises(NasError, match=r"`d == e or e == 4` \(s\.nas:8\) does not hold: found d = 2, e = 3"):
        space.derive(ruled(2, "abb", e=3))
    said = r"`require at most 1 of y\[\*\]\.layer\.op in \{a, skip\}` \(s\.nas:9\) does not hold: "
    with pytest.raises(NasError, match=said + r"2 decisions are a or skip \(y\[1\]\.layer\.op, y\[3\]\.layer\.op\)"):
        space.derive(ruled(3, "sba", e=3))


def test_random_architectures_keep_the_rules_and_all_that_do_are_drawn() -> None:
    space = load(Source("s.nas", RULES))
    drawn = [space.sample(seed) for seed in range(400)]
    assert all(broken_rule(space.graph, architecture) is None for architecture in drawn)
    assert {(a.decisions["d"], a.decisions.get("e")) for a in drawn} == {
        (1, None), (2, 2), (3, 3), (2, 4), (3, 4), (4, 4)
    }  # fmt: skip


def test_rules_that_nothing_keeps_are_said_to_forbid_too_much() -> None:
    space = load(Source("s.nas", RULES.replace("in {a, skip}", "in {a, b, skip}")))
    graph = replace(space.graph, rules=tuple(replace(r, count=0) for r in space.graph.rules if hasattr(r, "count")))
    with pytest.raises(NasError, match=r"`s` has no architecture"):
        Space(graph, space.source).sample(0)

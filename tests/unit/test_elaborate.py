"""What the language means, on small spaces whose graphs can be checked by hand, and on the shipped ones."""

from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import AtMost, Graph, Kind, Relation
from nasdsl.ir.verify import verify
from nasdsl.passes.derive import canonical, derive
from nasdsl.source import Source
from nasdsl.space import load

TASK = "task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }"


def graph(body: str, head: str = "space s", **kwargs: object) -> Graph:
    text = f"{head} {{ input image: [3, 32, 32]\n{body}\n{TASK} }}"
    return verify(load(Source("s.nas", text), **kwargs).graph)  # type: ignore[arg-type]


def mistakes(body: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(InvalidSpace) as found:
        graph(body)
    return found.value.diagnostics


def test_every_shipped_space_is_well_formed(repository: Path) -> None:
    from nasdsl.elaborate.space import preset_names
    from nasdsl.syntax.parser import parse, read_source

    spaces = sorted((repository / "spaces").glob("*.nas"))
    assert spaces
    for path in spaces:
        for preset in ("", *preset_names(parse(read_source(path)))):
            verify(load(path, preset=preset).graph)


def test_fasterseg_has_the_published_grid(repository: Path) -> None:
    space = load(repository / "spaces/fasterseg.nas").graph
    grid = space.grids["trunk"]
    cells = Counter(rate for layer, rate in grid.cells if layer < 16)
    assert cells == {8: 16, 16: 15, 32: 14}
    assert sum(link.source[1] != link.target[1] for link in grid.links) == 29
    assert Counter(d.kind for d in space.decisions.values())[Kind.WIDTH] == 44


def test_darts_has_fourteen_edges_a_cell(repository: Path) -> None:
    decisions = load(repository / "spaces/darts.nas").graph.decisions
    edges = [d for d in decisions.values() if d.kind is Kind.CHOOSE]
    assert Counter(d.path.split(".")[0] for d in edges) == {"normal": 14, "reduction": 14}
    assert all(len(d.domain) == 8 and d.real == d.domain[1:] for d in edges)
    picks = {d.path: d.domain for d in decisions.values() if d.kind is Kind.PICK}
    assert picks["normal.ins[5]"] == (0, 1, 2, 3, 4)
    assert "normal.ins[2]" not in picks, "two of two is no decision"


def test_a_tied_block_decides_once_and_a_block_at_every_call() -> None:
    block = "block f(x) { choose op in {a: conv_bn(k = 3), b: conv_bn(k = 5)} return x >> op() }"
    calls = "p = f(image)\n y = f(p)"
    assert sorted(graph(f"{block} {calls}").decisions) == ["p.f.op", "y.f.op"]
    assert sorted(graph(f"tied {block} {calls}").decisions) == ["f.op"]


def test_decision_paths_carry_indices_and_labels() -> None:
    block = "block f(x) { choose op in {a: conv_bn(k = 3), b: conv_bn(k = 5)} return x >> op() }"
    space = graph(f"{block} y = sum(sum(f(image) for i in 0..2), near = f(image))")
    assert sorted(space.decisions) == ["y.f[0].op", "y.f[1].op", "y.near.f.op"]


def test_a_domain_of_one_value_is_no_decision() -> None:
    space = graph("width w in {8}\n choose op in {conv_bn(k = 3)}\n y = image >> op(c = w)")
    assert not space.decisions
    assert space.nodes[1].type.channels.constant == 8


def test_channels_follow_widths_through_concat_and_default() -> None:
    space = graph("width w in {2, 4}\n x = image >> conv_bn(3*w, k = 1)\n y = concat(x, x >> conv_bn(k = 3))")
    concat = next(node for node in space.nodes if node.op == "concat")
    assert str(concat.type.channels) == "6 * w"
    assert space.values(concat.type.channels) == (12, 24)


def test_what_no_task_needs_is_left_out() -> None:
    unused = "choose op in {a: conv_bn(k = 3), b: conv_bn(k = 5)}\n waste = image >> op()\n"
    space = graph(f"{unused} y = image >> conv_bn(4, k = 1)")
    assert not space.decisions
    assert [node.op for node in space.nodes] == ["input", "conv", "bn", "global_avg_pool", "linear"]


def test_parameters_go_before_presets_and_presets_before_defaults() -> None:
    body = "y = image >> conv_bn(C, k = 1)\n preset wide(C = 8) { }"
    head = "space s(C = 4)"
    assert graph(body, head).params["C"] == 4
    assert graph(body, head, preset="wide").params["C"] == 8
    assert graph(body, head, preset="wide", params={"C": 16}).params["C"] == 16


def test_a_preset_narrows_and_fixes_decisions() -> None:
    body = """for i in 0..3 { width w[i] in {2, 4, 8} }
    x = image >> conv_bn(w[0], k = 1) >> conv_bn(w[1], k = 1)
    y = x >> conv_bn(w[2], k = 1)
    preset p { w[*] in {2, 8}  w[1] = max }"""
    space = graph(body, preset="p")
    assert {path: d.domain for path, d in space.decisions.items()} == {"w[0]": (2, 8), "w[2]": (2, 8)}


def test_loops_over_tuples_conditions_and_ranges() -> None:
    body = """z[0] = image
    for (i, c, s) in {(0, 4, 1), (1, 8, 2), (2, 2, 1)} when c > 2 { z[i+1] = z[i] >> conv_bn(c, k = 3, stride = s) }
    y = z[2]"""
    assert [str(n.type) for n in graph(body).nodes if n.op == "bn"] == ["[N, 4, 32, 32]", "[N, 8, 16, 16]"]


def test_unknown_presets_and_parameters_are_named() -> None:
    with pytest.raises(NasError, match="did you mean `wide`"):
        graph("y = image\n preset wide { }", preset="wid")
    with pytest.raises(NasError, match="no parameter `D`"):
        graph("y = image", "space s(C = 1)", params={"D": 2})


def test_a_grid_keeps_only_what_lies_on_a_route() -> None:
    body = """grid g[l in 0..4, r in {1, 2, 4}] from image at [0, 1] {
      choose op in {a: conv_bn(k = 3), b: conv_bn(k = 5)}
      to [l+1, r] = here >> op(c = 4 * r, stride = 1)
      to [l+1, 2*r] = here >> op(c = 8 * r, stride = 2)
    }
    route b in g to [3, 2]
    y = b.end"""
    space = graph(body)
    assert set(space.grids["g"].cells) == {(0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2)}
    assert set(space.decisions) == {f"g[{i},{r}].op" for i, r in [(0, 1), (1, 1), (2, 1), (1, 2), (2, 2)]} | {"b"}


# depth and conditions on decisions

CHAIN = "y[0] = image >> conv(4, k = 3)\n for i in 1..=3 { y[i] = y[i-1] >> conv(4, k = 3) }\n"


def network_ops(space: Graph, decisions: dict[str, object]) -> list[str]:
    """The operations of the network of an architecture."""
    architecture = Architecture("s", decisions)  # type: ignore[arg-type]
    return [node.op for node in derive(space, architecture).nodes]


def test_a_depth_says_how_far_a_chain_is_live() -> None:
    chain = CHAIN.replace("y[", "z[")
    space = graph(f"{chain} depth d in 1..=3\n y = z[d]")
    assert space.decisions["d"].kind is Kind.DEPTH
    assert space.decisions["d"].domain == (1, 2, 3)
    for d in (1, 2, 3):
        assert network_ops(space, {"d": d}).count("conv") == d + 1


def test_the_same_selection_is_made_once() -> None:
    chain = CHAIN.replace("y[", "z[")
    space = graph(f"{chain} depth d in 1..=3\n y = sum(z[d], z[d], z[d-1])")
    assert [node.op for node in space.nodes].count("mix") == 2


def test_an_exit_that_does_not_exist_is_named() -> None:
    chain = CHAIN.replace("y[", "z[")
    (mistake,) = mistakes(f"{chain} depth d in 0..=3\n y = z[d-1]")
    assert (mistake.code, mistake.message) == ("E0203", "there is no `z[-1]`, which d = 0 asks for")


def test_a_condition_on_a_depth_selects() -> None:
    space = graph("depth d in 1..=3\n y = image >> conv(4, k = 3) if d >= 2 else image >> conv(4, k = 5)")
    (mix,) = (node for node in space.nodes if node.op == "mix")
    by_value = {i.when.value: space.nodes[i.node].attrs["k"].constant for i in mix.inputs if i.when}  # type: ignore[union-attr]
    assert by_value == {1: 5, 2: 3, 3: 3}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("a == b", lambda a, b, op: a == b),
        ("a < b and b != 3", lambda a, b, op: a < b and b != 3),
        ("a == 1 or b == 1", lambda a, b, op: a == 1 or b == 1),
        ("not (a == 1 or b == 1)", lambda a, b, op: not (a == 1 or b == 1)),
        ('op == "conv3"', lambda a, b, op: op == "conv3"),
        ('op != "conv3" and a in {1, 3}', lambda a, b, op: op != "conv3" and a in {1, 3}),
        ('op in {"conv3", "conv5"} or 2 * a == b + 1', lambda a, b, op: op in {"conv3", "conv5"} or 2 * a == b + 1),
    ],
)
def test_conditions_hold_where_they_say(condition: str, holds: Callable[..., bool]) -> None:
    space = graph(
        "depth a in 1..=3\n choose b in {1, 2, 3}\n"
        "choose op in { conv1: conv(4, k = 1), conv3: conv(4, k = 3), conv5: conv(4, k = 5) }\n"
        f"y = image >> conv(4, k = 1) if {condition} else sum(image >> conv(4, k = 1), image >> conv(4, k = 1))"
    )
    for a, b, op in product((1, 2, 3), (1, 2, 3), ("conv1", "conv3", "conv5")):
        decided = canonical(space, Architecture("s", {"a": a, "b": b, "op": op})).decisions
        expected = 1 if holds(a, b, op) else 2
        assert network_ops(space, dict(decided)).count("conv") == expected, (a, b, op)


def test_a_condition_that_always_holds_leaves_no_trace() -> None:
    space = graph("depth d in 1..=3\n y = image >> conv(4, k = 1) if d >= 1 else image")
    assert not space.decisions


def test_a_width_is_no_condition_and_a_depth_no_number() -> None:
    assert [m.code for m in mistakes("width w in {4, 8}\n y = image if w == 4 else image >> relu()")] == ["E0307"]
    assert [m.code for m in mistakes("depth d in {4, 8}\n y = image >> conv(d, k = 1)")] == ["E0302"]


def test_a_choice_among_blocks_with_two_results() -> None:
    space = graph(
        "block one(x) { q = x >> conv(4, k = 1)\n return q, q }\n"
        "block two(x) { return x >> conv(4, k = 1), x >> conv(4, k = 3) }\n"
        "choose split in {one, two}\n a, b = image >> split()\n y = sum(a, b)"
    )
    assert network_ops(space, {"split": "one"}).count("conv") == 1
    assert network_ops(space, {"split": "two"}).count("conv") == 2


def test_alternatives_with_different_numbers_of_results() -> None:
    blocks = "block one(x) { return x }\n block two(x) { return x, x }\n choose split in {one, two}\n"
    (mistake,) = mistakes(f"{blocks} y = image >> split()")
    assert mistake.code == "E0308"
    assert [label.text for label in mistake.labels] == ["returns 1", "returns 2"]


# blocks


def test_indexed_blocks_in_loops_see_their_turn() -> None:
    block = "tied block f[i](x) { choose op in { a: conv(4*i, k = 1), b: conv(4*i, k = 3) } return x >> op() }"
    space = graph(f"q[0] = image\n for i in 1..=2 {{ {block} q[i] = f[i](q[i-1]) }}\n y = sum(q[2], f[2](q[1]))")
    assert sorted(space.decisions) == ["f[1].op", "f[2].op"]
    assert space.nodes[-1].type.channels.constant == 2
    mixes = [str(node.type) for node in space.nodes if node.op == "mix"]
    assert mixes == ["[N, 4, 32, 32]", "[N, 8, 32, 32]", "[N, 8, 32, 32]"]


def test_calls_of_a_shared_block_share_weights_and_decisions() -> None:
    block = "shared block f(x) { choose op in { a: conv(3, k = 1), b: conv(3, k = 3) }\n return x >> op() }\n"
    space = graph(f"{block} y = sum(f(image), f(f(image)))")
    assert sorted(space.decisions) == ["f.op"]
    assert [scope.weights for scope in space.scopes if scope.block == "f"] == ["f", "f", "f"]


def test_calls_of_a_shared_block_must_fit_one_set_of_weights() -> None:
    (mistake,) = mistakes("shared block f(x) = x >> conv(4, k = 1)\n y = f(f(image))")
    assert mistake.code == "E0405"
    assert "[N, 4, 32, 32] here, [N, 3, 32, 32] there" in mistake.message


# rules about decisions


def test_requirements_on_decisions_become_rules() -> None:
    chain = CHAIN.replace("y[", "z[")
    space = graph(f"{chain} depth a in 1..=2\n depth b in 1..=2\n y = sum(z[a], z[b])\n require a <= b and b != 3")
    (rule,) = space.rules
    assert isinstance(rule, Relation)
    assert rule.decisions == ("a", "b")
    assert rule.allowed == {(1, 1), (1, 2), (2, 2)}


def test_at_most_counts_decisions_by_pattern() -> None:
    block = "block f(x) { choose op in { none, conv(3, k = 3) }\n return x >> op() }\n"
    space = graph(f"{block} y = sum(f(image) for i in 0..4)\n require at most 1 of y.f[*].op = none")
    (rule,) = space.rules
    assert isinstance(rule, AtMost)
    assert (rule.count, len(rule.decisions), rule.values) == (1, 4, {"none"})


def test_a_requirement_that_never_holds() -> None:
    chain = CHAIN.replace("y[", "z[")
    assert [m.code for m in mistakes(f"{chain} depth d in 1..=2\n y = z[d]\n require d > 2")] == ["E0603"]


# files


def test_imports_bring_blocks_and_externs_of_other_files(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/blocks.nas").write_text(
        'from "more.nas" import half\nblock thin(x, c) = x >> half(c) >> relu()\n'
        'extern crop(x, k = 2) -> [2 * channels(x), 8, 8] from "mine.layers:Crop"'
    )
    (tmp_path / "lib/more.nas").write_text("block half(x, c) = x >> conv(c/2, k = 1)")
    (tmp_path / "s.nas").write_text(
        'from "lib/blocks.nas" import thin as narrow, crop\nspace s { input image: [3, 32, 32]\n'
        f"y = image >> narrow(8) >> crop(k = 3)\n{TASK} }}"
    )
    space = verify(load(tmp_path / "s.nas").graph)
    extern = next(node for node in space.nodes if node.op == "extern")
    assert (extern.attrs["target"], str(extern.attrs["k"])) == ("mine.layers:Crop", "3")
    assert str(extern.type) == "[N, 8, 8, 8]"
    assert extern.type.rate == 4


def test_files_that_import_one_another(tmp_path: Path) -> None:
    (tmp_path / "a.nas").write_text('from "b.nas" import f\nblock g(x) = x')
    (tmp_path / "b.nas").write_text('from "a.nas" import g\nblock f(x) = x >> g()')
    (tmp_path / "s.nas").write_text(
        f'from "a.nas" import g\nspace s {{ input image: [3, 8, 8]\n y = g(image)\n{TASK} }}'
    )
    with pytest.raises(InvalidSpace) as found:
        load(tmp_path / "s.nas")
    assert [d.code for d in found.value.diagnostics] == ["E0107"]


@pytest.mark.parametrize(
    ("path", "code"),
    [("/etc/passwd", "E0106"), ("../x.txt", "E0106"), ("none.nas", "E0106"), ("std/../a.nas", "E0106")],
)
def test_imports_that_read_nothing(path: str, code: str, tmp_path: Path) -> None:
    text = f'from "{path}" import f\nspace s {{ input image: [3, 8, 8]\n y = f(image)\n{TASK} }}'
    with pytest.raises(InvalidSpace) as found:
        load(Source(str(tmp_path / "s.nas"), text))
    assert [d.code for d in found.value.diagnostics] == [code]


@pytest.mark.parametrize("target", ["os", "os:system('x')", "a b:C", "a.b:C; import os", "class:C", "a:b:c", ""])
def test_an_extern_names_a_class_and_nothing_else(target: str) -> None:
    text = f'extern f(x) -> [1, 8, 8] from "{target}"\nspace s {{ input image: [3, 8, 8]\n y = f(image)\n{TASK} }}'
    with pytest.raises(InvalidSpace) as found:
        load(Source("s.nas", text))
    assert "E0108" in [d.code for d in found.value.diagnostics]


def test_predictions_name_their_tasks() -> None:
    space = graph("y = image >> conv(4, k = 1)", head="space s")
    assert space.predictions == ()
    text = "y = image >> conv(4, k = 1)\n task u = y { loss l1() }\n predict p(u, k = 3) { metric pq }"
    (prediction,) = graph(text).predictions
    assert (prediction.name, prediction.tasks, prediction.args) == ("p", ("u",), {"k": 3})
    assert [m.code for m in mistakes("y = image\n predict p(nothing) { metric pq }")] == ["E0608"]


SHARED = "shared block {name}(x) = x >> conv(3, k = {k})\n"


def weights(space: Graph) -> list[str]:
    return [scope.weights for scope in space.scopes if scope.weights]


def test_shared_blocks_as_alternatives_share_with_their_calls() -> None:
    blocks = SHARED.format(name="f", k=1) + SHARED.format(name="g", k=3)
    space = graph(f"{blocks} choose op in {{f, g}}\n y = sum(image >> op(), f(image))")
    assert weights(space) == ["f", "g", "f"]


def test_a_block_that_calls_a_shared_one_shares_too() -> None:
    blocks = SHARED.format(name="f", k=1) + SHARED.format(name="g", k=3)
    space = graph(
        f"{blocks} block a(x) = f(x)\n block b(x) = g(x)\n y = sum(near = a(image), far = b(image), mid = a(image))"
    )
    assert weights(space) == ["f", "g", "f"]


def test_a_shared_block_is_one_in_each_instance_of_the_scope_it_stands_in() -> None:
    inner = "shared block f(x) = x >> conv(3, k = 1)\n return sum(near = f(x), far = f(x >> relu()))"
    tied = graph(f"tied block outer(x) {{ {inner} }}\n y = sum(one = outer(image), two = outer(image))")
    assert weights(tied) == ["y.one.outer.f"] * 2 + ["y.two.outer.f"] * 2
    shared = graph(f"shared block outer(x) {{ {inner} }}\n y = sum(one = outer(image), two = outer(image))")
    assert weights(shared) == ["outer", "outer.f", "outer.f"] * 2


@pytest.mark.parametrize(
    "expression",
    [
        " + ".join(["1"] * 5000),
        "- " * 5000 + "1",
        "not " * 5000 + "true",
        "floor(" * 150 + "1" + ")" * 150 + " + 1" * 3000,
    ],
    ids=["sum", "minus", "not", "calls"],
)
def test_what_is_nested_too_deeply_is_said(expression: str) -> None:
    assert [m.code for m in mistakes(f"n = {expression}\n y = image")] == ["E0701"]


def test_a_long_chain_of_operations_is_said() -> None:
    assert [m.code for m in mistakes(f"y = image{' >> relu()' * 5000}")] == ["E0701"]

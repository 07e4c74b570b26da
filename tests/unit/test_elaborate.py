"""What the language means, on small spaces whose graphs can be checked by hand, and on the shipped ones."""

from collections import Counter
from pathlib import Path

import pytest

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Kind
from nasdsl.ir.verify import verify
from nasdsl.source import Source
from nasdsl.space import load

TASK = "task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }"


def graph(body: str, head: str = "space s", **kwargs: object) -> Graph:
    text = f"{head} {{ input image: [3, 32, 32]\n{body}\n{TASK} }}"
    return verify(load(Source("s.nas", text), **kwargs).graph)  # type: ignore[arg-type]


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

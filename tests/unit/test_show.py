"""`nasdsl show`: what it says about a space, what it draws, how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nasdsl.cli import main
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import canonical, derive
from nasdsl.passes.kernels import costs
from nasdsl.report.diagram import Diagram, Look
from nasdsl.report.diagram_builder import DiagramBuilder
from nasdsl.report.draw.layered import Box, arrange
from nasdsl.report.picture import picture
from nasdsl.report.reading import Reading
from nasdsl.report.registry import Registry
from nasdsl.report.sizes import sizes
from nasdsl.report.summary import summary
from nasdsl.source import Source
from nasdsl.space import load
from tests.repo.test_imports import TENSOR_LIBRARIES, imported_by

SVG = "{http://www.w3.org/2000/svg}"

SMALL = """space small(C = 4) {
  input image: [3, 16, 16]
  block edge(x) { choose op in { conv3: conv_bn_relu(k = 3), sep3: sep_conv(k = 3) } return x >> op() }
  tied block cell(a, b) {
    x[0] = a >> conv_bn(C, k = 1)
    x[1] = b >> conv_bn(C, k = 1)
    for i in 2..4 {
      pick ins[i] in 2 of 0..i
      x[i] = sum(edge(x[j]) for j in ins[i])
    }
    return concat(x[i] for i in 2..4)
  }
  block stage(x) {
    width w in {2, 4}
    depth d in 1..=2
    y[1] = x >> conv_bn_relu(w, k = 3)
    y[2] = y[1] >> conv_bn_relu(w, k = 5)
    return y[d]
  }
  y[0] = image >> conv_bn_relu(C, k = 3)
  y[1] = y[0]
  for i in 0..3 { y[i+2] = cell(y[i], y[i+1]) }
  z = stage(y[4])
  task t = z >> global_avg_pool() >> linear(2) { loss cross_entropy() metric accuracy }
  preset half(C = 2) { z.stage.d = 2 }
}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.nas"
    path.write_text(SMALL)
    return path


def graph_of(body: str) -> Graph:
    """The graph of a space whose one task reads y."""
    task = "task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }"
    return load(Source("s.nas", f"space s {{\n  input image: [3, 16, 16]\n  {body}\n  {task}\n}}\n")).graph


def diagrams(graph: Graph, architecture: Architecture | None = None) -> list[Diagram]:
    """The whole network, then the blocks that have a figure."""
    registry = Registry(Reading(graph, architecture))
    scopes = [0, *(registry.drawn_from(figure) for figure in registry.figures if not figure.grid)]
    return [DiagramBuilder(registry, scope).build() for scope in scopes]


def titles(text: str) -> list[str]:
    return [title.text or "" for title in ElementTree.fromstring(text).iter(f"{SVG}title")]


def words(text: str) -> list[str]:
    return ["".join(line.itertext()) for line in ElementTree.fromstring(text).iter(f"{SVG}text")]


# what a diagram says


def test_a_cell_looks_like_the_figures_of_darts(small: Path) -> None:
    overview, cell, stage = diagrams(load(small).graph)
    assert [v.label for v in overview.vertices] == [
        "image",
        "conv_bn_relu",
        "cell × 3",
        "stage",
        "global_avg_pool",
        "t",
    ]
    assert [(v.look, v.label, v.below) for v in cell.vertices if v.look is not Look.PILL] == [
        (Look.INPUT, "c", "k-2"),
        (Look.INPUT, "c", "k-1"),
        (Look.VALUE, "0", ""),
        (Look.VALUE, "1", ""),
        (Look.OUTPUT, "c", "k"),
    ]
    pills = [v for v in cell.vertices if v.look is Look.PILL]
    assert [[o.label for o in pill.options] for pill in pills] == [["conv3", "sep3"]] * 5
    assert [cell.vertices[a.target].label for a in cell.arrows if a.candidate] == ["1"] * 3
    assert [v.label for v in stage.vertices if v.look is Look.EXIT] == ["1", "2"]
    assert [v.notes for v in stage.vertices if v.look is Look.BOX] == [("w ∈ {2, 4}",), ()]


def test_a_cell_of_an_architecture_has_the_chosen_edges_only(small: Path) -> None:
    space = load(small)
    found = space.sample(3)
    cell = diagrams(space.graph, found)[1]
    pills = [v for v in cell.vertices if v.look is Look.PILL]
    chosen = [str(value) for path, value in found.decisions.items() if path.endswith(".op")]
    assert sorted(o.label for pill in pills for o in pill.options) == sorted(chosen)
    assert len(pills) == 4
    assert not any(a.candidate for a in cell.arrows)


def test_blocks_of_one_shape_share_a_figure_that_names_all_their_decisions() -> None:
    graph = graph_of(
        "block f(x) { choose op in { conv3: conv_bn(k = 3), conv1: conv_bn(k = 1) } return sum(x, x >> op()) }\n"
        "for i in 0..3 { x[i] = image >> conv_bn(4, k = 1) >> f() }\n  y = concat(x[i] for i in 0..3)"
    )
    assert len(diagrams(graph)) == 2
    (title,) = [t for t in titles(picture(graph)) if t.startswith("x[0].f.op")]
    assert title.splitlines() == [f"x[{i}].f.op: {{conv3, conv1}}" for i in range(3)]


def test_a_chain_of_choices_is_a_row_of_boxes_with_their_alternatives() -> None:
    graph = graph_of(
        "block layer(x) { choose op in { conv3: conv_bn(k = 3), sep3: sep_conv(k = 3) } return x >> op() }\n"
        "x[0] = image >> conv_bn(4, k = 1)\n  for i in 0..4 { x[i+1] = layer(x[i]) }\n  y = x[4]"
    )
    (stack,) = [v for v in diagrams(graph)[0].vertices if v.look is Look.STACK]
    assert (stack.label, [o.label for o in stack.options]) == ("layer × 4", ["conv3", "sep3"])
    values = {f"x[{i}].layer.op": "conv3" if i < 4 else "sep3" for i in range(1, 5)}
    chain = diagrams(graph, Architecture("s", values))[0].vertices
    assert [(v.label, v.options[0].label) for v in chain if v.look is Look.STACK] == [
        ("layer × 3", "conv3"),
        ("layer", "sep3"),
    ]


def test_a_grid_says_operator_and_width_of_every_cell_on_a_route(repository: Path) -> None:
    space = load(repository / "spaces/fasterseg.nas", preset="demo")
    found = space.sample(1)
    text = picture(space.graph, found)
    shown = words(text)
    groups = [g for g in ElementTree.fromstring(text).iter(f"{SVG}g") if g.get("class") == "vertex cell"]
    inside = ["".join(line.itertext()) for group in groups for line in group.iter(f"{SVG}text")]
    for path, value in found.decisions.items():
        if path.startswith("trunk["):
            assert (f"w = {value}" if path.endswith(".w") else str(value)) in inside
    cells = [p.removesuffix(".op") for p in found.decisions if p.startswith("trunk[") and p.endswith(".op")]
    operators = [str(found.decisions[f"{cell}.op"]) for cell in cells]
    assert sorted(w for w in inside if w in set(operators)) == sorted(operators)
    ends = found.decisions["ends"]
    assert isinstance(ends, tuple)
    # In the box of the grid and at the end of the way.
    assert [shown.count(f"branch[{end}]") for end in (8, 16, 32)] == [2 * (end in ends) for end in (8, 16, 32)]
    rates = [w for w in shown if w.startswith("1/")]
    assert rates == ["1/8", "1/16", "1/32"]


def test_the_heading_of_a_chain_is_the_name_it_is_bound_to() -> None:
    graph = graph_of("stem = image >> conv_bn_relu(4, k = 3) >> conv_bn(8, k = 1)\n  y = stem")
    box = diagrams(graph)[0].vertices[1]
    assert (box.look, box.label, box.lines) == (Look.HEADED, "stem", ("conv_bn_relu", "conv_bn"))


# placing


def test_columns_rows_and_lanes() -> None:
    boxes = [Box(50, 20)] * 6
    chain = [(i, i + 1) for i in range(5)]
    placed = arrange(boxes, [*chain, (0, 5)], page=10_000)
    assert [x for x, _ in placed.centres] == sorted(x for x, _ in placed.centres)
    lane = [line for line in placed.lines if line.arrows == {5}]
    assert len(lane) == 2 * 4 + 1, "a lane in each of four columns, and a piece in each of five gaps"
    rows = arrange(boxes, chain, page=260)
    heights = [y for _, y in rows.centres]
    assert len(set(heights)) == 2
    assert heights == sorted(heights)
    assert rows.width <= 320


def test_arrows_that_need_not_cross_do_not() -> None:
    placed = arrange([Box(20, 20)] * 6, [(0, 5), (1, 4), (2, 3)])
    ys = [y for _, y in placed.centres]
    assert sorted(range(3), key=lambda i: ys[i]) == sorted(range(3), key=lambda i: ys[5 - i])


# texts from the file


def test_what_a_file_says_is_escaped() -> None:
    label, name = "</text><script>alert(1)</script>&", "'><evil a='"
    body = (
        "choose op in { conv3: conv_bn(k = 3), conv1: conv_bn(k = 1) }\n"
        f"  for t in {{{json.dumps(label)}, {json.dumps(name)}}} {{ x[t] = image >> conv_bn(4, k = 1) >> op() }}\n"
        f"  pick ins in 1 of {{{json.dumps(label)}, {json.dumps(name)}}}\n  y = concat(x[t] for t in ins)"
    )
    text = picture(graph_of(body))
    tags = {element.tag for element in ElementTree.fromstring(text).iter()}
    assert tags <= {f"{SVG}{tag}" for tag in ("svg", "g", "rect", "path", "circle", "text", "tspan", "title")}
    assert "<script" not in text
    assert any(label in title for title in titles(text))


def test_characters_that_xml_forbids_are_replaced() -> None:
    graph = graph_of(
        'for t in {"a\x01b\ufffe"} { x[t] = image >> conv_bn(4, k = 1) }\n  y = sum(x[t] for t in {"a\x01b\ufffe"})'
    )
    ElementTree.fromstring(picture(graph))


def test_html_is_escaped_and_refers_to_nothing_outside(
    tmp_path: Path, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(small), "--format", "html"]) == 0
    page = capsys.readouterr().out
    assert page.count("<svg ") == 3
    assert "<script" not in page
    links = page.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in links.replace("http-equiv", "")
    assert "src=" not in page


# text, data, command line


def test_text_says_it_in_patterns_and_with_all_one_by_one(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(small)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "space small"
    assert "  choose cell.x[*].edge[*].op: 5 x {conv3, sep3}" in lines
    assert "  pick   cell.ins[3]:          2 of {0, 1, 2}" in lines
    assert "structure    image > conv_bn_relu > cell × 3 > stage > global_avg_pool > linear" in lines
    assert main(["show", str(small), "--all"]) == 0
    every = capsys.readouterr().out
    assert all(f" {path}: " in every for path in load(small).graph.decisions)


def test_json_has_the_documented_keys(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import nasdsl.report.summary as module

    assert main(["show", str(small), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    documented = {key for key in data if f"`{key}`" in (module.__doc__ or "")}
    assert documented == set(data)
    assert data["parameters"] == {"C": 4}
    assert {"path": "z.stage.w", "kind": "width", "domain": [2, 4]} in data["decisions"]
    assert data["architecture"] is None
    found = load(small).sample(0)
    (tmp_path / "a.json").write_text(found.to_json())
    assert main(["show", str(small), "--format", "json", "--arch", str(tmp_path / "a.json")]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {d["path"] for d in data["decisions"]} == set(found.decisions)
    assert all("when" not in i for node in data["nodes"] for i in node["inputs"])
    network = costs(derive(load(small).graph, found))
    assert data["architecture"] == {"hash": found.hash, "params": network.params, "macs": network.macs}


def test_sizes_are_the_extremes_where_decisions_are_independent() -> None:
    graph = graph_of(
        "width w in {2, 4, 6}\n choose op in { conv3: conv_bn(k = 3), conv1: conv_bn(k = 1), sep3: sep_conv(k = 3) }\n"
        "depth d in 1..=2\n x[1] = image >> conv_bn(w, k = 3) >> op()\n x[2] = x[1] >> conv_bn(k = 5)\n y = x[d]"
    )
    choices = product(*(d.real for d in graph.decisions.values()))
    every = [
        costs(derive(graph, canonical(graph, Architecture("s", dict(zip(graph.decisions, values, strict=True))))))
        for values in choices
    ]
    found = sizes(graph)
    assert found.params == (min(c.params for c in every), max(c.params for c in every))
    assert found.macs == (min(c.macs for c in every), max(c.macs for c in every))


def test_sizes_of_a_grid_lie_around_those_of_its_networks(repository: Path) -> None:
    space = load(repository / "spaces/fasterseg.nas", preset="demo")
    found = sizes(space.graph)
    drawn = [costs(space.derive(space.sample(seed))) for seed in range(12)]
    assert found.params[0] <= min(c.params for c in drawn) <= max(c.params for c in drawn) <= found.params[1]
    assert found.macs[0] <= min(c.macs for c in drawn) <= max(c.macs for c in drawn) <= found.macs[1]


def test_the_ending_of_the_output_says_the_format(small: Path, tmp_path: Path) -> None:
    starts = {"a.svg": "<svg ", "a.html": "<!DOCTYPE html>", "a.json": "{", "a.txt": "space small", "a": "space small"}
    for name, start in starts.items():
        assert main(["show", str(small), "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_text().startswith(start)
    assert main(["show", str(small), "--format", "nodes", "-o", str(tmp_path / "b.svg")]) == 0
    assert " = conv(" in (tmp_path / "b.svg").read_text()


def test_a_device_or_pipe_is_written_to_and_not_replaced(small: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", "import sys; from nasdsl.cli import main; sys.exit(main())", "show", str(small)]
    with subprocess.Popen([*command, "-o", str(pipe)]) as process:
        assert pipe.read_text().startswith("<svg ")
        assert process.wait() == 0
    assert pipe.is_fifo()


def test_presets_and_parameters_count(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(small), "--preset", "half"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("space small, preset half\nparameters   C = 2\n")
    assert "depth" not in shown
    assert main(["show", str(small), "--param", "C=8"]) == 0
    assert "parameters   C = 8\n" in capsys.readouterr().out


def test_mistakes_end_in_messages(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["show", str(small), "--format", "png"])
    assert stop.value.code == 2
    (tmp_path / "other.json").write_text(Architecture("other", {"op": "conv3"}).to_json())
    for form in ("text", "json", "svg", "html", "nodes"):
        assert main(["show", str(small), "--format", form, "--arch", str(tmp_path / "other.json")]) == 1
        assert "architecture of the space `other`, not of `small`" in capsys.readouterr().err
    assert main(["show", str(small), "--arch", str(tmp_path / "missing.json")]) == 1
    (tmp_path / "file").write_text("")
    assert main(["show", str(small), "-o", str(tmp_path / "file" / "a.svg")]) == 3
    assert "cannot be written" in capsys.readouterr().err
    assert main(["show", str(small), "-o", str(tmp_path)]) == 3


@pytest.mark.parametrize("form", ["text", "json", "svg", "html"])
def test_show_imports_no_tensor_library(small: Path, form: str) -> None:
    nasdsl = Path(sys.executable).with_name("nasdsl")
    assert not imported_by(nasdsl, "show", small, "--format", form, cwd=small.parent) & TENSOR_LIBRARIES


def test_a_summary_of_every_architecture_is_data(small: Path) -> None:
    space = load(small)
    for seed in range(5):
        json.dumps(summary(space.graph, space.sample(seed)))

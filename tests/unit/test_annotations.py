"""Latencies beside operations: the same numbers in `show`, in the page, in generated code and in `cost`."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from nasdsl.cli import main
from nasdsl.hardware.calibration import Calibration
from nasdsl.hardware.table import Entry, Table
from nasdsl.passes.annotations import range_text
from nasdsl.passes.kernels import signatures
from nasdsl.source import Source
from nasdsl.space import load

TEXT = """space small(C = 8) {
  input image: [3, 16, 16]
  block cell(x) {
    width w in {4, 6, 8}
    choose op in { conv3: conv_bn_relu(k = 3), sep3: sep_conv(k = 3), pool: max_pool(k = 3) }
    return x >> conv_bn_relu(w, k = 1) >> op() >> conv_bn(C, k = 1)
  }
  depth d in 1..=2
  y[0] = image >> conv_bn_relu(C, k = 3)
  for i in 0..2 { y[i+1] = cell(y[i]) }
  task t = y[d] >> global_avg_pool() >> linear(2) { loss cross_entropy() metric accuracy }
  require latency(ort_cpu) <= 1 s
}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "small.nas").write_text(TEXT)
    return tmp_path / "small.nas"


def a_table(path: Path, **changes: Any) -> str:
    """A table of the space on `ort_cpu`, no two entries alike; where it was written."""
    dice = random.Random(1)
    graph = load(Source("small.nas", TEXT)).graph
    entries = {text: Entry(ms=round(dice.uniform(0.01, 9), 6)) for text in signatures(graph)}
    Table(device="ort_cpu", machine="m", threads=1, entries=entries).model_copy(update=changes).save(path)
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def imported(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("calibration", [None, Calibration(scale=1.25, overhead_ms=0.5, networks=9)])
def test_the_same_numbers_stand_everywhere(
    calibration: Calibration | None, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = a_table(tmp_path / "t.json", calibration=calibration)
    data = json.loads(printed(capsys, "show", file, "--format", "json", "--table", table))
    said = {node["id"]: range_text([tuple(node["latency_ms"])]) for node in data["nodes"] if "latency_ms" in node}
    assert len(said) > 10
    nodes = printed(capsys, "show", file, "--format", "nodes", "--table", table)
    assert {int(n): text for n, text in re.findall(r"%(\d+) = .*  // (.*)$", nodes, re.MULTILINE)} == said
    page = printed(capsys, "show", file, "--format", "html", "--table", table)
    assert re.findall(r"<td>([0-9.e-]+ ms)</td></tr>", page) == list(said.values())
    printed(capsys, "compile", file, "--table", table, "-o", tmp_path / "out")
    code = (tmp_path / "out/supernet.py").read_text()
    # Both cells are alike, so a line that speaks for both has the numbers of each.
    assert [text for text in said.values() if not re.search(rf"# .*\b{re.escape(text)}", code)] == []
    cost = json.loads(printed(capsys, "cost", file, "--device", "ort_cpu", "--table", table, "--json"))
    assert data["latency"]["ms"] == cost["latency_ms"]
    low, high = cost["latency_ms"]
    for text in (printed(capsys, "show", file, "--table", table), page):
        assert f"latency      from {low:.3f} to {high:.3f} ms on {data['latency']['device']}" in text
    assert f"on {'ort_cpu (calibrated on 9 networks' if calibration else 'ort_cpu'}" in page


def test_an_architecture_takes_as_long_in_the_report_as_in_code(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, space = a_table(tmp_path / "t.json"), load(file)
    printed(capsys, "compile", file, "--table", table, "-o", tmp_path / "out")
    supernet = imported(tmp_path / "out/supernet.py", "annotated_supernet").Supernet()
    for seed in range(3):
        architecture = space.sample(seed)
        (tmp_path / "a.json").write_text(architecture.to_json())
        given = ["--arch", tmp_path / "a.json", "--table", table]
        data = json.loads(printed(capsys, "show", file, "--format", "json", *given))
        low, high = data["latency"]["ms"]
        assert low == high == pytest.approx(sum(n.get("latency_ms", [0.0])[0] for n in data["nodes"]))
        cost = json.loads(printed(capsys, "cost", file, "--device", "ort_cpu", "--json", *given))
        assert cost["latency_ms"] == pytest.approx(low, abs=1e-6)
        assert f"latency      {low:.3f} ms on ort_cpu" in printed(capsys, "show", file, *given)
        printed(capsys, "derive", file, *given, "-o", tmp_path / "net.py")
        assert f"{low:.3f} ms on ort_cpu" in (tmp_path / "net.py").read_text()
        certain = {
            path: torch.tensor([float(value == architecture.decisions.get(path, d.domain[0])) for value in d.domain])
            for path, d in space.graph.decisions.items()
        }
        assert float(supernet.expected_latency_ms(certain)) == pytest.approx(low, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "pi4"}, "was measured on pi4 with 1 thread; the space requires latency(ort_cpu)"),
        ({"threads": 2}, "was measured on ort_cpu with 2 threads; the space requires latency(ort_cpu)"),
        ({"batch": 4}, "was measured with batch = 4, expected 1"),
        ({"precision": "bf16"}, "was measured with precision = bf16, expected fp32"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["check", "FILE"],
        ["show", "FILE"],
        ["show", "FILE", "--format", "nodes"],
        ["compile", "FILE", "-o", "OUT"],
        ["derive", "FILE", "--arch", "ARCH", "-o", "OUT/n.py"],
        ["cost", "FILE", "--device", "ort_cpu"],
        ["count", "FILE", "--under", "latency(ort_cpu) <= 9 ms"],
        ["sample", "FILE", "--under", "latency(ort_cpu) <= 999 ms"],
        ["marginals", "FILE", "--under", "latency(ort_cpu) <= 999 ms"],
    ],
    ids=lambda command: " ".join(command[::2]),
)
def test_a_table_of_something_else_is_refused_unless_asked_for(
    command: list[str],
    changes: dict[str, Any],
    message: str,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.json").write_text(load(file).sample(0).to_json())
    places = {"FILE": str(file), "ARCH": str(tmp_path / "a.json"), "OUT": str(tmp_path / "out")}
    given = [places.get(word, word.replace("OUT", places["OUT"])) for word in command]
    given += ["--table", a_table(tmp_path / "t.json", **changes)]
    assert main(given) == 1
    found = capsys.readouterr()
    if command[0] in ("check", "show", "compile", "derive"):
        assert message in found.err
    else:
        assert "was measured with " in found.err
    assert "help: " in found.err
    assert not found.out
    assert not (tmp_path / "out").exists()
    assert main([*given, "--other-device"]) == 0


def test_a_space_that_requires_nothing_of_devices_takes_any_table(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(TEXT.replace("  require latency(ort_cpu) <= 1 s\n", ""))
    table = a_table(tmp_path / "t.json", device="pi4", threads=3)
    assert "ms on pi4" in printed(capsys, "show", file, "--table", table)
    printed(capsys, "compile", file, "--table", table, "-o", tmp_path / "out")
    assert "pi4" in (tmp_path / "out/supernet.py").read_text()


def test_what_a_table_lacks_is_said_and_not_left_out(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = a_table(tmp_path / "t.json", entries={})
    for form in ("text", "json", "html"):
        assert main(["show", str(file), "--format", form, "--table", table]) == 1
        assert "nasdsl profile SPACE.nas --device ort_cpu" in capsys.readouterr().err
    assert main(["show", str(file), "--format", "svg", "--table", table]) == 2
    assert "a picture says nothing about latency" in capsys.readouterr().err
    assert main(["show", str(file), "--other-device"]) == 2
    assert "--other-device is about --table" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["cost", "--device", "ort_cpu"], ["show"], ["compile"], ["profile"]])
def test_what_no_table_can_price_is_said(
    command: list[str], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A class of the user's own, with an operation behind it that others would fuse."""
    extern = 'extern mine(x) -> [channels(x), sides(x)[0], sides(x)[1]] from "mine:Mine"\n'
    file.write_text(extern + TEXT.replace("y[d] >>", "y[d] >> mine() >> bn() >>"))
    table = a_table(tmp_path / "t.json")
    assert main([command[0], str(file), *command[1:], "--table", table]) == 1
    assert "`mine:Mine` is an extern: its latency cannot be measured by itself" in capsys.readouterr().err

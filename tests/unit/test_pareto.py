"""Pareto sets and limits that make no sense: a space worked out by hand, the commands, what they say of mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasdsl.algebra.costs import pareto
from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.kernels import costs
from nasdsl.source import Source
from nasdsl.space import Space, load

SMALL = """space small {
  input image: [3, 8, 8]
  block half(x) = x >> conv(4, k = 3, stride = 2) >> resize_like(x)
  x = image >> conv(4, k = 1)
  choose op in { skip, one: conv(k = 1), two: conv(k = 3), half }
  y = x >> op()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""
"""Weights and MACs beside x's 12 and 768 and the head's 10 and 8: none; 16 and 1,024; 144 and 9,216; 144 and 2,304."""


def small() -> Space:
    return load(Source("small.nas", SMALL))


def test_a_front_by_hand() -> None:
    points = small().pareto("macs", "most params")
    assert [point.costs for point in points] == [(776, 22), (1800, 38), (3080, 166)]
    assert [point.architecture.decisions["op"] for point in points] == ["skip", "one", "half"]
    best = [(9992, 166), (1800, 38), (776, 22)]
    assert [point.costs for point in small().pareto("most macs", "params")] == best


def test_equal_costs_are_one_point() -> None:
    assert len(small().pareto("params", "macs")) == 1
    assert [point.costs for point in small().pareto("macs", "most macs")] == [(n, n) for n in (776, 1800, 3080, 9992)]


def test_limits_cut_a_front_off() -> None:
    assert [p.costs for p in small().pareto("macs", "most params", limits="macs <= 1800")] == [(776, 22), (1800, 38)]
    assert [p.costs for p in small().pareto("macs", "most params", limits="params >= 38")] == [(1800, 38), (3080, 166)]
    assert small().pareto("macs", "most params", limits="macs <= 1800 and params >= 39") == []


@pytest.mark.parametrize(
    ("first", "second", "limits", "message"),
    [
        ("speed", "macs", "", "`speed` is no metric"),
        ("best macs", "params", "", "no metric to have least or most of"),
        ("memory", "macs", "", "cannot be counted yet"),
        ("latency", "macs", "", "latency is that of a device"),
        ("latency(ort_cpu, threads = 0)", "macs", "", "at least one thread"),
        ("macs(ort_cpu)", "params", "", "macs are the same on every device"),
        ("latency(ort_cpu)", "params", "", "no lookup table"),
        ("macs", "params", "macs >= 3", "cut off with `<=` only"),
        ("macs", "most params", "params <= 3", "cut off with `>=` only"),
        ("macs", "params", "latency(ort_cpu) <= 3 ms", "is none on least macs or least params"),
    ],
)
def test_what_has_no_front(first: str, second: str, limits: str, message: str) -> None:
    with pytest.raises(NasError, match=message):
        small().pareto(first, second, limits=limits)


def test_a_space_without_architectures() -> None:
    text = SMALL.replace("  task", '  require op == "one"\n  require op == "two"\n  task')
    with pytest.raises(NasError, match="`small` has no architecture"):
        load(Source("small.nas", text)).pareto("macs", "params")


def test_fronts_that_are_too_long(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.setattr(pareto, "MAX_POINTS", 1_000)
    with pytest.raises(NasError, match="more than 1,000 points") as found:
        load(repository / "spaces/darts.nas").pareto("macs", "most params")
    assert found.value.status == 3


def test_the_front_of_fasterseg(repository: Path) -> None:
    """94 decisions at once; each of these networks is derived and costs what the front says."""
    space = load(repository / "spaces/fasterseg.nas", preset="demo")
    points = space.pareto("macs", "most params")
    assert len(points) > 20
    for point in points[:: len(points) // 10]:
        space.validate(point.architecture)
        found = costs(space.derive(point.architecture))
        assert (found.macs, found.params) == point.costs
    assert [p.costs[1] for p in points] == sorted({p.costs[1] for p in points})
    drawn = [costs(space.derive(space.sample(seed))) for seed in range(20)]
    for one in drawn:
        assert any(macs <= one.macs and params >= one.params for macs, params in (point.costs for point in points))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "small.nas"
    path.write_text(SMALL)
    return str(path)


def test_the_command(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", file, "--pareto", "macs", "most params"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:4]] == [["776", "22"], ["1,800", "38"], ["3,080", "166"]]
    assert lines[-1].startswith("3 points; --json prints")
    assert main(["cost", file, "--pareto", "macs", "most params", "--json", "-o", str(tmp_path / "front.json")]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "front.json").read_text() == printed
    found = json.loads(printed)
    assert found["objectives"] == [{"metric": "macs", "sense": "least"}, {"metric": "params", "sense": "most"}]
    assert [point["costs"] for point in found["points"]] == [[776, 22], [1800, 38], [3080, 166]]
    small().validate(Architecture.from_json(json.dumps(found["points"][2]["architecture"])))


def test_long_fronts_are_shortened(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", str(repository / "spaces/darts.nas"), "--pareto", "macs", "most params"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[1].split() == ["20,466,176", "99,450"]
    assert "369 points, 20 of them are shown" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--pareto", "macs", "params", "--under", "macs <= 1"], 1, "the least macs is 776 and the least params is 22"),
        (["--under", "macs <= 1"], 2, "--under belongs to --pareto"),
        (["-o", "front.json"], 2, "-o belongs to --pareto"),
        (["--pareto", "macs", "params", "--device", "ort_cpu"], 2, "name a device in the metric"),
        (
            ["--pareto", "macs", "latency(ort_cpu, threads = 2)"],
            1,
            "nasdsl profile SPACE.nas --device ort_cpu --threads 2",
        ),
        (["--pareto", "macs", "latency(tpu)"], 2, "`tpu` cannot be measured here; devices that can be named: cuda,"),
    ],
)
def test_mistakes(
    arguments: list[str], status: int, message: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", file, *arguments]) == status
    assert message in capsys.readouterr().err


def test_an_index_there_and_back(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", file, "--from", "2", "--json"]) == 0
    (tmp_path / "a.json").write_text(capsys.readouterr().out)
    assert main(["cost", file, "--arch", str(tmp_path / "a.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["index"] == "2"
    assert main(["sample", file, "--from", "3", "-n", "2"]) == 1
    assert "there are 4 architectures; 2 from 3 on are too many\nhelp: indices count from 0: the last is 3" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("macs <= 700", "no architecture of `small` keeps `macs <= 700`"),
        ("macs >= 10 K", "no architecture of `small` keeps `macs >= 10,000`"),
        ("params <= 30 and params >= 40", "nothing keeps `params <= 30` and `params >= 40` at the same time"),
    ],
)
def test_unsatisfiable_limits(limits: str, message: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    bounds = "776 to 9,992" if "macs" in limits else "22 to 166"
    assert main(["sample", file, "--under", limits]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert bounds in said
    assert main(["count", file, "--under", limits]) == 0
    said = capsys.readouterr().out
    assert said.startswith("0 of 4 architectures")
    assert message in said
    assert bounds in said


def test_latencies_are_said_in_ms() -> None:
    from nasdsl.passes.kernels import signatures

    space = small()
    table = {"ort_cpu": dict.fromkeys(signatures(space.graph), 0.5)}
    with pytest.raises(NasError) as found:
        space.limited("latency(ort_cpu) <= 900 us", latency_ms=table)
    assert found.value.message == "no architecture of `small` keeps `latency(ort_cpu) <= 0.9 ms`"
    assert found.value.help is not None
    assert found.value.help.endswith(" ms")


def test_check_looks_at_latencies_by_a_table(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nasdsl.hardware.table import Entry, Table
    from nasdsl.passes.kernels import signatures

    path = tmp_path / "fast.nas"
    path.write_text(SMALL.replace("  task", "  require latency(ort_cpu) <= 900 us\n  task"))
    entry = Entry(ms=0.5, alone_ms=0.5, rounds=1)
    entries = dict.fromkeys(map(str, signatures(small().graph)), entry)
    for known, warned in ((entries, True), ({}, False)):
        table = Table(device="ort_cpu", machine="m", threads=1, libraries={}, date="2026-01-01", entries=known)
        table.save(tmp_path / "table.json")
        assert main(["check", str(path), "--table", str(tmp_path / "table.json")]) == 0
        assert ("no architecture keeps `latency(ort_cpu) <= 0.9 ms`" in capsys.readouterr().err) == warned
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().err == ""
    assert main(["check", str(path), "--table", str(tmp_path / "none.json")]) == 1
    assert "cannot read the lookup table" in capsys.readouterr().err

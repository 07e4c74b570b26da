"""Whole networks against a table: calibration, agreement, what is stored; tables that several processes write."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.calibration import Calibration, fit
from nasdsl.hardware.devices.macs import Macs
from nasdsl.hardware.profile import profile
from nasdsl.hardware.table import Entry, Table, load_table
from nasdsl.hardware.validation import TURNS, Point, agreement, calibrated, measure_networks, network_model
from nasdsl.passes.prices import CALL
from nasdsl.passes.units import latency_ms
from nasdsl.report.scatter import scatter
from nasdsl.source import Source
from nasdsl.space import load
from tests.unit.test_hardware import TINY, a_table


def test_the_fit_finds_scale_and_overhead_in_spite_of_outliers() -> None:
    generator = random.Random(0)
    sums = [generator.uniform(1, 9) for _ in range(30)]
    measured = [(1.25 * x + 0.4) * (1 + generator.gauss(0, 0.005)) for x in sums]
    measured[3] *= 3
    measured[17] *= 2
    scale, overhead = fit(sums, measured)
    assert scale == pytest.approx(1.25, rel=0.01)
    assert overhead == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize(
    ("sums", "measured", "wanted"),
    [
        ([1, 2, 3], [2, 4, 6], (2, 0)),
        ([1, 1, 1], [2, 2, 2], (2, 0)),
    ],
)
def test_what_a_scale_explains_has_no_overhead(
    sums: list[float], measured: list[float], wanted: tuple[float, float]
) -> None:
    assert fit(sums, measured) == pytest.approx(wanted, abs=1e-9)


def test_the_overhead_is_never_negative() -> None:
    scale, overhead = fit([1, 2, 3, 4], [0.5, 2, 3.5, 5])  # the line through these is below zero at zero
    assert overhead == 0
    assert scale > 0


def test_agreement_by_hand() -> None:
    found = agreement([1.1, 1.8, 3.3, 3.3], [1.0, 2.0, 3.0, 3.0])
    assert found.mape == pytest.approx(10)
    assert found.bias == pytest.approx(5)
    assert found.pearson == pytest.approx(np.corrcoef([1.1, 1.8, 3.3, 3.3], [1.0, 2.0, 3.0, 3.0])[0, 1])
    assert found.spearman == 1
    assert agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).spearman is None


def test_every_network_is_predicted_from_the_others() -> None:
    points = [Point(str(n), x, y) for n, (x, y) in enumerate([(1, 2), (2, 4), (3, 6), (4, 8), (5, 20)])]
    found = calibrated(points, "tiny")
    assert found.mape == pytest.approx(100 * 0.5 / 5, rel=0.01)  # the last one alone is off, by a half
    with pytest.raises(NasError, match="3 networks or more, found 2"):
        calibrated(points[:2])


class Drifting(Macs):
    """Every measurement takes a millisecond longer than the one before."""

    measured = 0

    def measure_model(self, path: str | Path) -> float:
        self.measured += 1
        return float(self.measured)


def test_of_several_measurements_of_a_network_the_mean_counts(tmp_path: Path) -> None:
    space, device = load(Source("tiny.nas", TINY)), Drifting(ns_per_mac=1.0)
    table = profile(space.graph, device, tmp_path / "t.json")
    drawn = [space.sample(seed) for seed in range(2)]
    points = measure_networks(space.graph, drawn, device, table)
    assert device.measured == 2 * TURNS
    # The means of 1, 3, 5, ... and of 2, 4, 6, ...
    assert [point.measured_ms for point in points] == [TURNS, TURNS + 1]
    assert [point.table_ms for point in points] == [
        pytest.approx(latency_ms(space.derive(own), table.latency_ms)) for own in drawn
    ]


CALIBRATION = Calibration(scale=1.5, overhead_ms=0.25, networks=30, space="tiny")


def test_all_readers_see_calibrated_latencies(tmp_path: Path) -> None:
    table = a_table(calibration=CALIBRATION)
    table.save(tmp_path / "t.json")
    loaded = load_table(tmp_path / "t.json")
    assert dict(loaded.latency_ms) == {"relu 4x8x8 -> 4x8x8": 0.0015, CALL: 0.25}
    assert dict(loaded.uncalibrated_ms) == {"relu 4x8x8 -> 4x8x8": 0.001}
    assert loaded.note == "calibrated on 30 networks of tiny (x 1.5 + 0.25 ms)"


def test_a_model_of_a_network_runs_and_is_always_the_same() -> None:
    space = load(Source("tiny.nas", TINY))
    network = space.derive(space.sample(1))
    content = network_model(network)
    assert content == network_model(network)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": np.ones((1, 3, 16, 16), np.float32)})
    assert found.shape == (1, 2)
    assert np.isfinite(found).all()


def test_profile_proves_and_calibrates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.nas").write_text(TINY)
    space, table, plot = (str(tmp_path / name) for name in ("tiny.nas", "t.json", "p.svg"))
    assert main(["profile", space, "--table", table, "--validate", "3", "--plot", plot, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"device", "entries", "measured", "reused", "mape", "pearson", "spearman", "networks"} < found.keys()
    assert found["networks"] == 3
    calibration = load_table(table).calibration
    assert calibration is not None
    assert (calibration.scale, calibration.overhead_ms) == (found["scale"], found["overhead_ms"])
    assert (tmp_path / "p.svg").read_text().startswith("<svg")
    graph = load(Source("tiny.nas", TINY))
    prices = load_table(table).latency_ms
    (tmp_path / "a.json").write_text(graph.sample(0).to_json())
    cost = ["cost", space, "--arch", str(tmp_path / "a.json"), "--device", "ort_cpu", "--table", table]
    assert main([*cost, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["latency_ms"] == pytest.approx(latency_ms(graph.derive(graph.sample(0)), prices), abs=1e-6)
    assert shown["table"].startswith("calibrated on 3 networks of tiny")
    assert main(["profile", space, "--table", table, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measured"] == 0
    assert load_table(table).calibration == calibration


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--validate", "2"], "takes 3 networks or more"), (["--plot", "p.svg"], "draws what --validate measures")],
)
def test_arguments_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (tmp_path / "tiny.nas").write_text(TINY)
    assert main(["profile", str(tmp_path / "tiny.nas"), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_table_of_version_1_is_read_and_its_zeros_are_measured_anew(tmp_path: Path) -> None:
    entries = {
        "relu 4x8x8 -> 4x8x8": {"ms": 0.001, "alone_ms": 0.002, "rounds": 12},
        "add": {"ms": 0.0, "alone_ms": 0.002, "rounds": 12},
    }
    old = {"schema_version": 1, "device": "ort_cpu", "machine": "m", "threads": 2, "libraries": {}, "date": ""}
    (tmp_path / "t.json").write_text(json.dumps(old | {"unit": "ms", "entries": entries}))
    table = load_table(tmp_path / "t.json", device="ort_cpu", threads=2, batch=1, precision="fp32")
    assert table.entries == {"relu 4x8x8 -> 4x8x8": Entry(ms=0.001, alone_ms=0.002, rounds=12, passes=1)}


WRITER = """
import sys
from nasdsl.hardware.table import Entry, Table
name, path = sys.argv[1:]
table = Table(device="ort_cpu", machine="m", threads=1)
for n in range(40):
    table.entries[f"{name}{n}"] = Entry(ms=1, alone_ms=1)
    table = table.merge_into(path)
"""


def test_processes_that_write_one_table_lose_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name, str(path)]) for name in "ab"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert sorted(load_table(path).entries) == sorted(f"{name}{n}" for name in "ab" for n in range(40))
    assert [file.name for file in tmp_path.iterdir()] == ["t.json"]


def test_what_was_measured_more_often_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    often, once = Entry(ms=1, alone_ms=1, passes=3), Entry(ms=2, alone_ms=2)
    a_table(entries={"x": often}).save(path)
    assert a_table(entries={"x": once, "y": once}).merge_into(path).entries == {"x": often, "y": once}
    with pytest.raises(NasError, match="measured with threads = 1, expected 2"):
        a_table(threads=2).merge_into(path)


def test_a_table_of_another_batch_or_precision_is_refused(tmp_path: Path) -> None:
    a_table(batch=32).save(tmp_path / "t.json")
    with pytest.raises(NasError, match="measured with batch = 32, expected 1"):
        load_table(tmp_path / "t.json", batch=1)
    a_table(precision="fp16").save(tmp_path / "t.json")
    with pytest.raises(NasError, match="measured with precision = fp16, expected fp32"):
        load_table(tmp_path / "t.json", precision="fp32")


def test_a_missing_entry_names_the_command_with_the_device() -> None:
    space = load(Source("tiny.nas", TINY))
    table = Table(device="ort_cpu", machine="m", threads=2, entries={})
    with pytest.raises(NasError, match=r"help: .*nasdsl profile SPACE.nas --device ort_cpu --threads 2"):
        latency_ms(space.derive(space.sample(0)), table.latency_ms)


def test_a_scatter_plot_holds_every_point_and_name() -> None:
    text = scatter({"a <b>": [(1.0, 1.1), (2.0, 2.2)], "c": [(3.0, 2.9)]}, "title", "x, ms", "y, ms")
    assert text.count("<circle") == 3 + 2
    assert "a &lt;b&gt;" in text

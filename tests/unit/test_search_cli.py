"""The main job through the command line, on a space that takes seconds: results, repeating, resuming, mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.search import phases

TINY = """
space tiny(classes = 9, H = 32, W = 64) {
  input image: [3, H, W]
  rates = {4, 8}
  block wide(x, c, stride = 1) = x >> conv_bn_relu(c, k = 3, stride = stride) >> conv_bn_relu(c, k = 3)

  stem = image >> conv_bn_relu(8, k = 3, stride = 2) >> conv_bn_relu(8, k = 3, stride = 2)
  grid trunk[l in 0..=3, r in rates] from stem at [0, 4] {
    width w in {4, 8}
    choose op in { conv: conv_bn_relu(k = 3), wide }
    c = r/4*(8 if l == 0 or l == 3 else w)
    to [l+1, r]   = here >> op(c = next.c, stride = 1)
    to [l+1, 2*r] = here >> op(c = next.c, stride = 2) when l < 2
  }
  for e in rates { route branch[e] in trunk to [3, e] }
  pick ends in 1 of rates

  block up(e) = branch[e].end >> conv_bn_relu(8, k = 1) >> resize_like(image)
  task segment = concat(up(e) for e in ends) >> conv(classes, k = 1, bias = true) {
    loss cross_entropy
    metric miou
    metric accuracy
  }
  for e in rates {
    aux task early[e] = up(e) >> conv(classes, k = 1, bias = true) { loss cross_entropy weight 0.5 }
  }
  require latency(ort_cpu) <= 20 ms
  preset streets(W = 64) { }
}
"""

QUICK = [
    *("--set", "search.batch=2", "--set", "train.batch=2", "--set", "search.candidates=3"),
    *("--set", "search.ranking_batches=2", "--set", "search.recalibration_batches=2"),
]

REPEATING = ("architecture.json", "network.py", "log.jsonl", "weights.safetensors", "model.onnx", "supernet.py")
"""Files of a run that a run with the same config and table has byte for byte."""

Nasdsl = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("space") / "tiny.nas"
    path.write_text(TINY)
    return path


@pytest.fixture
def nasdsl(space: Path, capsys: pytest.CaptureFixture[str]) -> Nasdsl:
    """Runs a command in this process; returns status, stdout and stderr."""

    def call(*args: str | Path) -> tuple[int, str, str]:
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def search_args(space: Path, run: Path, *more: str) -> list[str | Path]:
    table = space.parent / "table.json"
    return ["search", space, "--run", run, "--steps", "6,6", "--threads", "1", "--table", table, *QUICK, *more]


@pytest.fixture(scope="module")
def whole(space: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run that nothing disturbed."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    assert main([str(arg) for arg in search_args(space, run)]) == 0
    return run


def test_a_run_leaves_everything_that_is_promised(whole: Path) -> None:
    names = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert {"config.json", "metrics.json", "table.json", "predictions.png", *REPEATING} <= names
    assert not [name for name in names if Path(name).name.startswith(".")], "temporary files are gone"
    assert len(list((whole / "predictions").glob("*.png"))) == 4
    metrics = json.loads((whole / "metrics.json").read_text())
    assert 0 < metrics["test"]["miou"] < 1
    assert metrics["latency_ms"]["table"] <= 20
    assert metrics["onnx_max_abs_diff"] < 1e-4
    log = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log if record["phase"] == "search"] == [1, 2, 3, 4, 5, 6]
    assert [record["step"] for record in log if record["phase"] == "train"] == [1, 2, 3, 4, 5, 6]
    chosen = [record for record in log if record["phase"] == "derive"][-1]
    assert chosen["architecture"] == metrics["architecture"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(whole: Path, space: Path, nasdsl: Nasdsl) -> None:
    again, other = whole.parent / "again", whole.parent / "other"
    assert nasdsl(*search_args(space, again))[0] == 0
    assert nasdsl(*search_args(space, other, "--seed", "1"))[0] == 0
    for name in REPEATING:
        assert (again / name).read_bytes() == (whole / name).read_bytes(), name
    assert (other / "log.jsonl").read_bytes() != (whole / "log.jsonl").read_bytes()


def test_json_has_the_promised_keys(space: Path, tmp_path: Path, nasdsl: Nasdsl) -> None:
    status, out, _ = nasdsl(*search_args(space, tmp_path / "run", "--strategy", "random", "--json"))
    document = json.loads(out)
    assert status == 0
    assert list(document) == ["run", "architecture", "metrics", "latency_ms", "onnx", "seconds"]
    assert set(document["metrics"]) == {"miou", "miou_parts", "accuracy"}
    assert document["architecture"]["space"] == "tiny"


@pytest.mark.parametrize("after", [("search", 2), ("search", 6), ("train", 4)])
def test_killed_and_resumed_ends_like_uninterrupted(
    whole: Path, space: Path, tmp_path: Path, nasdsl: Nasdsl, monkeypatch: pytest.MonkeyPatch, after: tuple[str, int]
) -> None:
    monkeypatch.setattr(phases, "CHECKPOINT_EVERY_S", 0.0)
    run, before = tmp_path / "run", phases.RunDirectory.log

    def dying(self: phases.RunDirectory, record: dict[str, Any]) -> None:
        before(self, record)
        if (record["phase"], record.get("step")) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(phases.RunDirectory, "log", dying)
    status, _, err = nasdsl(*search_args(space, run))
    assert status == 130
    assert f"nasdsl search {space} --run {run} --resume" in err
    monkeypatch.setattr(phases.RunDirectory, "log", before)
    table = space.parent / "table.json"
    assert nasdsl("search", space, "--run", run, "--resume", "--table", table)[0] == 0
    for name in REPEATING:
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_ctrl_c_from_outside(whole: Path, space: Path, tmp_path: Path, nasdsl: Nasdsl) -> None:
    run = tmp_path / "run"
    args = [str(arg) for arg in search_args(space, run)]
    program = [sys.executable, "-c", "import sys; from nasdsl.cli import main; sys.exit(main())"]
    process = subprocess.Popen([*program, *args], stderr=subprocess.PIPE, text=True, env=os.environ)
    log = run / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_text().count("\n")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert f"--run {run} --resume" in err
    assert nasdsl("search", space, "--run", run, "--resume", "--table", space.parent / "table.json")[0] == 0
    assert (run / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_going_on_with_a_finished_run_changes_nothing(whole: Path, space: Path, nasdsl: Nasdsl) -> None:
    before = {name: (whole / name).read_bytes() for name in REPEATING}
    status, out, _ = nasdsl("search", space, "--run", whole, "--resume", "--table", space.parent / "table.json")
    assert status == 0
    assert "test miou" in out
    assert {name: (whole / name).read_bytes() for name in REPEATING} == before


def test_the_model_can_be_judged_drawn_with_and_exported_anew(
    whole: Path, space: Path, tmp_path: Path, nasdsl: Nasdsl
) -> None:
    metrics = json.loads((whole / "metrics.json").read_text())
    status, out, _ = nasdsl("eval", whole / "model.onnx", "--data", "streets", "--json")
    assert (status, json.loads(out)["metrics"]) == (0, metrics["test"])

    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 90, 3), np.uint8)).save(photo)
    status, out, _ = nasdsl("predict", whole / "model.onnx", photo, "-o", tmp_path / "out")
    assert status == 0
    with Image.open(tmp_path / "out" / "photo.classes.png") as classes:
        assert (classes.mode, classes.size) == ("P", (90, 50))
        assert int(np.asarray(classes).max()) < 9
    assert (tmp_path / "out" / "photo.overlay.png").exists()

    model = tmp_path / "again.onnx"
    arch, weights = whole / "architecture.json", whole / "weights.safetensors"
    common = ["export", space, "--arch", arch, "--weights", weights, "-o", model]
    status, out, _ = nasdsl(*common, "--data", "streets", "--json")
    assert (status, list(json.loads(out))) == (0, ["onnx", "opset", "max_abs_diff", "bytes"])
    assert model.read_bytes() == (whole / "model.onnx").read_bytes()


def test_training_a_given_architecture(whole: Path, space: Path, tmp_path: Path, nasdsl: Nasdsl) -> None:
    run, table = tmp_path / "run", space.parent / "table.json"
    arch = whole / "architecture.json"
    common = ["--table", table, "--threads", "1", "--steps", "6", "--set", "train.batch=2"]
    status, _, err = nasdsl("train", space, "--arch", arch, "--run", run, *common)
    assert status == 0, err
    for name in ("architecture.json", "weights.safetensors", "model.onnx"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_budget_becomes_a_plan(space: Path, tmp_path: Path, nasdsl: Nasdsl) -> None:
    run, table = tmp_path / "run", space.parent / "table.json"
    status, _, err = nasdsl(
        "search", space, "--run", run, "--budget", "12s", "--threads", "1", "--table", table, *QUICK
    )
    plan = json.loads((run / "config.json").read_text())["plan"]
    assert status == 0, err
    assert plan["train_steps"] >= 1
    lines = (run / "log.jsonl").read_text().splitlines()
    assert sum('"phase": "train"' in line for line in lines) == plan["train_steps"]


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--resume"], 2, "--resume needs the run"),
        (["--strategy", "gumble"], 2, "there is no strategy `gumble`; did you mean `gumbel`?"),
        (["--data", "street"], 2, "did you mean 'streets'"),
        (["--data", "camvid:/nowhere", "--param", "classes=11"], 1, "/nowhere"),
        (["--param", "classes=8"], 1, "task `segment` gives 8 classes, the data have"),
        (["--param", "H=30"], 1, "30"),
        (["--latency", "0.0001", "--steps", "1,1"], 1, "0.0001 ms"),
        (["--latency", "fast"], 2, "expected a latency such as 8.3"),
        (["--budget", "soon"], 2, "expected a time such as 20m"),
        (["--steps", "5"], 2, "expected two numbers of steps"),
        (["--steps", "5,5", "--budget", "1m"], 2, "not allowed with"),
        (["--set", "search.batsh=4"], 2, "there is no setting `search.batsh`"),
        (["--set", "search.batch=none"], 2, "--set search.batch: input should be a valid integer"),
        (["--device", "gpu"], 1, "was measured with device = ort_cpu, expected gpu"),
    ],
)
def test_mistakes_are_one_message(
    space: Path, tmp_path: Path, nasdsl: Nasdsl, args: list[str], status: int, message: str
) -> None:
    run = ["--run", tmp_path / "run"] if args != ["--resume"] else []
    found, out, err = nasdsl("search", space, *run, "--table", space.parent / "table.json", *args)
    assert (found, out) == (status, ""), err
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists(), "the same command, put right, finds its place free"


@pytest.mark.parametrize("strategy", ["gumbel", "random"])
def test_a_run_that_cannot_begin_leaves_its_place_free(
    space: Path, tmp_path: Path, nasdsl: Nasdsl, strategy: str
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    status, _, err = nasdsl(*search_args(space, run, "--strategy", strategy, "--latency", "0.0001"))
    assert (status, "the fastest needs" in err) == (1, True)
    assert list(run.iterdir()) == [], "it is empty, and there, as it was before"
    assert nasdsl(*search_args(space, run, "--strategy", strategy))[0] == 0


def test_a_run_that_has_begun_is_kept_when_it_fails(
    space: Path, tmp_path: Path, nasdsl: Nasdsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = phases.RunDirectory.log

    def failing(self: phases.RunDirectory, record: dict[str, Any]) -> None:
        if record.get("step") == 3:
            raise NasError("the disk is full", status=3)
        before(self, record)

    monkeypatch.setattr(phases.RunDirectory, "log", failing)
    assert nasdsl(*search_args(space, tmp_path / "run"))[0] == 3
    assert len((tmp_path / "run/log.jsonl").read_text().splitlines()) == 2


def test_the_median_is_met_where_all_architectures_cost_the_same(tmp_path: Path, nasdsl: Nasdsl) -> None:
    """The latency of the only kind of architecture there is, rounded, would lie below it."""
    file, table, run = tmp_path / "same.nas", tmp_path / "table.json", tmp_path / "run"
    choices = "choose op in { one: conv_bn_relu(8, k = 3), other: conv_bn_relu(8, k = 3) }"
    task = TINY[TINY.index("  task segment") : TINY.index("  for e in rates {\n    aux")]
    body = task.replace("concat(up(e) for e in ends)", "image >> op()")
    file.write_text(f"space same(classes = 9, H = 32, W = 64) {{\n  input image: [3, H, W]\n  {choices}\n{body}}}\n")
    assert nasdsl("profile", file, "--table", table)[0] == 0
    measured = json.loads(table.read_text())
    for entry in measured["entries"].values():
        entry["ms"] = 0.01232
    table.write_text(json.dumps(measured))
    status, _, err = nasdsl("search", file, "--run", run, "--steps", "1,1", "--threads", "1", "--table", table, *QUICK)
    assert status == 0, err
    assert json.loads((run / "config.json").read_text())["target"] == {"latency_ms": 0.02464, "source": "median"}


def test_a_run_in_use_and_changed_arguments(whole: Path, space: Path, nasdsl: Nasdsl, tmp_path: Path) -> None:
    status, _, err = nasdsl(*search_args(space, whole))
    assert (status, "holds a run already" in err) == (2, True)
    status, _, err = nasdsl("search", space, "--run", whole, "--resume", "--seed", "3")
    assert (status, "began with --seed 0, found --seed 3" in err) == (2, True)
    other = tmp_path / "tiny.nas"
    other.write_text(TINY + "// changed\n")
    status, _, err = nasdsl("search", other, "--run", whole, "--resume")
    assert (status, "is not the text" in err) == (1, True)


@pytest.mark.parametrize("strategy", ["gumbel", "random"])
def test_bounds_on_macs_are_kept(strategy: str, tmp_path: Path) -> None:
    """The cheapest quarter of what random architectures cost: chance alone would rarely stay below."""
    from nasdsl.passes.kernels import costs
    from nasdsl.source import Source
    from nasdsl.space import load

    space = load(Source("tiny.nas", TINY))
    found = sorted(costs(space.derive(space.sample(seed))).macs for seed in range(40))
    bounded = tmp_path / "tiny.nas"
    bounded.write_text(TINY.replace("<= 20 ms", f"<= 20 ms and macs <= {found[4]}"))
    assert main([str(arg) for arg in search_args(bounded, tmp_path / "run", "--strategy", strategy)]) == 0
    assert json.loads((tmp_path / "run/metrics.json").read_text())["macs"] <= found[4]

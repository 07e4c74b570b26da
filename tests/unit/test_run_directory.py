"""Run directories: whole files, checkpoints, logs cut back, and what goes wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.search import phases
from nasdsl.search.chance import generator
from nasdsl.search.config import RunConfig
from nasdsl.search.observer import Silent
from nasdsl.search.phases import run_phase
from nasdsl.search.run_directory import CHECKPOINTS, CONFIG, LOG, STATE, Checkpoint, RunDirectory

CONFIG_OF_TEST = RunConfig(
    nasdsl="0",
    torch="0",
    space="tiny",
    space_file="tiny.nas",
    space_sha256="",
    preset="",
    params={},
    data="streets",
    device="ort_cpu",
    target=None,
    strategy="random",
    seed=0,
    threads=1,
)


class Regression:
    """Real training of one linear layer: enough to see every bit of optimiser state that is lost."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 1)
        self.optimizer = torch.optim.AdamW(self.layer.parameters(), 0.1)

    def step(self, index: int) -> dict[str, Any]:
        x = torch.randn(8, 3, generator=generator(0, "regression", index))
        loss = (self.layer(x) - x.sum(1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def tensors(self) -> dict[str, Tensor]:
        return dict(self.layer.state_dict())

    def state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def restore(self, tensors: Any, state: Any) -> None:
        self.layer.load_state_dict(tensors)
        self.optimizer.load_state_dict(state["optimizer"])


class Killer(Silent):
    """Kills the run as a signal would: without warning, after a step."""

    def __init__(self, after: int) -> None:
        self.after = after

    def step(self, done: int, record: Any) -> None:
        if done == self.after:
            raise KeyboardInterrupt


class Presser(Silent):
    """Presses Ctrl-C once the second step is done."""

    def step(self, done: int, record: Any) -> None:
        if done == 2:
            os.kill(os.getpid(), 2)


def finished(path: Path) -> tuple[dict[str, list[float]], str]:
    """Weights and log of an uninterrupted phase of 7 steps."""
    run = RunDirectory.create(path, CONFIG_OF_TEST)
    training = Regression()
    run_phase("train", training, 7, run, Silent(), None)
    return {name: tensor.flatten().tolist() for name, tensor in training.tensors().items()}, run.read(LOG)


def resumed(run: RunDirectory) -> tuple[dict[str, list[float]], str]:
    training = Regression()
    run_phase("train", training, 7, run, Silent(), run.load_checkpoint())
    return {name: tensor.flatten().tolist() for name, tensor in training.tensors().items()}, run.read(LOG)


@pytest.mark.parametrize("after", [1, 3, 6])
@pytest.mark.parametrize("every_s", [0.0, 1e9])
def test_killed_and_resumed_ends_like_uninterrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, every_s: float
) -> None:
    monkeypatch.setattr(phases, "CHECKPOINT_EVERY_S", every_s)
    run = RunDirectory.create(tmp_path / "killed", CONFIG_OF_TEST)
    with pytest.raises(KeyboardInterrupt):
        run_phase("train", Regression(), 7, run, Killer(after), None)
    assert len(run.read(LOG).splitlines()) == after
    assert resumed(run) == finished(tmp_path / "whole")


def test_ctrl_c_finishes_the_step_and_saves(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "stopped", CONFIG_OF_TEST)
    with pytest.raises(KeyboardInterrupt, match="after step 2 of 7 of the phase train"):
        run_phase("train", Regression(), 7, run, Presser(), None)
    checkpoint = run.load_checkpoint()
    assert checkpoint is not None
    assert checkpoint.step == 2
    assert resumed(run) == finished(tmp_path / "whole")


def test_killed_while_saving_the_checkpoint_before_counts(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    weights = {"w": torch.ones(3)}
    run.save_checkpoint(Checkpoint("train", 1, weights, {}))
    run.log({"step": 2})
    (run.path / CHECKPOINTS / "train-000002.safetensors").write_bytes(b"only the weights of the next one were written")
    checkpoint = run.load_checkpoint()
    assert checkpoint is not None
    assert (checkpoint.step, checkpoint.tensors["w"].tolist()) == (1, [1.0, 1.0, 1.0])
    assert run.read(LOG) == ""
    run.save_checkpoint(Checkpoint("train", 3, weights, {}))
    assert [path.name for path in (run.path / CHECKPOINTS).glob("*.safetensors")] == ["train-000003.safetensors"]


def test_a_later_phase_keeps_the_weights_of_an_earlier_one(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    for phase, step in (("search", 4), ("train", 0), ("train", 5)):
        run.save_checkpoint(Checkpoint(phase, step, {"w": torch.ones(1)}, {}))
    names = sorted(path.name for path in (run.path / CHECKPOINTS).glob("*.safetensors"))
    assert names == ["search-000004.safetensors", "train-000005.safetensors"]


def test_a_directory_in_use_is_not_overwritten(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    with pytest.raises(NasError, match="holds a run already\nhelp: add --resume") as caught:
        RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    assert caught.value.status == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(NasError, match="is not empty"):
        RunDirectory.create(tmp_path / "mine", CONFIG_OF_TEST)
    with pytest.raises(NasError, match="is a file"):
        RunDirectory.create(tmp_path / "mine" / "thesis.tex", CONFIG_OF_TEST)


def test_opening_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NasError, match="there is no run in"):
        RunDirectory.open(tmp_path)
    run = RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    assert RunDirectory.open(run.path)[1] == CONFIG_OF_TEST
    changed = json.loads(run.read(CONFIG)) | {"seed": "lucky"}
    run.write(CONFIG, json.dumps(changed))
    with pytest.raises(NasError, match=r"config.json: seed: Input should be a valid integer"):
        RunDirectory.open(run.path)


def test_a_damaged_checkpoint_is_said(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    run.write(f"{CHECKPOINTS}/{STATE}", b"not a checkpoint")
    with pytest.raises(NasError, match="cannot be read"):
        run.load_checkpoint()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_is_a_message_of_status_3(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", CONFIG_OF_TEST)
    (run.path / LOG).symlink_to("/dev/full")
    with pytest.raises(NasError, match="the disk is full") as caught:
        run.log({"step": 1})
    assert caught.value.status == 3

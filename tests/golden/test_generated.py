"""What `generated/` holds is what the compiler writes, byte for byte; it is clean, strictly typed, and runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.space import load
from tests.differential.test_supernet import module_of

ROOT = Path(__file__).parents[2]
SMALL = [("darts", ""), ("fasterseg", "demo")]
CASES = [*SMALL, ("fasterseg", "")]


def place(space: str, preset: str) -> Path:
    return ROOT / "generated" / (f"{space}_{preset}" if preset else space) / "supernet.py"


@pytest.mark.parametrize(("space", "preset"), CASES)
def test_same_bytes(space: str, preset: str) -> None:
    path = place(space, preset)
    command = f"nasdsl compile spaces/{space}.nas" + (f" --preset {preset}" if preset else "")
    graph = load(ROOT / "spaces" / f"{space}.nas", preset=preset).graph
    assert path.read_text() == supernet_source(graph), f"{path} is not what the compiler writes: run `{command}`"


@pytest.mark.parametrize(("space", "preset"), SMALL)
def test_runs(space: str, preset: str) -> None:
    module = module_of(place(space, preset).read_text())
    loaded = load(ROOT / "spaces" / f"{space}.nas", preset=preset)
    size = next(loaded.graph.inputs()).type.size
    assert size is not None
    choices = runtime.Fixed(module.SPACE, loaded.sample(0)).draw()
    main = next(task for task in loaded.graph.tasks if not task.aux)
    outputs = module.Supernet()(torch.zeros(2, 3, *size), choices)
    assert outputs[main.name].shape[1:] == (
        int(loaded.graph.nodes[main.output].type.channels.constant or 0),
        *(loaded.graph.nodes[main.output].type.size or ()),
    )


def test_clean_and_strictly_typed() -> None:
    files = [str(place(*case)) for case in CASES]
    for command in (
        ["ruff", "format", "--diff", "--isolated", "--line-length", "120"],
        ["ruff", "check", "--config", str(ROOT / "pyproject.toml")],
    ):
        result = subprocess.run([sys.executable, "-m", *command, *files], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    for file in files:
        command = [sys.executable, "-m", "mypy", "--strict", file]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout

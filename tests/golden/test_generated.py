"""What `generated/` holds is what the compiler writes, byte for byte; it is clean, strictly typed, and runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.space import load
from tests.differential.test_supernet import module_of

ROOT = Path(__file__).parents[2]
SPACES = sorted(path.stem for path in (ROOT / "spaces").glob("*.nas"))
CASES = [*((space, "") for space in SPACES), ("fasterseg", "demo")]


def place(space: str, preset: str) -> Path:
    return ROOT / "generated" / (f"{space}_{preset}" if preset else space) / "supernet.py"


class RoIMaskHead(nn.Module):
    """Stands where SpatialFlow's own head would: a map of [classes, 28, 28] for the image."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3 * 256, classes, 1)

    def forward(self, *maps: Tensor) -> Tensor:
        pooled = [nn.functional.adaptive_avg_pool2d(x, 28) for x in maps]
        masks: Tensor = self.conv(torch.cat(pooled, dim=1))
        return masks


def test_every_space_has_its_supernet() -> None:
    assert sorted(path.parent for path in (ROOT / "generated").glob("*/*.py")) == sorted(
        place(*case).parent for case in CASES
    )


@pytest.mark.parametrize(("space", "preset"), CASES)
def test_same_bytes(space: str, preset: str) -> None:
    path = place(space, preset)
    command = f"nasdsl compile spaces/{space}.nas" + (f" --preset {preset}" if preset else "")
    graph = load(ROOT / "spaces" / f"{space}.nas", preset=preset).graph
    assert path.read_text() == supernet_source(graph), f"{path} is not what the compiler writes: run `{command}`"


@pytest.mark.parametrize(("space", "preset"), CASES)
def test_runs(space: str, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes of all outputs, at the full size of the space: on tensors without data."""
    heads = ModuleType("spatialflow_heads")
    heads.RoIMaskHead = RoIMaskHead  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spatialflow_heads", heads)
    module = module_of(place(space, preset).read_text())
    loaded = load(ROOT / "spaces" / f"{space}.nas", preset=preset)
    size = next(loaded.graph.inputs()).type.size
    assert size is not None
    expected = {
        task.name: (
            2,
            int(loaded.graph.nodes[task.output].type.channels.constant or 0),
            *(loaded.graph.nodes[task.output].type.size or ()),
        )
        for task in loaded.graph.tasks
        if not task.aux
    }
    with torch.device("meta"):
        supernet = module.Supernet().eval()
        images = torch.zeros(2, 3, *size)
    for seed in range(3):
        outputs = supernet(images, runtime.Fixed(module.SPACE, loaded.sample(seed)).draw())
        assert {name: tuple(outputs[name].shape) for name in expected} == expected


def test_clean_and_strictly_typed() -> None:
    files = [str(place(*case)) for case in CASES]
    checks = (
        ["ruff", "format", "--diff", "--isolated", "--line-length", "120"],
        ["ruff", "check", "--config", str(ROOT / "pyproject.toml")],
        # What an extern names belongs to the user, and is not there.
        ["mypy", "--strict", "--explicit-package-bases", "--disable-error-code", "import-not-found"],
    )
    for command in checks:
        result = subprocess.run(
            [sys.executable, "-m", *command, *files], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr

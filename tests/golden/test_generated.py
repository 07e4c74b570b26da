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
from nasdsl.passes.partial import partial_channels
from nasdsl.space import Space, load
from tests.differential.test_supernet import module_of

ROOT = Path(__file__).parents[2]
SPACES = sorted(path.stem for path in (ROOT / "spaces").glob("*.nas"))
CASES = [*((space, "", 1) for space in SPACES), ("fasterseg", "demo", 1), ("darts", "", 4)]
"""Space, preset, and of how many parts of the channels operations have one."""


def place(space: str, preset: str, parts: int) -> Path:
    name = "_".join(filter(None, [space, preset, f"partial_{parts}" if parts > 1 else ""]))
    return ROOT / "generated" / name / "supernet.py"


def loaded(space: str, preset: str, parts: int) -> tuple[Space, str]:
    """The space that is compiled, and what its supernet says about it."""
    found = load(ROOT / "spaces" / f"{space}.nas", preset=preset)
    if parts == 1:
        return found, ""
    proxy = partial_channels(found.graph, parts)
    return Space(proxy.graph, found.source), proxy.note


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


@pytest.mark.parametrize(("space", "preset", "parts"), CASES)
def test_same_bytes(space: str, preset: str, parts: int) -> None:
    path = place(space, preset, parts)
    command = f"nasdsl compile spaces/{space}.nas" + (f" --preset {preset}" if preset else "")
    command += f" --partial-channels {parts}" if parts > 1 else ""
    found, note = loaded(space, preset, parts)
    assert path.read_text() == supernet_source(found.graph, note=note), (
        f"{path} is not what the compiler writes: run `{command}`"
    )


@pytest.mark.parametrize(("space", "preset", "parts"), CASES)
def test_runs(space: str, preset: str, parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes of all outputs, at the full size of the space: on tensors without data."""
    heads = ModuleType("spatialflow_heads")
    heads.RoIMaskHead = RoIMaskHead  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spatialflow_heads", heads)
    module = module_of(place(space, preset, parts).read_text())
    found, _ = loaded(space, preset, parts)
    size = next(found.graph.inputs()).type.size
    assert size is not None
    expected = {
        task.name: (
            2,
            int(found.graph.nodes[task.output].type.channels.constant or 0),
            *(found.graph.nodes[task.output].type.size or ()),
        )
        for task in found.graph.tasks
        if not task.aux
    }
    with torch.device("meta"):
        supernet = module.Supernet().eval()
        images = torch.zeros(2, 3, *size)
    for seed in range(3):
        outputs = supernet(images, runtime.Fixed(module.SPACE, found.sample(seed)).draw())
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

"""The wheel works by itself: built here, installed with the core dependencies alone, run from another directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HEAVY = ("torch", "numpy", "onnx", "onnxruntime")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command outside this checkout's environment and fails with what it said."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, repository, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def core_requirements(wheel: Path) -> list[str]:
    """The core dependencies as the wheel's metadata states them, such as "lark>=1.2.2"."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    stated = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    return [requirement for requirement in stated if "extra ==" not in requirement]


@pytest.fixture(scope="module", params=["newest", "lowest"])
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of a new environment with the wheel and its core dependencies, at either end of their ranges."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", environment, cwd=environment)
    commands = environment / "bin"
    exact = [requirement.replace(">=", "==") for requirement in core_requirements(wheel)]
    versions = exact if request.param == "lowest" else []
    run(commands / "python", "-m", "pip", "install", "--quiet", "--no-input", wheel, *versions, cwd=environment)
    return commands


def test_wheel_holds_the_package_and_its_grammars_and_nothing_else(wheel: Path, repository: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    grammars = {f"nasdsl/grammars/{path.name}" for path in (repository / "grammars").iterdir() if path.is_file()}
    assert {"nasdsl/grammars/nasdsl.lark", "nasdsl/grammars/std.nas"} <= grammars <= set(names)
    assert "nasdsl/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"nasdsl"}


def test_check_and_compile_work_with_the_core_dependencies_alone(
    installed: Path, repository: Path, tmp_path: Path
) -> None:
    space = repository / "spaces" / "darts.nas"
    run(installed / "nasdsl", "check", space, cwd=tmp_path)
    run(installed / "nasdsl", "compile", space, "-o", tmp_path / "compiled", cwd=tmp_path)
    assert (tmp_path / "compiled" / "supernet.py").is_file()


def test_core_installation_is_the_wheel_and_pulls_no_tensor_library(installed: Path, tmp_path: Path) -> None:
    question = (
        "import importlib.util, nasdsl; print(nasdsl.__file__);"
        f"print([name for name in {HEAVY!r} if importlib.util.find_spec(name)])"
    )
    where, heavy = run(installed / "python", "-c", question, cwd=tmp_path).stdout.splitlines()
    assert Path(where).is_relative_to(installed.parent)
    assert heavy == "[]"

"""The promises of the set-up: one test command, for people and for CI, and true statements about the layout."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest


def test_ci_runs_exactly_the_test_command_of_the_readme(repository: Path) -> None:
    script = repository / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = [line for line in script.read_text().splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
    assert re.search(r"^(\$ )?make test\b", (repository / "README.md").read_text(), re.MULTILINE)


def test_make_refuses_an_old_python_in_one_line(repository: Path, tmp_path: Path) -> None:
    """The message names what was found and what to do; nothing is left behind."""
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.1" && exit 0\nexit 1\n')
    old.chmod(0o755)
    environment = tmp_path / "venv"
    done = subprocess.run(
        ["make", f"PYTHON={old}", f"VENV={environment}", "venv"],
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "nasdsl needs Python 3.11 or newer; found: Python 3.9.1." in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not environment.exists()


def test_make_installs_nothing_twice(repository: Path) -> None:
    """In an environment that is up to date, the set-up has no work left."""
    if not (repository / ".venv" / ".ready-dev").exists():
        pytest.skip("this environment was not made by make venv")
    done = subprocess.run(["make", "--question", "venv"], cwd=repository, stdin=subprocess.DEVNULL)
    assert done.returncode == 0

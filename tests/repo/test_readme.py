"""What the README shows is true."""

import re
import shlex
from pathlib import Path

import pytest

from nasdsl.ir.verify import verify
from nasdsl.source import Source
from nasdsl.space import load


def blocks(repository: Path) -> list[str]:
    text = (repository / "README.md").read_text()
    return re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_first_space_is_valid(repository: Path) -> None:
    text = next(block for block in blocks(repository) if block.startswith("space "))
    space = load(Source("README.md", text))
    verify(space.graph)
    assert len(space.graph.decisions) == 6
    verify(space.derive(space.sample(0)))


def test_every_command_is_one(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nasdsl.cli import main

    lines = [line for block in blocks(repository) for line in block.splitlines() if line.startswith("nasdsl ")]
    assert len(lines) >= 6
    for verb in {shlex.split(line)[1] for line in lines}:
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
        known = capsys.readouterr().out
        for line in lines:
            words = shlex.split(line, comments=True)
            if words[1] == verb:
                assert all(word in known for word in words if word.startswith("-")), line


def test_the_test_command_is_what_ci_runs(repository: Path) -> None:
    commands = [block for block in blocks(repository) if "make test" in block]
    assert commands
    assert "make test" in (repository / ".ci/run").read_text()

"""The layout of `nasdsl fmt`, to the letter, and what the command does to files.

`NASDSL_UPDATE_GOLDEN=1 pytest tests/golden` writes the expected layout anew; read the difference before committing.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import pytest

from nasdsl.cli import main
from nasdsl.source import Source
from nasdsl.syntax.parser import parse
from nasdsl.syntax.printer import format_source

FOLDER = Path(__file__).parent / "fmt"
SPACES = Path(__file__).parents[2] / "spaces"
UGLY, GOOD = "block f(x)=x>>relu( ) // c\n", "block f(x) = x >> relu()  // c\n"
BROKEN = "space s {\n  y = = 3\n}\n"


def test_layout() -> None:
    source = Source("written.nas", (FOLDER / "written.nas").read_text())
    found, expected = format_source(source), FOLDER / "formatted.nas"
    if os.environ.get("NASDSL_UPDATE_GOLDEN"):
        expected.write_text(found)
    assert found == expected.read_text()
    assert parse(Source("formatted.nas", found)) == parse(source)


@pytest.mark.parametrize(("name", "most"), [("darts", 40), ("fasterseg", 60)])
def test_a_space_stays_as_short_as_it_is_said_to_be(name: str, most: int) -> None:
    text = format_source(Source(name, (SPACES / f"{name}.nas").read_text()))
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("//")]
    assert len(lines) <= most


def test_files_are_laid_out_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, other = tmp_path / "a.nas", tmp_path / "b.nas"
    file.write_text(UGLY)
    file.chmod(0o600)
    other.write_text(GOOD)
    before = other.stat().st_mtime_ns
    assert main(["fmt", str(file), str(other)]) == 0
    assert file.read_text() == other.read_text() == GOOD
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert other.stat().st_mtime_ns == before, "a file that is laid out already is not written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nas", "b.nas"]
    assert capsys.readouterr().err == f"{file}: changed\n1 of 2 files changed\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.nas").write_text(UGLY)
    (tmp_path / "link.nas").symlink_to("real.nas")
    assert main(["fmt", str(tmp_path / "link.nas")]) == 0
    assert (tmp_path / "link.nas").is_symlink()
    assert (tmp_path / "real.nas").read_text() == GOOD


def test_check_and_diff_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, good = tmp_path / "a.nas", tmp_path / "b.nas"
    file.write_text(UGLY)
    good.write_text(GOOD)
    assert main(["fmt", "--check", str(good)]) == 0
    assert main(["fmt", "--check", str(file)]) == 1
    assert capsys.readouterr().out == ""
    assert main(["fmt", "--diff", str(file), str(good)]) == 0
    assert main(["fmt", "--diff", "--check", str(file)]) == 1
    assert capsys.readouterr().out == 2 * f"--- {file}\n+++ {file}\n@@ -1 +1 @@\n-{UGLY}+{GOOD}"
    assert file.read_text() == UGLY


def test_a_file_with_a_mistake_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken, ugly = tmp_path / "broken.nas", tmp_path / "ugly.nas"
    broken.write_text(BROKEN)
    ugly.write_text(UGLY)
    assert main(["fmt", str(broken), str(tmp_path / "missing.nas"), str(ugly)]) == 1
    assert broken.read_text() == BROKEN
    assert ugly.read_text() == GOOD, "the other files are laid out all the same"
    err = capsys.readouterr().err
    assert "error[E0101]" in err
    assert "broken.nas:2" in err
    assert "there is no such file" in err


@pytest.mark.parametrize(
    ("text", "status", "out"), [(UGLY, 0, GOOD), (BROKEN, 1, ""), ("", 0, ""), ("\ufeff//x", 0, "//x\n")]
)
def test_stdin(
    text: str, status: int, out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["fmt", "-"]) == status
    assert capsys.readouterr().out == out


def test_too_deep_for_python_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "deep.nas"
    file.write_text(f"block f(x) = {'- ' * 5000}x\n")
    assert main(["fmt", str(file)]) == 1
    assert "E0701" in capsys.readouterr().err


def test_a_long_chain_is_not_deep() -> None:
    text = format_source(Source("long.nas", f"block f(x) = {'x >> relu() + ' * 3000}x\n"))
    assert max(map(len, text.splitlines())) <= 120

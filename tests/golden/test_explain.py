"""Every diagnostic code is explained: its wrong program has this diagnostic and no other, its right program none."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.explain import explain


def codes_of(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    main(["check", path.name, "--json"])
    (result,) = json.loads(capsys.readouterr().out)["files"]
    return [diagnostic["code"] for diagnostic in result["diagnostics"]]


@pytest.mark.parametrize("code", TITLES)
def test_both_programs(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    item = explain(code)
    for name, text in item.files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "wrong.nas").write_bytes(item.wrong.encode(item.encoding))
    (tmp_path / "right.nas").write_text(item.right)
    assert set(codes_of(tmp_path / "wrong.nas", capsys)) == {code}
    assert codes_of(tmp_path / "right.nas", capsys) == []


def test_no_text_explains_a_code_that_is_gone(repository: Path) -> None:
    assert {path.stem for path in (repository / "nasdsl/diagnostics/explanations").iterdir()} == set(TITLES)


def test_every_code_that_the_compiler_writes_is_explained(repository: Path) -> None:
    written = {
        code
        for path in (repository / "nasdsl").rglob("*.py")
        if path.name != "codes.py"
        for code in re.findall(r'"([EW]\d{4})"', path.read_text())
    }
    assert written == set(TITLES)


def test_explain_shows_both_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "e0207"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("error[E0207]: a call that needs a label\n")
    assert "y = sum(edge(image), edge(image))" in shown
    assert "y = sum(near = edge(image), far = edge(image))" in shown
    assert "\x1b" not in shown


def test_explain_alone_lists_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    assert [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()] == list(TITLES)


def test_explain_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "W0201", "E0107", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["codes"]
    assert [(item["code"], item["severity"]) for item in found] == [("W0201", "warning"), ("E0107", "error")]
    assert set(found[1]["files"]) == {"circle.nas", "other.nas", "blocks.nas"}


@pytest.mark.parametrize(("asked", "meant"), [("E0270", "E0207"), ("nonsense", None)])
def test_an_unknown_code(asked: str, meant: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", asked]) == 2
    said = capsys.readouterr().err
    assert f"there is no diagnostic {asked}" in said
    assert (f" {meant} (" if meant else "`nasdsl explain` lists all codes") in said

"""What a newcomer's mistakes are answered with, to the letter: `diagnostics/NAME.nas` is the mistake, `NAME.txt` what
`nasdsl check NAME.nas` says of it. Those of bytes that are no text stand here.

`NASDSL_UPDATE_GOLDEN=1 pytest tests/golden` writes the expected answers anew; read the difference before committing.
"""

import os
import re
from pathlib import Path

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.codes import TITLES

FOLDER = Path(__file__).parent / "diagnostics"
MISTAKES = sorted(path.stem for path in FOLDER.glob("*.nas"))
GOOD = """space s {
  input image: [3, 32, 32]
  task t = image >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
"""
BYTES = {
    "bytes_utf_16": GOOD.encode("utf-16"),
    "bytes_utf_16_without_mark": GOOD.encode("utf-16-le"),
    "bytes_windows": GOOD.replace("{", "{ // Größe", 1).encode("windows-1252"),
    "bytes_zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "bytes_binary": bytes(range(256)),
    "bytes_empty": b"",
    "bytes_comment_only": b"// nothing yet\n",
    "bytes_escape_sequence": GOOD.replace("image >>", "image >> \x1b[31mred\x1b[0m >>").encode(),
    "bytes_windows_line_ends": GOOD.replace("linear(2)", "linear(2").replace("\n", "\r\n").encode(),
}
ACCEPTED = {
    "byte_order_mark": GOOD.encode("utf-8-sig"),
    "windows_line_ends": GOOD.replace("\n", "\r\n").encode(),
    "tabs": GOOD.replace("  ", "\t").encode(),
    "no_line_end": GOOD.rstrip().encode(),
    "comment_in_another_script": GOOD.replace("{", "{ // 空間 é \U0001f600", 1).encode(),
}


def compare(name: str, found: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("NASDSL_UPDATE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text()


def answer(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    status = main(["check", path])
    found = capsys.readouterr().err
    assert status == int("error[" in found), "warnings alone are accepted"
    return found


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(FOLDER)
    compare(name, answer(f"{name}.nas", capsys))


@pytest.mark.parametrize("name", BYTES)
def test_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.nas").write_bytes(BYTES[name])
    compare(name, answer(f"{name}.nas", capsys))


@pytest.mark.parametrize("name", ACCEPTED)
def test_no_mistake(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.nas").write_bytes(ACCEPTED[name])
    assert main(["check", "good.nas"]) == 0
    assert capsys.readouterr().err == ""


def test_the_answers_are_about_these_mistakes_and_no_others() -> None:
    answers = {path.stem: path.read_text() for path in FOLDER.glob("*.txt")}
    assert set(answers) == {*MISTAKES, *BYTES}
    assert all(re.search(r"^(error|warning)\[", text, re.MULTILINE) for text in answers.values())
    assert len(answers) >= 60
    seen = set(re.findall(r"^(?:error|warning)\[(\w+)\]", "\n".join(answers.values()), re.MULTILINE))
    assert seen == set(TITLES), "every code has a mistake here"

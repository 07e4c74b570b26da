"""The commands without tensors: what they print, how they end, what they leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nasdsl.cli import main

GOOD = """space good {
  input image: [3, 16, 16]
  choose op in { conv3: conv_bn_relu(k = 3), sep3: sep_conv(k = 3) }
  y = image >> op()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() metric accuracy }
  preset small { op = conv3 }
  preset broken { op = conv5 }
}
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.nas"
    path.write_text(GOOD.replace("  preset broken { op = conv5 }\n", ""))
    return path


def test_check_says_what_a_space_is(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(good)]) == 0
    assert "ok, space good: " in capsys.readouterr().out


def test_check_looks_at_every_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.nas").write_text(GOOD)
    assert main(["check", str(tmp_path / "bad.nas")]) == 1
    assert "`op` cannot be conv5" in capsys.readouterr().err


def test_check_goes_on_after_a_bad_file(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.nas").write_text("space bad { y = 3 + }")
    (tmp_path / "latin.nas").write_bytes(b"space \xe9 {}")
    files = [str(tmp_path / name) for name in ("bad.nas", "latin.nas", "missing.nas")]
    assert main(["check", *files, str(good), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["files"]
    assert [len(result["diagnostics"]) for result in found] == [1, 1, 1, 0]
    first = found[0]["diagnostics"][0]
    assert (first["code"], first["line"], first["column"]) == ("E0101", 1, 21)


def test_compile_writes_the_same_bytes_anywhere(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["compile", str(good), "-o", str(tmp_path / "a")]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "good.nas", "-o", "b"]) == 0
    assert (tmp_path / "a/supernet.py").read_bytes() == (tmp_path / "b/supernet.py").read_bytes()


def test_a_full_disk_leaves_nothing_half_written(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    assert main(["show", str(good), "-o", "/dev/full"]) == 3
    assert "error: /dev/full cannot be written: No space left on device" in capsys.readouterr().err


def test_places_that_cannot_be_written_are_called_as_they_were_given(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for place, reason in (("good.nas/x.svg", "a folder is needed"), ("folder", "Is a directory")):
        assert main(["show", str(good), "-o", place]) == 3
        assert f"error: {place} cannot be written: {reason}" in capsys.readouterr().err
    for arguments in (["compile", "good.nas"], ["predict", "model.onnx", "photo.png"]):
        with pytest.raises(SystemExit) as stop:
            main([*arguments, "-o", "good.nas"])
        assert stop.value.code == 2
        assert "good.nas is a file, a folder is needed" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "good.nas"]


def test_an_ending_without_a_format_is_a_mistake(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(good), "-o", str(tmp_path / "x.pdf")]) == 2
    assert "expected one of .txt, .json, .svg, .html, .htm, or none" in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()
    assert main(["show", str(good), "--format", "svg", "-o", str(tmp_path / "x.pdf")]) == 0
    assert (tmp_path / "x.pdf").read_text().startswith("<svg ")


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    err = capsys.readouterr().err
    assert all(verb in err for verb in ("check", "compile", "search", "export"))


def test_folders_and_other_files_in_place_of_what_is_read(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        (
            ["show", str(good), "--arch", str(tmp_path)],
            f"error: {tmp_path} is a folder\nhelp: give the architecture.json",
        ),
        (["eval", str(tmp_path), "--data", "streets"], f"error: {tmp_path} is a folder\nhelp: give the model.onnx"),
        (["eval", str(good), "--data", "streets"], "help: is this the model.onnx of a run?"),
    ):
        assert main(arguments) == 1
        assert message in capsys.readouterr().err


def test_show_sample_and_derive_fit_together(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(good), "-n", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    (tmp_path / "a.json").write_text(lines[0])
    assert main(["show", str(good), "--format", "nodes", "--arch", str(tmp_path / "a.json")]) == 0
    assert " = conv(" in capsys.readouterr().out
    assert main(["derive", str(good), "--arch", str(tmp_path / "a.json"), "-o", str(tmp_path / "net.py")]) == 0
    text = (tmp_path / "net.py").read_text()
    assert "class Network(nn.Module)" in text
    assert "nasdsl import" not in text
    capsys.readouterr()
    (tmp_path / "a.json").write_text('{"space": "good", "decisions": {"op": "conv9"}}')
    assert main(["show", str(good), "--arch", str(tmp_path / "a.json")]) == 1
    assert "`op` cannot be 'conv9'" in capsys.readouterr().err


def test_wrong_command_lines_end_with_2(good: Path) -> None:
    for arguments in (["chek", str(good)], ["check"], ["sample", str(good), "--param", "C"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_a_reader_that_goes_away_is_no_error(good: Path) -> None:
    command = [sys.executable, "-m", "nasdsl", "show", str(good)]
    piped = subprocess.run(f"{' '.join(map(repr, command))} | head -n 1", shell=True, capture_output=True, text=True)
    assert piped.stdout == "space good\n"
    assert piped.stderr == ""


def test_names_and_terminals_that_have_no_such_characters(good: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/od d\n\xff'$(x).nas"
    Path(os.fsdecode(odd)).write_text(GOOD.replace("  preset broken { op = conv5 }\n", ""))
    out = os.fsencode(tmp_path) + b"/o\xff"
    for encoding in ("ascii", "utf-8:strict"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        for arguments in (["check", odd], ["show", odd], ["marginals", odd], ["compile", odd, "-o", out]):
            command = [sys.executable, "-m", "nasdsl", *arguments]
            found = subprocess.run(command, capture_output=True, env=environment)
            assert (found.returncode, found.stderr) == (0, b""), arguments
        found = subprocess.run(
            [sys.executable, "-m", "nasdsl", "check", odd + b"x"], capture_output=True, env=environment
        )
        assert found.returncode == 1
        assert found.stderr.startswith(b"error: ")
    assert Path(os.fsdecode(out), "supernet.py").exists()


def test_what_check_cannot_read_is_no_mistake_of_a_text(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, message in (
        ([str(good.with_name("none.nas"))], "there is no such file"),
        ([str(good), "--preset", "none"], "has no preset `none`"),
        ([str(good), "--table", "none.json"], "cannot read the lookup table none.json"),
    ):
        assert main(["check", *arguments, "--json"]) == 1
        found = json.loads(capsys.readouterr().out)["files"][0]["diagnostics"]
        assert [(one["code"], one["title"]) for one in found] == [("", "cannot be checked")]
        assert message in found[0]["message"]

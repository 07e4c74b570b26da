"""`nasdsl profile` when devices hang or vanish, and when several commands write one table."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import DEVICES, Known, open_device
from nasdsl.hardware.devices.ort_cpu import OrtCpu
from nasdsl.hardware.engine import BATCH, Run
from nasdsl.hardware.profile import PASSES, profile
from nasdsl.hardware.table import Table, load_table
from nasdsl.passes.kernels import signatures
from nasdsl.space import load

MANY = """space many {
  input image: [3, 16, 16]
  width w in {2, 4, 6}
  choose op in {a: conv_bn_relu(k = 3), b: max_pool(k = 3), c: dw_conv(k = 3)}
  task t = image >> conv(w, k = 1) >> op() >> global_avg_pool() >> linear(2) { loss cross_entropy() }
  preset one { w = 2 }
}"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NASDSL_DEVICES", str(tmp_path / "devices.json"))
    (tmp_path / "many.nas").write_text(MANY)
    return tmp_path / "many.nas"


class Hanging(OrtCpu):
    """A driver that stops after the first turn, until someone lets it go."""

    kind: ClassVar[str] = "hanging"
    left: ClassVar[int] = 4 * BATCH
    released: ClassVar[threading.Event] = threading.Event()

    def prepare(self, model: bytes) -> Run:
        type(self).left -= 1
        if self.left < 0:
            self.released.wait()
        return super().prepare(model)


def test_a_device_that_hangs_is_given_up_and_measured_on(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(DEVICES, "hanging", Known(f"{__name__}:Hanging", "nothing"))
    command = ["profile", str(file), "--device", "hanging", "--timeout", "2s", "--table", str(tmp_path / "t.json")]
    needed = list(signatures(load(file).graph))
    try:
        assert main(command) == 3
    finally:
        Hanging.released.set()
    printed = capsys.readouterr()
    assert not printed.out
    assert (
        "error: `hanging` hangs: one step took longer than 2 s\nhelp: what was measured before is kept" in printed.err
    )
    assert list(load_table(tmp_path / "t.json").entries) == sorted(needed[:BATCH])
    Hanging.left = 10**9
    assert main(command) == 0
    assert set(load_table(tmp_path / "t.json").entries) == set(needed)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--device", "macs", "--timeout", "2s"], 2, "`macs` has no option `timeout_s`"),
        (["--device", "absent"], 2, "`absent` cannot be measured here; devices that can be named: cuda"),
        (["--threads", "9999"], 2, "cannot be measured with 9999 threads: it has 1 to"),
        (["--preset", "camvid"], 1, "`many` has no preset `camvid`"),
        (["--validate", "2"], 2, "--validate takes 3 networks or more, found 2"),
        (["--plot", "p.svg"], 2, "--plot draws what --validate measures"),
        (["--plot", "p.png", "--validate", "9"], 2, "p.png: pictures are SVG"),
        (["--plot", "/proc/p.svg", "--validate", "9"], 3, "/proc/p.svg cannot be written"),
    ],
)
def test_a_wrong_command_line_measures_nothing(
    arguments: list[str], status: int, message: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", str(file), *arguments]) == status
    printed = capsys.readouterr()
    assert message in printed.err
    assert not printed.out
    assert not (tmp_path / "cache").exists()


@contextmanager
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`nasdsl serve-device` in a process of its own, and its address."""
    command = ["-m", "nasdsl", "serve-device", "--port", "0", "--token-file", str(tmp_path / "token")]
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, line[line.index("http") : line.index(";")]
        finally:
            process.kill()


def test_a_machine_that_is_switched_off_in_the_middle(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, graph = tmp_path / "t.json", load(file).graph
    command = ["profile", str(file), "--device", "pi4", "--table", str(path)]

    def name_it(url: str) -> None:
        options = {"url": url, "token_file": str(tmp_path / "token")}
        (tmp_path / "devices.json").write_text(json.dumps({"pi4": {"device": "remote", "options": options}}))

    with served(tmp_path) as (process, url):
        name_it(url)

        def switch_off(done: int, total: int) -> None:
            process.kill()
            process.wait()

        with pytest.raises(NasError, match=r"the device at 127\.0\.0\.1:\d+ does not answer.*\nhelp: .* is kept") as e:
            profile(graph, open_device("pi4"), path, switch_off)
        assert e.value.status == 3
    assert len(load_table(path).entries) == BATCH
    assert main(command) == 3
    assert "is `nasdsl serve-device` running there?" in capsys.readouterr().err
    with served(tmp_path) as (_, url):
        name_it(url)
        assert main(command) == 0
    assert set(load_table(path, device="pi4").entries) == set(signatures(graph))


def test_two_commands_that_fill_one_table_lose_nothing(file: Path, tmp_path: Path) -> None:
    """Two processes, each with a part of the table; both parts are there in the end."""
    (tmp_path / "other.nas").write_text(MANY.replace("{2, 4, 6}", "{4, 6, 8}").replace("preset one { w = 2 }", ""))
    files, table = [file, tmp_path / "other.nas"], tmp_path / "t.json"
    command = [sys.executable, "-m", "nasdsl", "profile", "--table", str(table)]
    running = [subprocess.Popen([*command, str(one)], stderr=subprocess.PIPE) for one in files]
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err
    found = load_table(table, device="ort_cpu", threads=1, batch=1, precision="fp32").entries
    assert set(found) == {text for one in files for text in signatures(load(one).graph)}
    assert {entry.passes >= PASSES for entry in found.values()} == {True}


BAD: list[tuple[str, Any, str]] = [
    ("cut off", lambda text: text[: len(text) // 2], "is not a lookup table: it is cut off or damaged"),
    ("nothing", lambda _: "", "is not a lookup table: it is cut off or damaged"),
    ("bytes", lambda _: b"\xff\xfe\x00", "it is not text"),
    ("NaN", lambda text: text.replace("0.125", "NaN"), "ms: Input should be a finite number"),
    ("infinite", lambda text: text.replace("0.125", "1e999"), "ms: Input should be a finite number"),
    ("negative", lambda text: text.replace("0.125", "-0.125"), "ms: a latency is greater than -0.125 ms"),
    ("zero", lambda text: text.replace("0.125", "0"), "ms: a latency is greater than 0 ms"),
    ("text", lambda text: text.replace("0.125", '"fast"'), "ms: Input should be a valid number"),
    ("newer", lambda text: text.replace('"schema_version": 2', '"schema_version": 9'), "of version 9"),
    ("no version", lambda text: text.replace('"schema_version": 2,', ""), "schema_version is None"),
    ("another unit", lambda text: text.replace('"unit": "ms"', '"unit": "s"'), "unit: Input should be 'ms'"),
    ("an unknown key", lambda text: text.replace('"unit"', '"watts": 3, "unit"'), "watts: Extra inputs"),
    ("deep", lambda _: "[" * 100_000, "is not a lookup table"),
]


@pytest.mark.parametrize(("change", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.parametrize(
    "command",
    [
        ["profile", "FILE", "--table", "TABLE"],
        ["cost", "FILE", "--device", "ort_cpu", "--table", "TABLE"],
        ["count", "FILE", "--under", "latency(ort_cpu) <= 1 ms", "--table", "TABLE"],
        ["compile", "FILE", "--table", "TABLE", "-o", "OUT"],
        ["check", "FILE", "--table", "TABLE"],
    ],
    ids=lambda command: command[0],
)
def test_a_damaged_table_is_refused_everywhere_and_left_as_it_is(
    command: list[str], change: Any, message: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = {text: {"ms": 0.125, "passes": 2} for text in signatures(load(file).graph)}
    whole = Table(device="ort_cpu", machine="m", threads=1, entries=entries).model_dump_json(indent=1)
    path, changed = tmp_path / "table ü'\n$(x).json", change(whole)
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    before = path.read_bytes()
    places = {"FILE": str(file), "TABLE": str(path), "OUT": str(tmp_path / "out")}
    assert main([places.get(word, word) for word in command]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert printed.err.startswith("error: ")
    assert "\nhelp: " in printed.err
    assert path.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_a_table_that_cannot_be_written_says_so(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(file), "--preset", "one", "--table", str(file / "t.json")]) == 3
    assert "help: " in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["many.nas"]


def test_a_full_disk_is_noticed_before_anything_is_measured(file: Path, tmp_path: Path) -> None:
    """A process that may not write more into any file finds what it would on a full disk."""
    table = tmp_path / "t.json"
    Table(device="ort_cpu", machine="m", threads=1).save(table)
    before = table.read_bytes()
    command = [sys.executable, "-m", "nasdsl", "profile", str(file), "--table", str(table)]
    limit = (
        f"import os, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)); os.execv({command[0]!r}, {command})"
    )
    found = subprocess.run([sys.executable, "-c", limit], capture_output=True, text=True)
    assert found.returncode == 3
    assert f"error: cannot write the lookup table {table}: File too large\nhelp: free some space" in found.stderr
    assert "profile:" not in found.stderr
    assert table.read_bytes() == before
    assert not list(tmp_path.glob(".*"))

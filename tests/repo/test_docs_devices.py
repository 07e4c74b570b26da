"""docs/devices.md: its example of a device is made, installed and profiled, its file of named devices is one."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from nasdsl.hardware.device import DEVICES, ENTRY_POINTS
from nasdsl.hardware.named import named_devices
from tests.repo import test_docs


def blocks(page: Path, kind: str) -> list[str]:
    return [example.text for example in test_docs.examples(page) if example.words[:1] == (kind,)]


@pytest.fixture
def page(repository: Path) -> Path:
    return repository / "docs/devices.md"


def test_your_own_device(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (named,) = blocks(page, "toml")
    entries = tomllib.loads(named)["project"]["entry-points"][ENTRY_POINTS]
    installed = tmp_path / "reference_device-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: reference-device\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {target}" for name, target in entries.items())
    (installed / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NASDSL_DEVICES", str(tmp_path / "none.json"))
    monkeypatch.delitem(sys.modules, "reference_device", raising=False)
    test_docs.test_commands(page, tmp_path, monkeypatch, capsys)


def test_the_named_devices_are_well_formed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks(page, "json")
    (tmp_path / "devices.json").write_text(text)
    monkeypatch.setenv("NASDSL_DEVICES", str(tmp_path / "devices.json"))
    assert {item.device for item in named_devices().values()} <= set(DEVICES)


def test_every_device_is_listed(page: Path) -> None:
    text = page.read_text()
    assert [name for name in sorted(DEVICES) if f"\n| `{name}` |" not in text] == []

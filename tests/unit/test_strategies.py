"""The table of strategies, and the verb that shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

from nasdsl.cli import main
from nasdsl.search.strategies import STRATEGIES


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_can_be_made(name: str) -> None:
    module, _, maker = STRATEGIES[name].maker.partition(":")
    assert callable(getattr(import_module(module), maker))


def test_the_verb_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategies", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["strategies"]
    assert {item["name"]: item["paper"] for item in found} == {name: kind.paper for name, kind in STRATEGIES.items()}
    assert main(["strategies"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and kind.summary in shown for name, kind in STRATEGIES.items())


def test_the_verb_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from nasdsl.cli import main; sys.exit(main(['strategies']))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0

"""Losses and metrics of a space's tasks, and the classes of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasdsl.diagnostics.errors import NasError
from nasdsl.search.objective import Objective
from nasdsl.source import Source
from nasdsl.space import load

SPACES = Path(__file__).parents[2] / "spaces"

CLASSES = tuple(f"class {i}" for i in range(11))


def test_auxiliary_tasks_are_learned_but_not_judged() -> None:
    objective = Objective.of(load(SPACES / "fasterseg.nas", preset="camvid").graph, CLASSES)
    assert {name: weight for name, (_, weight) in objective.losses.items()} == {
        "segment": 1.0,
        "deep[16]": 0.2,
        "deep[32]": 0.2,
    }
    assert list(objective.metrics()) == ["miou"]


def test_classes_that_do_not_fit_the_data_are_said() -> None:
    graph = load(SPACES / "fasterseg.nas", preset="camvid").graph
    with pytest.raises(NasError) as caught:
        Objective.of(graph, ("road", "sky"))
    assert "task `segment` gives 11 classes, the data have 2: road, sky" in caught.value.message
    assert caught.value.help is not None
    assert "--param classes=2" in caught.value.help


def test_unknown_losses_are_said_where_they_stand() -> None:
    text = (SPACES / "fasterseg.nas").read_text().replace("loss ohem(thresh = 0.7", "loss lovasz(thresh = 0.7")
    with pytest.raises(NasError, match=r"net.nas:\d+: there is no loss `lovasz`"):
        Objective.of(load(Source("net.nas", text), preset="camvid").graph, CLASSES)


@pytest.mark.parametrize(
    ("name", "preset", "message"),
    [("darts", "", "gives one vector for an image"), ("fork", "demo", "trains one task that is not auxiliary")],
)
def test_what_cannot_be_searched_yet_is_said(name: str, preset: str, message: str) -> None:
    graph = load(SPACES / f"{name}.nas", preset=preset).graph
    with pytest.raises(NasError, match=message) as found:
        Objective.of(graph, ["class"] * 10)
    assert "not there yet" in (found.value.help or "")

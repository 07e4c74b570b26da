"""How much goes through the caches between two uses of a kernel, and that it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from nasdsl.hardware import engine
from nasdsl.hardware.device import Measurement
from nasdsl.hardware.devices.macs import Macs
from nasdsl.hardware.devices.ort_cpu import OrtCpu
from nasdsl.hardware.footprint import footprint
from nasdsl.hardware.passage import MOST_BYTES, Passage
from nasdsl.hardware.profile import profile
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import Signature, signatures
from nasdsl.source import Source
from nasdsl.space import load

NETWORK = """
space one {
  input image: [3, 8, 8]
  task t = image >> conv(4, k = 3) >> relu() >> conv(2, k = 1) { loss cross_entropy() }
}
"""
CHOICE = """
space two {
  input image: [3, 8, 8]
  choose op in {small: conv(4, k = 1), large: conv(4, k = 7)}
  task t = image >> op() { loss cross_entropy() }
}
"""


def graph_of(text: str) -> Graph:
    return load(Source("space.nas", text)).graph


def test_the_footprint_is_weights_and_maps() -> None:
    """The first convolution holds the image and its own map, and that is the peak."""
    weights, maps = 4 * 3 * 9 + 2 * 4, (3 + 4) * 64
    assert footprint(graph_of(NETWORK)) == 4 * (weights + maps)


def test_that_of_a_space_lies_between_those_of_its_networks() -> None:
    small, large = (4 * (4 * 3 * k * k + 7 * 64) for k in (1, 7))
    assert small < footprint(graph_of(CHOICE)) < large


class Recorded(Passage):
    """Counts how often it is sent."""

    made: ClassVar[list[Recorded]] = []

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.sent = 0
        self.made.append(self)

    def send(self) -> None:
        super().send()
        self.sent += 1


class Elsewhere(OrtCpu):
    """As if it did not compute on this machine's processor."""

    on_processor: ClassVar[bool] = False


@pytest.mark.parametrize(("kind", "size"), [(OrtCpu, 1000), (Elsewhere, 0)])
def test_it_goes_through_the_caches_in_every_round(
    kind: type[OrtCpu], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "Passage", Recorded)
    monkeypatch.setattr(Recorded, "made", [])
    kernels = list(signatures(graph_of(CHOICE)).values())
    found = dict(kind().measure(kernels, 1000))
    [passage] = Recorded.made
    assert passage.size == size
    assert {measurement.rounds for measurement in found.values()} == {passage.sent}
    assert passage.sent >= engine.LEAST_ROUNDS


@pytest.mark.parametrize("size", [0, 1, 63, 64, 10**6, MOST_BYTES * 1000])
def test_a_passage_may_have_any_size(size: int) -> None:
    passage = Passage(size)
    passage.send()
    passage.send()


class Noting(Macs):
    """Notes the footprint it is given."""

    footprints: ClassVar[set[int]] = set()

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        self.footprints.add(footprint)
        yield from super().measure(signatures, footprint)


def test_a_profile_has_the_footprint_of_its_space(tmp_path: Path) -> None:
    profile(graph_of(NETWORK), Noting(ns_per_mac=1.0), tmp_path / "t.json")
    assert Noting.footprints == {footprint(graph_of(NETWORK))}

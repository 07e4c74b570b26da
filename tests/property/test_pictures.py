"""Laws of pictures over generated spaces: well-formed, complete, nothing on top of another, nothing outside."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.report.picture import picture
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.spaces import spaces

SVG = "{http://www.w3.org/2000/svg}"
SPACES = sorted((Path(__file__).parents[2] / "spaces").glob("*.nas"))


def check(text: str, decisions: list[str]) -> None:
    root = ElementTree.fromstring(text)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for x, y in _points(root):
        assert 0 <= x <= width, (x, width)
        assert 0 <= y <= height, (y, height)
    boxes = [_rect(r) for r in root.iter(f"{SVG}rect") if r.get("class") == "box"]
    for a, b in combinations(boxes, 2):
        apart = a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        assert apart, (a, b)
    said = {
        line.split(": ")[0].split(" = ")[0] for t in root.iter(f"{SVG}title") for line in (t.text or "").splitlines()
    }
    assert set(decisions) <= said


def _rect(element: ElementTree.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, width, height


def _points(root: ElementTree.Element) -> list[tuple[float, float]]:
    points = []
    for r in root.iter(f"{SVG}rect"):
        x, y, width, height = _rect(r)
        points += [(x, y), (x + width, y + height)]
    for path in root.iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.attrib["d"])]
        points += list(zip(numbers[::2], numbers[1::2], strict=True))
    for name in ("text", "circle"):
        for element in root.iter(f"{SVG}{name}"):
            points.append(
                (float(element.get("x") or element.attrib["cx"]), float(element.get("y") or element.attrib["cy"]))
            )
    return points


@given(spaces(), st.integers(0, 2**32))
def test_generated_spaces(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    check(picture(space.graph), list(space.graph.decisions))
    found = space.sample(seed)
    check(picture(space.graph, found), list(found.decisions))


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_shipped_spaces(path: Path) -> None:
    space = load(path)
    check(picture(space.graph), list(space.graph.decisions))
    found = space.sample(0)
    check(picture(space.graph, found), list(found.decisions))

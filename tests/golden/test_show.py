"""What `nasdsl show` says and draws, byte for byte; the pictures of the documentation are what it draws today.

`NASDSL_UPDATE_GOLDEN=1 pytest tests/golden` writes them anew; look at the pictures before committing.
"""

import os
from pathlib import Path

import pytest

from nasdsl.report.picture import picture
from nasdsl.report.text import text
from nasdsl.space import load

EXPECTED = Path(__file__).parent / "show"
CASES = [("darts", ""), ("fasterseg", "demo")]
PICTURES = ["darts", "fasterseg"]


def compare(path: Path, found: str) -> None:
    if os.environ.get("NASDSL_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(found)
    assert found == path.read_text(), f"{path} is not what `nasdsl show` says"


@pytest.mark.parametrize(("space", "preset"), CASES)
def test_space(repository: Path, space: str, preset: str) -> None:
    graph = load(repository / "spaces" / f"{space}.nas", preset=preset).graph
    name = f"{space}_{preset}" if preset else space
    compare(EXPECTED / f"{name}.txt", text(graph))
    compare(EXPECTED / f"{name}.svg", picture(graph))


@pytest.mark.parametrize("space", PICTURES)
def test_pictures_of_the_documentation(repository: Path, space: str) -> None:
    graph = load(repository / "spaces" / f"{space}.nas").graph
    compare(repository / "docs" / "pictures" / f"{space}.svg", picture(graph))

"""How large spaces are: the numbers of their papers, worked out by hand where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasdsl.algebra.count import count_values
from nasdsl.algebra.model.model import model
from nasdsl.cli import main
from nasdsl.source import Source
from nasdsl.space import Space, load


def space(repository: Path, name: str, preset: str = "") -> Space:
    return load(repository / "spaces" / f"{name}.nas", preset=preset)


@pytest.mark.parametrize(
    ("name", "architectures"),
    [
        ("darts", 1_076_746_950_455_072_400),
        ("nasbench201", 15_625),
        ("fbnet", 9**22),
        ("once_for_all", (9**2 + 9**3 + 9**4) ** 5),
        ("panoptic_deeplab", 1),
        ("spatialflow", 3**15),
    ],
)
def test_published_sizes(repository: Path, name: str, architectures: int) -> None:
    assert space(repository, name).count().architectures == architectures


def test_a_cell_of_darts(repository: Path) -> None:
    darts = space(repository, "darts").graph
    normal = [path for path in darts.decisions if path.startswith("normal.")]
    assert count_values(model(darts), normal) == 1_037_664_180


def test_pairs_of_ways_through_fasterseg(repository: Path) -> None:
    """15 + 105 + 1,575: {8, 16}, {8, 32} and {16, 32}; one way leads to 1/8, 15 to 1/16, 105 to 1/32."""
    fasterseg = space(repository, "fasterseg").graph
    routes = [path for path in fasterseg.decisions if path.startswith("branch")]
    assert count_values(model(fasterseg), routes) == 1_695


def test_hyper_cells_of_autortnet_count_depths(repository: Path) -> None:
    """A hyper-cell of one cell has the reduction's five edges only, a longer one the normal cell's as well."""
    sizes = [5, 10, 10]
    edges = 10**5
    cells = [edges + (n - 1) * edges * edges for n in sizes]
    links = 5**7
    assert space(repository, "autortnet").count().architectures == cells[0] * cells[1] * cells[2] * links


def test_a_fork_counts_layers_that_nobody_reaches_once(repository: Path) -> None:
    """Every layer has an operator in every architecture; centre and offset leave together."""
    n, first = 8, 2
    assert space(repository, "fork").count().architectures == 3**n * (n - first + 1) ** 2


def test_rules_and_dead_decisions(tmp_path: Path) -> None:
    text = """
    space s {
      input image: [3, 8, 8]
      x[0] = image
      for i in 1..=3 {
        choose op[i] in { skip, conv: conv_bn(k = 3), none }
        x[i] = x[i-1] >> op[i]()
      }
      depth d in 1..=3
      task t = x[d] >> conv(2, k = 1) { loss l1() }
      require at most 1 of op[*] = skip
    }"""
    found = load(Source("s.nas", text)).count()
    assert (found.decisions, found.encodings) == (4, 81)
    assert found.architectures == 3 + (4 + 4) + (8 + 12)


def test_the_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(repository / "spaces/darts.nas")
    assert main(["count", file, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body == {
        "space": "darts",
        "decisions": "34",
        "encodings": "14903563784049574735648352400",
        "architectures": "1076746950455072400",
        "log10": 18.032114,
    }
    assert main(["count", file, "--only", "picks"]) == 0
    assert capsys.readouterr().out.split() == ["decisions", "6", "values", "32,400"]
    assert main(["count", file, "--only", "nothing"]) == 1
    assert "no decision" in capsys.readouterr().err

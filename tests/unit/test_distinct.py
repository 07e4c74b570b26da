"""How many different networks spaces have: published figures, and counts worked out by hand or by brute force."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from nasdsl.algebra.distinct import Forms
from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.notations import NOTATIONS
from nasdsl.space import Space, load

EDGES = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


@pytest.fixture(scope="module")
def cells(repository: Path) -> Space:
    """NAS-Bench-201 with one cell in a stage: as many networks as with five, in less time."""
    return load(repository / "spaces" / "nasbench201.nas", params={"N": 1})


@pytest.mark.parametrize(("rule", "published"), [("operations", 15_625), ("skips", 12_751), ("zeros", 6_466)])
def test_published_counts_of_nasbench201(
    repository: Path, capsys: pytest.CaptureFixture[str], rule: str, published: int
) -> None:
    file = str(repository / "spaces" / "nasbench201.nas")
    assert main(["count", file, "--distinct", f"nasbench201:{rule}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["architectures"], found["distinct"]) == ("15625", str(published))


def test_published_classes_are_those_of_the_benchmark(repository: Path, cells: Space, shared_data: Path) -> None:
    """The same cells are equal as in the table that comes with the benchmark's accuracies."""
    numpy = pytest.importorskip("numpy")
    table = numpy.load(shared_data / "nasbench201" / "accuracy.npz")
    notation = NOTATIONS["nasbench201"]
    theirs = dict(zip(table["arch"].tolist(), table["unique"].tolist(), strict=True))
    pairs = {(theirs[notation.write(a, cells.graph)], notation.unique("zeros", a, cells.graph)) for a in every(cells)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs}) == 6_466


def every(space: Space) -> list:
    return list(space.architectures)


def expression(edges: tuple[str, ...]) -> object:
    """A cell as an expression in normal form: sums of sums are sums, zeros vanish, a convolution of zero is zero."""
    nodes: list[object] = ["x"]
    left = iter(edges)
    for i in range(1, 4):
        operands: list[object] = []
        for j in range(i):
            name, source = next(left), nodes[j]
            if name == "skip_connect":
                operands += source[1] if source[0] == "sum" else [source]
            elif name != "none" and source != "zero":
                operands.append((name, source))
        operands = sorted((x for x in operands if x != "zero"), key=repr)
        nodes.append("zero" if not operands else operands[0] if len(operands) == 1 else ("sum", tuple(operands)))
    return nodes[3]


def test_all_rules_against_expressions(cells: Space) -> None:
    """The rules find the classes of normal forms of expressions, which are unions of the published ones."""
    forms = Forms(cells.graph, ("identities", "sums", "norms", "copies"))
    notation = NOTATIONS["nasbench201"]
    paths = [f"cell.n[{i}].edge[{j}].op" for i in range(1, 4) for j in range(i)]
    keys, expressions, published, collapsed = [], [], [], []
    for architecture in every(cells):
        keys.append(forms.key(architecture))
        expressions.append(expression(tuple(str(architecture.decisions[path]) for path in paths)))
        published.append(notation.unique("zeros", architecture, cells.graph))
        collapsed.append(notation.unique("skips", architecture, cells.graph))
    assert len(set(keys)) == len(set(expressions)) == len(set(zip(keys, expressions, strict=True))) == 4_930
    assert len(set(zip(keys, published, strict=True))) == 6_466
    assert len(set(zip(keys, collapsed, strict=True))) == 12_751
    assert len(set(product(EDGES, repeat=6))) == len(keys)


def test_networks_of_nasbench201(cells: Space) -> None:
    """No two cells are isomorphic as they stand."""
    assert cells.distinct().networks == 15_625


def test_a_small_darts(repository: Path) -> None:
    """One node a cell, one normal cell that reads one map twice: 28 unordered pairs of 7 operations; 49 ordered ones in
    the reduction cells, which read two different maps.
    """
    darts = load(repository / "spaces" / "darts.nas", params={"nodes": 1, "layers": 3})
    found = darts.distinct()
    assert (found.architectures, found.networks) == (7**4, 28 * 49)


def test_under_limits(cells: Space) -> None:
    some = cells.distinct(under="params <= 100 K")
    bracket = cells.count_under("params <= 100 K")
    assert some.architectures == bracket.lower == bracket.upper
    assert some.networks == some.architectures > 0


def test_too_many(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    darts = str(repository / "spaces" / "darts.nas")
    assert main(["count", darts, "--distinct"]) == 1
    assert "has 1,076,746,950,455,072,400, the limit is 200,000" in capsys.readouterr().err
    with pytest.raises(NasError, match="the limit is 100"):
        load(darts).distinct(limit=100)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--distinct", "skips"], "`skips` is no rule"),
        (["--distinct", "nasbench201:names"], "nasbench201:skips"),
        (["--distinct", "--only", "choices"], "leave one of them out"),
    ],
)
def test_wrong_rules(repository: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main(["count", str(repository / "spaces" / "nasbench201.nas"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_published_rule_for_another_space(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    darts = str(repository / "spaces" / "darts.nas")
    sizes = ["--param", "nodes=1", "--param", "layers=3"]
    assert main(["count", darts, *sizes, "--distinct", "nasbench201:skips"]) == 1
    assert "has no decision `cell.n[1].edge[0].op`" in capsys.readouterr().err

"""Draws from shipped spaces are uniform: chi-square tests at the level of 1 in 1,000, with fixed seeds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from nasdsl.algebra.model.batch import Batch
from nasdsl.space import Space, load

np = pytest.importorskip("numpy")


def exceeded(freedom: int) -> float:
    """What a chi-square statistic exceeds once in 1,000 (Wilson and Hilferty, 1931)."""
    return float(freedom * (1 - 2 / (9 * freedom) + 3.09 * (2 / (9 * freedom)) ** 0.5) ** 3)


def statistic(counts: Iterable[int], expected: Iterable[float]) -> float:
    return sum((count - wanted) ** 2 / wanted for count, wanted in zip(counts, expected, strict=True))


@pytest.fixture(scope="module")
def cells(repository: Path) -> Space:
    return load(repository / "spaces/nasbench201.nas")


def numbers(space: Space, batches: Iterable[Batch]) -> Counter[int]:
    """How often each joint value of all decisions was drawn."""
    found: Counter[int] = Counter()
    for batch in batches:
        joint = np.zeros(len(batch.column(next(iter(space.graph.decisions)))), dtype=np.int64)
        for path, decision in space.graph.decisions.items():
            joint = joint * (len(decision.domain) + 1) + batch.column(path)
        found.update(joint.tolist())
    return found


def test_every_architecture_of_nasbench201_is_as_likely(cells: Space) -> None:
    size, many = 15_625, 500_000
    counts = numbers(cells, cells.architectures.batches(many, seed=0))
    assert len(counts) <= size
    missing = [0] * (size - len(counts))
    assert statistic([*counts.values(), *missing], [many / size] * size) < exceeded(size - 1)


def test_so_is_every_one_under_a_budget(cells: Space) -> None:
    bracket = cells.count_under("macs <= 60 M")
    size = bracket.lower
    assert 100 < size == bracket.upper < 15_000
    many = 30 * size
    counts = numbers(cells, cells.limited("macs <= 60 M").batches(many, seed=1))
    missing = [0] * (size - len(counts))
    assert statistic([*counts.values(), *missing], [many / size] * size) < exceeded(size - 1)


@pytest.mark.parametrize("name", ["darts", "autortnet", "fork", "panoptic", "once_for_all"])
def test_each_decision_is_drawn_as_often_as_it_is_used(name: str, repository: Path) -> None:
    """Against the exact shares of its values, being dead among them."""
    space, many = load(repository / f"spaces/{name}.nas"), 20_000
    drawn = [a.decisions for batch in space.architectures.batches(many, seed=2) for a in batch.architectures()]
    for path, shares in space.marginals().shares().items():
        counts = Counter(decisions.get(path) for decisions in drawn)
        expected = {value: float(share) * many for value, share in shares.items() if share}
        dead = many - sum(expected.values())
        expected |= {None: dead} if dead > 0.5 else {}
        assert counts.keys() <= expected.keys(), path
        if len(expected) > 1:
            found = statistic([counts[value] for value in expected], expected.values())
            assert found < exceeded(len(expected) - 1), path


def test_one_by_one_as_well(cells: Space) -> None:
    """The six edges are independent, so their statistics add up."""
    generator, many, edges = random.Random(0), 20_000, list(cells.graph.decisions)
    drawn = [cells.architectures.sample(generator).decisions for _ in range(many)]
    counts = [Counter(decisions[edge] for decisions in drawn) for edge in edges]
    assert sum(statistic(count.values(), [many / 5] * 5) for count in counts) < exceeded(4 * len(edges))

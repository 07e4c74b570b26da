"""Pareto sets against brute force over generated spaces with random costs."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.algebra.costs import pareto
from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.pareto import ParetoFront
from nasdsl.algebra.count import encodings
from nasdsl.algebra.model.model import model
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import derive, validate
from nasdsl.passes.kernels import costs, signatures
from nasdsl.passes.units import latency_ms
from tests.property.test_algebra import few, listed, small

tiny = small.filter(lambda graph: encodings(graph) <= 600)

METRICS = ["macs", "params", "latency"]
SENSES = ["least", "most"]


def table(graph: Graph, salt: str) -> dict[str, float]:
    """Latencies in ms of whole nanoseconds that have nothing to do with one another."""
    digests = {text: hashlib.sha256((salt + text).encode()).hexdigest() for text in signatures(graph)}
    return {text: int(digest[:8], 16) % 50_000 / 1e6 for text, digest in digests.items()}


def unbeaten(points: set[tuple[int, ...]], signs: tuple[int, int]) -> list[tuple[int, int]]:
    """By definition: those than which no other is at least as good in both."""
    good = {(a * signs[0], b * signs[1]) for a, b in points}
    kept = sorted(p for p in good if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in good))
    return [(a * signs[0], b * signs[1]) for a, b in kept]


def compare(graph: Graph, metrics: tuple[str, str], senses: tuple[str, str]) -> None:
    tables = [table(graph, salt) for salt in "ab"]

    def pair(architecture: Architecture) -> tuple[int, ...]:
        network = derive(graph, architecture)
        return tuple(
            round(latency_ms(network, own) * 1e6) if metric == "latency" else getattr(costs(network), metric)
            for metric, own in zip(metrics, tables, strict=True)
        )

    priced = [parts(graph, metric, own) for metric, own in zip(metrics, tables, strict=True)]
    front = ParetoFront(model(graph), priced, senses)  # type: ignore[arg-type]
    signs = tuple(1 if sense == "least" else -1 for sense in senses)
    assert front.costs == unbeaten({pair(a) for a in listed(graph)}, signs)  # type: ignore[arg-type]
    architectures = front.architectures()
    for architecture, point in zip(architectures, front.costs, strict=True):
        validate(graph, architecture)
        assert pair(architecture) == point
    assert front.architectures([len(architectures) - 1]) == architectures[-1:]


@few
@given(tiny, st.sampled_from(list(product(METRICS, METRICS))), st.sampled_from(list(product(SENSES, SENSES))))
def test_a_front_is_that_of_a_list(graph: Graph, metrics: tuple[str, str], senses: tuple[str, str]) -> None:
    compare(graph, metrics, senses)


@few
@given(tiny, st.sampled_from(list(product(SENSES, SENSES))))
def test_fronts_wider_than_a_word_and_in_pieces(graph: Graph, senses: tuple[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pareto, "WORD", 0)
        patch.setattr(pareto, "CHUNK", 3)
        compare(graph, ("latency", "latency"), senses)

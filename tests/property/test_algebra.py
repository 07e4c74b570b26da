"""The algebra of a space against brute force over generated spaces."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nasdsl.algebra.costs.costs import Costs
from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.priced import Bound, Bracket, Priced
from nasdsl.algebra.count import count, count_values
from nasdsl.algebra.model import hard
from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.limited import Limited
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import canonical, derive, validate
from nasdsl.passes.kernels import costs, signatures
from nasdsl.passes.rules import broken_rule
from nasdsl.passes.units import latency_ms
from tests.generators.architectures import chi_square, graphs, listed, small, values

slow = [HealthCheck.filter_too_much, HealthCheck.too_slow]
few = settings(max_examples=settings.default.max_examples // 2, suppress_health_check=slow)


@few
@given(small)
def test_count_is_that_of_a_list(graph: Graph) -> None:
    architectures = listed(graph)
    sizes = count(model(graph))
    assert sizes.architectures == len(architectures)
    assert sizes.encodings == len(list(product(*(values(graph, path) for path in graph.decisions))))


@few
@given(small)
def test_count_where_events_are_put_together_from_small_ones(graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hard, "MAX_TABLE", 4)  # the least there can be: a table of two truth values
        assert count(model(graph)).architectures == len(listed(graph))


@few
@given(small)
def test_every_index_is_an_architecture(graph: Graph) -> None:
    ranking = Ranking(model(graph))
    found = list(ranking)
    assert set(found) == listed(graph)
    assert [ranking.index(architecture) for architecture in found] == list(range(ranking.size))


@few
@given(graphs(), st.integers(0, 1000))
def test_indices_in_spaces_too_large_to_list(graph: Graph, seed: int) -> None:
    ranking = Ranking(model(graph))
    generator = random.Random(seed)
    for _ in range(20):
        index = generator.randrange(ranking.size)
        architecture = ranking[index]
        validate(graph, architecture)
        assert ranking.index(architecture) == index
    chosen = {path: generator.choice(values(graph, path)) for path in graph.decisions}
    other = canonical(graph, Architecture(graph.name, chosen))
    assert broken_rule(graph, other) is not None or ranking[ranking.index(other)] == other


@few
@given(small, st.data())
def test_distinct_values_of_some_decisions(graph: Graph, data: st.DataObject) -> None:
    assume(graph.decisions)
    paths = data.draw(st.sets(st.sampled_from(sorted(graph.decisions)), min_size=1))
    found = {tuple(sorted((p, v) for p, v in a.decisions.items() if p in paths)) for a in listed(graph)}
    assert count_values(model(graph), paths) == len(found)


def price(signature: str) -> float:
    """A latency in ms, of whole microseconds, that has nothing to do with that of any other signature."""
    return int(hashlib.sha256(signature.encode()).hexdigest()[:6], 16) % 50 / 1000 + 0.001


def cost(graph: Graph, architecture: Architecture, metric: str, table: dict[str, float]) -> int:
    network = derive(graph, architecture)
    return round(latency_ms(network, table) * 1e6) if metric == "latency" else getattr(costs(network), metric)


def priced_and_listed(graph: Graph, metric: str) -> tuple[Priced, list[int]]:
    table = {text: price(text) for text in signatures(graph)}
    listed_costs = sorted(cost(graph, architecture, metric, table) for architecture in listed(graph))
    return Priced(model(graph), [parts(graph, metric, table)]), listed_costs


@few
@given(small, st.sampled_from(["macs", "params", "latency"]))
def test_costs_are_those_of_every_network(graph: Graph, metric: str) -> None:
    priced, known = priced_and_listed(graph, metric)
    assert priced.bounds() == (known[0], known[-1])
    histogram = priced.histogram(bins=10**9)
    assert histogram.slack == 0
    assert histogram.counts == Counter(known)


@few
@given(small, st.sampled_from(["macs", "params", "latency"]), st.integers(0, 100), st.sampled_from(["<=", ">="]))
def test_count_under_a_limit(graph: Graph, metric: str, percent: int, relation: str) -> None:
    priced, known = priced_and_listed(graph, metric)
    limit = known[0] - 1 + (known[-1] + 2 - known[0]) * percent // 100
    bound = Bound(0, relation, limit)  # type: ignore[arg-type]
    wanted = sum(c <= limit if relation == "<=" else c >= limit for c in known)
    assert priced.count([bound], bins=10**9) == Bracket(wanted, wanted)
    rough = priced.count([bound], bins=7)
    assert rough.lower <= wanted <= rough.upper


@few
@given(small, st.integers(0, 100), st.integers(0, 100))
def test_count_under_two_limits(graph: Graph, percent: int, other: int) -> None:
    architectures = [costs(derive(graph, architecture)) for architecture in listed(graph)]
    macs, params = sorted(c.macs for c in architectures), sorted(c.params for c in architectures)
    limits = macs[(len(macs) - 1) * percent // 100], params[(len(params) - 1) * other // 100]
    priced = Priced(model(graph), [parts(graph, "macs"), parts(graph, "params")])
    bounds = [Bound(0, "<=", limits[0]), Bound(1, ">=", limits[1])]
    wanted = sum(c.macs <= limits[0] and c.params >= limits[1] for c in architectures)
    assert priced.count(bounds, bins=10**9) == Bracket(wanted, wanted)
    rough = priced.count(bounds, bins=5)
    assert rough.lower <= wanted <= rough.upper


@few
@given(graphs(), st.integers(0, 1000))
def test_costs_of_single_architectures_in_spaces_too_large_to_list(graph: Graph, seed: int) -> None:
    table = {text: price(text) for text in signatures(graph)}
    space_model = model(graph)
    ranking, generator = Ranking(space_model), random.Random(seed)
    for metric in ("macs", "params", "latency"):
        found = Costs(space_model)
        factors = found.factors(parts(graph, metric, table))
        for _ in range(5):
            architecture = ranking.sample(generator)
            values = found.graph.completed(space_model.assignment(architecture))
            total = sum(factor.rows[tuple(values[v] for v in factor.scope)] for factor in factors)
            assert total == cost(graph, architecture, metric, table)


@few
@given(small, st.integers(0, 1000), st.sampled_from([1, 5, 32]))
def test_draws_are_uniform(graph: Graph, seed: int, bits: int) -> None:
    architectures = listed(graph)
    assume(1 < len(architectures) <= 300)
    ranking, generator = Ranking(model(graph), bits), random.Random(seed)
    many = 20 * len(architectures)
    at_once = Counter(a for batch in ranking.batches(many, seed) for a in batch.architectures())
    one_by_one = Counter(ranking.sample(generator) for _ in range(many))
    for drawn in (one_by_one, at_once):
        assert drawn.total() == many
        found, most = chi_square(drawn, dict.fromkeys(architectures, 1 / len(architectures)))
        assert found < most


@few
@given(small, st.sampled_from(["macs", "latency"]), st.integers(0, 100), st.sampled_from(["<=", ">="]))
def test_draws_under_a_limit_are_uniform(graph: Graph, metric: str, percent: int, relation: str) -> None:
    table = {text: price(text) for text in signatures(graph)}
    known = {architecture: cost(graph, architecture, metric, table) for architecture in listed(graph)}
    limit = sorted(known.values())[(len(known) - 1) * percent // 100]
    kept = {a for a, own in known.items() if (own <= limit if relation == "<=" else own >= limit)}
    assume(1 < len(kept) <= 100)
    bound = Bound(0, relation, limit)  # type: ignore[arg-type]
    limited = Limited(Priced(model(graph), [parts(graph, metric, table)]), [bound])
    generator, many = random.Random(percent), 20 * len(kept)
    one_by_one = Counter(limited.sample(generator) for _ in range(many))
    at_once = Counter(a for batch in limited.batches(many, percent) for a in batch.architectures())
    for drawn in (one_by_one, at_once):
        assert drawn.total() == many
        found, most = chi_square(drawn, dict.fromkeys(kept, 1 / len(kept)))
        assert found < most

"""Circuits, their polynomials and walks against plain sums, the dictionary elimination and lists of architectures."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import log2

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nasdsl.algebra.costs.metrics import Part, parts
from nasdsl.algebra.costs.priced import Bound, Bracket, Priced
from nasdsl.algebra.elimination.chances import WHOLE, Chances, slots, whole_parts
from nasdsl.algebra.elimination.circuit import Circuit, Term, compiled
from nasdsl.algebra.elimination.convolution import coefficients, packed
from nasdsl.algebra.elimination.elimination import eliminate, elimination_order, tables
from nasdsl.algebra.elimination.polynomial import Polynomials
from nasdsl.algebra.elimination.windows import Axis, Plan, Point
from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.limited import Limited, below
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from tests.generators.architectures import chi_square, small
from tests.property.test_algebra import few

BITS = 20


@st.composite
def circuits(draw: st.DrawFn, most: int = 9) -> Circuit:
    """Small circuits with two metrics, with sums, products, nodes used often and nodes that nobody uses."""
    nodes: list[list[Term]] = []
    for n in range(draw(st.integers(1, most))):
        children = st.lists(st.integers(0, n - 1), max_size=2) if n else st.just([])
        cost = st.tuples(st.integers(0, 9), st.integers(0, 3)).map(lambda own: own[0] + (own[1] << BITS))
        term = st.tuples(cost, children.map(tuple), st.just(()))
        nodes.append(draw(st.lists(term, min_size=1, max_size=4)))
    return Circuit(nodes, 2, BITS)


def summed(circuit: Circuit) -> Counter[Point]:
    """How many architectures have each pair of costs: every product written out."""
    found: list[Counter[Point]] = []
    for terms in circuit.nodes:
        total: Counter[Point] = Counter()
        for cost, children, _ in terms:
            for chosen in product(*(found[child].items() for child in children)):
                point, ways = circuit.costs(cost), 1
                for other, count in chosen:
                    point, ways = tuple(map(sum, zip(point, other, strict=True))), ways * count
                total[point] += ways
        found.append(total)
    return found[-1]


modest = circuits().filter(lambda circuit: circuit.sizes[-1] < 10**60)


@given(modest)
def test_polynomials_are_the_written_out_sum(circuit: Circuit) -> None:
    wanted = summed(circuit)
    assert circuit.sizes[-1] == wanted.total()
    plan = Plan(circuit, [Axis(0), Axis(1)])
    assert dict(coefficients(plan)) == dict(packed(plan)) == wanted
    turned = Plan(circuit, [Axis(1, -1)])
    one: Counter[Point] = Counter()
    for (_, second), count in wanted.items():
        one[(-second,)] += count
    assert dict(coefficients(turned)) == dict(packed(turned)) == one


@given(modest, st.integers(0, 40), st.integers(-12, 0), st.integers(1, 7), st.integers(1, 3))
def test_limits_and_steps(circuit: Circuit, first: int, second: int, step: int, other: int) -> None:
    """With steps of one the count is exact, with others it lies between what surely and what perhaps keeps both."""
    wanted = sum(n for (a, b), n in summed(circuit).items() if a <= first and -b <= second)
    for steps in ((1, 1), (step, other)):
        plan = Plan(circuit, [Axis(0, 1, steps[0], first), Axis(1, -1, steps[1], second)])
        for way in (coefficients, packed):
            counts = list(way(plan))
            sure, perhaps = (
                sum(n for point, n in counts if all(c <= plan.kept(a, sure=sure)[1] for a, c in enumerate(point)))
                for sure in (True, False)
            )
            assert sure <= wanted <= perhaps
            if steps == (1, 1):
                assert sure == perhaps


@pytest.mark.parametrize("layers", [60, 200])
def test_coefficients_of_many_words(layers: int) -> None:
    """(1 + x + x^3)^layers by sums, and its square by a product, against Python's integers."""
    nodes: list[list[Term]] = [[(0, (), ()), (1, (), ()), (3, (), ())]]
    nodes += [[(cost, (n,), ()) for cost in (0, 1, 3)] for n in range(layers - 1)]
    nodes.append([(0, (layers - 1, layers - 1), ()), (2, (layers - 1,), ())])
    plan = Plan(Circuit(nodes, 1, BITS), [Axis(0)])
    assert plan.windows[-1].words == (9**layers + 3**layers).bit_length() // 48 + 1
    assert dict(coefficients(plan)) == dict(packed(plan))
    assert sum(count for _, count in coefficients(plan)) == 9**layers + 3**layers


def test_what_a_limit_excludes_is_not_computed() -> None:
    nodes: list[list[Term]] = [[(0, (), ()), (5, (), ())]]
    nodes += [[(0, (n,), ()), (5, (n,), ()), (100, (n,), ())] for n in range(9)]
    circuit = Circuit(nodes, 1, BITS)
    whole, cut = Plan(circuit, [Axis(0)]), Plan(circuit, [Axis(0, most=20)])
    assert [window.shape for window in cut.windows[4:]] == [(21,)] * 6
    assert cut.memory < whole.memory
    assert cut.work < whole.work
    assert dict(coefficients(cut)) == {p: n for p, n in coefficients(whole) if p[0] <= 20}


def priced_at_random(graph: Graph, seed: int, metrics: int, most: int = 2_000) -> Priced:
    """A space whose parts cost random numbers, a fourth of them negative, whatever they are."""

    def priced(place: str, part: Part) -> Part:
        def cost(value_of: object) -> int:
            values = [int(value_of(symbol)) for symbol in part.symbols]  # type: ignore[operator]
            return int(hashlib.sha256(f"{seed} {place} {values}".encode()).hexdigest()[:8], 16) % most - most // 4

        return replace(part, cost=cost)

    found = list(parts(graph, "macs"))
    return Priced(model(graph), [[priced(f"{m} {n}", part) for n, part in enumerate(found)] for m in range(metrics)])


def units(priced: Priced) -> Iterator[tuple[Architecture, Point]]:
    """Every architecture, with its costs in units."""
    for architecture in Ranking(priced.model):
        values = priced.graph.completed(priced.model.assignment(architecture))
        yield architecture, tuple(metric.units(values) for metric in priced.metrics)


def by_dictionaries(priced: Priced) -> dict[int, int]:
    """How many architectures have each cost: the polynomials of the plain elimination."""
    (metric,) = priced.metrics
    graph = replace(priced.graph, factors=[*priced.graph.factors, *metric.factors])
    polynomials = Polynomials(bits=priced.size.bit_length() // 8 * 8 + 8)
    semiring = polynomials.semiring
    found = eliminate(tables(graph, semiring), elimination_order(graph), semiring, keep=False)
    return dict(polynomials.terms(found.total))


@few
@given(small, st.integers(0, 1000))
def test_the_dictionary_elimination_agrees(graph: Graph, seed: int) -> None:
    priced = priced_at_random(graph, seed, 1)
    (metric,) = priced.metrics
    found = {cost: count for (cost,), count in coefficients(Plan(priced.circuit, [Axis(0)]))}
    assert found == by_dictionaries(priced) == Counter(cost for _, (cost,) in units(priced))
    assert (metric.least, metric.most) == (min(found), max(found))


@few
@given(small, st.integers(0, 1000), st.data())
def test_counts_under_several_limits(graph: Graph, seed: int, data: st.DataObject) -> None:
    priced = priced_at_random(graph, seed, 2, most=40)
    known = [costs for _, costs in units(priced)]
    bounds, keeps = [], [True] * len(known)
    for _ in range(data.draw(st.integers(1, 4))):
        n = data.draw(st.integers(0, 1))
        relation = data.draw(st.sampled_from(["<=", ">="]))
        metric, own = priced.metrics[n], sorted(costs[n] for costs in known)
        value = own[data.draw(st.integers(0, len(own) - 1))] + data.draw(st.integers(-1, 1))
        bounds.append(Bound(n, relation, metric.offset + value * metric.unit))
        keeps = [
            k and (c[n] <= value if relation == "<=" else c[n] >= value) for k, c in zip(keeps, known, strict=True)
        ]
    wanted = sum(keeps)
    assert priced.count(bounds, bins=10**6) == Bracket(wanted, wanted)
    rough = priced.count(bounds, bins=data.draw(st.integers(1, 9)))
    assert rough.lower <= wanted <= rough.upper


@few
@given(small, st.integers(0, 1000), st.sampled_from(["<=", ">="]))
def test_draws_under_two_limits_are_uniform(graph: Graph, seed: int, relation: str) -> None:
    priced = priced_at_random(graph, seed, 2)
    known = dict(units(priced))
    middle = [sorted(costs[n] for costs in known.values())[len(known) // 2] for n in range(2)]
    kept = {
        a for a, (x, y) in known.items() if x <= middle[0] and (y <= middle[1] if relation == "<=" else y >= middle[1])
    }
    assume(1 < len(kept) <= 100)
    bounds = [
        Bound(n, r, metric.offset + value * metric.unit)  # type: ignore[arg-type]
        for n, (r, metric, value) in enumerate(zip(("<=", relation), priced.metrics, middle, strict=True))
    ]
    limited, many = Limited(priced, bounds), 20 * len(kept)
    generator = random.Random(seed)
    at_once = [a for batch in limited.batches(many, seed) for a in batch.architectures()]
    for drawn in (Counter(at_once), Counter(limited.sample(generator) for _ in range(many))):
        found, most = chi_square(drawn, dict.fromkeys(kept, 1 / len(kept)))
        assert drawn.total() == many
        assert found < most


@few
@given(small, st.integers(0, 1000))
def test_no_draw_within_the_limits_is_rarer_than_the_least(graph: Graph, seed: int) -> None:
    """Else it could not be made as likely as the others by rejecting some of them."""
    priced = priced_at_random(graph, seed, 1)
    (metric,), generator = priced.metrics, random.Random(seed)
    limit = sorted(cost for _, (cost,) in units(priced))[priced.size // 4]
    limited = Limited(priced, [Bound(0, "<=", metric.offset + limit * metric.unit)])
    logs = []
    for _ in range(200):
        _, cost, chances = limited.chances.walk(generator)
        if cost <= limit:
            logs.append(sum(log2(chance / WHOLE) for chance in chances))
    assert min(logs, default=limited.least) >= limited.least


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=40))
def test_slots_hold_the_chances_exactly(shares: list[float]) -> None:
    chances = whole_parts(shares)
    assert sum(chances) == WHOLE
    assert min(chances) > 0
    assert all(abs(c / WHOLE - s / sum(shares)) < 1e-7 for c, s in zip(chances, shares, strict=True))
    bits, border, own, other = slots(chances)
    held: Counter[int] = Counter()
    for part, first, second in zip(border, own, other, strict=True):
        held[first] += part
        held[second] += (WHOLE >> bits) - part
    assert min(border) > 0
    assert {n: count for n, count in held.items() if count} == dict(enumerate(chances))


@given(circuits(4).filter(lambda circuit: circuit.sizes[-1] < 500), st.floats(-0.5, 2), st.floats(0, 1))
def test_no_chance_is_below_the_least(circuit: Circuit, first: float, second: float) -> None:
    """Every walk that there is, with its chance."""
    chances = Chances(circuit, [first, second])
    walks: list[list[tuple[float, Point]]] = []
    for terms, own in zip(circuit.nodes, chances.parts, strict=True):
        found = []
        for (cost, children, _), part in zip(terms, own, strict=True):
            for chosen in product(*(walks[child] for child in children)):
                point = circuit.costs(cost)
                for _, other in chosen:
                    point = tuple(map(sum, zip(point, other, strict=True)))
                found.append((log2(part / WHOLE) + sum(log for log, _ in chosen), point))
        walks.append(found)
    assert sum(2**log for log, _ in walks[-1]) == pytest.approx(1)
    assert chances.least == pytest.approx(min(log + first * x + second * y for log, (x, y) in walks[-1]))


@pytest.mark.parametrize("log", [-4.0, -40.5, -200.25])
def test_borders_are_decided_in_integers(log: float) -> None:
    """The chance 2^log / (3/4 * 1/8), with as many bits as it takes; all bits 0 are below, all bits 1 are not."""
    chances = [3 * WHOLE // 4, WHOLE // 8]
    border = int(2 ** (64 + log) / (3 / 32))
    zeros, ones = (lambda: 0), (lambda: (1 << 64) - 1)
    assert below(0, log, chances, zeros)
    assert not below((1 << 64) - 1, log, chances, ones)
    if border > 1 << 12:
        assert below(border - (border >> 10), log, chances, ones)
        assert not below(border + (border >> 10), log, chances, zeros)


def test_labels_say_what_is_decided() -> None:
    """A circuit of a real space: the values of its terms' labels, over all walks, are its architectures."""
    from nasdsl.source import Source
    from nasdsl.space import load
    from tests.unit.test_algebra import SMALL

    space = load(Source("small.nas", SMALL.replace("RULE", ""))).model
    circuit = compiled(space.graph, [], space.choices.values())
    walks: list[list[dict[int, int]]] = []
    for terms in circuit.nodes:
        walks.append([])
        for _, children, labels in terms:
            for chosen in product(*(walks[child] for child in children)):
                walks[-1].append({k: v for part in (dict(labels), *chosen) for k, v in part.items()})
    nothing = dict.fromkeys(space.choices.values(), 0)
    assert {space.architecture(nothing | found) for found in walks[-1]} == set(Ranking(space))
    assert len(walks[-1]) == circuit.sizes[-1] == 5

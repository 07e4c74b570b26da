"""Distributions over architectures, and how often values are used, against brute force over generated spaces."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import exp, fsum, inf, log, prod
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nasdsl import runtime
from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.priced import Bound, Bracket, Priced
from nasdsl.algebra.distributions.usage import Usage, usage_of_draws, usage_under
from nasdsl.codegen import supernet_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Kind
from nasdsl.passes.derive import canonical
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.kernels import signatures
from nasdsl.passes.rules import broken_rule
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.runtime.relaxations import one_hot
from nasdsl.search.generated import module_from
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.property.test_algebra import cost, few, listed, price, small, values

Tables = dict[str, list[float]]

fewer = settings(few, max_examples=few.max_examples // 4)


def tables_of(graph: Graph, generator: random.Random, zeros: float = 0.0) -> Tables:
    """A random distribution for every decision; soft alternatives have some of it, but not all."""

    def shares(count: int, real: Sequence[int] = ()) -> list[float]:
        found = [generator.random() + 0.05 if generator.random() >= zeros else 0.0 for _ in range(count)]
        found[generator.choice(real or range(count))] += 0.1
        return [share / sum(found) for share in found]

    found: Tables = {}
    for path, decision in graph.decisions.items():
        if decision.kind is Kind.ROUTE:
            links = graph.grids[decision.grid].links
            found[path] = [0.0] * len(links)
            for target in {link.target for link in links}:
                into = [n for n, link in enumerate(links) if link.target == target]
                for n, share in zip(into, shares(len(into)), strict=True):
                    found[path][n] = share
        elif decision.kind is Kind.PICK:
            found[path] = shares(len(values(graph, path)))
        else:
            found[path] = shares(len(decision.domain), [decision.domain.index(value) for value in decision.real])
    return found


def weight(graph: Graph, path: str, value: Any, table: Sequence[float]) -> float:
    """The probability of a value in independent draws that avoid soft alternatives."""
    decision = graph.decisions[path]
    if decision.kind is Kind.ROUTE:
        links = [(link.source, link.target) for link in graph.grids[decision.grid].links]
        return prod(table[links.index(step)] for step in pairwise(value))
    if decision.kind is Kind.PICK:
        return table[values(graph, path).index(value)]
    real = [table[decision.domain.index(other)] for other in decision.real]
    return table[decision.domain.index(value)] / sum(real) if any(real) else 0.0


def by_draws(graph: Graph, tables: Tables) -> dict[Architecture, float]:
    """The distribution of what comes of independent draws of all decisions, dead or not, that keep the rules."""
    found: dict[Architecture, list[float]] = {}
    for chosen in product(*(values(graph, path) for path in graph.decisions)):
        decisions = dict(zip(graph.decisions, chosen, strict=True))
        architecture = canonical(graph, Architecture(graph.name, decisions))
        chances = [weight(graph, path, value, tables[path]) for path, value in decisions.items()]
        if broken_rule(graph, architecture) is None:
            found.setdefault(architecture, []).append(prod(chances))
    total = fsum(chance for chances in found.values() for chance in chances)
    return {a: fsum(chances) / total for a, chances in found.items()} if total else {}


def space_of(graph: Graph) -> Space:
    return Space(graph, Source("generated.nas", ""))


def used(graph: Graph, path: str, value: Any, decided: Any) -> bool:
    """Whether a decided value, None where dead, counts for a value of the marginals."""
    return value in list(pairwise(decided or ())) if graph.decisions[path].kind is Kind.ROUTE else value == decided


@few
@given(small, st.integers(0, 1000), st.sampled_from([0.0, 0.4]))
def test_everything_is_that_of_the_listed_distribution(graph: Graph, seed: int, zeros: float) -> None:
    tables = tables_of(graph, random.Random(seed), zeros)
    known = by_draws(graph, tables)
    if not known:
        with pytest.raises(NasError, match="no architecture with a probability above zero"):
            space_of(graph).distribution(tables)
        return
    found = space_of(graph).distribution(tables)
    for architecture, chance in known.items():
        assert found.probability(architecture) == pytest.approx(chance, rel=1e-9)
        assert found.log_probability(architecture) == pytest.approx(log(chance) if chance else -inf, rel=1e-9, abs=1e-9)
    best, logarithm = found.mode()
    assert known[best] == pytest.approx(max(known.values()), rel=1e-9)
    assert exp(logarithm) == pytest.approx(known[best], rel=1e-9)
    assert found.entropy() == pytest.approx(-fsum(p * log(p) for p in known.values() if p), rel=1e-9, abs=1e-9)
    marginals = found.marginals()
    assert list(marginals) == list(graph.decisions)
    for path, own in marginals.items():
        for value, share in own.items():
            wanted = fsum(p for a, p in known.items() if used(graph, path, value, a.decisions.get(path)))
            assert share == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@fewer
@given(small, st.integers(0, 1000), st.sampled_from(["macs", "params", "latency(ort_cpu)"]))
def test_expected_costs_are_those_of_the_listed_distribution(graph: Graph, seed: int, metric: str) -> None:
    tables = tables_of(graph, random.Random(seed))
    known = by_draws(graph, tables)
    table = {text: price(text) for text in signatures(graph)}
    name = metric.partition("(")[0]
    scale = 1e6 if name == "latency" else 1
    wanted = fsum(chance * cost(graph, a, name, table) for a, chance in known.items()) / scale
    found = space_of(graph).distribution(tables).expected(metric, latency_ms={"ort_cpu": table})
    assert found == pytest.approx(wanted, rel=1e-9)


@fewer
@given(small, st.integers(0, 1000))
def test_gradients_are_those_of_the_sum_over_a_list(graph: Graph, seed: int) -> None:
    """Of the logits: expected cost, entropy and a log-probability."""
    assume(graph.decisions)
    start = tables_of(graph, random.Random(seed))
    logits = {path: torch.tensor(own, dtype=torch.float64).log().requires_grad_() for path, own in start.items()}
    tables = probabilities(graph, logits)
    architectures = sorted(listed(graph), key=lambda a: a.hash)
    weights = torch.stack([tensor_weight(graph, tables, a) for a in architectures])
    chances = weights / weights.sum()
    costs = torch.tensor([float(cost(graph, a, "macs", {})) for a in architectures], dtype=torch.float64)
    found = space_of(graph).distribution(tables)
    drawn = architectures[seed % len(architectures)]
    for mine, wanted in (
        (found.expected("macs"), (chances * costs).sum()),
        (found.entropy(), -(chances * chances.log()).sum()),
        (found.log_probability(drawn), chances[architectures.index(drawn)].log()),
    ):
        assert mine.item() == pytest.approx(wanted.item(), rel=1e-9, abs=1e-9)
        a, b = (
            torch.autograd.grad(
                one, list(logits.values()), retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for one in (mine, wanted)
        )
        scale = max(1.0, *(float(part.abs().max()) for part in b))
        for one, other in zip(a, b, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10 * scale)


def probabilities(graph: Graph, logits: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    found = {}
    for path, own in logits.items():
        decision = graph.decisions[path]
        if decision.kind is Kind.ROUTE:
            targets = [link.target for link in graph.grids[decision.grid].links]
            alike = torch.tensor([[float(a == b) for b in targets] for a in targets], dtype=torch.float64)
            found[path] = own.exp() / (alike @ own.exp())
        else:
            found[path] = own.softmax(dim=0)
    return found


def tensor_weight(graph: Graph, tables: Mapping[str, torch.Tensor], architecture: Architecture) -> torch.Tensor:
    total = torch.ones((), dtype=torch.float64)
    for path, value in architecture.decisions.items():
        decision, table = graph.decisions[path], tables[path]
        if decision.kind is Kind.ROUTE:
            links = [(link.source, link.target) for link in graph.grids[decision.grid].links]
            for step in pairwise(value):  # type: ignore[arg-type]
                total = total * table[links.index(step)]  # type: ignore[arg-type]
        elif decision.kind is Kind.PICK:
            total = total * table[values(graph, path).index(value)]
        else:
            real = [decision.domain.index(other) for other in decision.real]
            total = total * table[decision.domain.index(value)] / table[real].sum()  # type: ignore[arg-type]
    return total


@few
@given(small, st.integers(0, 1000))
def test_expected_latency_is_that_of_the_search(graph: Graph, seed: int) -> None:
    """Which does without rules, and counts soft alternatives as free."""
    assume(not graph.rules and graph.decisions)
    generator = torch.Generator().manual_seed(seed)
    tables = {}
    for path, own in tables_of(graph, random.Random(seed)).items():
        decision = graph.decisions[path]
        hard = [0.0 if decision.kind is not Kind.ROUTE and v in decision.soft else 1.0 for v in decision.domain]
        chances = torch.tensor(own, dtype=torch.float64)
        if any(value == 0 for value in hard):
            chances = chances * torch.tensor(hard, dtype=torch.float64)
            chances = chances / chances.sum()
        tables[path] = chances.requires_grad_()
    table = {text: price(text) + torch.rand(1, generator=generator).item() for text in signatures(graph)}
    theirs = ExpectedCost(expected_cost_data(graph), table).double()(tables)
    mine = space_of(graph).distribution(tables).expected("latency(ort_cpu)", latency_ms={"ort_cpu": table})
    assert mine.item() == pytest.approx(theirs.item(), rel=1e-5)  # their table is in single precision, ours in ns


@few
@given(small, st.integers(0, 1000))
def test_one_hot_probabilities_are_the_architecture(graph: Graph, seed: int) -> None:
    space = space_of(graph)
    architecture = space.sample(seed)
    decisions = module_from(supernet_source(graph), "supernet").SPACE
    found = space.distribution(one_hot(decisions, architecture))
    assert found.mode() == (architecture, 0.0)
    assert found.entropy() == 0
    assert found.probability(architecture) == 1
    for metric in ("macs", "params"):
        assert found.expected(metric) == cost(graph, architecture, metric, {})


def listed_usage(graph: Graph, architectures: Sequence[Architecture], found: Usage) -> dict[str, dict[Any, Bracket]]:
    wanted: dict[str, dict[Any, Bracket]] = {}
    for path, own in found.counts.items():
        wanted[path] = {}
        for value in own:
            n = sum(used(graph, path, value, a.decisions.get(path)) for a in architectures)
            wanted[path][value] = Bracket(n, n)
    return wanted


@few
@given(small)
def test_uniform_marginals_are_those_of_a_list(graph: Graph) -> None:
    architectures = sorted(listed(graph), key=lambda a: a.hash)
    space = space_of(graph)
    found = space.marginals()
    assert found.exact
    assert found.total.lower == len(architectures)
    assert found.counts == listed_usage(graph, architectures, found)
    for path, own in found.shares().items():
        live = sum(path in a.decisions for a in architectures)
        assert found.live(path) == (Fraction(live, len(architectures)),) * 2
        assert sum(own.values()) == found.live(path)[0] or graph.decisions[path].kind is Kind.ROUTE


@fewer
@given(small, st.sampled_from(["macs", "latency"]), st.integers(0, 100), st.sampled_from(["<=", ">="]), st.data())
def test_marginals_under_a_limit(graph: Graph, metric: str, percent: int, relation: str, data: st.DataObject) -> None:
    table = {text: price(text) for text in signatures(graph)}
    known = {a: cost(graph, a, metric, table) for a in listed(graph)}
    limit = sorted(known.values())[(len(known) - 1) * percent // 100]
    kept = [a for a, own in known.items() if (own <= limit if relation == "<=" else own >= limit)]
    priced = Priced(space_of(graph).model, [parts(graph, metric, table)])
    bound = Bound(0, relation, limit)  # type: ignore[arg-type]
    paths = data.draw(st.lists(st.sampled_from(sorted(graph.decisions)), unique=True)) if graph.decisions else []
    found = usage_under(priced, [bound], paths, bins=10**9)
    assert found.total == Bracket(len(kept), len(kept))
    assert list(found.counts) == paths
    assert found.counts == listed_usage(graph, kept, found)
    try:
        rough = usage_under(priced, [bound], paths, bins=7)
    except NasError:
        return
    for path, own in found.counts.items():
        for value, n in own.items():
            bracket, (low, high) = rough.counts[path][value], rough.share(path, value)
            assert bracket.lower <= n.lower <= bracket.upper
            assert low <= Fraction(n.lower, len(kept)) <= high


@fewer
@given(small, st.integers(0, 100), st.integers(0, 100))
def test_marginals_under_two_limits(graph: Graph, percent: int, other: int) -> None:
    known = {a: (cost(graph, a, "macs", {}), cost(graph, a, "params", {})) for a in listed(graph)}
    macs, params = (sorted(own[n] for own in known.values()) for n in (0, 1))
    limits = macs[(len(macs) - 1) * percent // 100], params[(len(params) - 1) * other // 100]
    kept = [a for a, own in known.items() if own[0] >= limits[0] and own[1] <= limits[1]]
    priced = Priced(space_of(graph).model, [parts(graph, "macs"), parts(graph, "params")])
    bounds = [Bound(0, ">=", limits[0]), Bound(1, "<=", limits[1])]
    assume(kept)
    found = usage_under(priced, bounds, list(graph.decisions), bins=6)
    assert found.total.lower <= len(kept) <= found.total.upper
    for path, own in found.counts.items():
        for value, bracket in own.items():
            n = sum(used(graph, path, value, a.decisions.get(path)) for a in kept)
            assert bracket.lower <= n <= bracket.upper
            assert bracket == Bracket(n, n) or not found.exact


def test_an_estimate_counts_draws(repository: Path) -> None:
    darts = load(repository / "spaces/darts.nas")
    path = "normal.x[3].edge[0].op"
    found = darts.marginals(under="macs <= 40 M", only=path, draws=20_000)
    assert (found.draws, found.exact) == (20_000, False)
    for value, share in darts.marginals(under="macs <= 40 M", only=path).shares()[path].items():
        assert float(found.shares()[path][value]) == pytest.approx(float(share), abs=0.012)
    ranking = darts.architectures
    drawn = Counter(a.decisions.get(path) for batch in ranking.batches(500, 3) for a in batch.architectures())
    counted = usage_of_draws(darts.model, ranking.batches(500, 3), [path]).counts[path]
    assert {value: n.lower for value, n in counted.items()} == {value: drawn[value] for value in counted}  # type: ignore[index]


def test_fasterseg(repository: Path) -> None:
    """The whole space: relaxed marginals against draws of the search's relaxation, and a mode nothing drawn beats."""
    space = load(repository / "spaces/fasterseg.nas")
    torch.manual_seed(0)
    relaxation = runtime.Logits(module_from(supernet_source(space.graph), "supernet").SPACE)
    with torch.no_grad():
        for logits in relaxation.parameters():
            logits.normal_()
    found = space.distribution(relaxation.probabilities())
    drawn = relaxation.sample_architectures(400, torch.Generator().manual_seed(0))
    drawn = [canonical(space.graph, architecture) for architecture in drawn]
    best, logarithm = found.mode()
    assert found.log_probability(best).item() == pytest.approx(logarithm)
    assert max(found.log_probability(architecture).item() for architecture in drawn) <= logarithm
    one_by_one = canonical(space.graph, relaxation.most_probable())
    assert found.log_probability(one_by_one).item() <= logarithm
    for path, own in found.marginals().items():
        for value, share in own.items():
            count = sum(used(space.graph, path, value, a.decisions.get(path)) for a in drawn)
            assert count / len(drawn) == pytest.approx(share, abs=0.12)
    surprise = -sum(found.log_probability(architecture).item() for architecture in drawn) / len(drawn)
    assert found.entropy().item() == pytest.approx(surprise, rel=0.05)
    table = {text: price(text) for text in signatures(space.graph)}
    theirs = ExpectedCost(expected_cost_data(space.graph), table)(relaxation.probabilities())
    mine = found.expected("latency(ort_cpu)", latency_ms={"ort_cpu": table})
    assert mine.item() == pytest.approx(theirs.item(), rel=1e-5)
    wanted = torch.autograd.grad(theirs, list(relaxation.parameters()), allow_unused=True, materialize_grads=True)
    gradient = torch.autograd.grad(mine, list(relaxation.parameters()), allow_unused=True, materialize_grads=True)
    for a, b in zip(gradient, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_uniform_marginals_of_fasterseg(repository: Path) -> None:
    """The branch to 1/8 has one way, so its links are taken where it is live."""
    space = load(repository / "spaces/fasterseg.nas")
    found = space.marginals()
    assert found.total.lower == space.count().architectures
    assert sum(found.shares()["ends"].values()) == 1
    with_first = sum(found.share("ends", pair)[0] for pair in [(8, 16), (8, 32)])
    assert found.share("branch[8]", ((0, 8), (1, 8)))[0] == with_first
    drawn = space.marginals(draws=20_000)
    for path, own in found.shares().items():
        for value, share in own.items():
            assert float(drawn.shares()[path][value]) == pytest.approx(float(share), abs=0.015)


RULED = """space ruled {
  input image: [3, 8, 8]
  depth d in 1..=2
  depth e in 1..=2
  y[0] = image
  for i in 1..=2 { y[i] = y[i-1] >> conv_bn(3, k = 3) }
  require d == e
  task t = y[d] >> conv(1, k = 1) { loss l1() }
  task u = y[e] >> conv(1, k = 1) { loss l1() }
}"""


def test_rules_renormalise_and_change_the_argmax() -> None:
    found = load(Source("ruled.nas", RULED)).distribution({"d": [0.4, 0.6], "e": [0.9, 0.1]})
    best, logarithm = found.mode()
    assert best.decisions == {"d": 1, "e": 1}
    assert exp(logarithm) == pytest.approx(0.36 / (0.36 + 0.06))
    assert found.marginals()["d"][2] == pytest.approx(0.06 / 0.42)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"d": [0.5, 0.5]}, "the decision `e` has no probabilities"),
        ({"d": [0.5, 0.5], "e": [1.0]}, "`e` needs 2 probabilities, found an array of shape"),
        ({"d": [0.5, 0.5], "e": [0.5, 0.6]}, "the probabilities of `e` add up to 1.1"),
        ({"d": [0.5, 0.5], "e": [1.5, -0.5]}, "`e` has a probability that is negative or no number"),
        ({"d": [0.5, 0.5], "e": [0.5, float("nan")]}, "negative or no number"),
        ({"d": [1, 0], "e": [0, 1]}, "no architecture with a probability above zero keeps the rules"),
        ({"d": [0.5, 0.5], "e": [0.5, 0.5], "f": [1]}, "has no decision `f`"),
    ],
)
def test_what_is_no_distribution(tables: dict[str, list[float]], message: str) -> None:
    with pytest.raises(NasError, match=message):
        load(Source("ruled.nas", RULED)).distribution(tables)

"""Mutation and crossover against brute force: an architecture as a dictionary of what it decides where."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.priced import Bound, Priced
from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.limited import Limited
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Kind, Value
from nasdsl.passes.derive import derive, validate
from nasdsl.passes.kernels import costs
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.architectures import chi_square, listed, small

Key = tuple[Value, ...]
"""A decision; of a route, what it does in a cell."""

Facts = Mapping[Key, Value]


@st.composite
def ruled(draw: st.DrawFn) -> str:
    """A space with rules that make a change of one decision one of others."""
    layers = draw(st.integers(2, 3))
    rules = st.sampled_from(
        [
            "at most 1 of op[*] in {b, skip}",
            "at most 1 of op[*] = a",
            "d <= e",
            "d == e",
            "d == e or e == 1",
            'd == f and d == e or d == 1 and e == 2 and f == 3 or op[1] == "a"',
            "op[1] == op[2]",
            'op[2] == "a" or f == 2',
        ]
    )
    lines = [f"require {rule}" for rule in draw(st.lists(rules, max_size=3, unique=True))]
    return f"""space s {{
      input image: [3, 8, 8]
      depth d in 1..={layers}
      depth e in 1..=3
      choose f in {{1, 2, 3}}
      y[0] = image >> conv(4, k = 1)
      for i in 1..={layers} {{
        choose op[i] in {{ a: conv(4, k = 1), b: conv_bn(4, k = 3), skip }}
        y[i] = y[i-1] >> op[i]()
      }}
      z[0] = y[d] >> conv(f, k = 1)
      for i in 1..=3 {{ z[i] = z[i-1] >> conv(4, k = 1) }}
      used = z[e] if d >= 2 else y[1]
      task t = used >> conv(2, k = 1) {{ loss l1() }}
      {" ".join(lines)}
    }}"""


few = settings(
    max_examples=settings.default.max_examples // 2,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
some = st.one_of(small, ruled().map(lambda text: load(Source("ruled.nas", text)).graph))


def facts(graph: Graph, architecture: Architecture) -> Facts:
    """What an architecture decides: the value of each live decision; for a route each step, by the cell it leaves."""
    found: dict[Key, Value] = {}
    for path, value in architecture.decisions.items():
        if graph.decisions[path].kind is Kind.ROUTE:
            assert isinstance(value, tuple)
            found.update({(path, cell): after for cell, after in pairwise(value)})
        else:
            found[(path,)] = value
    return found


def changes(parent: Facts, everything: Collection[Facts]) -> Iterator[tuple[Key, Value, float]]:
    """Every change of a decision to a value that it has in the space, and how likely it is."""
    others = {key: sorted({f[key] for f in everything if key in f} - {value}, key=str) for key, value in parent.items()}
    decisions: dict[Value, list[Key]] = defaultdict(list)
    for key, values in others.items():
        if values:
            decisions[key[0]].append(key)
    for keys in decisions.values():
        for key in keys:
            for value in others[key]:
                yield key, value, 1 / len(decisions) / len(keys) / len(others[key])


def kept(parent: Facts, child: Facts, changed: Key) -> frozenset[Key]:
    """What a child does as its parent or not at all."""
    return frozenset(key for key, value in parent.items() if key != changed and child.get(key, value) == value)


def mutants(
    parent: Architecture, everything: Mapping[Architecture, Facts]
) -> tuple[dict[Architecture, float], set[Architecture]]:
    """What a parent can become, with its chances where all else can be kept; and what where rules forbid that."""
    own, chances, forced = everything[parent], Counter[Architecture](), set()
    for key, value, chance in changes(own, everything.values()):
        sets = {a: kept(own, other, key) for a, other in everything.items() if other.get(key) == value}
        best = [a for a, those in sets.items() if not any(those < more for more in sets.values())]
        if len(sets[best[0]]) == len(own) - 1:
            for a in best:
                chances[a] += chance / len(best)
        else:
            forced.update(best)
    return chances, forced


@few
@given(some, st.integers(0, 1000))
def test_mutants_change_one_decision_and_keep_all_they_can(graph: Graph, seed: int) -> None:
    everything = {a: facts(graph, a) for a in listed(graph)}
    assume(1 < len(everything) <= 300)
    ranking, generator = Ranking(model(graph)), random.Random(seed)
    for _ in range(4):
        parent = ranking.sample(generator)
        before = parent.to_json()
        chances, forced = mutants(parent, everything)
        many = 20 * len(chances) + 50
        drawn = Counter(ranking.variation.mutate(parent, generator) for _ in range(many))
        assert parent.to_json() == before
        assert parent not in drawn
        assert drawn.keys() <= chances.keys() | forced
        if not forced:
            found, most = chi_square(drawn, chances)
            assert found < most


@few
@given(some, st.integers(0, 1000))
def test_every_architecture_becomes_every_other(graph: Graph, seed: int) -> None:
    architectures = listed(graph)
    assume(1 < len(architectures) <= 60)
    variation, generator = Ranking(model(graph)).variation, random.Random(seed)
    children = {a: {variation.mutate(a, generator) for _ in range(100)} for a in architectures}
    for start in architectures:
        reached, waiting = {start}, [start]
        while waiting:
            new = children[waiting.pop()] - reached
            reached |= new
            waiting += new
        assert reached == architectures


@few
@given(some, st.integers(0, 1000))
def test_crossings_are_uniform_among_those_between_two(graph: Graph, seed: int) -> None:
    everything = {a: facts(graph, a) for a in listed(graph)}
    assume(1 < len(everything) <= 300)
    ranking, generator = Ranking(model(graph)), random.Random(seed)
    for _ in range(4):
        mother, father = ranking.sample(generator), ranking.sample(generator)
        own = everything[mother], everything[father]
        between = [
            a
            for a, child in everything.items()
            if all(value in values for key, value in child.items() if (values := [f[key] for f in own if key in f]))
        ]
        drawn = Counter(ranking.variation.crossover(mother, father, generator) for _ in range(20 * len(between)))
        found, most = chi_square(drawn, dict.fromkeys(between, 1 / len(between)))
        assert found < most
        assert ranking.variation.crossover(mother, mother, generator) == mother


@few
@given(some, st.integers(0, 1000))
def test_mutants_as_arrays_are_as_likely(graph: Graph, seed: int) -> None:
    everything = {a: facts(graph, a) for a in listed(graph)}
    assume(1 < len(everything) <= 300)
    ranking = Ranking(model(graph))
    parents = [ranking.sample(random.Random(seed + n)) for n in range(3)]
    laws = [mutants(parent, everything) for parent in parents]
    many = max(20 * len(chances) + 50 for chances, _ in laws)
    found = list(ranking.mutants(parents * many, seed).architectures())
    for n, (chances, forced) in enumerate(laws):
        drawn = Counter(found[n::3])
        assert drawn.keys() <= chances.keys() | forced
        if not forced:
            statistic, most = chi_square(drawn, chances)
            assert statistic < most


@settings(few, max_examples=few.max_examples // 3)
@given(some, st.integers(0, 100), st.integers(0, 1000))
def test_children_keep_a_limit(graph: Graph, percent: int, seed: int) -> None:
    architectures = listed(graph)
    assume(1 < len(architectures) <= 100)
    macs = {a: costs(derive(graph, a)).macs for a in architectures}
    limit = sorted(macs.values())[(len(macs) - 1) * percent // 100]
    inside = {a for a, own in macs.items() if own <= limit}
    assume(len(inside) > 1)
    space_model = model(graph)
    everything = {a: facts(graph, a) for a in macs}
    limited = Limited(Priced(space_model, [parts(graph, "macs")]), [Bound(0, "<=", limit)])
    generator = random.Random(seed)
    for _ in range(3):
        mother, father = limited.sample(generator), limited.sample(generator)
        chances, forced = mutants(mother, everything)
        if inside & chances.keys():
            drawn = {limited.mutate(mother, generator) for _ in range(20)}
            assert drawn <= inside & (chances.keys() | forced)
        assert limited.crossover(mother, father, generator) in inside
    outside = macs.keys() - inside
    if outside:
        with pytest.raises(NasError, match="does not keep the limits itself"):
            limited.mutate(min(outside, key=lambda a: a.to_json()), generator)


@pytest.mark.parametrize("name", ["darts", "fasterseg", "nasbench201", "fbnet", "autortnet", "panoptic", "fork"])
def test_children_in_shipped_spaces(repository: Path, name: str) -> None:
    space = load(repository / "spaces" / f"{name}.nas")
    generator = random.Random(name)
    walker, other = space.sample(0), space.sample(1)
    for seed in range(10):
        child = space.mutate(walker, seed)
        assert child == space.mutate(walker, seed)
        own, new = facts(space.graph, walker), facts(space.graph, child)
        changed = {key[0] for key in own.keys() & new.keys() if own[key] != new[key]}
        assert len(changed) == 1 or space.graph.rules
        assert changed
        crossing = space.crossover(walker, other, seed)
        parents = own, facts(space.graph, other)
        for key, value in facts(space.graph, crossing).items():
            having = [parent[key] for parent in parents if key in parent]
            assert value in having or not having
        validate(space.graph, child)
        validate(space.graph, crossing)
        walker = child
    batch = space.architectures.mutants([walker, other] * 20, seed=3)
    again = list(space.architectures.mutants([walker, other] * 20, seed=3).architectures())
    assert list(batch.architectures()) == again
    for architecture in generator.sample(again, 5):
        validate(space.graph, architecture)

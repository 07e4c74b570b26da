"""Canonical forms of networks against exact isomorphism by networkx, over generated spaces and random graphs."""

from __future__ import annotations

import hashlib
import random
from itertools import combinations
from typing import Any

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import DiGraphMatcher

from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.canonical import CanonicalForm, canonical_form
from nasdsl.passes.derive import derive
from nasdsl.passes.equivalence import RULES, Equivalence
from nasdsl.passes.network import Label, Labels, Network, NetworkReader
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.spaces import spaces


def picture(network: Network) -> nx.DiGraph:
    """The network as a networkx graph: a point for each vertex, each place of an operand, each set of weights."""
    graph = nx.DiGraph()
    for v, (number, operands) in enumerate(zip(network.label, network.operands, strict=True)):
        label = network.labels.all[number]
        graph.add_node(v, what=label.text)
        for n, source in enumerate(operands):
            graph.add_node((v, n), what="any place" if label.commutative else f"place {n}")
            graph.add_edge(source, (v, n))
            graph.add_edge((v, n), v)
    for v, group in network.weights.items():
        graph.add_node(("weights", group), what="weights")
        graph.add_edge(("weights", group), v)
    roots = set(network.roots)
    live = roots.union(*(nx.ancestors(graph, root) for root in roots))
    return graph.subgraph(live)


def isomorphic(left: Network, right: Network) -> bool:
    def same(one: Any, other: Any) -> bool:
        return bool(one["what"] == other["what"])

    pictures = picture(left), picture(right)
    if len(pictures[0]) != len(pictures[1]):
        return False
    return DiGraphMatcher(*pictures, node_match=same).is_isomorphic()


def shuffled(network: Network, chance: random.Random) -> Network:
    """The same network: vertices in another order, operands too where it makes no difference, weights renamed."""
    size = len(network.label)
    waiting = {v: len(set(network.operands[v])) for v in range(size)}
    ready = [v for v in range(size) if not waiting[v]]
    order: list[int] = []
    while ready:
        v = ready.pop(chance.randrange(len(ready)))
        order.append(v)
        for reader in range(size):
            if v in network.operands[reader]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
    now = {v: n for n, v in enumerate(order)}
    groups = sorted(set(network.weights.values()), key=str)
    chance.shuffle(groups)
    operands = []
    for v in order:
        read = [now[source] for source in network.operands[v]]
        if network.labels.all[network.label[v]].commutative:
            chance.shuffle(read)
        operands.append(tuple(read))
    weights = {now[v]: groups.index(group) for v, group in network.weights.items()}
    roots = [now[root] for root in network.roots]
    return Network(network.labels, [network.label[v] for v in order], operands, weights, roots)


def graph_of(text: str) -> Graph:
    return load(Source("generated.nas", text)).graph


def drawn(graph: Graph, count: int, seed: int) -> list[Architecture]:
    ranking, chance = Ranking(model(graph)), random.Random(seed)
    return [ranking.sample(chance) for _ in range(count)]


SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@SOME
@given(spaces(), st.integers(0, 10**6))
def test_forms_are_equal_exactly_for_isomorphic_networks(text: str, seed: int) -> None:
    graph, chance = graph_of(text), random.Random(seed)
    reader = NetworkReader(graph)
    networks = [reader.network(a) for a in drawn(graph, 5, seed)]
    networks.append(shuffled(chance.choice(networks), chance))
    for left, right in combinations(networks, 2):
        same = canonical_form(left).key == canonical_form(right).key
        assert same == (canonical_form(left).text == canonical_form(right).text)
        assert same == isomorphic(left, right)


@SOME
@given(spaces(), st.integers(0, 10**6))
def test_reading_a_space_and_reading_the_derived_network_agree(text: str, seed: int) -> None:
    graph = graph_of(text)
    reader = NetworkReader(graph)
    for architecture in drawn(graph, 3, seed):
        network = derive(graph, architecture)
        alone = NetworkReader(network).network(Architecture(network.name, {}, network.preset))
        assert canonical_form(reader.network(architecture)) == canonical_form(alone)


@SOME
@given(spaces(), st.integers(0, 10**6), st.sets(st.sampled_from(RULES)))
def test_normal_forms_do_not_depend_on_the_order_of_vertices(text: str, seed: int, rules: set[str]) -> None:
    graph, chance = graph_of(text), random.Random(seed)
    reader = NetworkReader(graph)
    equivalence = Equivalence(rules, reader.labels)
    for architecture in drawn(graph, 2, seed):
        network = reader.network(architecture)
        once = equivalence.normal_form(network)
        assert canonical_form(once).key == canonical_form(equivalence.normal_form(shuffled(network, chance))).key
        assert canonical_form(once).key == canonical_form(equivalence.normal_form(once)).key


# Graphs in which tied vertices are common: copies of one operation, read by sums and by another operation.

INPUT, WEIGHTED, SUM, JOIN = (
    Label("input x", "input"),
    Label("conv", "conv", pure=False),
    Label("sum", "sum", commutative=True, associative=True, zero_neutral=True),
    Label("concat", "concat", associative=True),
)
TASK = Label("task t", "task")


@st.composite
def networks(draw: st.DrawFn, labels: Labels) -> Network:
    """A few layers of copies, sums and concatenations of a few vertices each; some copies share weights."""
    label, operands = [labels.number(INPUT)], [()]
    weights: dict[int, str] = {}
    for _ in range(draw(st.integers(1, 7))):
        what = draw(st.sampled_from([WEIGHTED, WEIGHTED, SUM, SUM, JOIN]))
        many = 1 if what is WEIGHTED else draw(st.integers(1, 3))
        below = st.integers(0, min(len(label) - 1, draw(st.sampled_from([0, 3, 9]))))
        operands.append(tuple(draw(below) for _ in range(many)))
        if what is WEIGHTED and draw(st.booleans()):
            weights[len(label)] = draw(st.sampled_from("ab"))
        label.append(labels.number(what))
    top = range(len(label))
    label += [labels.number(SUM), labels.number(TASK)]
    operands += [tuple(top), (len(label) - 2,)]
    return Network(labels, label, operands, weights, [len(label) - 1])


def changed(network: Network, chance: random.Random) -> Network:
    """A network that differs in one operand and in the weights of one vertex: often isomorphic all the same."""
    operands, weights = list(network.operands), dict(network.weights)
    v = chance.randrange(1, len(operands) - 2) if len(operands) > 3 else 1
    place = chance.randrange(len(operands[v]))
    operands[v] = (*operands[v][:place], chance.randrange(v), *operands[v][place + 1 :])
    if weights:
        weights[chance.choice(list(weights))] = chance.choice("ab")
    return Network(network.labels, network.label, operands, weights, network.roots)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.integers(0, 10**6))
def test_forms_decide_isomorphism_of_graphs_with_many_ties(data: st.DataObject, seed: int) -> None:
    labels, chance = Labels(), random.Random(seed)
    left = data.draw(networks(labels))
    assert canonical_form(left).key == canonical_form(shuffled(left, chance)).key
    for right in (data.draw(networks(labels)), changed(left, chance)):
        assert (canonical_form(left).key == canonical_form(right).key) == isomorphic(left, right)


def of_points(labels: Labels, points: int, edges: list[tuple[int, int]]) -> Network:
    """An undirected graph as a network: copies of a convolution, and sums of two of them."""
    label = [labels.number(INPUT), *[labels.number(WEIGHTED)] * points, *[labels.number(SUM)] * (len(edges) + 1)]
    operands = [(), *[(0,)] * points, *((a + 1, b + 1) for a, b in edges)]
    operands.append(tuple(range(points + 1, points + 1 + len(edges))))
    return Network(labels, [*label, labels.number(TASK)], [*operands, (len(label) - 1,)], {}, [len(label)])


TRIANGLES = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
HEXAGON = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]
BOTH = [*TRIANGLES, *((a + 6, b + 6) for a, b in HEXAGON)]


def test_graphs_that_colours_do_not_tell_apart() -> None:
    """Every point has two neighbours; in the third graph no automorphism leads from a triangle to the hexagon."""
    labels, chance = Labels(), random.Random(0)
    keys: list[set[bytes]] = []
    for points, edges in ((6, TRIANGLES), (6, HEXAGON), (12, BOTH)):
        found = set()
        for _ in range(8):
            order = chance.sample(range(points), points)
            found.add(canonical_form(of_points(labels, points, [(order[a], order[b]) for a, b in edges])).key)
        keys.append(found)
    assert [len(found) for found in keys] == [1, 1, 1]
    assert len(set.union(*keys)) == 3


def with_weights(labels: Labels, groups: str) -> Network:
    """Four convolutions in a row, those with the same letter share weights."""
    label = [labels.number(INPUT), *[labels.number(WEIGHTED)] * 4, labels.number(TASK)]
    return Network(labels, label, [(), *((v,) for v in range(5))], dict(enumerate(groups, start=1)), [5])


def test_who_shares_weights_with_whom() -> None:
    labels = Labels()
    forms = [canonical_form(with_weights(labels, groups)).key for groups in ("aabb", "abab", "abba", "abcd", "aabc")]
    assert len(set(forms)) == len(forms)
    assert canonical_form(with_weights(labels, "baba")).key == forms[1]


def form(text: str, rules: frozenset[str] = frozenset()) -> CanonicalForm:
    space = load(Source("s.nas", f"space s {{ input image: [3, 8, 8] {text} }}"))
    return space.canonical(space.architectures[0], rules)


TAIL = "  task t = y >> conv(2, k = 1) { loss cross_entropy() }"


SHARED = "shared block f(x) = x >> conv(3, k = 1)  a = f(image)  y = f(a)"
APART = "y = image >> conv(3, k = 1) >> conv(3, k = 1)"
ONE = "a = image >> conv(4, k = 1)  y = sum(a, a)"
TWO = "y = sum(u = image >> conv(4, k = 1), v = image >> conv(4, k = 1))"


@pytest.mark.parametrize(
    ("left", "right", "rules", "without"),
    [
        ("y = image >> identity()", "y = image", {"identities"}, set()),
        ("y = image >> avg_pool(k = 1)", "y = image", {"identities"}, set()),
        ("y = sum(image, sum(image, image >> relu()))", "y = sum(image, image, image >> relu())", {"sums"}, set()),
        ("y = concat(concat(image, image), image)", "y = concat(image, concat(image, image))", {"sums"}, set()),
        ("y = sum(image >> none(), image)", "y = sum(image)", {"zeros"}, {"norms"}),
        ("y = image >> none() >> conv(3, k = 3) >> relu()", "y = image >> none()", {"zeros"}, {"norms"}),
        ("y = image >> none() >> bn()", "y = image >> none()", {"norms"}, set()),
        ("y = sum(image >> relu(), image >> relu())", "x = image >> relu()  y = sum(x, x)", {"repeats"}, {"copies"}),
        (ONE, TWO, {"copies"}, set()),
        (SHARED, APART, {"copies"}, set()),
    ],
)  # fmt: skip
def test_each_rule_by_hand(left: str, right: str, rules: set[str], without: set[str]) -> None:
    """The two are the same under the rule, and not under all others (without those that imply it)."""
    others = frozenset(RULES) - rules - without
    assert form(left + TAIL, frozenset(rules)) == form(right + TAIL, frozenset(rules))
    assert form(left + TAIL, others) != form(right + TAIL, others)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("y = concat(image, image >> relu())", "y = concat(image >> relu(), image)"),
        ("y = image >> none() >> conv(3, k = 1, bias = true)", "y = image >> none()"),
        ("y = sum(image, image)", "y = image"),
        ("y = image >> none() >> resize_like(image)", "y = image >> resize_like(image >> none())"),
    ],
)
def test_different_under_all_rules(left: str, right: str) -> None:
    assert form(left + TAIL, frozenset(RULES)) != form(right + TAIL, frozenset(RULES))


def test_the_order_of_a_sum_and_names_make_no_difference() -> None:
    left = "y = sum(image >> conv(3, k = 1), image)" + TAIL
    right = "block f(z) = z >> conv(3, k = 1)  other = f(image)  y = sum(image, other)" + TAIL
    assert form(left).text == form(right).text
    assert form(left).hash == form(right).hash


def test_the_form_is_the_same_on_every_machine() -> None:
    """Checked in: a change of it is one that users see."""
    assert form(ONE + TAIL).text == FORM
    assert form(ONE + TAIL).hash == hashlib.sha256(FORM.encode()).hexdigest()[:12]


FORM = """\
0 = input image [3, 8, 8]
&1 = conv(bias = false, c = 4, dilation = 1, groups = 1, k = 1, stride = 1) [4, 8, 8] <- 0
2 = sum [4, 8, 8] <- &1, &1
3 = conv(bias = false, c = 2, dilation = 1, groups = 1, k = 1, stride = 1) [2, 8, 8] <- 2
4 = task t <- 3
"""

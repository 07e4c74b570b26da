"""What a table prices, kernels, blocks or decisions, costs the same in every reading of a space (invariant 7)."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from nasdsl.algebra.costs.costs import Costs
from nasdsl.algebra.costs.metrics import NS_PER_MS, parts
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Kind
from nasdsl.passes.derive import derive
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.kernels import signatures
from nasdsl.passes.prices import CALL, Prices, of_values
from nasdsl.passes.units import latency_ms, texts, units
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.architectures import listed, small
from tests.generators.spaces import spaces
from tests.property.test_expected_cost import CELLS, DEPTHS, LAST_MAPS, MEETING_ROUTES, one_hot


def price(text: str) -> float:
    """A latency of whole nanoseconds that has nothing to do with that of any other text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 1e6 + 1e-6


class Everything(dict[str, float]):
    """A table that has every entry it is asked for."""

    def __missing__(self, text: str) -> float:
        return price(text)

    def __contains__(self, text: object) -> bool:
        return True


def by_the_algebra(space: Space, architecture: Architecture, prices: Prices) -> int:
    costs = Costs(space.model)
    factors = costs.factors(parts(space.graph, "latency", prices))
    values = costs.graph.completed(space.model.assignment(architecture))
    return sum(factor.rows[tuple(values[v] for v in factor.scope)] for factor in factors)


def by_expectation(space: Space, architecture: Architecture, prices: Prices) -> float:
    chances = one_hot(space.graph, architecture, random.Random(0)) | {"": torch.ones(1)}
    expected = ExpectedCost(expected_cost_data(space.graph, prices), prices).double()
    return float(expected({path: chance.double() for path, chance in chances.items()}))


def check_all_agree(space: Space, prices: Prices, wanted: float, architecture: Architecture) -> None:
    assert latency_ms(space.derive(architecture), prices) == pytest.approx(wanted, rel=1e-12)
    assert by_the_algebra(space, architecture, prices) == round(wanted * NS_PER_MS)
    assert by_expectation(space, architecture, prices) == pytest.approx(wanted, rel=1e-6)


def priced_decisions(graph: Graph) -> list[str]:
    """Decisions of one value outside of grids."""
    inside = {path for path in graph.decisions if any(path.startswith(f"{grid}[") for grid in graph.grids)}
    plain = (d.path for d in graph.decisions.values() if d.kind in (Kind.CHOOSE, Kind.WIDTH, Kind.DEPTH))
    return [path for path in plain if path not in inside]


def check_decisions(space: Space, seed: int) -> None:
    paths = priced_decisions(space.graph)
    prices = Prices(Everything(), decisions=tuple((path,) for path in paths))
    architecture = space.sample(seed)
    kept = [of_values([path], [value]) for path, value in architecture.decisions.items() if path in paths]
    check_all_agree(space, prices, sum(price(text) for text in kept) + price(CALL), architecture)


few = settings(max_examples=settings.default.max_examples // 4)


@few
@given(text=spaces(), seed=st.integers(0, 1000))
def test_of_decisions(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    assume(priced_decisions(space.graph))
    check_decisions(space, seed)


@pytest.mark.parametrize("text", [CELLS, DEPTHS])
def test_of_decisions_that_can_be_dead(text: str) -> None:
    space = load(Source("test.nas", text))
    for seed in range(20):
        check_decisions(space, seed)


FREE = frozenset({"resize", "relu"})


def blocks_of(graph: Graph) -> list[str]:
    return sorted({scope.block for scope in graph.scopes[1:]} - set(graph.grids) - {"to"})


def check_blocks(space: Space, names: frozenset[str], seed: int) -> None:
    architecture = space.sample(seed)
    prices = Prices(Everything(), blocks=names, free=FREE)
    network = space.derive(architecture)
    wanted = sum(price(unit.template) for unit in units(network, prices))
    check_all_agree(space, prices, wanted, architecture)


@few
@given(text=spaces(), seed=st.integers(0, 1000), data=st.data())
def test_of_blocks(text: str, seed: int, data: st.DataObject) -> None:
    space = load(Source("generated.nas", text))
    names = blocks_of(space.graph)
    assume(names)
    chosen = frozenset(data.draw(st.sets(st.sampled_from(names), min_size=1)))
    try:
        units(space.graph, Prices(Everything(), blocks=chosen, free=FREE))
    except NasError as error:
        if "of which a part can be dead" in str(error):
            reject()
        raise
    check_blocks(space, chosen, seed)


@pytest.mark.parametrize("text", [CELLS, DEPTHS, LAST_MAPS, MEETING_ROUTES])
def test_of_blocks_in_grids_and_cells(text: str) -> None:
    space = load(Source("test.nas", text))
    for seed in range(5):
        check_blocks(space, frozenset({"conv_bn", "conv_bn_relu"}), seed)


@few
@given(text=spaces(), seed=st.integers(0, 1000))
def test_of_kernels_and_the_call(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    architecture = space.sample(seed)
    prices = Prices(Everything())
    kernels_alone = latency_ms(space.derive(architecture), {t: price(t) for t in texts(space.graph, {})})
    check_all_agree(space, prices, kernels_alone + price(CALL), architecture)


JOINT = """space joint {
  input image: [3, 8, 8]
  choose a in {one: conv(4, k = 1), three: conv(4, k = 3)}
  choose b in {none, skip: identity(), conv: conv(k = 3)}
  width w in {2, 4}
  task t = image >> a() >> b() >> conv(w, k = 1) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


def test_of_joint_values() -> None:
    space = load(Source("joint.nas", JOINT))
    prices = Prices(Everything(), decisions=(("a", "b"), ("w",)))
    for seed in range(12):
        architecture = space.sample(seed)
        values = architecture.decisions
        entries = [of_values(["a", "b"], [values["a"], values["b"]]), of_values(["w"], [values["w"]]), CALL]
        check_all_agree(space, prices, sum(map(price, entries)), architecture)


@pytest.mark.parametrize(
    ("text", "decisions", "message"),
    [
        (JOINT, (("c",),), "prices `c`, which `joint` does not decide"),
        (MEETING_ROUTES, (("ends",),), "prices `ends`, a pick"),
        (MEETING_ROUTES, (("g[0,1].op",),), "which is decided in a grid"),
        (DEPTHS, (("d", "layer[1].op"),), "does not decide|one of them can be dead"),
    ],
)
def test_decisions_without_a_price_are_refused(text: str, decisions: tuple[tuple[str, ...]], message: str) -> None:
    space = load(Source("test.nas", text))
    with pytest.raises(NasError, match=message):
        list(parts(space.graph, "latency", Prices(Everything(), decisions=decisions)))


def test_a_table_of_another_space_is_refused() -> None:
    space = load(Source("joint.nas", JOINT))
    prices = Prices(Everything(), decisions=(("a",),), space="fbnet")
    for use in (lambda: units(space.graph, prices), lambda: latency_ms(space.derive(space.sample(0)), prices)):
        with pytest.raises(NasError, match="prices the decisions of the space `fbnet`, this is `joint`"):
            use()


@few
@given(small)
def test_no_operation_is_measured_that_no_architecture_uses(graph: Graph) -> None:
    """Rules aside: a relaxation does not know them, so what they exclude is asked for all the same."""
    free = replace(graph, rules=())
    used = {unit.template for architecture in listed(free) for unit in units(derive(free, architecture), {})}
    assert set(signatures(free)) == used

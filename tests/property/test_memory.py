"""The memory of maps against tensors counted while PyTorch runs the generated code."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasdsl.passes.forward import Pass, forward
from nasdsl.passes.largest import largest
from nasdsl.passes.memory import activation_bytes
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.live_bytes import live_bytes
from tests.generators.saved_bytes import saved_by_supernet
from tests.generators.spaces import spaces

SLOW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


PASSES = [Pass(mixed, weights=not learn, decisions=learn) for mixed in (False, True) for learn in (False, True)]


@settings(SLOW, max_examples=30)
@given(spaces(), st.integers(0, 2**32))
def test_activation_bytes_are_those_of_the_generated_network(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    network = space.derive(space.sample(seed))
    most, least = (live_bytes(network, long_sums_in_place=place) for place in (False, True))
    found = activation_bytes(network)
    assert least <= found
    # In a sum of calls, a + b(x) + c(x), the generated code has added up the first two before the third runs.
    assert found <= most or any(node.op == "sum" and len(node.inputs) > 2 for node in network.nodes)


@settings(SLOW, max_examples=20)
@given(spaces())
def test_supernets_keep_what_is_foretold(text: str) -> None:
    space = load(Source("generated.nas", text))
    architecture = largest(space.graph)
    for kind in PASSES:
        tape, _ = forward(space.graph, architecture, kind)
        found = saved_by_supernet(space, architecture, kind, 2)
        # Where numbers of channels learn outside of grids, one multiplication too many may be counted.
        assert 0.99 * found <= tape.each * 2 + tape.once <= (1.25 if kind.decisions else 1.02) * found + 64


@settings(SLOW, max_examples=30)
@given(spaces())
def test_hardly_a_path_keeps_more_than_the_largest(text: str) -> None:
    space = load(Source("generated.nas", text))
    found = forward(space.graph, largest(space.graph), Pass())[0].each
    size = space.architectures.size
    some = [space.architectures[size * i // 20] for i in range(min(size, 20))]
    assert max(forward(space.graph, other, Pass())[0].each for other in some) <= 1.5 * found

"""The memory of maps against tensors counted while PyTorch runs the generated code."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasdsl.passes.memory import activation_bytes
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.live_bytes import live_bytes
from tests.generators.spaces import spaces

SLOW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(SLOW, max_examples=30)
@given(spaces(), st.integers(0, 2**32))
def test_activation_bytes_are_those_of_the_generated_network(text: str, seed: int) -> None:
    space = load(Source("generated.nas", text))
    network = space.derive(space.sample(seed))
    most, least = (live_bytes(network, long_sums_in_place=place) for place in (False, True))
    found = activation_bytes(network)
    assert least <= found <= most

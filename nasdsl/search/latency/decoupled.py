"""The expected latency in parts, one for each group of decisions (FasterSeg, Chen et al., ICLR 2020, section 3.2).

A group of which few decisions make networks fast is driven to its fastest end before the others have learned anything:
searches collapse to networks that are fast and bad. FasterSeg's answer is

    Lat = w_o * Lat_o + w_s * Lat_s + w_w * Lat_w

where Lat_o is the expected latency as a function of the operators' probabilities alone, the downsampling and the widths
being held, and so on. Weights are inverse to the groups' sensitivities (`nasdsl.search.latency.sensitivity`):
the more a group moves the latency, the less its gradient weighs. The paper's Table 2 has 10.42, 0.01 and 5.54 ms, from
which its weights follow, 0.001, 0.997 and 0.002.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.runtime.space import Space
from nasdsl.search.latency.groups import Group, held, members
from nasdsl.search.latency.sensitivity import sensitivities

PUBLISHED: Mapping[str, Mapping[Group, float]] = MappingProxyType(
    {
        "fasterseg": {"operators": 0.001, "paths": 0.997, "widths": 0.002},
        "fasterseg-as-coded": {"operators": 1 / 500, "paths": 497 / 500, "widths": 2 / 500},
    }
)
"""Weights of FasterSeg: as in the paper, and as in its public code."""


class DecoupledLatency:
    """The expected latency of a relaxation; its gradient is that of the weighted sum of its parts.

    So every form of loss compares the true expectation with its target, and descends as FasterSeg does.

    Args:
        space: The decisions, as generated files hold them (`SPACE`).
        expected_latency_ms: The expected latency in ms for probabilities of decisions.
        weights: Of the groups; one that is left out has no gradient.
    """

    def __init__(
        self,
        space: Space,
        expected_latency_ms: Callable[[Mapping[str, Tensor]], Tensor],
        weights: Mapping[Group, float],
    ) -> None:
        self._members, self._held = members(space), held(space)
        self._expected_latency_ms = expected_latency_ms
        self.weights = {group: weights[group] for group in self._members if weights.get(group)}

    def __call__(self, probabilities: Mapping[str, Tensor]) -> Tensor:
        """The expected latency in ms, a scalar."""
        total = self._expected_latency_ms({path: chances.detach() for path, chances in probabilities.items()})
        for group, weight in self.weights.items():
            part = weight * self.part(group, probabilities)
            total = total + (part - part.detach())
        return total

    def part(self, group: Group, probabilities: Mapping[str, Tensor]) -> Tensor:
        """The expected latency in ms as a function of one group's probabilities, the other groups being held."""
        own = self._members[group]
        at = {path: chances if path in own else self._held[path].to(chances) for path, chances in probabilities.items()}
        return self._expected_latency_ms(at)


def make_latency(name: str, space: Space, cost: ExpectedCost) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """The expected latency in ms with the gradient that a search descends on.

    Args:
        name: `off`: its own; else see `decoupling_weights`.
        space: The decisions.
        cost: Their expected latency.

    Raises:
        NasError: The sensitivities cannot be computed.
    """
    return cost if name == "off" else DecoupledLatency(space, cost, decoupling_weights(name, space, cost))


def decoupling_weights(name: str, space: Space, cost: ExpectedCost) -> dict[Group, float]:
    """Weights of the groups that a space has decisions of; they add up to one.

    Args:
        name: `sensitivity`, or one of `PUBLISHED`.
        space: The decisions.
        cost: Their expected latency.

    Raises:
        NasError: The sensitivities cannot be computed.
    """
    if name == "sensitivity":
        return inverse(sensitivities(space, cost))
    return _normalised({group: PUBLISHED[name][group] for group in members(space)})


def inverse(sensitivities_ms: Mapping[Group, float]) -> dict[Group, float]:
    """Weights inverse to sensitivities, adding up to one; 0 where there is none, for then there is no gradient.

    >>> found = inverse({"operators": 10.42, "paths": 0.01, "widths": 5.54})  # FasterSeg, Table 2
    >>> {group: round(weight, 3) for group, weight in found.items()}
    {'operators': 0.001, 'paths': 0.997, 'widths': 0.002}
    """
    return _normalised({group: 1 / ms if ms else 0.0 for group, ms in sensitivities_ms.items()})


def _normalised(weights: Mapping[Group, float]) -> dict[Group, float]:
    total = sum(weights.values())
    return {group: weight / total if total else 0.0 for group, weight in weights.items()}

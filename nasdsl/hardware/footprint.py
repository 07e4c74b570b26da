"""How much memory the networks of a space hold: what goes through the caches between two uses of a weight."""

from __future__ import annotations

import random
from statistics import mean

from nasdsl.algebra.model.model import model
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import derive
from nasdsl.passes.kernels import costs
from nasdsl.passes.memory import BYTES, activation_bytes

DRAWS = 16
"""Networks of which the mean is taken."""


def footprint(graph: Graph) -> int:
    """The bytes that a network of a space holds when it runs, weights and maps: the mean of some random networks.

    Weights are in float32, maps those of one image (see `nasdsl.passes.memory`).

    Raises:
        NasError: The space has no architecture, or its architectures cannot be drawn.
    """
    ranking = Ranking(model(graph))
    networks = (derive(graph, ranking.sample(random.Random(seed))) for seed in range(DRAWS))
    return round(mean(BYTES * costs(network).params + activation_bytes(network) for network in networks))

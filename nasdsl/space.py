"""A search space: what `load` makes of a .nas text."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nasdsl.algebra.costs.limits import bounded, read_limits
from nasdsl.algebra.costs.objectives import ParetoPoint, ParetoSet, read_objective
from nasdsl.algebra.costs.priced import Bracket
from nasdsl.algebra.costs.satisfiable import check_satisfiable
from nasdsl.algebra.count import Count, count
from nasdsl.algebra.distinct import LIMIT, Distinct, Forms, distinct, every, within
from nasdsl.algebra.distributions.distribution import Distribution, Inference
from nasdsl.algebra.distributions.usage import Usage, usage, usage_of_draws, usage_under
from nasdsl.algebra.model.model import Model, model
from nasdsl.algebra.model.selection import selected
from nasdsl.algebra.sampling.limited import Limited
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.elaborate.space import ParameterValue, elaborate
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.canonical import CanonicalForm
from nasdsl.passes.derive import derive, validate
from nasdsl.passes.partial import partial_channels
from nasdsl.source import Source
from nasdsl.syntax.parser import parse, read_source

LatencyTables = Mapping[str, Mapping[str, float]]
"""For each device latency in ms by signature (see `nasdsl.hardware.table`)."""


@dataclass(frozen=True)
class Space:
    """A space as a typed graph, with the text it comes from."""

    graph: Graph
    source: Source

    @cached_property
    def model(self) -> Model:
        """Its factor graph: what counts, draws and bounds are computed from."""
        return model(self.graph)

    @cached_property
    def architectures(self) -> Ranking:
        """Its architectures as an array, in a fixed order: by index, one after the other, and back to the index.

        >>> darts = load("spaces/darts.nas").architectures
        >>> darts.size, darts.index(darts[10**18])
        (1076746950455072400, 1000000000000000000)
        """
        return Ranking(self.model)

    def sample(self, seed: int) -> Architecture:
        """A random architecture, each as likely as any other; the same for the same seed."""
        return self.architectures.sample(random.Random(seed))

    def mutate(self, parent: Architecture, seed: int) -> Architecture:
        """An architecture with another value of one live decision, and what follows from that; see
        `nasdsl.algebra.sampling.variation`. The same for the same parent and seed.

        Raises:
            NasError: The parent is no architecture of the space, or it is the only one.
        """
        return self.architectures.mutate(parent, random.Random(seed))

    def crossover(self, mother: Architecture, father: Architecture, seed: int) -> Architecture:
        """A random architecture that has each decision from one of two; the same for the same parents and seed.

        Raises:
            NasError: A parent is no architecture of the space.
        """
        return self.architectures.crossover(mother, father, random.Random(seed))

    def count(self) -> Count:
        """How many architectures the space has, exactly.

        >>> load("spaces/darts.nas").count().architectures
        1076746950455072400
        """
        return count(self.model)

    def count_under(self, limits: str, *, latency_ms: LatencyTables | None = None, bins: int | None = None) -> Bracket:
        """How many architectures keep some limits: exact where `lower == upper`.

        Args:
            limits: Such as "latency(ort_cpu) <= 8.3 ms and params <= 4 M".
            latency_ms: The tables of the devices that the limits name.
            bins: About how many costs to tell apart at most; more take longer and make the bracket narrower.

        Raises:
            NasError: The text is no limit, or the table lacks an entry.
        """
        priced, bounds = bounded(self.model, read_limits(limits, "limits"), latency_ms or {})
        return priced.count(bounds, bins)

    def limited(self, limits: str, *, latency_ms: LatencyTables | None = None) -> Limited:
        """Uniform draws from the architectures that keep some limits, see `count_under`.

        Raises:
            NasError: The text is no limit, the table lacks an entry, or no architecture keeps the limits.
        """
        found = read_limits(limits, "limits")
        priced, bounds = bounded(self.model, found, latency_ms or {})
        check_satisfiable(priced, found, bounds)
        return Limited(priced, bounds)

    def canonical(self, architecture: Architecture, rules: Collection[str] = ()) -> CanonicalForm:
        """The canonical form of an architecture's network: equal for isomorphic networks, and for no others.

        Its `hash` is that of the network, not of the decisions (`Architecture.hash`).

        Args:
            architecture: One of this space.
            rules: Of `nasdsl.passes.equivalence.RULES`: networks whose normal forms are isomorphic are equal, too.

        Raises:
            NasError: It is no architecture of this space; the difference is named.
        """
        validate(self.graph, architecture)
        return Forms(self.graph, rules).form(architecture)

    def distinct(
        self,
        rules: Collection[str] = (),
        *,
        under: str | None = None,
        latency_ms: LatencyTables | None = None,
        limit: int = LIMIT,
    ) -> Distinct:
        """How many different networks the architectures are (see `canonical`); every one is listed for it.

        Args:
            rules: Of `nasdsl.passes.equivalence.RULES`.
            under: Limits on costs that architectures must keep (see `count_under`).
            latency_ms: The tables of the devices that the limits name.
            limit: How many architectures the space may have.

        Raises:
            NasError: The space has more, or the limits are none.
        """
        key = Forms(self.graph, rules).key
        if under is None:
            return distinct(every(self.architectures, limit), key)
        priced, bounds = bounded(self.model, read_limits(under, "under"), latency_ms or {})
        return distinct(within(priced, bounds, limit), key)

    def pareto(
        self, first: str, second: str, *, limits: str = "", latency_ms: LatencyTables | None = None
    ) -> list[ParetoPoint]:
        """The exact Pareto set of two costs: what no architecture beats in both, with one architecture for each point.

        >>> smallest, *_ = load("spaces/darts.nas").pareto("macs", "most params")
        >>> smallest.costs
        (20466176, 99450)

        Args:
            first: "macs", "params" or "latency(ort_cpu)": little of it is wanted; with "most" before it, much.
            second: Another of these.
            limits: Limits on these two that cut the set off, such as "latency(ort_cpu) <= 8.3 ms".
            latency_ms: The tables of the devices that are named.

        Returns:
            The points, the best in the first metric first; none is as good as another in both.

        Raises:
            NasError: A text is no metric or no limit, a table lacks an entry, or the space has too many points.
        """
        found = read_limits(limits, "limits") if limits else ()
        return ParetoSet(self.model, [read_objective(first), read_objective(second)], latency_ms or {}, found).points()

    @cached_property
    def inference(self) -> Inference:
        """What questions about distributions over its architectures share."""
        return Inference(self.model)

    def distribution(self, probabilities: Mapping[str, Any]) -> Distribution:
        """The distribution over architectures that probabilities of decisions make: its mode, marginals, entropy and
        expected costs, exact.

        Args:
            probabilities: For each decision its probabilities, as sequences or PyTorch tensors; what
                `Relaxation.probabilities()` returns.

        Raises:
            NasError: They are none, the space has no architecture, or numpy is missing.
        """
        return Distribution(self.inference, probabilities)

    def marginals(
        self,
        *,
        under: str | None = None,
        only: str | None = None,
        latency_ms: LatencyTables | None = None,
        bins: int | None = None,
        draws: int | None = None,
    ) -> Usage:
        """How many architectures use each value of each decision: the marginals of the uniform distribution.

        >>> darts, op = load("spaces/darts.nas"), "normal.x[3].edge[0].op"
        >>> darts.marginals(only=op).shares()[op]["sep5"], darts.marginals().live(op)
        (Fraction(2, 21), (Fraction(2, 3), Fraction(2, 3)))
        >>> small = darts.marginals(under="macs <= 25 M", only=op)
        >>> small.exact, round(float(small.shares()[op]["sep3"]), 6)
        (True, 8.1e-05)

        Args:
            under: Count only the architectures that keep some limits, see `count_under`.
            only: Some decisions: "picks", "trunk[*,8].w"; by default all.
            latency_ms: The tables of the devices that the limits name.
            bins: About how many costs to tell apart at most; more take longer and make brackets narrower.
            draws: Estimate from so many uniform draws, instead of counting.

        Raises:
            NasError: No such decision, no limit, no table, or no architecture keeps the limits.
        """
        paths = list(self.graph.decisions) if only is None else selected(self.graph, only)
        if draws is not None:
            drawn = self.architectures if under is None else self.limited(under, latency_ms=latency_ms)
            return usage_of_draws(self.model, drawn.batches(draws, 0), paths)
        if under is None:
            return usage(self.model, paths)
        return usage_under(*bounded(self.model, read_limits(under, "limits"), latency_ms or {}), paths, bins)

    def partial_channels(self, parts: int) -> Space:
        """The proxy of this space whose choices work on one of `parts` equal parts of the channels, with the same
        architectures (see `nasdsl.passes.partial`; PC-DARTS, Xu et al., ICLR 2020).

        >>> darts = load("spaces/darts.nas")
        >>> proxy = darts.partial_channels(4)
        >>> proxy.count() == darts.count(), proxy.sample(0) == darts.sample(0)
        (True, True)

        Raises:
            NasError: `parts` is less than 2, or no choice can.
        """
        return Space(partial_channels(self.graph, parts).graph, self.source)

    def validate(self, architecture: Architecture) -> None:
        """Check that an architecture is one of this space.

        Raises:
            NasError: It is not; the difference is named.
        """
        validate(self.graph, architecture)

    def derive(self, architecture: Architecture) -> Graph:
        """The network of an architecture: a graph without decisions.

        Raises:
            NasError: It is no architecture of this space; the difference is named.
        """
        return derive(self.graph, architecture)


def load(path: str | Path | Source, *, preset: str = "", params: Mapping[str, ParameterValue] | None = None) -> Space:
    """Read a space from a file (or a `Source`).

    Args:
        path: The .nas file.
        preset: Name of one of its presets; "" for none.
        params: Values for its parameters; they go before those of the preset.

    Raises:
        InvalidSpace: The text has mistakes; `diagnostics` has them all.
        NasError: The file cannot be read, or there is no such preset or parameter.
    """
    source = path if isinstance(path, Source) else read_source(path)
    return Space(elaborate(parse(source), preset=preset, params=params), source)

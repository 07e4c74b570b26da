"""A probability distribution over the architectures of a space: its mode, marginals, entropy and expected costs, exact.

A relaxation has probabilities for every decision by itself. The architecture that comes of independent draws has no
values for dead decisions, and it is drawn again where it breaks a rule. So the probability of an architecture a is

    p(a) = 1/Z * product over its decisions d of p_d(a_d) * product over the links of each of its routes r of p_r(link)

The probabilities of dead decisions do not occur: they add up to one. p_r(link) is the probability that r, drawn
backwards from its end, comes along the link, given that it comes to its target. Z is the probability that the rules are
kept: 1 without rules. A soft alternative lives in relaxations only, so p_d is that of the others, given that
it is none of these.

This is one factor for each variable, and everything here is a sum or a maximum over the space
(`nasdsl.algebra.distributions.sums`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.costs.costs import Costs
from nasdsl.algebra.costs.metrics import SCALE, parts
from nasdsl.algebra.distributions.sums import Sums, Vector
from nasdsl.algebra.distributions.weights import Weights, log_of, plain_of, scalar_of, surprise
from nasdsl.algebra.elimination.factors import Factor, FactorGraph
from nasdsl.algebra.elimination.plan import plan
from nasdsl.algebra.model.batch import numpy
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.selection import by_decision
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE
from nasdsl.ir.architecture import Architecture

if TYPE_CHECKING:
    from nasdsl.algebra.distributions.sums import Floats

Marginals = dict[str, dict[Hashable, float]]
"""For each decision the probability of each value (of a route: of each link); the rest to one is that it is dead."""


class Inference:
    """What the questions about all distributions over one space have in common: its eliminations, compiled.

    Args:
        model: The space.

    Raises:
        NasError: It has no architecture.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._priced: dict[tuple[str, str | None], tuple[Mapping[str, float], Priced]] = {}
        self.weighted = [*model.choices.values(), *(p.groups for f in model.flows.values() for p in f.links.values())]
        self.sums = self._sums(model.graph)
        if not self.sums.plan.possible:
            raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")

    def _sums(self, graph: FactorGraph) -> Sums:
        """Sums over a graph with first one factor for each variable that has a probability."""
        own = [Factor((v,), {(n,): 0 for n in range(graph.size(v))}) for v in self.weighted]
        return Sums(plan(replace(graph, factors=[*own, *graph.factors])))

    def priced(self, metric: str, device: str | None, latency_ms: Mapping[str, float]) -> Priced:
        """The sums over the space with a cost, compiled once."""
        known = self._priced.get((metric, device))
        if known is None or known[0] != latency_ms:
            costs = Costs(self.model)
            factors = costs.factors(parts(self.model.space, metric, latency_ms))
            sums = self._sums(replace(costs.graph, factors=[*costs.graph.factors, *factors]))
            first = len(self.weighted) + len(costs.graph.factors)
            rows = {first + n: numpy().array(list(f.rows.values()), float) for n, f in enumerate(factors)}
            known = self._priced[metric, device] = (dict(latency_ms), Priced(sums, rows, SCALE[metric]))
        return known[1]


@dataclass(frozen=True, slots=True)
class Priced:
    """A space with a cost.

    Attributes:
        sums: The sums over it.
        costs: For each factor of a cost what its rows cost, in the metric's integer unit.
        scale: How many of these make one of the metric's base units.
    """

    sums: Sums
    costs: Mapping[int, Floats]
    scale: int


class Distribution:
    """A distribution over the effective architectures of a space: see the module for which.

    Args:
        inference: The space.
        probabilities: By decision, sequences or PyTorch tensors. choose, width, depth: one for each value of the
            domain; pick: one for each subset, in the order of `itertools.combinations`; route: one for each link of its
            grid, that the route comes along it if it comes to its target. `Relaxation.probabilities()` is of this form.

    Raises:
        NasError: Probabilities are missing, negative, or do not add up to one; or the rules exclude everything that has
            a probability.
    """

    def __init__(self, inference: Inference, probabilities: Mapping[str, Sequence[float]]) -> None:
        self._inference, self._model = inference, inference.model
        tensors = [p for p in probabilities.values() if getattr(p, "requires_grad", False)]
        weights = Weights(self._model, probabilities, tensors[0] if tensors else None)
        self._weights: list[Vector] = [weights.of(variable) for variable in inference.weighted]
        self._plain: list[Floats] = [plain_of(weight) for weight in self._weights]
        self._log_total, self._entropy = self._sums_and_entropy()
        if plain_of(self._log_total) == -inf:
            raise NasError("no architecture with a probability above zero keeps the rules of the space")

    def _sums_and_entropy(self) -> tuple[Any, Any]:
        """Log Z, and the entropy: log Z less the expected logarithm of the weight."""
        logs = {n: surprise(weight) for n, weight in enumerate(self._weights)}
        total, mean = self._inference.sums.expectation(dict(enumerate(self._weights)), logs)
        return total, total + mean

    def log_probability(self, architecture: Architecture) -> Any:
        """The logarithm of the probability of a valid architecture (see `nasdsl.passes.derive.validate`).

        A float; a PyTorch scalar if some probabilities require a gradient.
        """
        assignment = self._model.assignment(architecture)
        places = [assignment[variable] for variable in self._inference.weighted]
        if not all(plain[n] for plain, n in zip(self._plain, places, strict=True)):
            return -inf
        total = -self._log_total
        for weight, plain, n in zip(self._weights, self._plain, places, strict=True):
            if plain[n] != 1:
                total = total + log_of(weight[n])
        return scalar_of(total)

    def probability(self, architecture: Architecture) -> float:
        """The probability of a valid architecture."""
        return exp(float(plain_of(self.log_probability(architecture))))

    def mode(self) -> tuple[Architecture, float]:
        """The most probable architecture, and the logarithm of its probability.

        It is the argmax of the joint distribution: the most probable values of the decisions one by one can break a
        rule, and where some of them are dead they compare what has no common measure, such as the ways of routes that
        do not live together.
        """
        np = numpy()
        with np.errstate(divide="ignore"):
            logs = {n: np.log(weight) for n, weight in enumerate(self._plain)}
        best, assignment = self._inference.sums.best(logs)
        return self._model.architecture(assignment), best - float(plain_of(self._log_total))

    def marginals(self) -> Marginals:
        """For each decision the probability that it is live and has a value; the rest to one is that it is dead.

        Of a pick the values are its subsets; of a route the links, ((cell), (cell)), that it takes.
        """
        found = self._inference.sums.marginals(dict(enumerate(self._plain)))
        numbers = {variable: dict(enumerate(shares.tolist())) for variable, shares in found.items()}
        return by_decision(self._model, list(self._model.space.decisions), numbers)

    def entropy(self) -> Any:
        """The entropy of the distribution over architectures, in nats: a float, or a PyTorch scalar with a gradient."""
        return scalar_of(self._entropy)

    def expected(self, metric: str, *, latency_ms: Mapping[str, Mapping[str, float]] | None = None) -> Any:
        """The expected cost of an architecture.

        Args:
            metric: "macs", "params", "latency(DEVICE)", which is in ms, or "energy(DEVICE)", in mJ.
            latency_ms: For each device latency in ms by signature.

        Returns:
            A float; if some probabilities require a gradient, a PyTorch scalar in double precision with the gradient.

        Raises:
            NasError: There is no such metric, or the table lacks an entry.
        """
        name, device = read_metric(metric)
        if device is not None and device not in (latency_ms or {}):
            raise NasError(f"no lookup table of `{device}` was given", help="pass latency_ms={device: {signature: ms}}")
        priced = self._inference.priced(name, device, (latency_ms or {}).get(device or "", {}))
        example = next((weight for weight in self._weights if hasattr(weight, "requires_grad")), None)
        costs = dict(priced.costs) if example is None else {n: example.new_tensor(c) for n, c in priced.costs.items()}
        mean = priced.sums.expectation(dict(enumerate(self._weights)), costs)[1]
        return scalar_of(mean / priced.scale)


def read_metric(text: str) -> tuple[str, str | None]:
    """A metric as a user writes it: its name, and the device of a latency or energy.

    >>> read_metric("latency(ort_cpu)"), read_metric("macs")
    (('latency', 'ort_cpu'), ('macs', None))

    Raises:
        NasError: There is no such metric, or a latency or energy without a device.
    """
    found = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\w+)\s*\))?\s*", text)
    if found is None or found[1] not in SCALE or (found[1] in ON_DEVICE) != (found[2] is not None):
        raise NasError(
            f"`{text}` is no metric", help="there are macs, params, latency(DEVICE), energy(DEVICE)", status=2
        )
    return found[1], found[2]

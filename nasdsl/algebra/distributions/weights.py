"""Probabilities of decisions, checked, as weights of the values of variables; as numpy arrays or PyTorch tensors.

Tensors bring their own functions, so nothing here imports PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.distributions.sums import Vector
from nasdsl.algebra.model.batch import numpy
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.routes import Flow, Groups
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Kind

if TYPE_CHECKING:
    from nasdsl.algebra.distributions.sums import Floats

TOLERANCE = 1e-3
"""By how much probabilities may add up to something other than one; they are normalised."""


class Weights:
    """Checks probabilities, and turns them into weights of the values of variables.

    Args:
        model: The space.
        probabilities: See `Distribution`.
        example: A tensor, if tensors are wanted.
    """

    def __init__(self, model: Model, probabilities: Mapping[str, Sequence[float]], example: Any) -> None:
        missing = [path for path in model.space.decisions if path not in probabilities]
        if missing:
            raise NasError(f"the decision `{missing[0]}` has no probabilities", help="give those of all decisions")
        unknown = [path for path in probabilities if path not in model.space.decisions]
        if unknown:
            raise NasError(
                f"`{model.space.name}` has no decision `{unknown[0]}`", help="`nasdsl show --all` lists them"
            )
        self._model, self._example = model, example
        self._variables = {variable: path for path, variable in model.choices.items()}
        self._links = {p.groups: (flow, link) for flow in model.flows.values() for link, p in flow.links.items()}
        self._known = {path: self._checked(path, probabilities[path]) for path in model.space.decisions}

    def of(self, variable: int) -> Vector:
        """The weight of each of its values."""
        if variable in self._variables:
            given = self._known[self._variables[variable]]
            return self._joined([self._constant([1.0]), given])
        flow, link = self._links[variable]
        place = list(flow.links).index(link)
        values = []
        carried: Sequence[Groups] = self._model.graph.variables[variable].values  # type: ignore[assignment]
        for groups in carried:
            weight = self._constant([1.0])
            for route in sorted(route for group in groups for route in group):
                weight = weight * self._known[route][place : place + 1]
            values.append(weight)
        return self._joined(values)

    def _checked(self, path: str, given: Any) -> Vector:
        """Probabilities of the real values of a decision, or of the links of a flow in its own order."""
        decision, names = self._model.space.decisions[path], self._names(path)
        vector = self._vector(given)
        plain = plain_of(vector)
        if plain.shape != (len(names),):
            raise NasError(f"`{path}` needs {len(names)} probabilities, found an array of shape {plain.shape}")
        if not numpy().isfinite(plain).all() or (plain < 0).any():
            raise NasError(f"`{path}` has a probability that is negative or no number: {plain.tolist()}")
        if decision.kind is Kind.ROUTE:
            return self._per_target(path, self._model.flows[decision.grid], names, vector)
        self._check_sum(path, plain)
        real = [n for n, name in enumerate(names) if name not in decision.soft]
        return _normalised(vector[real])

    def _names(self, path: str) -> list[Any]:
        """What the probabilities of a decision are about, in order."""
        decision = self._model.space.decisions[path]
        if decision.kind is Kind.ROUTE:
            return [(link.source, link.target) for link in self._model.space.grids[decision.grid].links]
        if decision.kind is Kind.PICK:
            return list(self._model.graph.variables[self._model.choices[path]].values[1:])
        return list(decision.domain)

    def _per_target(self, path: str, flow: Flow, names: Sequence[Any], vector: Vector) -> Vector:
        """Probabilities of the links of a flow, normalised over those into each cell."""
        found = {}
        for cell in flow.grid.cells:
            into = [names.index(link) for link in flow.into(cell)]
            if into:
                self._check_sum(f"{path} at {list(cell)}", plain_of(vector)[into])
                shares = _normalised(vector[into])
                found.update({names[place]: shares[n : n + 1] for n, place in enumerate(into)})
        return self._joined([found[link] for link in flow.links])

    def _check_sum(self, what: str, plain: Floats) -> None:
        total = float(plain.sum())
        if total and abs(total - 1) > TOLERANCE:
            raise NasError(f"the probabilities of `{what}` add up to {total:.6g}", help="they must add up to 1")

    def _vector(self, given: Any) -> Vector:
        if self._example is None:
            return plain_of(given)
        return (
            given.to(self._example.device).double() if hasattr(given, "requires_grad") else self._constant(list(given))
        )

    def _constant(self, values: list[float]) -> Vector:
        return numpy().array(values) if self._example is None else self._example.double().new_tensor(values)

    def _joined(self, parts: Sequence[Vector]) -> Vector:
        if self._example is None:
            return numpy().concatenate(parts)
        sizes = [len(part) for part in parts]
        whole = self._constant([0.0] * sum(sizes))
        ends = numpy().cumsum(sizes)
        for part, end in zip(parts, ends, strict=True):
            whole = whole.index_add(0, whole.new_tensor(numpy().arange(end - len(part), end)).long(), part)
        return whole


def _normalised(vector: Vector) -> Vector:
    """Probabilities that add up to one; all zero (a decision known to be dead) stays."""
    return vector / vector.sum() if plain_of(vector).any() else vector


def plain_of(vector: Any) -> Any:
    """As a numpy array of doubles."""
    given = vector.detach().cpu() if hasattr(vector, "requires_grad") else vector
    return numpy().asarray(given, float)


def surprise(weight: Vector) -> Vector:
    """-w log w, and zero where w is."""
    if not hasattr(weight, "requires_grad"):
        np = numpy()
        return -weight * np.log(np.where(weight > 0, weight, 1))
    return -weight * weight.where(weight > 0, weight.new_ones(())).log()


def log_of(weight: Any) -> Any:
    """The logarithm of a number."""
    return weight.log() if hasattr(weight, "requires_grad") else numpy().log(weight)


def scalar_of(value: Any) -> Any:
    """A float, or a tensor as it is."""
    return value if hasattr(value, "requires_grad") else float(value)

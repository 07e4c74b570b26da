"""Requirements: bounds on costs, and rules about the values of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from nasdsl.elaborate.conditions import Condition
from nasdsl.elaborate.expressions import Place
from nasdsl.elaborate.presets import no_decision, path_pattern
from nasdsl.elaborate.statements import Statements
from nasdsl.elaborate.values import Frame, Mistake
from nasdsl.ir.graph import AtMost, Limit, Relation
from nasdsl.syntax import ast

UNITS: dict[str, dict[str, Fraction]] = {
    "latency": {"us": Fraction(1, 1000), "ms": Fraction(1), "s": Fraction(1000)},
    "energy": {"uJ": Fraction(1, 1000), "mJ": Fraction(1), "J": Fraction(1000)},
    "macs": {"K": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)},
    "params": {"K": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)},
    "memory": {"B": Fraction(1), "KB": Fraction(10**3), "MB": Fraction(10**6), "GB": Fraction(10**9)},
}
"""The metrics with their units, each in the metric's base unit: ms, mJ, 1, 1, bytes."""

ON_DEVICE = {"latency": "ms", "energy": "mJ"}
"""The metrics that are those of a device, with their base units."""

_METRICS = "latency(DEVICE), energy(DEVICE), macs, params and memory"
_FORM = "write: require latency(ort_cpu) <= 8.3 ms and params <= 4 M"


class Requirements(Statements):
    """Collects what a space requires."""

    limits: list[Limit]
    rules: list[AtMost | Relation]

    def require(self, node: ast.Require, frame: Frame) -> None:
        """Add the parts of a requirement: bounds on costs, and conditions on decisions."""
        for part in _conjuncts(node.condition):
            if _metric(part):
                self.limits.append(self._limit(part, frame))
            else:
                self._relation(part, frame)

    def _relation(self, node: ast.Expression, frame: Frame) -> None:
        if isinstance(node, ast.Binary) and isinstance(node.right, ast.Quantity):
            message = f"`{node.left.span.text}` is no metric; there are {_METRICS}"
            raise Mistake("E0603", message, node.left.span, help=_FORM)
        condition = self.condition(node, Place(frame))
        if condition is False:
            message = f"`{node.span.text}` never holds, so the space has no architecture"
            raise Mistake("E0603", message, node.span, "never true")
        if isinstance(condition, Condition):
            self.rules.append(Relation(condition.decisions, condition.holds, node.span))

    def at_most(self, node: ast.AtMost, labels: Any) -> None:
        """Add a rule about how many decisions have a value; called when all decisions are known."""
        count = self.integer(node.count, Place(Frame(None, 0)))
        which = node.which
        pattern, text = path_pattern(which.path, labels)
        found = tuple(path for path in self.graph.decisions if pattern.fullmatch(path))
        if not found:
            raise no_decision(text, which.span, self.graph.decisions)
        single = which.single or not isinstance(which.value, ast.Sequence)
        items: Sequence[ast.Expression] = (which.value,) if single else which.value.items  # type: ignore[union-attr]
        values = frozenset(labels(item) for item in items)
        for value in values:
            if not any(value in self.graph.decisions[path].domain for path in found):
                known = ", ".join(map(str, self.graph.decisions[found[0]].domain))
                message = f"no decision called `{text}` can be {value}"
                raise Mistake("E0604", message, which.span, help=f"`{found[0]}` is one of {known}")
        if count < 0:
            raise Mistake("E0306", f"a number of decisions is not negative, found {count}", node.count.span)
        self.rules.append(AtMost(count, found, values, node.span))

    def _limit(self, node: ast.Expression, frame: Frame) -> Limit:
        if not isinstance(node, ast.Binary) or node.operator not in ("<=", ">="):
            message = "a bound on a cost compares a metric with a quantity by `<=` or `>=`"
            raise Mistake("E0603", message, node.span, help=_FORM)
        metric, device, threads = node.left, None, None
        if isinstance(metric, ast.Call):
            device, threads = self._device(metric, frame)
            metric = metric.function
        assert isinstance(metric, ast.Name)
        if (metric.text in ON_DEVICE) != bool(device):
            message = f"`{node.left.span.text}`: latency and energy are those of a device, the other metrics have none"
            raise Mistake("E0603", message, node.left.span, help=_FORM)
        relation: Any = node.operator
        name: Any = metric.text
        return Limit(name, device, relation, self._quantity(name, node.right), node.span, threads)

    def _device(self, node: ast.Call, frame: Frame) -> tuple[str | None, int | None]:
        """The device of `latency(ort_cpu, threads = 2)`, and its threads."""
        device, threads = None, None
        for argument in node.arguments:
            if argument.name is None and device is None and isinstance(argument.value, ast.Name):
                device = argument.value.text
            elif argument.name == "threads":
                threads = self.integer(argument.value, Place(frame))
                if threads < 1:
                    message = f"a device has at least one thread, found {threads}"
                    raise Mistake("E0603", message, argument.span, help=_FORM)
            else:
                message = f"`{argument.span.text}` says nothing about a device"
                raise Mistake("E0603", message, argument.span, help="write: latency(ort_cpu, threads = 1) <= 8.3 ms")
        return device, threads

    def _quantity(self, metric: str, node: ast.Expression) -> Fraction:
        units = UNITS[metric]
        needed = ", ".join(units)
        if isinstance(node, ast.Unary):
            raise Mistake("E0603", f"{metric} is never negative, found `{node.span.text}`", node.span, help=_FORM)
        if isinstance(node, ast.Quantity) and node.unit in units:
            return node.value * units[node.unit]
        if isinstance(node, ast.Number) and metric in ("macs", "params"):
            return node.value
        if isinstance(node, ast.Quantity):
            message = f"`{node.unit}` is no unit of {metric}"
            raise Mistake("E0607", message, node.span, help=f"it is given in {needed}")
        message = f"{metric} needs a number with its unit"
        number = node.span.text if isinstance(node, ast.Number) else "8"
        raise Mistake("E0607", message, node.span, help=f"it is given in {needed}: write {number} {list(units)[1]}")


def _metric(node: ast.Expression) -> bool:
    """Whether a requirement is about a cost."""
    left = node.left if isinstance(node, ast.Binary) else node
    name = left.function if isinstance(left, ast.Call) else left
    return isinstance(name, ast.Name) and name.text in UNITS


def _conjuncts(node: ast.Expression) -> list[ast.Expression]:
    if isinstance(node, ast.Binary) and node.operator == "and":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]

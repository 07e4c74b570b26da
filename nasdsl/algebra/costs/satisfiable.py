"""Limits that nothing keeps: said in the units of their metric, with the bounds of the space."""

from __future__ import annotations

from collections.abc import Sequence

from nasdsl.algebra.costs.metrics import NS_PER_MS
from nasdsl.algebra.costs.priced import Bound, Priced
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE
from nasdsl.ir.graph import Limit


def limit_text(limit: Limit) -> str:
    """A limit as one writes it, its number in the metric's base unit.

    >>> from nasdsl.algebra.costs.limits import read_limits
    >>> [limit_text(limit) for limit in read_limits("latency(ort_cpu, threads = 2) <= 900 us and macs >= 3 M")]
    ['latency(ort_cpu, threads = 2) <= 0.9 ms', 'macs >= 3,000,000']
    """
    value = float(limit.value)
    unit = ON_DEVICE.get(limit.metric)
    number = f"{value:g} {unit}" if unit else f"{value:,.10g}"
    return f"{metric_text(limit)} {limit.relation} {number}"


def metric_text(limit: Limit) -> str:
    """What a limit is on, such as `latency(ort_cpu)`."""
    threads = f", threads = {limit.threads}" if limit.threads else ""
    return limit.metric + (f"({limit.device}{threads})" if limit.device else "")


def cost_text(metric: str, cost: int) -> str:
    """A cost in the metric's integer unit, for people.

    >>> cost_text("macs", 20466176), cost_text("latency", 8300500)
    ('20,466,176', '8.3005 ms')
    """
    return f"{cost / NS_PER_MS:.9g} {ON_DEVICE[metric]}" if metric in ON_DEVICE else f"{cost:,}"


def why_none(priced: Priced, limits: Sequence[Limit], bounds: Sequence[Bound]) -> tuple[str, str] | None:
    """Why no architecture keeps some limits, if one of them or two on one cost already see to that.

    Args:
        priced: The space.
        limits: The limits.
        bounds: The same as bounds of the space.

    Returns:
        What is wrong, and the bounds of the cost; None if each limit is kept by some architecture.
    """
    for limit, bound in zip(limits, bounds, strict=True):
        low, high = (cost_text(limit.metric, cost) for cost in priced.bounds(bound.metric))
        known = f"{metric_text(limit)} of its architectures: {low} to {high}"
        if priced.limits([bound]) is None:
            return f"no architecture of `{priced.model.space.name}` keeps `{limit_text(limit)}`", known
        for other, beside in zip(limits, bounds, strict=True):
            between = bound.metric == beside.metric and bound.relation == "<=" != beside.relation
            if between and bound.value < beside.value:
                both = f"`{limit_text(limit)}` and `{limit_text(other)}`"
                return f"nothing keeps {both} at the same time", known
    return None


def check_satisfiable(priced: Priced, limits: Sequence[Limit], bounds: Sequence[Bound]) -> None:
    """Refuse limits that no architecture keeps, see `why_none`.

    Raises:
        NasError: There are such limits.
    """
    found = why_none(priced, limits, bounds)
    if found is not None:
        raise NasError(found[0], help=found[1])

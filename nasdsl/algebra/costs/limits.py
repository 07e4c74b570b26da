"""Limits on costs: as a user writes them, `latency(ort_cpu) <= 8.3 ms and macs <= 300 M`, and as bounds of a space."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from nasdsl.algebra.costs.metrics import SCALE, parts
from nasdsl.algebra.costs.priced import Bound, Priced
from nasdsl.algebra.model.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE, UNITS
from nasdsl.ir.graph import Limit
from nasdsl.source import Source, Span

_METRIC = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\(\s*(?P<device>\w+)\s*(?:,\s*threads\s*=\s*(?P<threads>\d+)\s*)?\))?\s*"
)
_QUANTITY = re.compile(r"\s*(?P<value>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[A-Za-z]*)\s*")
_RELATION = re.compile(r"[<>]=?|[=!]=")
_METRICS = "there are macs, params, latency(DEVICE) and energy(DEVICE)"
_FORM = "write: latency(ort_cpu) <= 8.3 ms and macs <= 300 M and params <= 4 M"


def read_limits(text: str, name: str = "--under") -> tuple[Limit, ...]:
    """The limits of a text, joined by `and`, as `require` has them in a space.

    >>> [(limit.metric, limit.relation, int(limit.value)) for limit in read_limits("macs <= 300 M and params >= 5")]
    [('macs', '<=', 300000000), ('params', '>=', 5)]

    Raises:
        NasError: It is not of this form, or a metric or a unit is unknown or missing.
    """
    source = Source(name, text)
    return tuple(_limit(part, Span(source, 0, len(text))) for part in re.split(r"\band\b", text))


def _limit(text: str, span: Span) -> Limit:
    relations = _RELATION.findall(text)
    if not text.strip():
        raise _mistake("a limit is missing")
    if len(relations) != 1:
        raise _mistake(f"`{text.strip()}` is no limit on a cost: expected one comparison, found {len(relations)}")
    if relations[0] not in ("<=", ">="):
        raise _mistake(f"`{text.strip()}` compares by `{relations[0]}`: limits are <= or >=")
    cost, quantity = text.split(relations[0])
    metric, device, threads = _metric(cost)
    relation: Any = relations[0]
    return Limit(metric, device, relation, _value(metric, quantity), span, threads)


def _metric(text: str) -> tuple[Any, str | None, int | None]:
    """A metric with its device and threads."""
    found = _METRIC.fullmatch(text)
    if found is None or found["metric"] not in UNITS:
        raise NasError(f"`{text.strip()}` is no metric", help=_METRICS, status=2)
    metric, device, threads = found["metric"], found["device"], found["threads"]
    if metric in ON_DEVICE and device is None:
        raise _mistake(f"{metric} is that of a device: `{metric}` stands alone")
    if metric not in ON_DEVICE and device is not None:
        raise _mistake(f"{metric} are the same on every device: `{text.strip()}` names one")
    if threads is not None and not int(threads):
        raise _mistake("a device has at least one thread, found threads = 0")
    return metric, device, int(threads) if threads else None


def _value(metric: str, text: str) -> Fraction:
    """A quantity in the metric's base unit."""
    units, found = UNITS[metric], _QUANTITY.fullmatch(text)
    if found is None:
        raise _mistake(f"`{text.strip()}` is no quantity: expected a number of 0 or more, such as 8.3, and a unit")
    unit = found["unit"]
    if not unit and metric in ("macs", "params"):
        return Fraction(found["value"])
    if unit not in units:
        said = f"`{unit}` is no unit of {metric}" if unit else f"`{text.strip()}` has no unit"
        raise NasError(said, help=f"{metric} is given in {', '.join(units)}", status=2)
    return Fraction(found["value"]) * units[unit]


def _mistake(message: str) -> NasError:
    return NasError(message, help=_FORM, status=2)


def bounded(
    model: Model, limits: Sequence[Limit], latency_ms: Mapping[str, Mapping[str, float]]
) -> tuple[Priced, list[Bound]]:
    """A space with the metrics of some limits, and the limits as bounds on them, in integer units.

    Args:
        model: The space.
        limits: At least one.
        latency_ms: Latency in ms by signature, for each device that a limit names.

    Raises:
        NasError: A metric cannot be counted, or a table lacks an entry.
    """
    numbers: dict[tuple[str, str | None], int] = {}
    for limit in limits:
        numbers.setdefault((limit.metric, limit.device), len(numbers))
    priced = Priced(model, [parts(model.space, metric, latency_ms.get(device or "")) for metric, device in numbers])
    bounds = []
    for limit in limits:
        value = limit.value * SCALE[limit.metric]
        integer = floor(value) if limit.relation == "<=" else ceil(value)
        bounds.append(Bound(numbers[limit.metric, limit.device], limit.relation, integer))
    return priced, bounds

"""Limits on costs: as a user writes them, `latency(ort_cpu) <= 8.3 ms and macs <= 300 M`, and as bounds of a space."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from nasdsl.algebra.metrics import SCALE, parts
from nasdsl.algebra.model import Model
from nasdsl.algebra.priced import Bound, Priced
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import UNITS
from nasdsl.ir.graph import Limit
from nasdsl.source import Source, Span

_LIMIT = re.compile(
    r"\s*(?P<metric>\w+)\s*(?:\(\s*(?P<device>\w+)\s*(?:,\s*threads\s*=\s*(?P<threads>\d+)\s*)?\))?"
    r"\s*(?P<relation><=|>=)\s*(?P<value>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[A-Za-z]*)\s*"
)
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
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise NasError(f"`{text.strip()}` is no limit on a cost", help=_FORM, status=2)
    metric = found["metric"]
    if metric not in UNITS:
        raise NasError(f"`{metric}` is no metric", help=f"there are {', '.join(UNITS)}", status=2)
    if (metric == "latency") != (found["device"] is not None):
        raise NasError("latency is that of a device, the other metrics have none", help=_FORM, status=2)
    units = UNITS[metric]
    counted = metric in ("macs", "params")
    if found["unit"] not in units and not (counted and not found["unit"]):
        said = (
            f"`{found['unit']}` is no unit of {metric}" if found["unit"] else f"{metric} needs a number with its unit"
        )
        raise NasError(said, help=f"it is given in {', '.join(units)}", status=2)
    value = Fraction(found["value"]) * (units[found["unit"]] if found["unit"] else 1)
    relation: Any = found["relation"]
    name: Any = metric
    threads = int(found["threads"]) if found["threads"] else None
    return Limit(name, found["device"], relation, value, span, threads)


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

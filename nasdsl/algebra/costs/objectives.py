"""Two things wanted of architectures at once: as a user writes them, and the Pareto set of a space for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nasdsl.algebra.costs.metrics import SCALE, parts
from nasdsl.algebra.costs.pareto import ParetoFront, Sense
from nasdsl.algebra.model.model import Model
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Limit

_OBJECTIVE = re.compile(
    r"\s*(?:(?P<sense>least|most)\s+)?(?P<metric>\w+)\s*"
    r"(?:\(\s*(?P<device>\w+)\s*(?:,\s*threads\s*=\s*(?P<threads>\d+)\s*)?\))?\s*"
)
_FORM = "such as: macs, `least latency(ort_cpu)`, `most params`; without `least` or `most`, little is wanted"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric of which little or much is wanted; for latency and energy with a device and its number of threads."""

    metric: str
    sense: Sense
    device: str | None = None
    threads: int | None = None

    def __str__(self) -> str:
        threads = f", threads = {self.threads}" if self.threads else ""
        return f"{self.sense} {self.metric}" + (f"({self.device}{threads})" if self.device else "")

    @property
    def unit(self) -> str:
        """What its numbers are given in; "" for counts."""
        return ON_DEVICE.get(self.metric, "")


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """A point of a Pareto set.

    Attributes:
        costs: The two costs, in the metrics' base units (ms for latency, mJ for energy).
        architecture: One that costs that.
    """

    costs: tuple[float, float]
    architecture: Architecture


def read_objective(text: str) -> Objective:
    """An objective from text.

    >>> str(read_objective("macs")), str(read_objective("most params")), str(read_objective("latency(ort_cpu)"))
    ('least macs', 'most params', 'least latency(ort_cpu)')

    Raises:
        NasError: It is none.
    """
    found = _OBJECTIVE.fullmatch(text)
    if found is None:
        raise NasError(f"`{text.strip()}` is no metric to have least or most of", help=_FORM, status=2)
    metric, device = found["metric"], found["device"]
    if metric not in SCALE and metric != "memory":
        raise NasError(f"`{metric}` is no metric", help=f"there are {', '.join(SCALE)}", status=2)
    if metric in ON_DEVICE and device is None:
        raise NasError(f"{metric} is that of a device", help=f"write, for example, {metric}(ort_cpu)", status=2)
    if metric not in ON_DEVICE and device is not None:
        raise NasError(f"{metric} are the same on every device", help=f"write {metric} alone", status=2)
    if found["threads"] is not None and not int(found["threads"]):
        raise NasError("a device has at least one thread, found threads = 0", help=_FORM, status=2)
    sense: Sense = "most" if found["sense"] == "most" else "least"
    return Objective(metric, sense, device, int(found["threads"]) if found["threads"] else None)


class ParetoSet:
    """The Pareto set of a space for two objectives: exact, the best in the first objective first.

    Args:
        model: The space.
        objectives: Two.
        latency_ms: Latency in ms by signature, for each device that they name.
        limits: Limits on the same two costs, each on the side that the objective wants: not more of what is wanted
            least, not less of what is wanted most.

    Attributes:
        costs: For each point the two costs, in the metrics' base units.
        ends: The first and the last point if there were no limits: the best there is in either cost.

    Raises:
        NasError: See `nasdsl.algebra.costs.pareto.ParetoFront`; or a limit is of another kind.
    """

    def __init__(
        self,
        model: Model,
        objectives: Sequence[Objective],
        latency_ms: Mapping[str, Mapping[str, float]],
        limits: Sequence[Limit] = (),
    ) -> None:
        axes = [_axis(objectives, limit) for limit in limits]
        self._front = ParetoFront(
            model,
            [parts(model.space, one.metric, latency_ms.get(one.device or "")) for one in objectives],
            [one.sense for one in objectives],
        )
        scales = [SCALE[one.metric] for one in objectives]
        self._places = [
            place
            for place, point in enumerate(self._front.costs)
            if all(_keeps(limit, Fraction(point[axis], scales[axis])) for limit, axis in zip(limits, axes, strict=True))
        ]
        every = [(_in_base(a, scales[0]), _in_base(b, scales[1])) for a, b in self._front.costs]
        self.costs = [every[place] for place in self._places]
        self.ends = every[0], every[-1]

    def points(self, places: Sequence[int] | None = None) -> list[ParetoPoint]:
        """Some of the points (by default all), with their architectures."""
        places = range(len(self.costs)) if places is None else places
        architectures = self._front.architectures([self._places[place] for place in places])
        return [
            ParetoPoint(self.costs[place], architecture)
            for place, architecture in zip(places, architectures, strict=True)
        ]


def _axis(objectives: Sequence[Objective], limit: Limit) -> int:
    """The objective that a limit is on."""
    wanted = {"least": "<=", "most": ">="}
    for axis, one in enumerate(objectives):
        if (one.metric, one.device, one.threads) == (limit.metric, limit.device, limit.threads):
            if wanted[one.sense] == limit.relation:
                return axis
            raise NasError(
                f"a Pareto set with {one} can be cut off with `{wanted[one.sense]}` only, found `{limit.relation}`",
                help="beyond the other side, architectures that are beaten now would count",
                status=2,
            )
    raise NasError(
        f"a limit on {limit.metric} is none on {objectives[0]} or {objectives[1]}",
        help="a Pareto set is that of two costs; limit one of these",
        status=2,
    )


def _keeps(limit: Limit, cost: Fraction) -> bool:
    return cost <= limit.value if limit.relation == "<=" else cost >= limit.value


def _in_base(cost: int, scale: int) -> float:
    return cost if scale == 1 else cost / scale

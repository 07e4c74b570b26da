"""Temperatures: values that change with the steps of a search.

Each is `start` where no step is done and `end` where all are; before and after, it stays there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Protocol

from nasdsl.diagnostics.errors import NasError


class Schedule(Protocol):
    """A temperature that depends on how far the search is."""

    def at(self, step: int, steps: int) -> float:
        """The value when `step` of `steps` are done."""


class _Positive:
    """A softmax has no temperature of 0 or below: refuses them.

    Raises:
        NasError: A value is not a number above 0.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value > 0):
                raise NasError(
                    f"the temperature `{field.name}` of {type(self).__name__} is {value}", help="give a number above 0"
                )


@dataclass(frozen=True, slots=True)
class Constant(_Positive):
    """Always the same."""

    value: float

    def at(self, step: int, steps: int) -> float:
        """The value.

        >>> Constant(2.0).at(3, 4)
        2.0
        """
        return self.value


@dataclass(frozen=True, slots=True)
class Linear(_Positive):
    """By equal differences (GDAS: 10 to 0.1)."""

    start: float
    end: float

    def at(self, step: int, steps: int) -> float:
        """`start + (end - start) * share`.

        >>> [Linear(4.0, 1.0).at(step, 2) for step in (-1, 0, 1, 2, 3)]
        [4.0, 4.0, 2.5, 1.0, 1.0]
        """
        return self.start + (self.end - self.start) * _share(step, steps)


@dataclass(frozen=True, slots=True)
class Cosine(_Positive):
    """By half a period of a cosine: slow, fast, slow."""

    start: float
    end: float

    def at(self, step: int, steps: int) -> float:
        """`end + (start - end) * (1 + cos(pi * share)) / 2`.

        >>> [round(Cosine(4.0, 1.0).at(step, 4), 2) for step in range(5)]
        [4.0, 3.56, 2.5, 1.44, 1.0]
        """
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * _share(step, steps))) / 2


@dataclass(frozen=True, slots=True)
class Exponential(_Positive):
    """By equal factors (FBNet)."""

    start: float
    end: float

    def at(self, step: int, steps: int) -> float:
        """`start * (end / start) ** share`.

        >>> Exponential(4.0, 1.0).at(1, 2)
        2.0
        """
        return float(self.start * (self.end / self.start) ** _share(step, steps))


ONE = Constant(1.0)
"""A temperature that changes nothing."""


def _share(step: int, steps: int) -> float:
    return min(max(step / max(1, steps), 0.0), 1.0)

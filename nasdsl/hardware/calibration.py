"""From the sum of a table's latencies to that of a whole network: a scale, and what every call costs.

Robust: the two numbers minimise Huber's loss of the relative errors (Huber, *Ann. Math. Statist.* 1964), by iteratively
reweighted least squares, so that a few networks measured while the machine did something else do not move them.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

ROUNDS = 50
THRESHOLD = 1.345
"""Errors beyond so many standard deviations count linearly: 95 % as efficient as least squares where all are normal."""
LEAST_ERROR = 1e-9


class Calibration(BaseModel):
    """latency = scale * sum + overhead, fitted to whole networks.

    Attributes:
        scale: A factor.
        overhead_ms: What every call costs.
        networks: How many networks it was fitted to.
        space: Of which space they were, with its preset.
        mape: Mean absolute error on them in percent, each predicted by what the others say.
        mape_before: That of the plain sum.
        pearson: Their linear correlation, which calibration does not change.
        spearman: Their rank correlation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = Field(gt=0, allow_inf_nan=False)
    overhead_ms: float = Field(ge=0, allow_inf_nan=False)
    networks: int = Field(ge=1)
    space: str = ""
    mape: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    mape_before: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    pearson: float | None = Field(default=None, allow_inf_nan=False)
    spearman: float | None = Field(default=None, allow_inf_nan=False)

    def __str__(self) -> str:
        networks = f"{self.networks} networks{f' of {self.space}' if self.space else ''}"
        return f"calibrated on {networks} (x {self.scale:.4g} + {self.overhead_ms:.4g} ms)"


def fit(sums: Sequence[float], measured: Sequence[float]) -> tuple[float, float]:
    """The scale (> 0) and the overhead (>= 0, in ms) with which sums predict measurements best.

    Where the sums are all alike, or more than a scale would not pay, the overhead is 0.

    >>> scale, overhead = fit([1, 2, 3, 4], [1.6, 2.7, 3.8, 9.0])
    >>> round(scale, 2), round(overhead, 2)
    (1.1, 0.5)
    """
    rows = [(x / y, 1 / y) for x, y in zip(sums, measured, strict=True)]
    scale, overhead = _fit(rows, with_overhead=len(set(sums)) > 2)
    if scale <= 0 or overhead < 0:
        scale, overhead = _fit(rows, with_overhead=False)
    return scale, overhead


def _fit(rows: Sequence[tuple[float, float]], *, with_overhead: bool) -> tuple[float, float]:
    """Minimise the sum of rho(a * scale + b * overhead - 1) over rows (a, b)."""
    scale, overhead = 1 / median(a for a, _ in rows), 0.0
    for _ in range(ROUNDS):
        errors = [a * scale + b * overhead - 1 for a, b in rows]
        deviation = max(LEAST_ERROR, median(map(abs, errors)) / 0.6745)
        weights = [min(1.0, THRESHOLD * deviation / max(LEAST_ERROR, abs(e))) for e in errors]
        aa = sum(w * a * a for w, (a, _) in zip(weights, rows, strict=True))
        ab = sum(w * a * b for w, (a, b) in zip(weights, rows, strict=True))
        bb = sum(w * b * b for w, (_, b) in zip(weights, rows, strict=True))
        ya = sum(w * a for w, (a, _) in zip(weights, rows, strict=True))
        yb = sum(w * b for w, (_, b) in zip(weights, rows, strict=True))
        determinant = aa * bb - ab * ab
        if with_overhead and determinant > 1e-12 * aa * bb:
            scale, overhead = (ya * bb - yb * ab) / determinant, (yb * aa - ya * ab) / determinant
        else:
            scale, overhead = ya / aa, 0.0
    return scale, overhead

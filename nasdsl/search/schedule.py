"""Values that change with the steps."""

from __future__ import annotations

import math


def one_cycle(step: int, steps: int, warmup: float = 0.1) -> float:
    """Factor of the greatest learning rate: a linear start over a share of the steps, then half a cosine down to 0.

    >>> [round(one_cycle(i, 10), 2) for i in (0, 1, 5, 9)]
    [1.0, 1.0, 0.59, 0.03]
    """
    start = max(1, round(steps * warmup))
    if step < start:
        return (step + 1) / start
    return 0.5 * (1 + math.cos(math.pi * (step - start) / max(1, steps - start)))

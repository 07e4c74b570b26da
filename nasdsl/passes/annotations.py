"""What is said beside every operation of a space or of a network: what it takes, by a lookup table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nasdsl.ir.graph import Graph
from nasdsl.number import Number, points
from nasdsl.passes.units import units

Range = tuple[float, float]
"""Least and greatest latency, in milliseconds."""


def latency_ranges(graph: Graph, latency: Mapping[str, float]) -> dict[int, Range]:
    """By the first node of all that a table prices as one its least and greatest latency, whatever is decided.

    Args:
        graph: A space, or a network.
        latency: Latency in milliseconds by signature; what is missing is left out.

    Raises:
        NasError: The table is of another space, or an operation is an `extern`.
    """
    found: dict[int, Range] = {}
    seen: dict[tuple[str, tuple[Number, ...]], Range | None] = {}
    for kernel in units(graph, latency):
        if not kernel.nodes:
            continue
        key = (kernel.template, kernel.numbers)
        if key not in seen:
            times = [
                latency[signature]
                for point in points(kernel.symbols, graph.domain)
                if (signature := kernel.signature(point.__getitem__)) in latency
            ]
            seen[key] = (min(times), max(times)) if times else None
        mine = seen[key]
        if mine is not None:
            old = found.get(kernel.nodes[0], mine)
            found[kernel.nodes[0]] = (min(old[0], mine[0]), max(old[1], mine[1]))
    return found


def range_text(ranges: Sequence[Range]) -> str:
    """What some operations, of which one runs, take: from the least to the greatest, to three digits.

    >>> range_text([(0.1, 0.25), (0.05, 0.1)]), range_text([(1.23456, 1.2345)]), range_text([])
    ('0.05-0.25 ms', '1.23 ms', '')
    """
    if not ranges:
        return ""
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    return f"{low:.3g} ms" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g}-{high:.3g} ms"

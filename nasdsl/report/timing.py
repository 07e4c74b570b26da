"""What a space, or one of its architectures, takes by a lookup table: as a whole and operation by operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nasdsl.algebra.costs.metrics import SCALE, parts
from nasdsl.algebra.costs.priced import Priced
from nasdsl.algebra.model.model import model
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.passes.annotations import Range, latency_ranges
from nasdsl.passes.prices import missing
from nasdsl.passes.units import latency_ms, texts


@dataclass(frozen=True, slots=True)
class Timing:
    """Latencies by a lookup table, in ms.

    Attributes:
        device: Of which device, with what is to be said of the table.
        total: Of the fastest and of the slowest architecture; None where that cannot be computed.
        nodes: By node, see `nasdsl.passes.annotations`.
    """

    device: str
    total: Range | None
    nodes: Mapping[int, Range]


def timing(graph: Graph, latency: Mapping[str, float], device: str) -> Timing:
    """The latencies of a space, or of a network.

    Args:
        graph: A space, or a network that was derived from one.
        latency: Latency in milliseconds by signature.
        device: Its name.

    Raises:
        NasError: The table lacks an entry.
    """
    if graph.decided is not None:
        whole = latency_ms(graph, latency)
        return Timing(device, (whole, whole), latency_ranges(graph, latency))
    absent = [text for text in texts(graph, latency) if text not in latency]
    if absent:
        raise missing(absent, latency, "space")
    return Timing(device, _bounds(graph, latency), latency_ranges(graph, latency))


def _bounds(graph: Graph, latency: Mapping[str, float]) -> Range | None:
    try:
        low, high = Priced(model(graph), [parts(graph, "latency", latency)]).bounds()
    except NasError:  # the space is too large for that
        return None
    return low / SCALE["latency"], high / SCALE["latency"]

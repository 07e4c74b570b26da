"""Warnings about what a space requires: limits that exclude every architecture or none, rules that leave nothing.

Bounds are exact, and they are only computed where they are needed. Two small spaces come first, that with all widths
and depths at their least and that with all at their greatest: they are parts of the whole, so a limit that one of their
architectures keeps and one breaks excludes neither everything nor nothing. Only otherwise is the whole space bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations

from nasdsl.algebra.costs.metrics import SCALE, parts
from nasdsl.algebra.costs.priced import Priced
from nasdsl.algebra.costs.satisfiable import cost_text, limit_text, metric_text
from nasdsl.algebra.elimination.elimination import eliminate, elimination_order, tables
from nasdsl.algebra.elimination.semiring import EXISTS
from nasdsl.algebra.model.model import model
from nasdsl.diagnostics.diagnostic import Diagnostic, Label
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE
from nasdsl.ir.graph import Graph, Kind, Limit

Latencies = Mapping[tuple[str, int], Mapping[str, float]]
"""Latency in ms by signature, for a device and its number of threads."""


def lint_requirements(graphs: Mapping[str, Graph], latency_ms: Latencies) -> list[Diagnostic]:
    """The warnings about the requirements of a space without mistakes, in the order of the text.

    Args:
        graphs: The graph under each preset; "" is the space as it stands.
        latency_ms: The lookup tables there are. Limits on other devices are not looked at, and neither are those of
            which a table does not know every part.
    """
    found: list[Diagnostic] = []
    for preset, graph in graphs.items():
        if graph.rules and _is_empty(graph):
            if not any(warning.code == "W0604" for warning in found):
                found.append(_empty(preset, graph))
        else:
            found += [warning for warning in _contradictions(graph) if warning not in found]
    if not found:
        found = list(_limits(graphs, latency_ms))
    return sorted(found, key=lambda warning: (warning.span.start, warning.code))


def _warning(code: str, message: str, limit: Limit, hint: str, note: str, labels: tuple[Label, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, limit.span, note, labels, hint, "warning")


def _under(preset: str) -> str:
    return f" under the preset `{preset}`" if preset else ""


def _is_empty(graph: Graph) -> bool:
    """Whether the rules of a space leave no architecture; no if that cannot be found out."""
    try:
        factors = model(graph).graph
        return not eliminate(tables(factors, EXISTS), elimination_order(factors), EXISTS, keep=False).total
    except NasError:
        return False


def _empty(preset: str, graph: Graph) -> Diagnostic:
    *others, last = (rule.span for rule in graph.rules)
    message = f"the rules leave no architecture{_under(preset)}"
    labels = tuple(Label(span, "a rule") for span in others)
    hint = "let a rule forbid less: no values of the decisions keep all of them"
    return Diagnostic(
        "W0604",
        message,
        last,
        "no architecture keeps this and the other rules" if others else "no architecture keeps this",
        labels,
        hint,
        "warning",
    )


def _contradictions(graph: Graph) -> Iterator[Diagnostic]:
    """Limits on one cost that leave no number between them."""
    for one, other in combinations(graph.limits, 2):
        if metric_text(one) != metric_text(other) or one.relation == other.relation:
            continue
        most, least = (one, other) if one.relation == "<=" else (other, one)
        if most.value < least.value:
            message = f"nothing keeps `{limit_text(one)}` and `{limit_text(other)}` at the same time"
            labels = (Label(one.span, "and this"),)
            yield _warning("W0602", message, other, "loosen one of them, or remove it", "this", labels)


def _limits(graphs: Mapping[str, Graph], latency_ms: Latencies) -> Iterator[Diagnostic]:
    reaches: dict[tuple[str, str], _Reach] = {}
    for limit, presets in _by_limit(graphs):
        table = latency_ms.get((limit.device or "", limit.threads or 1))
        if limit.metric not in SCALE or (limit.metric in ON_DEVICE and table is None):
            continue
        own = [
            reaches.setdefault((preset, metric_text(limit)), _Reach(graphs[preset], limit.metric, table))
            for preset in presets
        ]
        try:
            yield from _judged(limit, presets, own)
        except NasError:
            continue  # The table lacks an entry, or the space is too large: nothing is known.


def _by_limit(graphs: Mapping[str, Graph]) -> list[tuple[Limit, list[str]]]:
    """Every limit of the text with the presets under which it holds."""
    found: dict[tuple[int, str], tuple[Limit, list[str]]] = {}
    for preset, graph in graphs.items():
        for limit in graph.limits:
            found.setdefault((limit.span.start, limit_text(limit)), (limit, []))[1].append(preset)
    return list(found.values())


def _judged(limit: Limit, presets: Sequence[str], reaches: Sequence[_Reach]) -> Iterator[Diagnostic]:
    name, least = metric_text(limit), limit.relation == "<="
    for preset, reach in zip(presets, reaches, strict=True):
        if not reach.has(limit, keeps=True):
            known = cost_text(limit.metric, reach.bounds[0 if least else 1])
            message = f"no architecture{_under(preset)} keeps `{limit_text(limit)}`"
            note = f"the {'least' if least else 'greatest'} {name} is {known}"
            yield _warning("W0602", message, limit, f"loosen it to {name} {limit.relation} {known}", note)
            return
    if not any(reach.has(limit, keeps=False) for reach in reaches):
        known = cost_text(limit.metric, reaches[0].bounds[1 if least else 0])
        message = f"every architecture keeps `{limit_text(limit)}`: it excludes nothing"
        note = f"the {'greatest' if least else 'least'} {name} is {known}"
        yield _warning("W0603", message, limit, "tighten it, or remove it", note)


class _Reach:
    """What the architectures of a space cost.

    Args:
        graph: The space.
        metric: In this metric.
        table: For latency and energy: in ms by signature.
    """

    def __init__(self, graph: Graph, metric: str, table: Mapping[str, float] | None) -> None:
        self._graph, self._metric, self._table = graph, metric, table

    def has(self, limit: Limit, *, keeps: bool) -> bool:
        """Whether there is an architecture that keeps a limit, or one that breaks it.

        Raises:
            NasError: This cannot be found out.
        """
        cheap = (limit.relation == "<=") == keeps
        known = self._cheap if cheap else self._dear
        if known is not None and self._keeps(limit, known) == keeps:
            return True
        return self._keeps(limit, self.bounds[0 if cheap else 1]) == keeps

    def _keeps(self, limit: Limit, cost: int) -> bool:
        value = limit.value * SCALE[self._metric]
        return cost <= value if limit.relation == "<=" else cost >= value

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The cheapest and the dearest."""
        return self._bounds(self._graph)

    @cached_property
    def _cheap(self) -> int | None:
        """What some architecture costs, likely the cheapest."""
        return self._narrow(0)

    @cached_property
    def _dear(self) -> int | None:
        """What some architecture costs, likely the dearest."""
        return self._narrow(-1)

    def _narrow(self, end: int) -> int | None:
        """A bound of the space with all widths and depths at one end; None if its rules leave nothing of that."""
        decisions = {
            path: replace(d, domain=(d.real[end],), soft=frozenset()) if d.kind in (Kind.WIDTH, Kind.DEPTH) else d
            for path, d in self._graph.decisions.items()
        }
        try:
            return self._bounds(replace(self._graph, decisions=decisions))[end]
        except NasError:
            if self._graph.rules:
                return None
            raise

    def _bounds(self, graph: Graph) -> tuple[int, int]:
        return Priced(model(graph), [parts(graph, self._metric, self._table)]).bounds()

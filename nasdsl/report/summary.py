"""A space, or one of its architectures, as plain data: what `nasdsl show --format json` prints.

Keys (stable; new ones may be added):

| key | holds |
|---|---|
| `space`, `preset` | names; `preset` is "" for none |
| `parameters` | {name: value}; fractions as text |
| `inputs`, `tasks` | names and types; of tasks loss, metrics, weight, `aux` |
| `predictions` | what is made of several tasks: name, tasks, metrics |
| `decisions` | path, kind, domain, `soft`, `count` of picks, `grid` and `end` of routes; with an architecture `value` |
| `patterns` | decisions that look alike: path with `*`, kind, how many, what they choose from |
| `grids` | source, cells, links |
| `requires` | limits and rules as text |
| `sizes` | `params` and `macs` as [low, high] (see `nasdsl.report.sizes`); null where costs are not known |
| `architecture` | hash, params, macs of the network; null for a space |
| `latency` | by a lookup table: `device`, and `ms` as [low, high] over all architectures; null without one |
| `scopes`, `nodes` | the graph: of the space, or of the architecture's network; with a table also `latency_ms` |
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Decision, Graph, Kind, Limit, Task, Term
from nasdsl.ir.text import rule_text
from nasdsl.number import Number
from nasdsl.passes.derive import derive
from nasdsl.passes.kernels import costs
from nasdsl.report.patterns import domains_words, patterns
from nasdsl.report.sizes import sizes
from nasdsl.report.timing import Timing, timing


def summary(
    graph: Graph,
    architecture: Architecture | None = None,
    *,
    latency: Mapping[str, float] | None = None,
    device: str = "",
) -> dict[str, Any]:
    """All about a space, or about one architecture of it.

    Args:
        graph: The space.
        architecture: One of its architectures.
        latency: Latency in milliseconds by signature, to say what operations take.
        device: Whose.

    Raises:
        NasError: The architecture is none of this space, or the table lacks an entry.
    """
    network = derive(graph, architecture) if architecture is not None else graph
    values = architecture.decisions if architecture is not None else {}
    timed = timing(network, latency, device) if latency is not None else None
    live = [d for d in graph.decisions.values() if architecture is None or d.path in values]
    return {
        "space": graph.name,
        "preset": graph.preset,
        "parameters": {name: _plain(value) for name, value in graph.params.items()},
        "inputs": [{"name": node.name, "type": str(node.type)} for node in graph.inputs()],
        "tasks": [_task(network, task) for task in network.tasks],
        "predictions": [
            {"name": p.name, "tasks": list(p.tasks), "metrics": [t.name for t in p.metrics]} for p in graph.predictions
        ],
        "decisions": [_decision(d) | ({"value": _plain(values[d.path])} if d.path in values else {}) for d in live],
        "patterns": [
            {"path": p.path, "kind": p.kind.value, "count": len(p.decisions), "domain": domains_words(p)}
            for p in patterns(live)
        ],
        "grids": {
            path: {
                "source": list(grid.source),
                "cells": [list(cell) for cell in grid.cells],
                "links": [[list(link.source), list(link.target)] for link in grid.links],
            }
            for path, grid in graph.grids.items()
        },
        "requires": [*map(limit_text, graph.limits), *map(rule_text, graph.rules)],
        "sizes": _sizes(graph),
        "architecture": _architecture(network, architecture),
        "scopes": [{"name": s.name, "block": s.block, "parent": s.parent} for s in network.scopes],
        "latency": {"device": device, "ms": list(timed.total) if timed.total else None} if timed else None,
        "nodes": [_node(network, i, timed) for i in range(len(network.nodes))],
    }


def limit_text(limit: Limit) -> str:
    """A limit as it stands in a space: `latency(ort_cpu) <= 4.5 ms`."""
    threads = f", threads = {limit.threads}" if limit.threads is not None else ""
    device = f"({limit.device}{threads})" if limit.device else ""
    unit = {"latency": " ms", "energy": " mJ", "memory": " bytes"}.get(limit.metric)
    value = count_text(limit.value) if unit is None else f"{float(limit.value):.10g}{unit}"
    return f"{limit.metric}{device} {limit.relation} {value}"


def count_text(value: int | Fraction) -> str:
    """A large number in K, M or G, to four digits.

    >>> count_text(146_509_135_872), count_text(350_586), count_text(4_000_000)
    ('146.5 G', '350.6 K', '4 M')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("K", 10**3)):
        if value >= size:
            return f"{float(value / size):.4g} {unit}"
    return f"{float(value):.4g}"


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction | Number):
        constant = value if isinstance(value, Fraction) else value.constant
        return int(constant) if constant is not None and constant.denominator == 1 else str(value)
    return value


def _task(graph: Graph, task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "type": str(graph.nodes[task.output].type),
        "loss": term_text(task.loss),
        "metrics": [term_text(metric) for metric in task.metrics],
        "weight": _plain(task.weight),
        "aux": task.aux,
    }


def term_text(term: Term) -> str:
    """A loss or metric with its arguments."""
    arguments = ", ".join(f"{name} = {value}" for name, value in term.args.items())
    return f"{term.name}({arguments})" if arguments else term.name


def _decision(decision: Decision) -> dict[str, Any]:
    found: dict[str, Any] = {"path": decision.path, "kind": decision.kind.value, "domain": list(decision.domain)}
    if decision.soft:
        found["soft"] = [v for v in decision.domain if v in decision.soft]
    if decision.kind is Kind.PICK:
        found["count"] = decision.count
    if decision.kind is Kind.ROUTE:
        found |= {"grid": decision.grid, "end": list(decision.end)}
    return found


def _sizes(graph: Graph) -> dict[str, list[int]] | None:
    try:
        found = sizes(graph)
    except NasError:
        return None
    return {"params": list(found.params), "macs": list(found.macs)}


def _architecture(network: Graph, architecture: Architecture | None) -> dict[str, Any] | None:
    if architecture is None:
        return None
    try:
        found = costs(network)
    except NasError:
        return {"hash": architecture.hash, "params": None, "macs": None}
    return {"hash": architecture.hash, "params": found.params, "macs": found.macs}


def _node(graph: Graph, index: int, timed: Timing | None) -> dict[str, Any]:
    node = graph.nodes[index]
    own = timed.nodes.get(index) if timed is not None else None
    return {
        "id": index,
        "op": node.op,
        "name": node.name,
        "scope": node.scope,
        "type": str(node.type),
        "attributes": {name: _plain(value) for name, value in node.attrs.items()},
        "inputs": [{"node": i.node} | _condition(i.when) for i in node.inputs],
    } | ({"latency_ms": list(own)} if own else {})


def _condition(atom: Any) -> dict[str, Any]:
    return {} if atom is None else {"when": {"decision": atom.decision, "value": _plain(atom.value)}}

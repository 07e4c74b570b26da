"""A space, or one of its architectures, as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.report.diagram import Look
from nasdsl.report.diagram_builder import DiagramBuilder
from nasdsl.report.patterns import domain_words, patterns, value_words
from nasdsl.report.reading import Reading
from nasdsl.report.registry import Registry
from nasdsl.report.summary import count_text, summary

MARGIN, PAGE = 13, 120


def text(
    graph: Graph,
    architecture: Architecture | None = None,
    *,
    every: bool = False,
    latency: Mapping[str, float] | None = None,
    device: str = "",
) -> str:
    """The summary as text.

    Args:
        graph: The space.
        architecture: One of its architectures, to describe that.
        every: A line for each decision, where else those that look alike share one.
        latency: Latency in milliseconds by signature, to say what the whole takes.
        device: Whose.

    Raises:
        NasError: The architecture is none of this space, or the table lacks an entry.
    """
    data = summary(graph, architecture, latency=latency, device=device)
    lines = [f"space {data['space']}" + (f", preset {data['preset']}" if data["preset"] else "")]
    lines += _facts(data)
    structure = " > ".join(_structure(graph, architecture))
    lines += _row("structure", *textwrap.wrap(structure, PAGE - MARGIN, break_long_words=False))
    lines += _decisions(graph, architecture, data, every)
    lines += _row("sizes", _sizes(data))
    lines += _row("latency", *([_latency(data["latency"])] if data["latency"] else []))
    return "\n".join(lines) + "\n"


def _row(head: str, *values: str) -> list[str]:
    return [f"{head if i == 0 else '':{MARGIN}}{value}".rstrip() for i, value in enumerate(values)]


def _facts(data: dict[str, Any]) -> Iterator[str]:
    if data["architecture"]:
        yield from _row("architecture", data["architecture"]["hash"])
    if data["parameters"]:
        pairs = (f"{name} = {_set(value)}" for name, value in data["parameters"].items())
        yield from _row("parameters", ", ".join(pairs))
    yield from _row("input", *(f"{i['name']}: {i['type']}" for i in data["inputs"]))
    yield from _row("tasks", *map(_task, data["tasks"]))
    made = [f"{p['name']} of {', '.join(p['tasks'])}; {', '.join(p['metrics'])}" for p in data["predictions"]]
    yield from _row("predictions", *made)
    yield from _row("requires", *data["requires"])
    grids = [
        f"{path}: {len(grid['cells'])} cells, {len(grid['links'])} links, from {grid['source']}"
        for path, grid in data["grids"].items()
    ]
    yield from _row("grids", *grids)


def _set(value: Any) -> str:
    return "{" + ", ".join(map(_set, value)) + "}" if isinstance(value, list) else str(value)


def _task(task: dict[str, Any]) -> str:
    words = [f"loss {task['loss']}", *(f"metric {metric}" for metric in task["metrics"])]
    words += [f"weight {task['weight']}"] if task["weight"] != 1 else []
    return f"{task['name']}: {task['type']}; {', '.join(words)}" + ("; training only" if task["aux"] else "")


def _structure(graph: Graph, architecture: Architecture | None) -> Iterator[str]:
    """The vertices of the whole network's picture, in order; equal ones that follow one another as one."""
    diagram = DiagramBuilder(Registry(Reading(graph, architecture)), 0).build()
    shown = (v for v in diagram.vertices if v.look not in (Look.EXIT, Look.TASK))
    words = (v.lines if v.look is Look.HEADED else (v.label, *v.lines) for v in shown)
    for word, equal in groupby(word for line in words for word in line):
        count = len(list(equal))
        yield f"{word} × {count}" if count > 1 else word


def _decisions(graph: Graph, architecture: Architecture | None, data: dict[str, Any], every: bool) -> list[str]:
    kinds: dict[str, int] = {}
    for decision in data["decisions"]:
        kinds[decision["kind"]] = kinds.get(decision["kind"], 0) + 1
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    lines = _row("decisions", f"{len(data['decisions'])}: {counts}" if kinds else "none")
    if architecture is not None:
        return lines + [f"  {path} = {value_words(value)}" for path, value in architecture.decisions.items()]
    if every:
        return lines + [f"  {d.kind.value:6} {d.path}: {domain_words(d)}" for d in graph.decisions.values()]
    found = patterns(graph.decisions.values())
    width = max((len(p.path) for p in found), default=0) + 1
    for pattern, row in zip(found, data["patterns"], strict=True):
        times = f"{len(pattern.decisions)} x " if len(pattern.decisions) > 1 else ""
        lines.append(f"  {row['kind']:6} {pattern.path + ':':{width}} {times}{row['domain']}")
    return lines


def _sizes(data: dict[str, Any]) -> str:
    found = data["architecture"] or data["sizes"]
    if found is None or found["params"] is None:
        return "not known: the cost of an operation is not"
    if data["architecture"]:
        return f"{count_text(found['params'])} parameters, {count_text(found['macs'])} MACs"
    (few, many), (little, much) = (map(count_text, found[metric]) for metric in ("params", "macs"))
    if (few, little) == (many, much):
        return f"{many} parameters, {much} MACs"
    return f"from about {few} to {many} parameters, and {little} to {much} MACs"


def _latency(found: dict[str, Any]) -> str:
    if found["ms"] is None:
        return f"not known on {found['device']}: the space is too large for its bounds"
    low, high = (f"{ms:.3f}" for ms in found["ms"])
    return f"{low} ms on {found['device']}" if low == high else f"from {low} to {high} ms on {found['device']}"

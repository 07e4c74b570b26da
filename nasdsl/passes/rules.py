"""Rules of a space: which values of its decisions go together in an architecture."""

from __future__ import annotations

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import AtMost, Graph, Relation


def broken_rule(graph: Graph, architecture: Architecture) -> str | None:
    """What is wrong with an architecture that breaks a rule of its space, with the rule's place; None if none does.

    The architecture has values for its live decisions only (see `nasdsl.passes.derive.canonical`).
    """
    for rule in graph.rules:
        found = _exceeded(rule, architecture) if isinstance(rule, AtMost) else _unrelated(rule, architecture)
        if found is not None:
            return f"the rule `{' '.join(rule.span.text.split())}` ({rule.span}) does not hold: {found}"
    return None


def _exceeded(rule: AtMost, architecture: Architecture) -> str | None:
    having = [path for path in rule.decisions if architecture.decisions.get(path) in rule.values]
    if len(having) <= rule.count:
        return None
    values = " or ".join(str(value) for value in sorted(rule.values, key=str))
    return f"{len(having)} decisions are {values} ({', '.join(having)}), at most {rule.count} may"


def _unrelated(rule: Relation, architecture: Architecture) -> str | None:
    if any(path not in architecture.decisions for path in rule.decisions):
        return None
    values = tuple(architecture.decisions[path] for path in rule.decisions)
    if values in rule.allowed:
        return None
    return "found " + ", ".join(f"{path} = {value}" for path, value in zip(rule.decisions, values, strict=True))

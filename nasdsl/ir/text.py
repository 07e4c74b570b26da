"""The text form of a graph, for people and for golden tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nasdsl.ir.graph import AtMost, Decision, Graph, Kind, Limit, Node, Relation
from nasdsl.number import Number

MOST_ROWS = 12
"""How many of the allowed combinations of a rule are shown."""


def dump(graph: Graph, notes: Mapping[int, str] | None = None) -> str:
    """The whole graph as text: decisions, then nodes in order, indented by their scopes; behind some nodes a note."""
    lines = [f"space {graph.name}" + (f" preset {graph.preset}" if graph.preset else "")]
    lines += [f"  param {name} = {_value(value)}" for name, value in graph.params.items()]
    lines += [f"  {_decision(decision)}" for decision in graph.decisions.values()]
    for name, cases in graph.cases.items():
        lines.append(f"  number {name} by cell of {cases.cases[0][0].decision}")
    lines += _nodes(graph, notes or {})
    for task in graph.tasks:
        lines.append(f"  {'aux ' if task.aux else ''}task {task.name} = %{task.output} loss {task.loss.name}")
    for made in graph.predictions:
        metrics = "".join(f" metric {metric.name}" for metric in made.metrics)
        lines.append(f"  predict {made.name}({', '.join(made.tasks)}){metrics}")
    lines += [f"  require {_limit(limit)}" for limit in graph.limits]
    lines += [f"  require {rule_text(rule)}" for rule in graph.rules]
    return "\n".join(lines) + "\n"


def rule_text(rule: AtMost | Relation) -> str:
    """A rule in words."""
    if isinstance(rule, AtMost):
        values = ", ".join(sorted(map(str, rule.values)))
        return f"at most {rule.count} of {', '.join(rule.decisions)} in {{{values}}}"
    rows = sorted(rule.allowed, key=lambda row: [(isinstance(v, str), v) for v in row])
    shown = [f"({', '.join(map(str, row))})" for row in rows[:MOST_ROWS]]
    more = [f"and {len(rows) - MOST_ROWS} more"] if len(rows) > MOST_ROWS else []
    return f"({', '.join(rule.decisions)}) in {{{', '.join([*shown, *more])}}}"


def _limit(limit: Limit) -> str:
    threads = f", threads = {limit.threads}" if limit.threads is not None else ""
    device = f"({limit.device}{threads})" if limit.device else ""
    return f"{limit.metric}{device} {limit.relation} {limit.value}"


def _decision(decision: Decision) -> str:
    if decision.kind is Kind.ROUTE:
        return f"route {decision.path} through {decision.grid} to {list(decision.end)}"
    members = ", ".join(("soft " if m in decision.soft else "") + str(m) for m in decision.domain)
    count = f"{decision.count} of " if decision.count else ""
    return f"{decision.kind.value} {decision.path} in {count}{{{members}}}"


def _nodes(graph: Graph, notes: Mapping[int, str]) -> Iterator[str]:
    open_scopes: list[int] = []
    for node in graph.nodes:
        chain = _chain(graph, node.scope)
        common = 0
        while common < min(len(chain), len(open_scopes)) and chain[common] == open_scopes[common]:
            common += 1
        for depth in range(common, len(chain)):
            scope = graph.scopes[chain[depth]]
            weights = f" weights {scope.weights}" if scope.weights else ""
            yield f"{'  ' * (depth + 1)}{scope.name}: {scope.block}{weights}"
        open_scopes = chain
        note = f"  // {notes[node.id]}" if node.id in notes else ""
        yield f"{'  ' * (len(chain) + 1)}{_node(node)}{note}"


def _chain(graph: Graph, scope: int) -> list[int]:
    chain: list[int] = []
    current: int | None = scope
    while current:
        chain.append(current)
        current = graph.scopes[current].parent
    return chain[::-1]


def _node(node: Node) -> str:
    reads = ", ".join(f"%{i.node}" + (f" when {i.when.value}" if i.when else "") for i in node.inputs)
    attrs = "".join(f", {name} = {_value(value)}" for name, value in node.attrs.items())
    return f"%{node.id} = {node.op}({reads}{attrs}): {node.type}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "{" + ", ".join(map(_value, value)) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, Number) else f"{value}"

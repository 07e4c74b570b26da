"""The verifier: what must be true of every graph. Passes may rely on it; tests run it after each of them."""

from __future__ import annotations

from nasdsl.ir.graph import Atom, Graph, Kind, Node
from nasdsl.ops.catalogue import OPERATIONS, SELECTING
from nasdsl.ops.operation import type_of


class BrokenGraph(Exception):
    """A graph that no elaboration or pass may make: a mistake in nasdsl, not in a .nas file."""


def verify(graph: Graph) -> Graph:
    """Check a graph and return it.

    Raises:
        BrokenGraph: Something that must hold does not; the message says what and where.
    """
    _verify_scopes(graph)
    names: set[tuple[int, str]] = set()
    for index, node in enumerate(graph.nodes):
        _require(node.id == index, node, "its id is not its place")
        _require(all(i.node < index for i in node.inputs), node, "it reads a node that comes later")
        _require(0 <= node.scope < len(graph.scopes), node, "its scope does not exist")
        _require((node.scope, node.name) not in names, node, f"its name `{node.name}` is taken in its scope")
        names.add((node.scope, node.name))
        for i in node.inputs:
            if i.when is not None:
                _verify_condition(graph, node, i.when)
        if node.op == "mix":
            _verify_mix(graph, node)
        elif node.op in OPERATIONS:
            picks = {i.when.decision for i in node.inputs if i.when is not None}
            _require(len(picks) < 2, node, "its inputs depend on more than one pick")
        _verify_type(graph, node)
    for task in graph.tasks:
        if not 0 <= task.output < len(graph.nodes):
            raise BrokenGraph(f"task {task.name}: its output does not exist")
    _verify_grids(graph)
    return graph


def _require(holds: bool, node: Node, message: str) -> None:
    if not holds:
        raise BrokenGraph(f"node {node.id} ({node.op}, {node.span}): {message}")


def _verify_scopes(graph: Graph) -> None:
    names: set[tuple[int | None, str]] = set()
    for index, scope in enumerate(graph.scopes):
        if scope.id != index or (scope.parent is None) != (index == 0) or (scope.parent or 0) > index:
            raise BrokenGraph(f"scope {index} ({scope.name}) is out of order")
        if (scope.parent, scope.name) in names:
            raise BrokenGraph(f"scope {index}: the name `{scope.name}` is taken in its parent")
        names.add((scope.parent, scope.name))


def _verify_condition(graph: Graph, node: Node, atom: Atom) -> None:
    if node.op == "join":
        links = {(link.source, link.target) for link in graph.grids[atom.decision].links}
        _require(atom.value in links, node, f"{atom} is no link")
        return
    _require(atom.decision in graph.decisions, node, f"{atom} is about no decision")
    decision = graph.decisions[atom.decision]
    kinds = {"mix": (Kind.CHOOSE, Kind.DEPTH), "route_last": (Kind.ROUTE,)}
    _require(decision.kind in kinds.get(node.op, (Kind.PICK,)), node, f"{atom} is about a {decision.kind.value}")
    if decision.kind is Kind.ROUTE:
        _require(atom.value in graph.grids[decision.grid].cells, node, f"{atom} is about no cell")
    else:
        _require(atom.value in decision.domain, node, f"{atom} is outside the domain")


def _verify_mix(graph: Graph, node: Node) -> None:
    atoms = [i.when for i in node.inputs if i.when is not None]
    decisions = {atom.decision for atom in atoms}
    _require(len(atoms) == len(node.inputs) and len(decisions) == 1, node, "it mixes by more than one decision")
    domain = graph.decisions[decisions.pop()].domain
    _require([atom.value for atom in atoms] == list(domain), node, "its inputs are not one for each value in order")


def _verify_type(graph: Graph, node: Node) -> None:
    types = [graph.nodes[i.node].type for i in node.inputs]
    if node.op in ("input", "extern"):
        return
    if node.op in SELECTING:
        _require(len(types) > 0, node, "it selects from nothing")
        _require(all(t.size == node.type.size for t in types), node, "it selects among different sizes")
        if node.op != "route_last":
            _require(all(t.channels == node.type.channels for t in types), node, "it selects among different channels")
        return
    _require(node.op in OPERATIONS, node, "no such operation")
    expected = type_of(OPERATIONS[node.op], types, node.attrs, graph.domain)
    _require(expected.size == node.type.size and expected.rate == node.type.rate, node, f"its type is {node.type}")
    if all(i.when is None for i in node.inputs):
        _require(expected.channels == node.type.channels, node, f"it has {node.type}, the rule says {expected}")


def _verify_grids(graph: Graph) -> None:
    for path, grid in graph.grids.items():
        for cell, join in grid.cells.items():
            node = graph.nodes[join]
            _require(node.op == "join" and graph.scopes[node.scope].cell == (path, cell), node, f"it is no cell {cell}")
            reads = [i.node for i in node.inputs if i.when is not None]
            _require(reads == [link.node for link in grid.into(cell)], node, "its inputs are not the links into it")

"""Calls of a shared block of which different maps are used: no module serves all of them, since what one call needs
another leaves out. Each is a module of its own, which is given what the calls share piece by piece.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Set
from dataclasses import replace

from nasdsl.ir.graph import Graph, Node, Scope
from nasdsl.passes.shared import Sharing


def calls_apart(graph: Graph, sharing: Sharing, stateful: Set[int]) -> set[int]:
    """The instances of shared blocks, and those within them, that do not use the same parts as the others.

    Args:
        graph: A space or a network.
        sharing: Which of its instances share their weights.
        stateful: The nodes that have modules.
    """
    alike: dict[int, list[int]] = {}
    for scope, first in enumerate(sharing.scopes):
        alike.setdefault(first, []).append(scope)
    shared = {scope for scopes in alike.values() if len(scopes) > 1 for scope in scopes}
    if not shared:
        return set()
    parts: dict[int, set[Hashable]] = {scope: set() for scope in shared}
    for node in graph.nodes:
        for scope, path in _around(graph, node):
            if scope in shared and node.id in stateful:
                parts[scope].add(path)
    for source, reader in _reads(graph):
        inside = {scope for scope, _ in _around(graph, graph.nodes[reader])} if reader is not None else set()
        for scope, path in _around(graph, graph.nodes[source]):
            if scope in shared and scope not in inside:
                parts[scope].add(("result", path))
    unlike = [scopes for scopes in alike.values() if any(parts.get(s) != parts.get(scopes[0]) for s in scopes)]
    return {scope for scopes in unlike for scope in scopes}


def _reads(graph: Graph) -> Iterator[tuple[int, int | None]]:
    """Every map that is read, with what reads it; None: a task."""
    for node in graph.nodes:
        for item in node.inputs:
            yield item.node, node.id
    for task in graph.tasks:
        yield task.output, None


def _around(graph: Graph, node: Node) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The scopes around a node, from the inside out, each with the names that lead from it to the node."""
    path: tuple[str, ...] = (node.name,)
    scope: Scope | None = graph.scopes[node.scope]
    while scope is not None:
        yield scope.id, path
        path = (scope.name, *path)
        scope = graph.scopes[scope.parent] if scope.parent is not None else None


def with_scopes_of_their_own(graph: Graph, nodes: Set[int]) -> Graph:
    """The graph with a scope around each of some nodes, called like it; ids stay."""
    scopes, found = list(graph.scopes), list(graph.nodes)
    for number in sorted(nodes):
        node = found[number]
        above = graph.scopes[node.scope]
        scopes.append(Scope(len(scopes), above.id, node.name, node.op, node.span, above.path, above.cell))
        found[number] = replace(node, scope=scopes[-1].id)
    return replace(graph, nodes=tuple(found), scopes=tuple(scopes))

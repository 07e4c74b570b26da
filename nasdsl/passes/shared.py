"""Which nodes hold the same weights: those at the same place in the instances of a shared block.

The places are known by the names of nodes and scopes, so the answer holds in spaces and in the networks derived from
them, where instances, and parts of them, may be missing.
"""

from __future__ import annotations

from nasdsl.ir.graph import Graph


class Sharing:
    """The first instances of shared blocks, which stand for all others; only instances that have nodes count.

    Attributes:
        scopes: For each scope the first one that shares its weights; itself outside of shared blocks.
        nodes: The same for nodes.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first: dict[str, int] = {}
        self._named: dict[tuple[int | None, str], int] = {}
        for scope in sorted(_with_nodes(graph)):
            me = graph.scopes[scope]
            self._named[me.parent, me.name] = scope
            if me.weights:
                self._first.setdefault(me.weights, scope)
        self.scopes: list[int] = []
        for me in graph.scopes:
            self.scopes.append(self._first_of(me.id))
        named = {(node.scope, node.name): node.id for node in graph.nodes}
        self.nodes = [named.get((self.scopes[node.scope], node.name), node.id) for node in graph.nodes]

    def _first_of(self, scope: int) -> int:
        me = self._graph.scopes[scope]
        if me.parent is None:
            return scope
        found = self._named.get((self.scopes[me.parent], me.name), scope)
        first = self._first.get(self._graph.scopes[found].weights, found)
        return self.scopes[first] if first < scope else first


def _with_nodes(graph: Graph) -> set[int]:
    """The scopes that have nodes, their own or those of scopes within them."""
    found: set[int] = set()
    for node in graph.nodes:
        scope: int | None = node.scope
        while scope is not None and scope not in found:
            found.add(scope)
            scope = graph.scopes[scope].parent
    return found

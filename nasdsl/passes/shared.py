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
        nodes: The same for nodes; the first that is there may lie in a scope that is not the first.
    """

    def __init__(self, graph: Graph) -> None:
        there = scopes_with_nodes(graph)
        places: dict[tuple[int, str], int] = {}
        first: dict[int, int] = {}
        place_of: list[int] = []
        self.scopes: list[int] = []
        for scope in graph.scopes:
            above = place_of[scope.parent] if scope.parent is not None else -1
            # The instances of a shared block are one place, wherever they are called.
            name = (-2, scope.weights) if scope.weights else (above, scope.name)
            place_of.append(places.setdefault(name, len(places)))
            self.scopes.append(first.setdefault(place_of[-1], scope.id) if scope.id in there else scope.id)
        named: dict[tuple[int, str], int] = {}
        self.nodes = [named.setdefault((place_of[node.scope], node.name), node.id) for node in graph.nodes]


def scopes_with_nodes(graph: Graph) -> set[int]:
    """The scopes that have nodes, their own or those of scopes within them."""
    found: set[int] = set()
    for node in graph.nodes:
        scope: int | None = node.scope
        while scope is not None and scope not in found:
            found.add(scope)
            scope = graph.scopes[scope].parent
    return found

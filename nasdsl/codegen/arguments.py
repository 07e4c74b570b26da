"""The calls of a shared block as calls of one function: what one of them is given twice and another is not is made two
arguments of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nasdsl.ir.graph import Graph, Input, Node
from nasdsl.passes.module_paths import ModuleTree

Slot = tuple[tuple[str, ...], int]
"""Where a map is read: the names of scopes and node from the call inwards, and the place among the node's inputs."""


def with_separate_arguments(graph: Graph) -> Graph:
    """The graph with an `identity` wherever calls of a shared block differ in which of their maps are the same.

    The new nodes stand at the end, behind those that read them; all others keep their ids.
    """
    calls: dict[str, list[int]] = {}
    for scope in graph.scopes:
        if scope.weights:
            calls.setdefault(scope.weights, []).append(scope.id)
    shared = sorted((scopes for scopes in calls.values() if len(scopes) > 1), key=lambda scopes: _depth(graph, scopes))
    if not shared:
        return graph
    tree = ModuleTree(graph)
    nodes = list(graph.nodes)
    for scopes in shared:
        reads = {scope: found for scope in scopes if (found := _reads(graph, nodes, scope))}
        slots = [slot for slot in next(iter(reads.values()), {}) if all(slot in found for found in reads.values())]
        maps = {slot: tuple(nodes[found[slot]].inputs[slot[1]].node for found in reads.values()) for slot in slots}
        for place, (call, found) in enumerate(reads.items()):
            _separate(graph, tree, nodes, call, [(found[slot], slot[1], maps[slot]) for slot in slots], place)
    return replace(graph, nodes=tuple(nodes))


def _depth(graph: Graph, scopes: Sequence[int]) -> int:
    depth, scope = 0, graph.scopes[scopes[0]].parent
    while scope is not None:
        depth, scope = depth + 1, graph.scopes[scope].parent
    return depth


def _reads(graph: Graph, nodes: Sequence[Node], call: int) -> dict[Slot, int]:
    """For each place where a call reads a map from outside the node that reads it."""
    inside: dict[int, tuple[str, ...]] = {}
    for node in nodes:
        names, scope = [node.name], node.scope
        while scope != call and graph.scopes[scope].parent is not None:
            names.append(graph.scopes[scope].name)
            scope = graph.scopes[scope].parent or 0
        if scope == call:
            inside[node.id] = tuple(reversed(names))
    return {
        (names, place): node
        for node, names in inside.items()
        for place, item in enumerate(nodes[node].inputs)
        if item.node not in inside
    }


def _separate(
    graph: Graph,
    tree: ModuleTree,
    nodes: list[Node],
    call: int,
    reads: Sequence[tuple[int, int, tuple[int, ...]]],
    place: int,
) -> None:
    """Give a call maps of its own for what other calls read from different maps.

    Args:
        graph: The graph.
        tree: Its modules.
        nodes: Its nodes so far; changed.
        call: The scope of the call.
        reads: Nodes of the call, places among their inputs, and the maps that all calls read there.
        place: The place of this call among them.
    """
    scope = graph.scopes[call].parent or 0
    while scope and scope not in tree.parent:
        scope = graph.scopes[scope].parent or 0
    known: dict[int, dict[tuple[int, ...], int]] = {}
    for reader, at, maps in reads:
        copies = known.setdefault(maps[place], {})
        if not copies:
            copies[maps] = maps[place]
        elif maps not in copies:
            copies[maps] = len(nodes)
            nodes.append(_same(nodes[maps[place]], len(nodes), scope, graph.scopes[call].name))
        inputs = list(nodes[reader].inputs)
        inputs[at] = replace(inputs[at], node=copies[maps])
        nodes[reader] = replace(nodes[reader], inputs=tuple(inputs))


def _same(source: Node, number: int, scope: int, call: str) -> Node:
    return Node(
        number,
        "identity",
        (Input(source.id),),
        {},
        source.type,
        scope,
        f"{call}.same_{number}",
        source.span,
        source.origin,
    )

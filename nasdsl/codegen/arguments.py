"""What block instances are given: every parameter is a map of its own, and is called as in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nasdsl.ir.graph import Graph, Input, Node
from nasdsl.passes.module_paths import ModuleTree

OF_GRIDS = frozenset({"join", "route_end", "route_last"})
"""Nodes that read the maps of a grid by way of its walk."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A graph in which an instance reads different maps by different parameters.

    Attributes:
        graph: The graph, with an `identity` wherever one map is given twice; the new nodes stand at the end, behind
            those that read them, and all others keep their ids.
        names: By instance and map the parameter by which the instance reads the map; those without one are read as the
            text sees them, from around the block.
    """

    graph: Graph
    names: Mapping[tuple[int, int], str]


def with_separate_arguments(graph: Graph) -> Arguments:
    """The graph with one map for each parameter of each instance."""
    tree = ModuleTree(graph)
    nodes = list(graph.nodes)
    inside = [frozenset(tree.chain(node.scope)) for node in nodes]
    crossing: dict[int, list[tuple[int, int]]] = {scope: [] for scope in tree.parent}
    for node in nodes:
        for place, item in enumerate(node.inputs):
            if node.op not in OF_GRIDS or (node.op == "join" and item.when is None):
                for scope in inside[node.id] - inside[item.node] - {0}:
                    crossing[scope].append((node.id, place))
    names: dict[tuple[int, int], str] = {}
    for scope in sorted(tree.parent):
        for source, name in _separate(graph, tree, nodes, scope, crossing).items():
            names[scope, source] = name
    return Arguments(replace(graph, nodes=tuple(nodes)), names)


def _separate(
    graph: Graph,
    tree: ModuleTree,
    nodes: list[Node],
    scope: int,
    crossing: dict[int, list[tuple[int, int]]],
) -> dict[int, str]:
    """Give an instance maps of its own for parameters that are one map; returns the parameters by map."""
    reads: dict[int, dict[str, list[tuple[int, int]]]] = {}
    for node, place in crossing[scope]:
        item = nodes[node].inputs[place]
        reads.setdefault(item.node, {}).setdefault(dict(item.called).get(scope, ""), []).append((node, place))
    names: dict[int, str] = {}
    parent = tree.parent[scope]
    for source, by_name in reads.items():
        order = sorted(by_name, key=lambda name: _rank(graph.scopes[scope].parameters, name))
        names |= {source: order[0]} if order[0] else {}
        for name in order[1:]:
            node, place = by_name[name][0]
            copy = _same(nodes[source], len(nodes), parent, nodes[node].inputs[place])
            nodes.append(copy)
            names[copy.id] = name
            for node, place in by_name[name]:
                inputs = list(nodes[node].inputs)
                inputs[place] = replace(inputs[place], node=copy.id)
                nodes[node] = replace(nodes[node], inputs=tuple(inputs))
    return names


def _rank(parameters: Sequence[str], name: str) -> int:
    return parameters.index(name) + 1 if name in parameters else 0


def _same(source: Node, number: int, scope: int, read: Input) -> Node:
    inputs = (replace(read, when=None),)
    return Node(number, "identity", inputs, {}, source.type, scope, f"same_{number}", source.span, source.origin)

"""Genotypes of DARTS (Liu et al., ICLR 2019), as the public code prints them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Value
from nasdsl.notations.notation import Notation, decision, operation, parsed, value

_OPERATIONS = {
    "max_pool_3x3": "max3",
    "avg_pool_3x3": "avg3",
    "skip_connect": "skip",
    "sep_conv_3x3": "sep3",
    "sep_conv_5x5": "sep5",
    "dil_conv_3x3": "dil3",
    "dil_conv_5x5": "dil5",
}
_CELLS = {"normal": "normal", "reduce": "reduction"}


class Darts(Notation):
    """`Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=..., reduce_concat=...)`: two
    operations with their inputs for each node; the cells' inputs are 0 and 1.
    """

    name: ClassVar[str] = "darts"
    form: ClassVar[str] = (
        "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], reduce_concat=[...])"
    )

    def read(self, text: str, graph: Graph) -> Mapping[str, Value]:
        parts = self._parts(text)
        decisions: dict[str, Value] = {}
        for part, cell in _CELLS.items():
            edges = self._edges(part, parts[part])
            nodes = self._nodes(graph, cell)
            if len(edges) != 2 * nodes:
                raise NasError(
                    f"`{part}` has {len(edges)} operations; a cell of `{graph.name}` has {nodes} nodes with two each"
                )
            concat = parts[f"{part}_concat"]
            if not isinstance(concat, list | tuple) or sorted(map(str, concat)) != sorted(
                str(i) for i in range(2, nodes + 2)
            ):
                raise NasError(
                    f"`{part}_concat` is {concat!r}; a cell of `{graph.name}` returns all its nodes",
                    help=f"expected {list(range(2, nodes + 2))}",
                )
            for i in range(2, nodes + 2):
                decisions |= self._node(graph, f"{part}, node {i}", cell, i, edges[2 * i - 4 : 2 * i - 2])
        return decisions

    def write(self, architecture: Architecture, graph: Graph) -> str:
        names = {label: name for name, label in _OPERATIONS.items()}
        parts = []
        for part, cell in _CELLS.items():
            nodes = range(2, self._nodes(graph, cell) + 2)
            edges = [edge for i in nodes for edge in self._written(architecture, cell, i, names)]
            parts.append(f"{part}={edges}, {part}_concat={list(nodes)}")
        return f"Genotype({', '.join(parts)})"

    def _written(
        self, architecture: Architecture, cell: str, i: int, names: Mapping[str, str]
    ) -> Iterator[tuple[str, int]]:
        members = architecture.decisions.get(f"{cell}.ins[{i}]", (0, 1))
        assert isinstance(members, tuple), "the value of a pick"
        for j in members:
            yield names[str(architecture.decisions[f"{cell}.x[{i}].edge[{j}].op"])], int(str(j))

    def _parts(self, text: str) -> dict[str, Any]:
        """The arguments of the one genotype in the text."""
        tree = parsed(text)
        found = [call for statement in tree.body for call in _genotypes(statement)] if tree else []
        if len(found) != 1:
            raise self.wrong(f"found {len(found) or 'no'} genotype{'s' if len(found) > 1 else ''}")
        wanted = [name for part in _CELLS for name in (part, f"{part}_concat")]
        if any(keyword.arg not in wanted for keyword in found[0].keywords) or len(found[0].args) > len(wanted):
            raise self.wrong("the genotype has other parts")
        parts = dict(zip(wanted, map(value, found[0].args), strict=False))
        parts |= {keyword.arg or "": value(keyword.value) for keyword in found[0].keywords}
        missing = [name for name in wanted if name not in parts]
        if missing:
            raise self.wrong(f"the genotype has no `{missing[0]}`")
        return parts

    def _edges(self, part: str, edges: Any) -> list[tuple[str, int]]:
        if not isinstance(edges, list | tuple) or not all(
            isinstance(edge, list | tuple) and len(edge) == 2 and isinstance(edge[0], str) and type(edge[1]) is int
            for edge in edges
        ):
            raise self.wrong(f"`{part}` is no list of operations with their inputs")
        return [(edge[0], edge[1]) for edge in edges]

    def _nodes(self, graph: Graph, cell: str) -> int:
        """How many nodes a cell of the space has."""
        nodes = 1
        while f"{cell}.ins[{nodes + 2}]" in graph.decisions:
            nodes += 1
        decision(graph, f"{cell}.x[2].edge[0].op")
        return nodes

    def _node(
        self, graph: Graph, where: str, cell: str, i: int, edges: list[tuple[str, int]]
    ) -> Iterator[tuple[str, Value]]:
        inputs = tuple(sorted(j for _, j in edges))
        if inputs[0] < 0 or inputs[-1] >= i or inputs[0] == inputs[1]:
            raise NasError(
                f"{where} reads {inputs[0]} and {inputs[1]}; in `{graph.name}` it reads two different of 0 to {i - 1}"
            )
        if i > 2:
            yield f"{cell}.ins[{i}]", inputs
        for name, j in edges:
            path = f"{cell}.x[{i}].edge[{j}].op"
            yield path, operation(graph, path, name, _OPERATIONS)


def _genotypes(statement: ast.stmt) -> Iterator[ast.Call]:
    node = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Genotype":
        yield node

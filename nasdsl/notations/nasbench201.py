"""Architecture strings of NAS-Bench-201 (Dong and Yang, ICLR 2020)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Value
from nasdsl.notations.notation import Notation, decision, operation

_NAMES = {name: name for name in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")}
_NODES = 3
_ZERO = "!"
"""Comes before all others in alphabetical order, as in the published rule."""


class NasBench201(Notation):
    """`|a~0|+|b~0|c~1|+|d~0|e~1|f~2|`: for each node its operations, each with the node it reads."""

    name: ClassVar[str] = "nasbench201"
    unique_rules: ClassVar[tuple[str, ...]] = ("operations", "skips", "zeros")
    form: ClassVar[str] = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"

    def read(self, text: str, graph: Graph) -> Mapping[str, Value]:
        nodes = text.strip().split("+")
        if len(nodes) != _NODES:
            raise self.wrong(f"found {len(nodes)} nodes, expected {_NODES}")
        decisions: dict[str, Value] = {}
        for i, node in enumerate(nodes, 1):
            edges = re.findall(r"\|\s*([A-Za-z0-9_]+)\s*~\s*(\d+)\s*(?=\|)", node)
            if len(edges) != i or re.sub(r"\s", "", node) != f"|{'|'.join(f'{name}~{j}' for name, j in edges)}|":
                raise self.wrong(f"node {i} is `{node.strip()[:80]}`, which is no list of {i} operations")
            if [int(source) for _, source in edges] != list(range(i)):
                raise NasError(f"node {i} must read each of the nodes 0 to {i - 1} once, found `{node.strip()[:80]}`")
            for name, source in edges:
                path = f"cell.n[{i}].edge[{source}].op"
                decisions[path] = operation(graph, path, name, _NAMES)
        return decisions

    def write(self, architecture: Architecture, graph: Graph) -> str:
        def edge(i: int, j: int) -> str:
            return f"{architecture.decisions[f'cell.n[{i}].edge[{j}].op']}~{j}"

        return "+".join(f"|{'|'.join(edge(i, j) for j in range(i))}|" for i in range(1, _NODES + 1))

    def unique(self, rule: str, architecture: Architecture, graph: Graph) -> str:
        """The cell as an expression, by which the paper counts 15,625, 12,751 and 6,466 cells.

        An operation is written behind its operand in parentheses, a node as its operands in alphabetical order, joined
        by plus signs. With "operations" all are written; with "skips" a skip is the text of what it reads; with "zeros"
        also `none`, and any operation on what is written as zero, is zero. The texts have no parentheses around sums
        and keep zeros in them: whether two ways to write one sum agree depends on the order of their operands, and a
        sum of zeros is no zero. Thus equal texts are the same expression, but the same expression can have two texts.
        """
        nodes = ["x"]
        for i in range(1, _NODES + 1):
            operands = []
            for j, source in enumerate(nodes):
                name = architecture.decisions[decision(graph, f"cell.n[{i}].edge[{j}].op").path]
                if rule == "zeros" and (name == "none" or source == _ZERO):
                    operands.append(_ZERO)
                elif rule != "operations" and name == "skip_connect":
                    operands.append(source)
                else:
                    operands.append(f"({source}){name}")
            nodes.append("+".join(sorted(operands)))
        return nodes[_NODES]

"""Lists of blocks of FBNet (Wu et al., CVPR 2019)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Kind, Value
from nasdsl.notations.notation import Notation, literal, operation

BLOCKS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
"""The blocks in the order of the paper's table 2: an index in a list is a place here."""

_NAMES = {
    **{name: name for name in BLOCKS},
    **{f"ir_{name}": name for name in BLOCKS if name != "skip"},
    "ir_k3_s2": "k3_e1_g2",
    "ir_k5_s2": "k5_e1_g2",
}


class FBNet(Notation):
    """`[8, 2, 0, ...]`: the block of each layer, as its place among the nine (see `BLOCKS`) or by its name."""

    name: ClassVar[str] = "fbnet"
    form: ClassVar[str] = f"[8, 2, 0, ...] or ['skip', 'k3_e3', 'k3_e1', ...]; 0 to 8 are {', '.join(BLOCKS)}"

    def read(self, text: str, graph: Graph) -> Mapping[str, Value]:
        blocks = literal(text)
        if not isinstance(blocks, list | tuple) or not all(type(block) in (int, str) for block in blocks):
            raise self.wrong("found no list")
        paths = _layers(graph)
        if len(blocks) != len(paths):
            raise NasError(f"the list has {len(blocks)} blocks, `{graph.name}` has {len(paths)} layers")
        decisions: dict[str, Value] = {}
        for path, block in zip(paths, blocks, strict=True):
            if isinstance(block, int):
                if not 0 <= block < len(BLOCKS):
                    raise self.wrong(f"there is no block {block}")
                block = BLOCKS[block]
            decisions[path] = operation(graph, path, block, _NAMES)
        return decisions

    def write(self, architecture: Architecture, graph: Graph) -> str:
        return str([BLOCKS.index(str(architecture.decisions[path])) for path in _layers(graph)])


def _layers(graph: Graph) -> list[str]:
    """The choices of the layers, first layer first."""
    shape = re.compile(r"z\[\d+,\d+\]\.layer\.op")
    paths = [path for path, d in graph.decisions.items() if d.kind is Kind.CHOOSE and shape.fullmatch(path)]
    if not paths:
        raise NasError(f"the space `{graph.name}` has no layers `z[s,i].layer.op`", help="take spaces/fbnet.nas")
    return paths

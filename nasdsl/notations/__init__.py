"""The notations in which architectures are published, read and written."""

from __future__ import annotations

from collections.abc import Mapping

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.notations.darts import Darts
from nasdsl.notations.fasterseg import FasterSeg
from nasdsl.notations.fbnet import FBNet
from nasdsl.notations.nasbench201 import NasBench201
from nasdsl.notations.notation import Notation
from nasdsl.passes.derive import validate

NOTATIONS: Mapping[str, Notation] = {
    notation.name: notation for notation in (Darts(), NasBench201(), FBNet(), FasterSeg())
}
"""Every notation, by its name."""


def read_notation(kind: str, text: str, graph: Graph) -> Architecture:
    """The architecture of a space that a text in some notation stands for.

    Args:
        kind: Name of the notation, a key of `NOTATIONS`.
        text: The text. Nothing in it is executed.
        graph: The space, under the preset that the architecture is to belong to.

    Raises:
        NasError: There is no such notation, the text is not in it, or it says something that the space does not have;
            the message says what.
    """
    architecture = Architecture(graph.name, _notation(kind).read(text, graph), graph.preset)
    validate(graph, architecture)
    return architecture


def write_notation(kind: str, architecture: Architecture, graph: Graph) -> str:
    """An architecture of a space in some notation, one line; `read_notation` gives the same architecture again.

    Raises:
        NasError: There is no such notation, or it is no architecture of the space.
    """
    notation = _notation(kind)
    validate(graph, architecture)
    return notation.write(architecture, graph)


def _notation(kind: str) -> Notation:
    if kind not in NOTATIONS:
        raise NasError(f"there is no notation `{kind}`", help=f"there are: {', '.join(NOTATIONS)}", status=2)
    return NOTATIONS[kind]

"""A search space: what `load` makes of a .nas text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nasdsl.algebra.draw import draw
from nasdsl.elaborate.space import ParameterValue, elaborate
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.derive import derive
from nasdsl.source import Source
from nasdsl.syntax.parser import parse, read_source


@dataclass(frozen=True, slots=True)
class Space:
    """A space as a typed graph, with the text it comes from."""

    graph: Graph
    source: Source

    def sample(self, seed: int) -> Architecture:
        """A random architecture, the same for the same seed (see `nasdsl.algebra.draw`)."""
        return draw(self.graph, seed)

    def derive(self, architecture: Architecture) -> Graph:
        """The network of an architecture: a graph without decisions.

        Raises:
            NasError: It is no architecture of this space; the difference is named.
        """
        return derive(self.graph, architecture)


def load(path: str | Path | Source, *, preset: str = "", params: Mapping[str, ParameterValue] | None = None) -> Space:
    """Read a space from a file (or a `Source`).

    Args:
        path: The .nas file.
        preset: Name of one of its presets; "" for none.
        params: Values for its parameters; they go before those of the preset.

    Raises:
        InvalidSpace: The text has mistakes; `diagnostics` has them all.
        NasError: The file cannot be read, or there is no such preset or parameter.
    """
    source = path if isinstance(path, Source) else read_source(path)
    return Space(elaborate(parse(source), preset=preset, params=params), source)

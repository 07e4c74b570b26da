"""What a model file says about the network in it: JSON texts under keys that begin with "nasdsl."."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction

import nasdsl
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph
from nasdsl.passes.input_size import input_sizes

PREFIX = "nasdsl."
"""Of the keys under which facts stand in a model's metadata."""
INPUT = f"{PREFIX}input"
"""The key of height and width of each input, as the space declares them."""


def described(graph: Graph, architecture: Architecture | None = None) -> dict[str, str]:
    """Where a network comes from: space, preset, parameters, architecture, version; the same text for the same input.

    The architecture is the text of its file, the hash is that of this text.

    Args:
        graph: The network.
        architecture: What it was derived from.
    """
    facts = {
        "version": json.dumps(nasdsl.__version__),
        "space": json.dumps(graph.name),
        "preset": json.dumps(graph.preset),
        "params": json.dumps({name: _plain(value) for name, value in graph.params.items()}, ensure_ascii=False),
        "input": json.dumps(input_sizes(graph)),
    }
    if architecture is not None:
        facts |= {"architecture": architecture.to_json(), "hash": json.dumps(architecture.hash)}
    return {PREFIX + name: text for name, text in facts.items()}


def _plain(value: Fraction | str | tuple[Fraction, ...]) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return value
    return int(value) if value.denominator == 1 else str(value)


def declared_sizes(metadata: Mapping[str, str]) -> list[tuple[int, int]]:
    """Height and width of each input as the space declares them; [] where the model does not say.

    >>> declared_sizes({"nasdsl.input": "[[96, 192]]"}), declared_sizes({})
    ([(96, 192)], [])
    """
    try:
        return [(int(height), int(width)) for height, width in json.loads(metadata.get(INPUT, "[]"))]
    except (ValueError, TypeError):
        return []

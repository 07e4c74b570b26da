"""Batch normalisation folded into the convolution before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.ir.graph import Graph, Node
from nasdsl.ops.catalogue import OPERATIONS

EPSILON = 1e-5
"""What `bn` adds to the variance."""


def foldable(graph: Graph, live: set[int], owner: Sequence[int]) -> dict[int, Node]:
    """For each convolution that a batch normalisation alone reads, that one.

    Convolutions that share their weights are folded all, into one set of weights, or not at all.

    Args:
        graph: A graph without decisions.
        live: The nodes that count.
        owner: For each node the first one with the same weights.
    """
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        if node.id in live:
            for item in node.inputs:
                readers.setdefault(item.node, []).append(node)
    outputs = {task.output for task in graph.tasks}
    convolutions = [node for node in graph.nodes if node.id in live and _folds(node)]
    norms: dict[int, set[int | None]] = {}
    for node in convolutions:
        found = readers.get(node.id, [])
        alone = node.id not in outputs and [reader.op for reader in found] == ["bn"]
        norms.setdefault(owner[node.id], set()).add(owner[found[0].id] if alone else None)
    return {
        node.id: readers[node.id][0]
        for node in convolutions
        if None not in norms[owner[node.id]] and len(norms[owner[node.id]]) == 1
    }


def _folds(node: Node) -> bool:
    return node.op in OPERATIONS and "bn" in OPERATIONS[node.op].fuses


def folded(conv: Node, norm: Node, weight: Callable[[Node, str], NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """Weight and bias of a convolution that also does the normalisation behind it; computed in float64.

    Args:
        conv: The convolution.
        norm: The normalisation.
        weight: Gives a node's weights by name.
    """
    mean, variance = (weight(norm, name).astype(np.float64) for name in ("running_mean", "running_var"))
    scale = 1 / np.sqrt(variance + EPSILON)
    shift = -mean * scale
    if norm.attrs["affine"]:
        gain = weight(norm, "weight").astype(np.float64)
        scale, shift = scale * gain, shift * gain + weight(norm, "bias")
    if conv.attrs["bias"]:
        shift = shift + weight(conv, "bias") * scale
    kernel = weight(conv, "weight") * scale[:, None, None, None]
    return {"weight": kernel.astype(np.float32), "bias": shift.astype(np.float32)}

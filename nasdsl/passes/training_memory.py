"""How much memory a training step needs, from the graph: weights with all that learns them, and what a batch keeps.

What a batch keeps is what autograd saves (`nasdsl.passes.forward`, exact but for scalars), the outputs with what their
losses save, and during the backward pass two maps of the size of the largest: the gradient of what an operation made
and that of what it read. What PyTorch itself takes, and the scratch memory of its kernels, comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Graph, Node
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.forward import Pass, forward
from nasdsl.passes.largest import largest
from nasdsl.passes.memory import BYTES
from nasdsl.passes.module_paths import ModuleTree, module_tree
from nasdsl.types import MapType

COPIES = 4
"""Of every weight: itself, its gradient, and two moments of Adam."""

LABEL = 8
"""Bytes of a target at a pixel: an int64."""


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """The bytes of one training step.

    Attributes:
        weights: Weights, gradients, moments of the optimiser, statistics.
        each: What autograd keeps of each image.
        once: What it keeps of a batch, however large.
        losses: For each image: outputs, what their losses keep, targets.
        working: For each image: gradients of maps that exist at once.
    """

    weights: int
    each: int
    once: int
    losses: int
    working: int

    def total(self, batch: int) -> int:
        """The bytes of a step on a batch of so many images."""
        return self.weights + self.once + batch * (self.each + self.losses + self.working)

    def fits(self, limit: int) -> int:
        """The largest batch whose step needs at most so many bytes; 0 if none does.

        >>> TrainingMemory(weights=100, each=20, once=5, losses=3, working=2).fits(160)
        2
        """
        return max(0, (limit - self.weights - self.once) // (self.each + self.losses + self.working))


def supernet_memory(graph: Graph, *, mixed: bool, weights: int | None = None) -> TrainingMemory:
    """What the most demanding step of a search needs: of the weights, or of the decisions.

    Args:
        graph: The space.
        mixed: Whether paths are mixed; else each step runs along one path, and the largest is meant (see
            `nasdsl.passes.largest`).
        weights: What `weight_bytes` says, if it has been asked.
    """
    weights = weight_bytes(graph) if weights is None else weights
    decided = largest(graph)
    kinds = [Pass(mixed, weights=True)]
    if graph.decisions:
        kinds.append(Pass(mixed, weights=False, decisions=True))
    return max((_step(graph, decided, kind, weights) for kind in kinds), key=lambda step: step.total(1))


def network_memory(network: Graph) -> TrainingMemory:
    """What a step of the training of a network, a graph without decisions, needs."""
    nothing = Architecture(network.name, {}, network.preset)
    return _step(network, nothing, Pass(), weight_bytes(network))


def largest_network_memory(graph: Graph) -> TrainingMemory:
    """What a step of the training of the largest network of a space needs (see `nasdsl.passes.largest`).

    Its weights are counted as those of the whole space, which has them all.
    """
    return _step(graph, largest(graph), Pass(), weight_bytes(graph))


def _step(graph: Graph, decided: Architecture, kind: Pass, weights: int) -> TrainingMemory:
    tape, outputs = forward(graph, decided, kind)
    main = {task.name for task in graph.tasks if not task.aux}
    losses = 0
    for task in graph.tasks:
        if task.name in outputs and (kind.weights or task.name in main):
            height, width = graph.nodes[task.output].type.size or (1, 1)
            losses += 2 * outputs[task.name].size + LABEL * height * width
    return TrainingMemory(weights, tape.each, tape.once, losses, 2 * tape.largest)


def weight_bytes(graph: Graph) -> int:
    """The bytes of all weights with what learns them, and of the statistics; an extern's are not known."""
    return sum(_weights(graph))


def _weights(graph: Graph) -> Iterator[int]:
    """The bytes that each module's weights and statistics need in training."""
    tree = module_tree(graph)
    stack: list[tuple[int, Mapping[str, int]]] = [(0, {})]
    while stack:
        scope, known = stack.pop()
        for node in tree.nodes[scope]:
            if node.op in OPERATIONS:
                for more in tree.assignments(tree.node_variants(node, known)):
                    yield _of_node(tree, node, {**known, **more})
        for child in [*tree.holds(scope), *(c for c in tree.children[scope] if not tree.is_held(c))]:
            stack += [(child, {**known, **more}) for more in tree.assignments(tree.scope_variants(child, known))]


def _of_node(tree: ModuleTree, node: Node, values: Mapping[str, int]) -> int:
    operation = OPERATIONS[node.op]

    def every(number: Number) -> tuple[Fraction, ...]:
        return number.substitute(values).values(lambda symbol: tree.domain(symbol, values))

    def widest(kind: MapType) -> MapType:
        return replace(kind, channels=Number.of(every(kind.channels)[-1]))

    attrs: dict[str, Any] = {
        key: Number.of(every(value)[-1]) if isinstance(value, Number) else value for key, value in node.attrs.items()
    }
    if operation.statistics:
        # One normalisation for each width, with two statistics for each channel and a count of batches.
        per_channel = 2 * BYTES + (2 * COPIES * BYTES if attrs["affine"] else 0)
        return sum(int(width) * per_channel + LABEL for width in every(node.type.channels))
    inputs = [widest(tree.graph.nodes[item.node].type) for item in node.inputs]
    params = operation.params(inputs, widest(node.type), attrs).constant
    assert params is not None, "of a module's own size"
    return COPIES * BYTES * int(params)

"""Small ONNX models in which a kernel stands alone and between 1x1 convolutions.

The sum of stand-alone latencies overestimates a network: every session pays for the call and for bringing its maps into
the engine's layout, a network pays once. Measured between neighbours, a kernel has the surroundings of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from nasdsl.ir.graph import Graph, Input, Node, Scope, Task, Term
from nasdsl.lowering.onnx import onnx_model
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.kernels import Signature, Step
from nasdsl.source import Source, Span
from nasdsl.types import MapType

NOWHERE = Span(Source("kernel", ""), 0, 0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A kernel's models, as the bytes of ONNX files.

    Attributes:
        alone: The kernel.
        before: The neighbours that make its inputs, side by side.
        after: The neighbour that reads its output.
        between: All of them together.
        size: How many bytes their weights and maps take, about.
    """

    alone: bytes
    before: bytes
    after: bytes
    between: bytes
    size: int

    def latency_ms(self, alone: float, before: float, after: float, between: float) -> float:
        """What the kernel adds to a network, from the latencies of the four models.

        Alone it pays for a call and for changes of layout on both sides; in a network two neighbours have such a border
        in common. What standing together saves belongs in equal parts to the kernel and to its neighbours.
        """
        saved = max(0.0, (before + alone + after - between) / 2)
        return max(0.0, alone - saved)


def surroundings(signature: Signature) -> Surroundings:
    """The models with which a kernel is measured; weights are random, always the same."""
    alone = _Chain(signature.inputs)
    output = alone.steps(signature.steps)
    model, read = alone.model([output])
    # A map of which only the size matters is no input of the model and gets no neighbour.
    inputs = [x for x, is_read in zip(signature.inputs, read, strict=True) if is_read]
    # An engine would fuse an activation into the neighbour, which it cannot do where the kernel stands by itself.
    fusable = signature.steps[0][0] in OPERATIONS["conv"].fuses
    before = _Chain(inputs)
    after = _Chain([alone.nodes[output].type])
    between = _Chain(signature.inputs)
    entering = [between.neighbour(i, closed=fusable) if is_read else i for i, is_read in enumerate(read)]
    leaving = between.neighbour(between.steps(signature.steps, entering))
    return Surroundings(
        model,
        before.model([before.neighbour(i, closed=fusable) for i in range(len(inputs))])[0],
        after.model([after.neighbour(0)])[0],
        between.model([leaving])[0],
        2 * between.size,
    )


class _Chain:
    """A little graph under construction."""

    def __init__(self, inputs: Sequence[MapType]) -> None:
        self.nodes: list[Node] = []
        self.weights: dict[str, NDArray[Any]] = {}
        for x in inputs:
            self._add("input", [], {}, x)

    def _add(self, op: str, inputs: Sequence[int], attrs: dict[str, Any], output: MapType) -> int:
        place = len(self.nodes)
        reads = tuple(Input(i) for i in inputs)
        self.nodes.append(Node(place, op, reads, attrs, output, 0, f"{op}{place}", NOWHERE))
        return place

    def apply(self, op: str, inputs: Sequence[int], attrs: dict[str, Any]) -> int:
        """Add an operation with random weights."""
        types = [self.nodes[i].type for i in inputs]
        place = self._add(op, inputs, attrs, OPERATIONS[op].type(types, attrs))
        self.weights |= {f"{place}.{name}": array for name, array in random_weights(self.nodes[place], types).items()}
        return place

    def steps(self, steps: Sequence[Step], inputs: Sequence[int] | None = None) -> int:
        """Add the operations of a kernel; the first reads all the inputs."""
        last = list(range(len(self.nodes))) if inputs is None else list(inputs)
        for op, attrs in steps:
            last = [self.apply(op, last, dict(attrs))]
        return last[0]

    def neighbour(self, place: int, *, closed: bool = False) -> int:
        """Add a 1x1 convolution that keeps the number of channels (of vectors: a fully connected layer).

        A closed one ends in a pooling over single pixels: nothing can be fused into it.
        """
        x = self.nodes[place].type
        if x.size is None:
            return self.apply("linear", [place], {"c": x.channels, "bias": True})
        one = Number.of(1)
        attrs = {"c": x.channels, "k": one, "stride": one, "dilation": one, "groups": one, "bias": True}
        place = self.apply("conv", [place], attrs)
        return self.apply("max_pool", [place], {"k": one, "stride": one}) if closed else place

    @property
    def size(self) -> int:
        """How many bytes its weights and maps take."""
        maps = (prod((*_only(node.type.channels), *(node.type.size or ()))) for node in self.nodes)
        return 4 * sum(maps) + sum(array.nbytes for array in self.weights.values())

    def model(self, outputs: Sequence[int]) -> tuple[bytes, list[bool]]:
        """The graph as ONNX without inputs that nothing reads, and for each of its inputs whether it is read."""
        nothing = Term("", {}, NOWHERE)
        tasks = tuple(
            Task(f"out{place}", place, nothing, (), Number.of(1).terms[0][1], aux=False, span=NOWHERE)
            for place in outputs
        )
        scopes = (Scope(0, None, "", "", NOWHERE, ""),)
        graph = Graph("kernel", {}, tuple(self.nodes), scopes, {}, {}, {}, tasks)
        model = onnx_model(graph, self.weights, paths={node.id: str(node.id) for node in self.nodes})
        read = {name for node in model.graph.node for name in node.input}
        names = [item.name for item in model.graph.input]
        kept = [item for item in model.graph.input if item.name in read]
        del model.graph.input[:]
        model.graph.input.extend(kept)
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True), [name in read for name in names]


def random_weights(node: Node, inputs: Sequence[MapType]) -> dict[str, NDArray[Any]]:
    """Weights for an operation of which all numbers are known, by their names in PyTorch; always the same."""
    form = OPERATIONS[node.op].torch(inputs, node.type, node.attrs, _only)
    if not form.module:
        return {}
    positional = [value for key, value in form.args.items() if key.startswith("*")]
    named = {key: value for key, value in form.args.items() if not key.startswith("*")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = getattr(nn, form.module.removeprefix("nn."))(*positional, **named)
    return {name: tensor.numpy() for name, tensor in module.state_dict().items()}


def _only(number: Number) -> tuple[int, ...]:
    value = number.constant
    assert value is not None, "a signature has no decisions"
    return (int(value),)

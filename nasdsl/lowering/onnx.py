"""From a network to ONNX, directly: every operation writes its own form, batch normalisation is folded into the
convolution before it, and the names are those of the .nas file.

Requires a graph without decisions. Ensures a model that the ONNX checker accepts, without local paths, the same bytes
for the same input. What is computed twice in the graph is computed once in the model, and what nothing reads is not
there. Weights that the calls of a shared block have in common are there once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes.common import RemoveUnusedNodesPass

import nasdsl
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Node
from nasdsl.lowering.folding import foldable, folded
from nasdsl.lowering.opset import OPSET, check_opset
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import ZeroWhen
from nasdsl.passes.input_size import other_sizes
from nasdsl.passes.lowerable import check_lowerable, read_by_tasks
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType

Dynamic = Literal["batch", "size", "none"]
"""What of the inputs is free: the batch size; height and width as well; nothing (one image at a time)."""

Weights = Mapping[str, NDArray[Any]]
"""Arrays by the names of a PyTorch state dict, such as "stem.conv_bn_relu.conv.weight"."""

MOST_BYTES = 2**31 - 2**20
"""What an ONNX file can hold."""


def onnx_model(
    graph: Graph,
    weights: Weights,
    *,
    paths: Mapping[int, str],
    metadata: Mapping[str, str] | None = None,
    opset: int = OPSET,
    dynamic: Dynamic = "batch",
) -> onnx.ModelProto:
    """The ONNX form of a network; tasks are its outputs, `aux` tasks are left out.

    Args:
        graph: The network: a graph without decisions.
        weights: The network's state dict as arrays.
        paths: For each node with weights the path of its module, of which the names in `weights` are made.
        metadata: What to write into the model's metadata, texts by name.
        opset: Version of the ONNX operator set.
        dynamic: What of the inputs is free: "N", "H" and "W".

    Raises:
        NasError: Weights are missing, an operation is an `extern`, which has no ONNX form, an operation cannot be
            written in this opset, the size cannot be free, or the weights are too large for an ONNX file.
    """
    check_lowerable(graph)
    check_opset(graph, opset)
    if dynamic == "size":
        other_sizes(graph)
    lowering = _Lowering(graph, weights, paths, opset, dynamic)
    model = ir.Model(
        lowering.body(),
        ir_version=onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", opset)]),
        producer_name="nasdsl",
        producer_version=nasdsl.__version__,
        metadata_props=dict(sorted((metadata or {}).items())),
    )
    RemoveUnusedNodesPass()(model)
    size = sum(value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value)
    if size > MOST_BYTES:
        raise NasError(f"the weights take {size:,} bytes; an ONNX file holds {MOST_BYTES:,}", status=3)
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    return proto


class _Lowering:
    def __init__(self, graph: Graph, weights: Weights, paths: Mapping[int, str], opset: int, dynamic: Dynamic) -> None:
        self.graph = graph
        self.weights = weights
        self.paths = paths
        self.opset = opset
        self.dynamic = dynamic
        self.tasks = [task for task in graph.tasks if not task.aux]
        self.live = read_by_tasks(graph)
        self.owner = Sharing(graph).nodes
        self.norms = foldable(graph, self.live, self.owner)
        self.nodes: list[ir.Node] = []
        self.values: dict[str, ir.Value] = {}
        self.initializers: dict[tuple[Any, ...], str] = {}
        self.computed: dict[tuple[Any, ...], str] = {}
        self.zeros: set[str] = set()
        self.taken: set[str] = {task.name for task in self.tasks}

    def body(self) -> ir.Graph:
        """The nodes, inputs, outputs and initializers."""
        found: dict[int, str] = {}
        inputs = []
        for node in self.graph.nodes:
            if node.op == "input":
                found[node.id] = self.unique(node.name)
                inputs.append(self._declared(ir.Value(name=found[node.id]), node.type, ("H", "W")))
                self.values[found[node.id]] = inputs[-1]
            elif node.id in self.live:
                found[node.id] = self._lower(node, found)
        outputs = self._outputs(found)
        initializers = [self.values[name] for name in self.initializers.values()]
        imports = {"": self.opset}
        return ir.Graph(
            inputs, outputs, nodes=self.nodes, initializers=initializers, opset_imports=imports, name=self.graph.name
        )

    def _lower(self, node: Node, found: Mapping[int, str]) -> str:
        names = [found[item.node] for item in node.inputs]
        types = [self.graph.nodes[item.node].type for item in node.inputs]
        attrs = node.attrs
        if node.op == "bn" and node.inputs[0].node in self.norms:
            return names[0]
        key: tuple[int | None, ...] = (self.owner[node.id], None)
        weight: Callable[[str], NDArray[Any]] = lambda name: self.weight(node, name)  # noqa: E731
        norm = self.norms.get(node.id)
        if norm is not None:
            attrs = {**attrs, "bias": True}
            key = (self.owner[node.id], self.owner[norm.id])
            weight = folded(node, norm, self.weight).__getitem__
        operation = OPERATIONS[node.op]
        if operation.zero_neutral:
            kept = [place for place, name in enumerate(names) if name not in self.zeros] or [0]
            names, types = [names[place] for place in kept], [types[place] for place in kept]
        written = operation.onnx(_Emitter(self, self._name(node), key, weight), names, types, node.type, attrs)
        if self._is_zero(operation.zero(attrs), names):
            self.zeros.add(written)
        return written

    def _is_zero(self, when: ZeroWhen, names: Sequence[str]) -> bool:
        """Whether an operation makes zeros of these inputs."""
        zeros = [name in self.zeros for name in names]
        rules = {ZeroWhen.NEVER: False, ZeroWhen.ALWAYS: True, ZeroWhen.FIRST: zeros[0], ZeroWhen.ALL: all(zeros)}
        return rules[when]

    def weight(self, node: Node, name: str) -> NDArray[Any]:
        """One of a node's weights."""
        key = f"{self.paths.get(node.id, self._name(node))}.{name}"
        if key not in self.weights:
            raise NasError(
                f"there is no weight `{key}` for `{node.name}` ({node.span})",
                help="the weights must be those of the network that was derived from this architecture",
            )
        return np.asarray(self.weights[key], dtype=np.float32)

    def _name(self, node: Node) -> str:
        """Names of its scopes and its own, joined by dots."""
        names = [node.name]
        scope = self.graph.scopes[node.scope]
        while scope.parent is not None:
            names.append(scope.name)
            scope = self.graph.scopes[scope.parent]
        return ".".join(reversed(names))

    def _outputs(self, found: Mapping[int, str]) -> list[ir.Value]:
        """The values of the tasks, under their names; an Identity where one value has two."""
        outputs: list[ir.Value] = []
        for task in self.tasks:
            value = self.values[found[task.output]]
            if value.producer() is None or value in outputs:
                copy = ir.node("Identity", [value], name=task.name)
                self.nodes.append(copy)
                value = copy.outputs[0]
            value.name = task.name
            sides = (f"{task.name}_H", f"{task.name}_W")
            outputs.append(self._declared(value, self.graph.nodes[task.output].type, sides))
        return outputs

    def _declared(self, value: ir.Value, x: MapType, sides: Sequence[str]) -> ir.Value:
        channels = x.channels.constant
        assert channels is not None, "a network has no decisions"
        size: Sequence[int | str] = x.size or ()
        if size and self.dynamic == "size":
            size = sides
        value.shape = ir.Shape([1 if self.dynamic == "none" else "N", int(channels), *size])
        value.type = ir.TensorType(ir.DataType.FLOAT)
        return value

    def unique(self, name: str) -> str:
        """The name, or the name with a number behind it if it is taken."""
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found

    def initializer(self, key: tuple[Any, ...], name: str, array: Callable[[], NDArray[Any]]) -> str:
        """The initializer that is known by this key; it is made if there is none."""
        if key not in self.initializers:
            found = self.initializers[key] = self.unique(name)
            tensor = ir.Tensor(np.ascontiguousarray(array()), name=found)
            kind = ir.TensorType(tensor.dtype)
            self.values[found] = ir.Value(name=found, shape=ir.Shape(tensor.shape), type=kind, const_value=tensor)
        return self.initializers[key]


class _Emitter:
    """What one node of the graph writes (see `nasdsl.ops.operation.Emitter`); `key` says whose weights it has."""

    def __init__(
        self, lowering: _Lowering, name: str, key: tuple[int | None, ...], weight: Callable[[str], NDArray[Any]]
    ) -> None:
        self.opset = lowering.opset
        self.free_size = lowering.dynamic == "size"
        self._lowering = lowering
        self._name = name
        self._key = key
        self._weight = weight

    def node(self, op_type: str, inputs: Sequence[str], /, **attributes: Any) -> str:
        key = (op_type, tuple(inputs), repr(sorted(attributes.items())))
        if key not in self._lowering.computed:
            output = self._lowering.computed[key] = self._lowering.unique(f"{self._name}/{op_type}")
            values = [self._lowering.values[name] if name else None for name in inputs]
            value = self._lowering.values[output] = ir.Value(name=output)
            self._lowering.nodes.append(ir.node(op_type, values, attributes, outputs=[value], name=output))
        return self._lowering.computed[key]

    def constant(self, value: Any, dtype: str = "int64") -> str:
        array = np.asarray(value, dtype=dtype)
        return self._lowering.initializer((dtype, array.tobytes(), array.shape), "constant", lambda: array)

    def weight(self, name: str, shape: Sequence[int] | None = None) -> str:
        def array() -> NDArray[Any]:
            found = self._weight(name).astype(np.float32, copy=False)
            return found if shape is None else found.reshape(shape)

        return self._lowering.initializer((*self._key, name), f"{self._name}.{name}", array)

"""From a network to ONNX, directly: every operation writes its own form, batch normalisation is folded into the
convolution before it, and the names are those of the .nas file.

Requires a graph without decisions. Ensures a model that the ONNX checker accepts, with a free batch size "N", without
local paths, the same bytes for the same input. Weights that the calls of a shared block have in common are there once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import nasdsl
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph, Node
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType

OPSET = 18

Weights = Mapping[str, NDArray[Any]]
"""Arrays by the names of a PyTorch state dict, such as "stem.conv_bn_relu.conv.weight"."""


def onnx_model(
    graph: Graph, weights: Weights, *, paths: Mapping[int, str], metadata: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """The ONNX form of a network; tasks are its outputs, `aux` tasks are left out.

    Args:
        graph: The network: a graph without decisions.
        weights: The network's state dict as arrays.
        paths: For each node with weights the path of its module, of which the names in `weights` are made.
        metadata: What to write into the model's metadata, texts by name.

    Raises:
        NasError: Weights are missing, or an operation is an `extern`, which has no ONNX form.
    """
    return _Lowering(graph, weights, paths).model(metadata or {})


class _Lowering:
    def __init__(self, graph: Graph, weights: Weights, paths: Mapping[int, str]) -> None:
        self.graph = graph
        self.weights = weights
        self.paths = paths
        self.tasks = [task for task in graph.tasks if not task.aux]
        self.live = self._live()
        self.owner = Sharing(graph).nodes
        self.folded = self._foldable()
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.written: dict[tuple[int, int | None, str], str] = {}
        self.constants: dict[tuple[str, bytes, tuple[int, ...]], str] = {}
        self.taken: set[str] = {task.name for task in self.tasks}

    def model(self, metadata: Mapping[str, str]) -> onnx.ModelProto:
        values: dict[int, str] = {}
        inputs = []
        for node in self.graph.nodes:
            if node.op == "input":
                values[node.id] = self.unique(node.name)
                inputs.append(_value_info(values[node.id], node.type))
            elif node.id in self.live:
                values[node.id] = self._lower(node, values)
        outputs = self._outputs(values)
        body = helper.make_graph(self.nodes, self.graph.name, inputs, outputs, list(self.initializers.values()))
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            body,
            opset_imports=[opset],
            ir_version=helper.find_min_ir_version_for([opset]),
            producer_name="nasdsl",
            producer_version=nasdsl.__version__,
        )
        helper.set_model_props(model, dict(sorted(metadata.items())))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _live(self) -> set[int]:
        live = {task.output for task in self.tasks}
        for node in reversed(self.graph.nodes):
            if node.id in live:
                live.update(item.node for item in node.inputs)
        return live

    def _foldable(self) -> dict[int, Node]:
        """For each convolution that a batch normalisation alone reads, that one; those that share their weights are
        folded all or not at all.
        """
        readers: dict[int, list[Node]] = {}
        for node in self.graph.nodes:
            if node.id in self.live:
                for item in node.inputs:
                    readers.setdefault(item.node, []).append(node)
        outputs = {task.output for task in self.tasks}
        convolutions = [n for n in self.graph.nodes if n.op in ("conv", "dw_conv") and n.id in self.live]
        norms: dict[int, set[int | None]] = {}
        for node in convolutions:
            found = readers.get(node.id, [])
            alone = node.id not in outputs and [reader.op for reader in found] == ["bn"]
            norms.setdefault(self.owner[node.id], set()).add(self.owner[found[0].id] if alone else None)
        return {
            node.id: readers[node.id][0]
            for node in convolutions
            if None not in norms[self.owner[node.id]] and len(norms[self.owner[node.id]]) == 1
        }

    def _lower(self, node: Node, values: Mapping[int, str]) -> str:
        names = [values[item.node] for item in node.inputs]
        types = [self.graph.nodes[item.node].type for item in node.inputs]
        attrs = node.attrs
        if node.op == "bn" and node.inputs[0].node in self.folded:
            return names[0]
        if node.op == "extern":
            raise NasError(
                f"{node.span}: `{attrs['target']}` is an extern, a class of your own: it has no ONNX form",
                help="leave it out of what is exported; generated PyTorch code calls it",
            )
        owner = self.owner[node.id]
        emitter = _Emitter(self, self._name(node), (owner, None), lambda name: self.weight(node, name))
        norm = self.folded.get(node.id)
        if norm is not None:
            arrays = self._fold(node, norm)
            attrs = {**attrs, "bias": True}
            emitter = _Emitter(self, self._name(node), (owner, self.owner[norm.id]), arrays.__getitem__)
        return OPERATIONS[node.op].onnx(emitter, names, types, node.type, attrs)

    def _fold(self, conv: Node, norm: Node) -> dict[str, NDArray[Any]]:
        """Weight and bias of a convolution that also does the normalisation behind it; computed in float64."""
        mean, variance = (self.weight(norm, name).astype(np.float64) for name in ("running_mean", "running_var"))
        scale = 1 / np.sqrt(variance + 1e-5)
        shift = -mean * scale
        if norm.attrs["affine"]:
            gain = self.weight(norm, "weight").astype(np.float64)
            scale, shift = scale * gain, shift * gain + self.weight(norm, "bias")
        if conv.attrs["bias"]:
            shift = shift + self.weight(conv, "bias") * scale
        kernel = self.weight(conv, "weight") * scale[:, None, None, None]
        return {"weight": kernel.astype(np.float32), "bias": shift.astype(np.float32)}

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

    def _outputs(self, values: Mapping[int, str]) -> list[onnx.ValueInfoProto]:
        renamed: dict[str, str] = {}
        made = {name for node in self.nodes for name in node.output}
        for task in self.tasks:
            value = values[task.output]
            if value in made and value not in renamed:
                renamed[value] = task.name
            else:
                self.nodes.append(
                    helper.make_node("Identity", [renamed.get(value, value)], [task.name], name=task.name)
                )
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [renamed.get(name, name) for name in names]
        return [_value_info(task.name, self.graph.nodes[task.output].type) for task in self.tasks]

    def unique(self, name: str) -> str:
        """The name, or the name with a number behind it if it is taken."""
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found


class _Emitter:
    """What one node of the graph writes (see `nasdsl.ops.operation.Emitter`); `key` says whose weights it has."""

    def __init__(self, lowering: _Lowering, name: str, key: tuple[int, int | None], weight: Any) -> None:
        self._lowering = lowering
        self._name = name
        self._key = key
        self._weight = weight

    def node(self, op_type: str, inputs: Sequence[str], /, **attributes: Any) -> str:
        output = self._lowering.unique(f"{self._name}/{op_type}")
        self._lowering.nodes.append(helper.make_node(op_type, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, value: Any, dtype: str = "int64") -> str:
        array = np.asarray(value, dtype=dtype)
        key = (dtype, array.tobytes(), array.shape)
        if key not in self._lowering.constants:
            name = self._lowering.unique("constant")
            self._lowering.constants[key] = name
            self._lowering.initializers[name] = numpy_helper.from_array(array, name)
        return self._lowering.constants[key]

    def weight(self, name: str) -> str:
        key = (*self._key, name)
        if key not in self._lowering.written:
            value = self._lowering.written[key] = self._lowering.unique(f"{self._name}.{name}")
            array = np.ascontiguousarray(self._weight(name), dtype=np.float32)
            self._lowering.initializers[value] = numpy_helper.from_array(array, value)
        return self._lowering.written[key]


def _value_info(name: str, x: MapType) -> onnx.ValueInfoProto:
    channels = x.channels.constant
    assert channels is not None, "a network has no decisions"
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", int(channels), *(x.size or ())])

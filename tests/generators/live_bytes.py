"""How many bytes of maps a network really holds at once: its generated code, traced and run, live tensors counted."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

from nasdsl.codegen import network_source
from nasdsl.ir.graph import Graph

aten = torch.ops.aten
CONVOLUTIONS = (aten.convolution.default,)
NORMS = (aten.native_batch_norm.default, aten._native_batch_norm_legit_no_training.default)


def live_bytes(network: Graph, *, long_sums_in_place: bool) -> int:
    """The greatest sum of distinct storages after an operation, before what it read last is let go; batch 1.

    Batch norm and relu behind a convolution, and relu behind batch norm, are run in place where nobody else reads what
    they read. The trace does not tell `a + b + c` from two sums.

    Args:
        network: A graph without decisions.
        long_sums_in_place: Whether a sum of a sum that nobody else reads is run in place.
    """
    module = ModuleType("generated")
    exec(network_source(network, architecture=None, facts={}), module.__dict__)  # noqa: S102 - the code under test
    shapes = [(1, int(n.type.channels.constant), *n.type.size) for n in network.inputs()]
    images = [torch.zeros(shape) for shape in shapes]
    net = module.Network().eval()
    with torch.no_grad():
        return _Run(make_fx(net)(*images), long_sums_in_place).peak(images)


class _Run:
    def __init__(self, traced: fx.GraphModule, long_sums_in_place: bool) -> None:
        self.traced, self.long_sums_in_place = traced, long_sums_in_place
        self.values: dict[fx.Node, Tensor] = {}
        self.weights: set[int] = set()

    def peak(self, images: list[Tensor]) -> int:
        nodes = list(self.traced.graph.nodes)
        last: dict[fx.Node, int] = {}
        for step, node in enumerate(nodes):
            last.setdefault(node, step)
            last.update(dict.fromkeys(node.all_input_nodes, step))
        queue, peak = iter(images), 0
        for node in nodes:
            if node.op == "placeholder":
                self.values[node] = next(queue)
        for step, node in enumerate(nodes):
            if node.op == "get_attr":
                self.values[node] = getattr(self.traced, node.target)
                self.weights.add(self.values[node].untyped_storage()._cdata)
            elif node.op == "call_function":
                self.values[node] = self._call(node)
            peak = max(peak, self._now())
            for other in [other for other in self.values if last[other] <= step]:
                del self.values[other]
        return peak

    def _now(self) -> int:
        storages = [x.untyped_storage() for x in self.values.values()]
        return sum({s._cdata: s.nbytes() for s in storages if s._cdata not in self.weights}.values())

    def _call(self, node: fx.Node) -> Tensor:
        args = fx.map_arg(node.args, self.values.__getitem__)
        if getattr(node.target, "__name__", "") == "getitem":
            return args[0]
        found = node.target(*args, **fx.map_arg(node.kwargs, self.values.__getitem__))
        found = found[0] if isinstance(found, tuple) else found
        return args[0].copy_(found) if self._in_place(node) else found

    def _in_place(self, node: fx.Node) -> bool:
        if not node.all_input_nodes:
            return False
        before = node.all_input_nodes[0]
        alone = len(before.users) == 1
        while getattr(before.target, "__name__", "") == "getitem":
            before = before.all_input_nodes[0]
        if node.target == aten.relu.default:
            return alone and before.target in (*CONVOLUTIONS, *NORMS)
        if node.target == aten.add.Tensor:
            return alone and before.target == aten.add.Tensor and self.long_sums_in_place
        return alone and node.target in NORMS and before.target in CONVOLUTIONS

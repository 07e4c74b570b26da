"""A network executed node by node with PyTorch: an oracle that knows neither the code generator nor the lowering."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.ir.graph import Graph, Node


def _int(node: Node, name: str) -> int:
    return int(node.attrs[name].constant)


def _module(node: Node, graph: Graph) -> nn.Module | None:
    c_in = [int(graph.nodes[item.node].type.channels.constant) for item in node.inputs]
    c = int(node.type.channels.constant)
    if node.op in ("conv", "dw_conv"):
        k, dilation = _int(node, "k"), _int(node, "dilation")
        groups = c if node.op == "dw_conv" else _int(node, "groups")
        padding = _int(node, "padding") if "padding" in node.attrs else dilation * (k - 1) // 2
        bias = node.attrs["bias"]
        return nn.Conv2d(c_in[0], c, k, _int(node, "stride"), padding, dilation, groups, bias=bias)
    if node.op == "gn":
        return nn.GroupNorm(_int(node, "groups"), c)
    if node.op == "bn":
        return nn.BatchNorm2d(c, affine=node.attrs["affine"])
    return nn.Linear(c_in[0], c, bias=node.attrs["bias"]) if node.op == "linear" else None


def _window(node: Node) -> tuple[int, int, int]:
    k, stride = _int(node, "k"), _int(node, "stride")
    same = (k - 1) // 2 if k % 2 else 0
    return k, stride, _int(node, "padding") if "padding" in node.attrs else same


def _shuffled(x: Tensor, groups: int) -> Tensor:
    order = torch.arange(x.shape[1]).reshape(groups, -1).T.flatten()
    return x[:, order]


def _cuts(node: Node, channels: int) -> list[int]:
    return [int(node.attrs[name].constant * channels) for name in ("start", "end")]


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size, mode="bilinear", align_corners=True)


STATELESS: dict[str, Callable[[Node, list[Tensor]], Tensor]] = {
    "relu": lambda n, x: x[0].relu(),
    "identity": lambda n, x: x[0],
    "dropout": lambda n, x: x[0],
    "none": lambda n, x: x[0][:, :, :: _int(n, "stride"), :: _int(n, "stride")] * 0,
    "shuffle": lambda n, x: _shuffled(x[0], _int(n, "groups")),
    "slice": lambda n, x: x[0].tensor_split(_cuts(n, x[0].shape[1]), dim=1)[1],
    "max_pool": lambda n, x: F.max_pool2d(x[0], *_window(n)),
    "avg_pool": lambda n, x: F.avg_pool2d(x[0], *_window(n), count_include_pad=False),
    "global_avg_pool": lambda n, x: x[0].mean((2, 3), keepdim=True),
    "resize": lambda n, x: _resized(x[0], n.type.size),
    "resize_like": lambda n, x: _resized(x[0], x[1].shape[2:]),
    "shift": lambda n, x: F.pad(x[0][:, :, 1:, 1:], (0, 1, 0, 1)),
    "sum": lambda n, x: sum(x[1:], x[0]),
    "concat": lambda n, x: torch.cat(x, 1),
}


def owners(graph: Graph) -> dict[int, int]:
    """For each node the first with the same weights: it is called alike in another call of the shared block."""
    first: dict[tuple[str, ...], int] = {}
    owner = {}
    for node in graph.nodes:
        path, scope = [node.name], graph.scopes[node.scope]
        while not scope.weights and scope.parent is not None:
            path.append(scope.name)
            scope = graph.scopes[scope.parent]
        owner[node.id] = first.setdefault((scope.weights, *path), node.id) if scope.weights else node.id
    return owner


class DirectNetwork(nn.Module):
    """A graph without decisions as a module; weights and statistics are random. `paths` names its modules by node."""

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        super().__init__()
        self.graph = graph
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            owner = owners(graph)
            modules = {str(node.id): _module(node, graph) for node in graph.nodes if owner[node.id] == node.id}
            self.layers = nn.ModuleDict({name: module for name, module in modules.items() if module is not None})
            for layer in self.layers.values():
                if isinstance(layer, nn.GroupNorm):
                    nn.init.uniform_(layer.weight, 0.5, 1.5)
                    nn.init.uniform_(layer.bias, -0.5, 0.5)
                if isinstance(layer, nn.BatchNorm2d):
                    layer.running_mean.uniform_(-0.5, 0.5)
                    layer.running_var.uniform_(0.5, 2)
                    if layer.affine:
                        nn.init.uniform_(layer.weight, 0.5, 1.5)
                        nn.init.uniform_(layer.bias, -0.5, 0.5)
        self.owner = {node: str(first) for node, first in owner.items() if str(first) in self.layers}
        self.paths = {node: f"layers.{name}" for node, name in self.owner.items()}
        self.eval()

    def forward(self, *images: Tensor) -> dict[str, Tensor]:
        values: list[Tensor] = []
        waiting = list(images)
        for node in self.graph.nodes:
            x = [values[item.node] for item in node.inputs]
            if node.op == "input":
                values.append(waiting.pop(0))
            elif node.id in self.owner:
                flat = x[0].flatten(1) if node.op == "linear" else x[0]
                values.append(self.layers[self.owner[node.id]](flat))
            else:
                values.append(STATELESS[node.op](node, x))
        return {task.name: values[task.output] for task in self.graph.tasks if not task.aux}

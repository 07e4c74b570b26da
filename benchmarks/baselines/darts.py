"""The search network of DARTS (Liu et al., ICLR 2019), written down as its equations say.

Every edge computes all eight operations and adds them up with the softmax of its logits (equation 2), a node adds up
its edges, a cell concatenates its nodes. Edges have weights, too: the share of a node's pairs that has the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def relu_conv_bn(c_in: int, c: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c, 1, bias=False), nn.BatchNorm2d(c, affine=False))


class FactorizedReduce(nn.Module):
    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(c_in, c // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(c_in, c // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        shifted = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))
        return self.bn(torch.cat((self.conv_1(x), self.conv_2(shifted)), dim=1))


def separable(c: int, k: int, stride: int, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (k // 2)
    depthwise = nn.Conv2d(c, c, k, stride, padding, dilation, groups=c, bias=False)
    return [nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c, affine=False)]


class Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0.0


class MixedOperation(nn.Module):
    def __init__(self, c: int, stride: int) -> None:
        super().__init__()
        operations = [
            Zero(stride),
            nn.MaxPool2d(3, stride, padding=1),
            nn.AvgPool2d(3, stride, padding=1, count_include_pad=False),
            nn.Identity() if stride == 1 else nn.Sequential(nn.ReLU(), FactorizedReduce(c, c)),
            *(nn.Sequential(*separable(c, k, stride), *separable(c, k, 1)) for k in (3, 5)),
            *(nn.Sequential(*separable(c, k, stride, dilation=2)) for k in (3, 5)),
        ]
        self.operations = nn.ModuleList(operations)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(weight * operation(x) for weight, operation in zip(weights, self.operations, strict=True))


class Cell(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module, c: int, reduction: bool, nodes: int) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.edges = nn.ModuleList(
            nn.ModuleList(MixedOperation(c, 2 if reduction and j < 2 else 1) for j in range(node + 2))
            for node in range(nodes)
        )

    def forward(self, a: Tensor, b: Tensor, weights: Sequence[Tensor], shares: Sequence[Tensor]) -> Tensor:
        maps = [self.first(a), self.second(b)]
        for node, edges in enumerate(self.edges):
            rows = zip(shares[node], edges, maps, weights[node], strict=True)
            maps.append(sum(share * edge(x, weight) for share, edge, x, weight in rows))
        return torch.cat(maps[2:], dim=1)


class SearchNetwork(nn.Module):
    """Called with images, [N, 3, H, W], and for the normal and the reduction cell the weights of operations, by node
    [edges, 8], and the shares of edges, by node [edges].
    """

    def __init__(self, c: int = 16, layers: int = 8, nodes: int = 4, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * c, 3, padding=1, bias=False), nn.BatchNorm2d(3 * c))
        self.cells = nn.ModuleList()
        self.kinds: list[int] = []
        c_a = c_b = 3 * c
        after_reduction = False
        for layer in range(layers):
            reduction = layer in (layers // 3, 2 * layers // 3)
            c = 2 * c if reduction else c
            reduced = nn.Sequential(nn.ReLU(), FactorizedReduce(c_a, c))
            first = reduced if after_reduction else relu_conv_bn(c_a, c)
            self.cells.append(Cell(first, relu_conv_bn(c_b, c), c, reduction, nodes))
            self.kinds.append(int(reduction))
            c_a, c_b, after_reduction = c_b, nodes * c, reduction
        self.classifier = nn.Linear(c_b, classes)

    def forward(
        self, images: Tensor, weights: Sequence[Sequence[Tensor]], shares: Sequence[Sequence[Tensor]]
    ) -> Tensor:
        a = b = self.stem(images)
        for kind, cell in zip(self.kinds, self.cells, strict=True):
            a, b = b, cell(a, b, weights[kind], shares[kind])
        return self.classifier(b.mean((2, 3)))

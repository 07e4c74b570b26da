"""Supernet of the space `nasbench201` (nasbench201.nas:3). Written by `nasdsl compile`.

Parameters: C = 16, N = 5, classes = 10, size = 32.

    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision
    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them

In `forward`, `arch` is what was drawn, and `arch / "a"` its part for the names in SPACE that begin with "a."; a
lambda runs only if what was drawn takes it, in a mixture all do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime import Choices

OP = runtime.Choose(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
SPACE = runtime.Space(
    "nasbench201",
    decisions={
        "cell.n[1].edge[0].op": OP,
        "cell.n[2].edge[0].op": OP,
        "cell.n[2].edge[1].op": OP,
        **{f"cell.n[3].edge[{i}].op": OP for i in range(3)},
    },
)


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3): y[0].conv_bn."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(16)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, 16, 32, 32]
        out: Tensor = self.bn(x)  # [N, 16, 32, 32]
        return out


class ReluConvBn(nn.Module):
    """`relu_conv_bn` (std.nas:9), 184 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.bn(x)  # [N, c, H/stride, W/stride]
        return out


class Edge(nn.Module):
    """`edge` (nasbench201.nas:6), 90 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_nor_conv_1x1 = ReluConvBn(c, c, k=1, stride=1)
        self.op_nor_conv_3x3 = ReluConvBn(c, c, k=3, stride=1)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "none": runtime.Zero(lambda: torch.zeros_like(x)),
                "skip_connect": lambda: x,
                "nor_conv_1x1": lambda: self.op_nor_conv_1x1(x),
                "nor_conv_3x3": lambda: self.op_nor_conv_3x3(x),
                "avg_pool_3x3": lambda: F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False),
            },
        )  # [N, c, H, W]


class Cell(nn.Module):
    """`cell` (nasbench201.nas:11), 15 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.n_1 = Edge(c)
        self.n_2 = nn.ModuleList(Edge(c) for _ in range(2))
        self.n_3 = nn.ModuleList(Edge(c) for _ in range(3))

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        n_1: Tensor = self.n_1(x, arch / "n[1].edge[0]")  # [N, c, H, W]
        n_2: Tensor = self.n_2[0](x, arch / "n[2].edge[0]") + self.n_2[1](n_1, arch / "n[2].edge[1]")  # [N, c, H, W]
        out: Tensor = (
            self.n_3[0](x, arch / "n[3].edge[0]")
            + self.n_3[1](n_1, arch / "n[3].edge[1]")
            + self.n_3[2](n_2, arch / "n[3].edge[2]")
        )  # [N, c, H, W]
        return out


class Residual(nn.Module):
    """`residual` (nasbench201.nas:16), 2 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.relu_conv_bn = ReluConvBn(c // 2, c, k=3, stride=2)
        self.relu_conv_bn_2 = ReluConvBn(c, c, k=3, stride=1)
        self.conv = nn.Conv2d(c // 2, c, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        relu_conv_bn: Tensor = self.relu_conv_bn(x)  # [N, c, H/2, W/2]
        relu_conv_bn = self.relu_conv_bn_2(relu_conv_bn)  # [N, c, H/2, W/2]
        x = F.avg_pool2d(x, 2, stride=2, padding=0, count_include_pad=False)  # [N, c / 2, H/2, W/2]
        out: Tensor = relu_conv_bn + self.conv(x)  # [N, c, H/2, W/2]
        return out


class BnRelu(nn.Module):
    """`bn_relu` (std.nas:12): classify.bn_relu."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(64)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(x)  # [N, 64, 8, 8]
        return F.relu(x)  # [N, 64, 8, 8]


class Supernet(nn.Module):
    """All architectures of `nasbench201` at once: called with images and decisions it returns `classify`."""

    def __init__(self) -> None:
        super().__init__()
        self.y_0 = ConvBn()
        self.z_0_1 = Cell(16)
        self.z_0_2 = Cell(16)
        self.z_0_3 = Cell(16)
        self.z_0_4 = Cell(16)
        self.z_0_5 = Cell(16)
        self.z_1_0 = Residual(32)
        self.z_1_1 = Cell(32)
        self.z_1_2 = Cell(32)
        self.z_1_3 = Cell(32)
        self.z_1_4 = Cell(32)
        self.z_1_5 = Cell(32)
        self.z_2_0 = Residual(64)
        self.z_2_1 = Cell(64)
        self.z_2_2 = Cell(64)
        self.z_2_3 = Cell(64)
        self.z_2_4 = Cell(64)
        self.z_2_5 = Cell(64)
        self.classify_bn_relu = BnRelu()
        self.classify_linear = nn.Linear(64, 10)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        y_0: Tensor = self.y_0(image)  # [N, 16, 32, 32]
        z_0_1: Tensor = self.z_0_1(y_0, arch / "cell")  # [N, 16, 32, 32]
        z_0_2: Tensor = self.z_0_2(z_0_1, arch / "cell")  # [N, 16, 32, 32]
        z_0_3: Tensor = self.z_0_3(z_0_2, arch / "cell")  # [N, 16, 32, 32]
        z_0_4: Tensor = self.z_0_4(z_0_3, arch / "cell")  # [N, 16, 32, 32]
        z_0_5: Tensor = self.z_0_5(z_0_4, arch / "cell")  # [N, 16, 32, 32]
        z_1_0: Tensor = self.z_1_0(z_0_5)  # [N, 32, 16, 16]
        z_1_1: Tensor = self.z_1_1(z_1_0, arch / "cell")  # [N, 32, 16, 16]
        z_1_2: Tensor = self.z_1_2(z_1_1, arch / "cell")  # [N, 32, 16, 16]
        z_1_3: Tensor = self.z_1_3(z_1_2, arch / "cell")  # [N, 32, 16, 16]
        z_1_4: Tensor = self.z_1_4(z_1_3, arch / "cell")  # [N, 32, 16, 16]
        z_1_5: Tensor = self.z_1_5(z_1_4, arch / "cell")  # [N, 32, 16, 16]
        z_2_0: Tensor = self.z_2_0(z_1_5)  # [N, 64, 8, 8]
        z_2_1: Tensor = self.z_2_1(z_2_0, arch / "cell")  # [N, 64, 8, 8]
        z_2_2: Tensor = self.z_2_2(z_2_1, arch / "cell")  # [N, 64, 8, 8]
        z_2_3: Tensor = self.z_2_3(z_2_2, arch / "cell")  # [N, 64, 8, 8]
        z_2_4: Tensor = self.z_2_4(z_2_3, arch / "cell")  # [N, 64, 8, 8]
        z_2_5: Tensor = self.z_2_5(z_2_4, arch / "cell")  # [N, 64, 8, 8]
        classify: Tensor = self.classify_bn_relu(z_2_5)  # [N, 64, 8, 8]
        classify = F.adaptive_avg_pool2d(classify, 1)  # [N, 64, 1, 1]
        classify = self.classify_linear(classify.flatten(1))  # [N, 10]
        return {"classify": classify}

"""Supernet of the space `autortnet` (autortnet.nas:5). Written by `nasdsl compile`.

Parameters: C = 8, cells = {5, 10, 10}, classes = 19, H = 1024, W = 2048.

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

OP = runtime.Choose(("none", "skip", "max3", "conv", "conv_x2", "sep", "sep_x2", "dil2", "dil4", "dil2_x2"))
D = runtime.Depth((1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
OP_2 = runtime.Choose(("conv1_x2", "conv3_x2", "dil2_x2", "dil4_x2", "dil8_x2"))
SPACE = runtime.Space(
    "autortnet",
    decisions={
        "a[1].hyper_cell.reduction.x[2].edge[0].op": OP,
        "a[1].hyper_cell.reduction.x[2].edge[1].op": OP,
        **{f"a[1].hyper_cell.reduction.x[3].edge[{i}].op": OP for i in range(3)},
        "a[1].hyper_cell.normal.x[2].edge[0].op": OP,
        "a[1].hyper_cell.normal.x[2].edge[1].op": OP,
        **{f"a[1].hyper_cell.normal.x[3].edge[{i}].op": OP for i in range(3)},
        "a[1].hyper_cell.d": runtime.Depth((1, 2, 3, 4, 5)),
        "a[2].hyper_cell.reduction.x[2].edge[0].op": OP,
        "a[2].hyper_cell.reduction.x[2].edge[1].op": OP,
        **{f"a[2].hyper_cell.reduction.x[3].edge[{i}].op": OP for i in range(3)},
        "a[2].hyper_cell.normal.x[2].edge[0].op": OP,
        "a[2].hyper_cell.normal.x[2].edge[1].op": OP,
        **{f"a[2].hyper_cell.normal.x[3].edge[{i}].op": OP for i in range(3)},
        "a[2].hyper_cell.d": D,
        "a[3].hyper_cell.reduction.x[2].edge[0].op": OP,
        "a[3].hyper_cell.reduction.x[2].edge[1].op": OP,
        **{f"a[3].hyper_cell.reduction.x[3].edge[{i}].op": OP for i in range(3)},
        "a[3].hyper_cell.normal.x[2].edge[0].op": OP,
        "a[3].hyper_cell.normal.x[2].edge[1].op": OP,
        **{f"a[3].hyper_cell.normal.x[3].edge[{i}].op": OP for i in range(3)},
        "a[3].hyper_cell.d": D,
        "segment.aggregation.inner.fine.link.op": OP_2,
        "segment.aggregation.inner.same.link.op": OP_2,
        "segment.aggregation.y[1].inner.link.op": OP_2,
        "segment.aggregation.y[1].deep.link.op": OP_2,
        "segment.aggregation.y[2].middle.link.op": OP_2,
        "segment.aggregation.y[2].deep.link.op": OP_2,
        "segment.aggregation.y[3].link.op": OP_2,
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 5 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class FactorizedReduce(nn.Module):
    """`factorized_reduce` (std.nas:17), 17 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(2 * c)

    def forward(self, x: Tensor) -> Tensor:
        conv: Tensor = self.conv(x)  # [N, c, H/2, W/2]
        x = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))  # [N, c_in, H, W]
        x = self.conv_2(x)  # [N, c, H/2, W/2]
        conv = torch.cat((conv, x), dim=1)  # [N, 2 * c, H/2, W/2]
        out: Tensor = self.bn(conv)  # [N, 2 * c, H/2, W/2]
        return out


class ReluConvBn(nn.Module):
    """`relu_conv_bn` (std.nas:9), 457 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.bn(x)  # [N, c, H/stride, W/stride]
        return out


class Skip(nn.Module):
    """`skip` (std.nas:23), 12 times."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c_in // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        out: Tensor = self.factorized_reduce(x)  # [N, c_in, H/2, W/2]
        return out


class ConvX2(nn.Module):
    """`conv_x2` (autortnet.nas:10), 132 times."""

    def __init__(self, c: int, stride: int) -> None:
        super().__init__()
        self.relu_conv_bn = ReluConvBn(c, c, k=3, stride=stride)
        self.relu_conv_bn_2 = ReluConvBn(c, c, k=3, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu_conv_bn(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.relu_conv_bn_2(x)  # [N, c, H/stride, W/stride]
        return out


class Sep(nn.Module):
    """`sep` (autortnet.nas:8), 920 times."""

    def __init__(self, c: int, c_2: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(c, c, 3, stride=stride, padding=dilation, dilation=dilation, groups=c, bias=False)
        self.conv = nn.Conv2d(c, c_2, 1, bias=False)
        self.bn = nn.BatchNorm2d(c_2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c, H, W]
        x = self.dw_conv(x)  # [N, c, H/stride, W/stride]
        x = self.conv(x)  # [N, c_2, H/stride, W/stride]
        out: Tensor = self.bn(x)  # [N, c_2, H/stride, W/stride]
        return out


class SepX2(nn.Module):
    """`sep_x2` (autortnet.nas:9), 271 times."""

    def __init__(self, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.sep = Sep(c, c, stride=stride, dilation=dilation)
        self.sep_2 = Sep(c, c, stride=1, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        x = self.sep(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.sep_2(x)  # [N, c, H/stride, W/stride]
        return out


class EdgeDown(nn.Module):
    """`edge` (autortnet.nas:12), 12 times, such as a[1].hyper_cell.y[1].reduction.x[2].edge[0]."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_skip = Skip(c)
        self.op_conv = ReluConvBn(c, c, k=3, stride=2)
        self.op_conv_x2 = ConvX2(c, stride=2)
        self.op_sep = Sep(c, c, stride=2, dilation=1)
        self.op_sep_x2 = SepX2(c, stride=2, dilation=1)
        self.op_dil2 = Sep(c, c, stride=2, dilation=2)
        self.op_dil4 = Sep(c, c, stride=2, dilation=4)
        self.op_dil2_x2 = SepX2(c, stride=2, dilation=2)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "none": runtime.Zero(lambda: torch.zeros_like(x[:, :, ::2, ::2])),
                "skip": lambda: self.op_skip(x),
                "max3": lambda: F.max_pool2d(x, 3, stride=2, padding=1),
                "conv": lambda: self.op_conv(x),
                "conv_x2": lambda: self.op_conv_x2(x),
                "sep": lambda: self.op_sep(x),
                "sep_x2": lambda: self.op_sep_x2(x),
                "dil2": lambda: self.op_dil2(x),
                "dil4": lambda: self.op_dil4(x),
                "dil2_x2": lambda: self.op_dil2_x2(x),
            },
        )  # [N, c, H/2, W/2]


class Edge(nn.Module):
    """`edge` (autortnet.nas:12), 113 times, such as a[1].hyper_cell.y[1].reduction.x[3].edge[2]."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_conv = ReluConvBn(c, c, k=3, stride=1)
        self.op_conv_x2 = ConvX2(c, stride=1)
        self.op_sep = Sep(c, c, stride=1, dilation=1)
        self.op_sep_x2 = SepX2(c, stride=1, dilation=1)
        self.op_dil2 = Sep(c, c, stride=1, dilation=2)
        self.op_dil4 = Sep(c, c, stride=1, dilation=4)
        self.op_dil2_x2 = SepX2(c, stride=1, dilation=2)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "none": runtime.Zero(lambda: torch.zeros_like(x)),
                "skip": lambda: x,
                "max3": lambda: F.max_pool2d(x, 3, stride=1, padding=1),
                "conv": lambda: self.op_conv(x),
                "conv_x2": lambda: self.op_conv_x2(x),
                "sep": lambda: self.op_sep(x),
                "sep_x2": lambda: self.op_sep_x2(x),
                "dil2": lambda: self.op_dil2(x),
                "dil4": lambda: self.op_dil4(x),
                "dil2_x2": lambda: self.op_dil2_x2(x),
            },
        )  # [N, c, H, W]


class ReluFactorizedReduce(nn.Module):
    """`relu_factorized_reduce` (std.nas:21), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        out: Tensor = self.factorized_reduce(x)  # [N, 2 * c, H/2, W/2]
        return out


class Reduction(nn.Module):
    """`reduction` (autortnet.nas:24), 3 times."""

    def __init__(self, c_a: int, c: int) -> None:
        super().__init__()
        self.x_0 = ReluConvBn(c_a, c, k=1, stride=1)
        self.x_1 = ReluConvBn(c_a, c, k=1, stride=1)
        self.x_2 = nn.ModuleList(EdgeDown(c) for _ in range(2))
        self.x_3 = nn.ModuleList([EdgeDown(c), EdgeDown(c), Edge(c)])

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:
        x_0: Tensor = self.x_0(a)  # [N, c, H, W]
        x_1: Tensor = self.x_1(b)  # [N, c, H, W]
        # [N, c, H/2, W/2]
        x_2: Tensor = self.x_2[0](x_0, arch / "x[2].edge[0]") + self.x_2[1](x_1, arch / "x[2].edge[1]")
        x_3: Tensor = (
            self.x_3[0](x_0, arch / "x[3].edge[0]")
            + self.x_3[1](x_1, arch / "x[3].edge[1]")
            + self.x_3[2](x_2, arch / "x[3].edge[2]")
        )  # [N, c, H/2, W/2]
        return torch.cat((x_2, x_3), dim=1)  # [N, 2 * c, H/2, W/2]


class Normal(nn.Module):
    """`normal` (autortnet.nas:25), 22 times; H and W are those of `b`."""

    def __init__(self, x_0: nn.Module, c: int) -> None:
        super().__init__()
        self.x_0 = x_0
        self.x_1 = ReluConvBn(2 * c, c, k=1, stride=1)
        self.x_2 = nn.ModuleList(Edge(c) for _ in range(2))
        self.x_3 = nn.ModuleList(Edge(c) for _ in range(3))

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:
        x_0: Tensor = self.x_0(a)  # [N, c, H, W]
        x_1: Tensor = self.x_1(b)  # [N, c, H, W]
        x_2: Tensor = self.x_2[0](x_0, arch / "x[2].edge[0]") + self.x_2[1](x_1, arch / "x[2].edge[1]")  # [N, c, H, W]
        x_3: Tensor = (
            self.x_3[0](x_0, arch / "x[3].edge[0]")
            + self.x_3[1](x_1, arch / "x[3].edge[1]")
            + self.x_3[2](x_2, arch / "x[3].edge[2]")
        )  # [N, c, H, W]
        return torch.cat((x_2, x_3), dim=1)  # [N, 2 * c, H, W]


class HyperCell1(nn.Module):
    """`hyper_cell` (autortnet.nas:23): a[1].hyper_cell."""

    def __init__(self) -> None:
        super().__init__()
        self.y_0 = FactorizedReduce(8, 24)
        self.y_1 = Reduction(8, 24)
        self.y_2 = Normal(ReluFactorizedReduce(8, 12), 24)
        self.y_3 = Normal(ReluConvBn(48, 24, k=1, stride=1), 24)
        self.y_4 = Normal(ReluConvBn(48, 24, k=1, stride=1), 24)
        self.y_5 = Normal(ReluConvBn(48, 24, k=1, stride=1), 24)

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> tuple[Tensor, Tensor]:
        y_1: Tensor = self.y_1(a, b, arch / "reduction")  # [N, 48, 128, 256]
        y_2 = runtime.once(lambda: self.y_2(b, y_1, arch / "normal"))  # [N, 48, 128, 256]
        y_3 = runtime.once(lambda: self.y_3(y_1, y_2(), arch / "normal"))  # [N, 48, 128, 256]
        y_4 = runtime.once(lambda: self.y_4(y_2(), y_3(), arch / "normal"))  # [N, 48, 128, 256]
        y = arch.mix(
            "d",
            {
                1: lambda: self.y_0(b),
                2: lambda: y_1,
                3: y_2,
                4: y_3,
                5: y_4,
            },
        )  # [N, 48, 128, 256]
        y_2_2 = arch.mix(
            "d",
            {
                1: lambda: y_1,
                2: y_2,
                3: y_3,
                4: y_4,
                5: lambda: self.y_5(y_3(), y_4(), arch / "normal"),
            },
        )  # [N, 48, 128, 256]
        return y, y_2_2


class HyperCell2(nn.Module):
    """`hyper_cell` (autortnet.nas:23): a[2].hyper_cell."""

    def __init__(self) -> None:
        super().__init__()
        self.y_0 = FactorizedReduce(48, 72)
        self.y_1 = Reduction(48, 72)
        self.y_2 = Normal(ReluFactorizedReduce(48, 36), 72)
        self.y_3 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_4 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_5 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_6 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_7 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_8 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_9 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)
        self.y_10 = Normal(ReluConvBn(144, 72, k=1, stride=1), 72)

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> tuple[Tensor, Tensor]:
        y_1: Tensor = self.y_1(a, b, arch / "reduction")  # [N, 144, 64, 128]
        y_2 = runtime.once(lambda: self.y_2(b, y_1, arch / "normal"))  # [N, 144, 64, 128]
        y_3 = runtime.once(lambda: self.y_3(y_1, y_2(), arch / "normal"))  # [N, 144, 64, 128]
        y_4 = runtime.once(lambda: self.y_4(y_2(), y_3(), arch / "normal"))  # [N, 144, 64, 128]
        y_5 = runtime.once(lambda: self.y_5(y_3(), y_4(), arch / "normal"))  # [N, 144, 64, 128]
        y_6 = runtime.once(lambda: self.y_6(y_4(), y_5(), arch / "normal"))  # [N, 144, 64, 128]
        y_7 = runtime.once(lambda: self.y_7(y_5(), y_6(), arch / "normal"))  # [N, 144, 64, 128]
        y_8 = runtime.once(lambda: self.y_8(y_6(), y_7(), arch / "normal"))  # [N, 144, 64, 128]
        y_9 = runtime.once(lambda: self.y_9(y_7(), y_8(), arch / "normal"))  # [N, 144, 64, 128]
        y = arch.mix(
            "d",
            {
                1: lambda: self.y_0(b),
                2: lambda: y_1,
                3: y_2,
                4: y_3,
                5: y_4,
                6: y_5,
                7: y_6,
                8: y_7,
                9: y_8,
                10: y_9,
            },
        )  # [N, 144, 64, 128]
        y_2_2 = arch.mix(
            "d",
            {
                1: lambda: y_1,
                2: y_2,
                3: y_3,
                4: y_4,
                5: y_5,
                6: y_6,
                7: y_7,
                8: y_8,
                9: y_9,
                10: lambda: self.y_10(y_8(), y_9(), arch / "normal"),
            },
        )  # [N, 144, 64, 128]
        return y, y_2_2


class HyperCell3(nn.Module):
    """`hyper_cell` (autortnet.nas:23): a[3].hyper_cell."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = Reduction(144, 216)
        self.y_2 = Normal(ReluFactorizedReduce(144, 108), 216)
        self.y_3 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_4 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_5 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_6 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_7 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_8 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_9 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)
        self.y_10 = Normal(ReluConvBn(432, 216, k=1, stride=1), 216)

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:
        y_1: Tensor = self.y_1(a, b, arch / "reduction")  # [N, 432, 32, 64]
        y_2 = runtime.once(lambda: self.y_2(b, y_1, arch / "normal"))  # [N, 432, 32, 64]
        y_3 = runtime.once(lambda: self.y_3(y_1, y_2(), arch / "normal"))  # [N, 432, 32, 64]
        y_4 = runtime.once(lambda: self.y_4(y_2(), y_3(), arch / "normal"))  # [N, 432, 32, 64]
        y_5 = runtime.once(lambda: self.y_5(y_3(), y_4(), arch / "normal"))  # [N, 432, 32, 64]
        y_6 = runtime.once(lambda: self.y_6(y_4(), y_5(), arch / "normal"))  # [N, 432, 32, 64]
        y_7 = runtime.once(lambda: self.y_7(y_5(), y_6(), arch / "normal"))  # [N, 432, 32, 64]
        y_8 = runtime.once(lambda: self.y_8(y_6(), y_7(), arch / "normal"))  # [N, 432, 32, 64]
        y_9 = runtime.once(lambda: self.y_9(y_7(), y_8(), arch / "normal"))  # [N, 432, 32, 64]
        return arch.mix(
            "d",
            {
                1: lambda: y_1,
                2: y_2,
                3: y_3,
                4: y_4,
                5: y_5,
                6: y_6,
                7: y_7,
                8: y_8,
                9: y_9,
                10: lambda: self.y_10(y_8(), y_9(), arch / "normal"),
            },
        )  # [N, 432, 32, 64]


class PointwiseX2(nn.Module):
    """`pointwise_x2` (autortnet.nas:45), 7 times."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.relu_conv_bn = ReluConvBn(144, 144, k=1, stride=stride)
        self.relu_conv_bn_2 = ReluConvBn(144, 144, k=1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu_conv_bn(x)  # [N, 144, H/stride, W/stride]
        out: Tensor = self.relu_conv_bn_2(x)  # [N, 144, H/stride, W/stride]
        return out


class Link(nn.Module):
    """`link` (autortnet.nas:34), 7 times."""

    def __init__(self, c_in: int, stride: int) -> None:
        super().__init__()
        self.relu_conv_bn = ReluConvBn(c_in, 144, k=1, stride=1)
        self.op_conv1_x2 = PointwiseX2(stride=stride)
        self.op_conv3_x2 = ConvX2(144, stride=stride)
        self.op_dil2_x2 = SepX2(144, stride=stride, dilation=2)
        self.op_dil4_x2 = SepX2(144, stride=stride, dilation=4)
        self.op_dil8_x2 = SepX2(144, stride=stride, dilation=8)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        x = self.relu_conv_bn(x)  # [N, 144, H, W]
        return arch.mix(
            "op",
            {
                "conv1_x2": lambda: self.op_conv1_x2(x),
                "conv3_x2": lambda: self.op_conv3_x2(x),
                "dil2_x2": lambda: self.op_dil2_x2(x),
                "dil4_x2": lambda: self.op_dil4_x2(x),
                "dil8_x2": lambda: self.op_dil8_x2(x),
            },
        )  # [N, 144, H/stride, W/stride]


class Aggregation(nn.Module):
    """`aggregation` (autortnet.nas:33): segment.aggregation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner_fine_link = Link(48, stride=2)
        self.inner_same_link = Link(144, stride=1)
        self.y_1_inner_link = Link(144, stride=2)
        self.y_1_deep_link = Link(432, stride=1)
        self.y_2_middle_link = Link(144, stride=2)
        self.y_2_deep_link = Link(432, stride=1)
        self.y_3 = Link(432, stride=1)

    def forward(self, x1: Tensor, x2: Tensor, x3: Tensor, arch: Choices) -> Tensor:
        inner: Tensor = self.inner_fine_link(x1, arch / "inner.fine.link")  # [N, 144, 64, 128]
        inner_same_link: Tensor = self.inner_same_link(x2, arch / "inner.same.link")  # [N, 144, 64, 128]
        inner = inner + inner_same_link  # [N, 144, 64, 128]
        y_1: Tensor = self.y_1_inner_link(inner, arch / "y[1].inner.link")  # [N, 144, 32, 64]
        y_1_deep_link: Tensor = self.y_1_deep_link(x3, arch / "y[1].deep.link")  # [N, 144, 32, 64]
        y_1 = y_1 + y_1_deep_link  # [N, 144, 32, 64]
        y_2: Tensor = self.y_2_middle_link(x2, arch / "y[2].middle.link")  # [N, 144, 32, 64]
        y_2_deep_link: Tensor = self.y_2_deep_link(x3, arch / "y[2].deep.link")  # [N, 144, 32, 64]
        y_2 = y_2 + y_2_deep_link  # [N, 144, 32, 64]
        y_3: Tensor = self.y_3(x3, arch / "y[3].link")  # [N, 144, 32, 64]
        return torch.cat((y_1, y_2, y_3), dim=1)  # [N, 432, 32, 64]


class MultiScale(nn.Module):
    """`multi_scale` (autortnet.nas:47): segment.multi_scale."""

    def __init__(self) -> None:
        super().__init__()
        self.pooled = ConvBnRelu(432, 128, k=1, stride=1)
        self.conv_bn_relu = ConvBnRelu(432, 128, k=1, stride=1)
        self.sep_1 = Sep(432, 128, stride=1, dilation=2)
        self.sep_2 = Sep(432, 128, stride=1, dilation=4)
        self.sep_3 = Sep(432, 128, stride=1, dilation=8)
        self.conv_bn_relu_2 = ConvBnRelu(640, 128, k=1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)  # [N, 432, 1, 1]
        pooled = self.pooled(pooled)  # [N, 128, 1, 1]
        pooled = F.interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=True)  # [N, 128, 32, 64]
        conv_bn_relu: Tensor = self.conv_bn_relu(x)  # [N, 128, 32, 64]
        sep_1: Tensor = self.sep_1(x)  # [N, 128, 32, 64]
        sep_2: Tensor = self.sep_2(x)  # [N, 128, 32, 64]
        sep_3: Tensor = self.sep_3(x)  # [N, 128, 32, 64]
        sep_1 = torch.cat((sep_1, sep_2, sep_3), dim=1)  # [N, 384, 32, 64]
        conv_bn_relu = torch.cat((conv_bn_relu, sep_1, pooled), dim=1)  # [N, 640, 32, 64]
        out: Tensor = self.conv_bn_relu_2(conv_bn_relu)  # [N, 128, 32, 64]
        return out


class Supernet(nn.Module):
    """All architectures of `autortnet` at once: called with images and decisions it returns `segment`."""

    def __init__(self) -> None:
        super().__init__()
        self.a_0_conv_bn_relu = ConvBnRelu(3, 8, k=3, stride=2)
        self.a_0_conv_bn_relu_2 = ConvBnRelu(8, 8, k=3, stride=2)
        self.hyper_cell_1 = HyperCell1()
        self.hyper_cell_2 = HyperCell2()
        self.hyper_cell_3 = HyperCell3()
        self.segment_aggregation = Aggregation()
        self.segment_multi_scale = MultiScale()
        self.segment_conv = nn.Conv2d(128, 19, 1)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        a_0: Tensor = self.a_0_conv_bn_relu(image)  # [N, 8, 512, 1024]
        a_0 = self.a_0_conv_bn_relu_2(a_0)  # [N, 8, 256, 512]
        a_1, b_1 = self.hyper_cell_1(a_0, a_0, arch / "a[1].hyper_cell")  # [N, 48, 128, 256]; [N, 48, 128, 256]
        a_2, b_2 = self.hyper_cell_2(a_1, b_1, arch / "a[2].hyper_cell")  # [N, 144, 64, 128]; [N, 144, 64, 128]
        b_3: Tensor = self.hyper_cell_3(a_2, b_2, arch / "a[3].hyper_cell")  # [N, 432, 32, 64]
        segment: Tensor = self.segment_aggregation(b_1, b_2, b_3, arch / "segment.aggregation")  # [N, 432, 32, 64]
        segment = self.segment_multi_scale(segment)  # [N, 128, 32, 64]
        segment = self.segment_conv(segment)  # [N, 19, 32, 64]
        segment = F.interpolate(segment, image.shape[2:], mode="bilinear", align_corners=True)  # [N, 19, 1024, 2048]
        return {"segment": segment}

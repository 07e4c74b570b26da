"""Supernet of the space `darts` (darts.nas:3). Written by `nasdsl compile`.

A proxy for the search: operations work on 1/4 of the channels, the others pass by them (partial channels, PC-DARTS).

Parameters: C = 16, layers = 8, nodes = 4, classes = 10, size = 32, final = False.

    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision
    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them

In `forward`, `arch` is what was drawn, and `arch / "a"` its part for the names in SPACE that begin with "a."; a
lambda runs only if what was drawn takes it, in a mixture all do.
A `soft` alternative has a share in mixtures; no path takes it, and no network has it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime import Choices

OP = runtime.Choose(("none", "max3", "avg3", "skip", "sep3", "sep5", "dil3", "dil5"), soft=("none",))
INS = runtime.Pick((0, 1, 2), count=2)
INS_2 = runtime.Pick((0, 1, 2, 3), count=2)
INS_3 = runtime.Pick((0, 1, 2, 3, 4), count=2)
SPACE = runtime.Space(
    "darts",
    decisions={
        "normal.x[2].edge[0].op": OP,
        "normal.x[2].edge[1].op": OP,
        "normal.ins[3]": INS,
        **{f"normal.x[3].edge[{i}].op": OP for i in range(3)},
        "normal.ins[4]": INS_2,
        **{f"normal.x[4].edge[{i}].op": OP for i in range(4)},
        "normal.ins[5]": INS_3,
        **{f"normal.x[5].edge[{i}].op": OP for i in range(5)},
        "reduction.x[2].edge[0].op": OP,
        "reduction.x[2].edge[1].op": OP,
        "reduction.ins[3]": INS,
        **{f"reduction.x[3].edge[{i}].op": OP for i in range(3)},
        "reduction.ins[4]": INS_2,
        **{f"reduction.x[4].edge[{i}].op": OP for i in range(4)},
        "reduction.ins[5]": INS_3,
        **{f"reduction.x[5].edge[{i}].op": OP for i in range(5)},
    },
)


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3): y[0].conv_bn."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(48)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, 48, 32, 32]
        out: Tensor = self.bn(x)  # [N, 48, 32, 32]
        return out


class ReluConvBn(nn.Module):
    """`relu_conv_bn` (std.nas:9), 14 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 1, bias=False)
        self.bn = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        x = self.conv(x)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class SepConv(nn.Module):
    """`sep_conv` (std.nas:26), 224 times."""

    def __init__(self, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(c, c, k, stride=stride, padding=k // 2, groups=c, bias=False)
        self.conv = nn.Conv2d(c, c, 1, bias=False)
        self.bn = nn.BatchNorm2d(c, affine=False)
        self.dw_conv_2 = nn.Conv2d(c, c, k, padding=k // 2, groups=c, bias=False)
        self.conv_2 = nn.Conv2d(c, c, 1, bias=False)
        self.bn_2 = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, c, H/stride, W/stride]
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        x = F.relu(x)  # [N, c, H/stride, W/stride]
        x = self.dw_conv_2(x)  # [N, c, H/stride, W/stride]
        x = self.conv_2(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.bn_2(x)  # [N, c, H/stride, W/stride]
        return out


class DilConv(nn.Module):
    """`dil_conv` (std.nas:30), 224 times."""

    def __init__(self, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(c, c, k, stride=stride, padding=2 * (k // 2), dilation=2, groups=c, bias=False)
        self.conv = nn.Conv2d(c, c, 1, bias=False)
        self.bn = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, c, H/stride, W/stride]
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.bn(x)  # [N, c, H/stride, W/stride]
        return out


class FactorizedReduce(nn.Module):
    """`factorized_reduce` (std.nas:17), 18 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(2 * c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        conv: Tensor = self.conv(x)  # [N, c, H/2, W/2]
        x = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))  # [N, c_in, H, W]
        x = self.conv_2(x)  # [N, c, H/2, W/2]
        conv = torch.cat((conv, x), dim=1)  # [N, 2 * c, H/2, W/2]
        out: Tensor = self.bn(conv)  # [N, 2 * c, H/2, W/2]
        return out


class Skip(nn.Module):
    """`skip` (std.nas:23), 16 times."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c_in // 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        out: Tensor = self.factorized_reduce(x)  # [N, c_in, H/2, W/2]
        return out


class Edge(nn.Module):
    """`edge` (darts.nas:6), 96 times, such as y[2].normal.x[2].edge[0]."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_sep3 = SepConv(c, k=3, stride=1)
        self.op_sep5 = SepConv(c, k=5, stride=1)
        self.op_dil3 = DilConv(c, k=3, stride=1)
        self.op_dil5 = DilConv(c, k=5, stride=1)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        share: Tensor = x[:, : x.shape[1] // 4]  # [N, c, H, W]
        relu = runtime.once(lambda: F.relu(share))  # [N, c, H, W]
        op = arch.mix(
            "op",
            {
                "none": runtime.Zero(lambda: torch.zeros_like(share)),
                "max3": lambda: F.max_pool2d(share, 3, stride=1, padding=1),
                "avg3": lambda: F.avg_pool2d(share, 3, stride=1, padding=1, count_include_pad=False),
                "skip": lambda: share,
                "sep3": lambda: self.op_sep3(relu()),
                "sep5": lambda: self.op_sep5(relu()),
                "dil3": lambda: self.op_dil3(relu()),
                "dil5": lambda: self.op_dil5(relu()),
            },
        )  # [N, c, H, W]
        rest: Tensor = x[:, x.shape[1] // 4 :]  # [N, 3 * c, H, W]
        op = torch.cat((op, rest), dim=1)  # [N, 4 * c, H, W]
        return F.channel_shuffle(op, 4)  # [N, 4 * c, H, W]


class EdgeDown(nn.Module):
    """`edge` (darts.nas:6), 16 times, such as y[4].reduction.x[2].edge[0]."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_skip = Skip(c)
        self.op_sep3 = SepConv(c, k=3, stride=2)
        self.op_sep5 = SepConv(c, k=5, stride=2)
        self.op_dil3 = DilConv(c, k=3, stride=2)
        self.op_dil5 = DilConv(c, k=5, stride=2)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        share: Tensor = x[:, : x.shape[1] // 4]  # [N, c, H, W]
        relu = runtime.once(lambda: F.relu(share))  # [N, c, H, W]
        op = arch.mix(
            "op",
            {
                "none": runtime.Zero(lambda: torch.zeros_like(share[:, :, ::2, ::2])),
                "max3": lambda: F.max_pool2d(share, 3, stride=2, padding=1),
                "avg3": lambda: F.avg_pool2d(share, 3, stride=2, padding=1, count_include_pad=False),
                "skip": lambda: self.op_skip(share),
                "sep3": lambda: self.op_sep3(relu()),
                "sep5": lambda: self.op_sep5(relu()),
                "dil3": lambda: self.op_dil3(relu()),
                "dil5": lambda: self.op_dil5(relu()),
            },
        )  # [N, c, H/2, W/2]
        rest: Tensor = x[:, x.shape[1] // 4 :]  # [N, 3 * c, H, W]
        rest = F.max_pool2d(rest, 2, stride=2, padding=0)  # [N, 3 * c, H/2, W/2]
        op = torch.cat((op, rest), dim=1)  # [N, 4 * c, H/2, W/2]
        return F.channel_shuffle(op, 4)  # [N, 4 * c, H/2, W/2]


class ReluFactorizedReduce(nn.Module):
    """`relu_factorized_reduce` (std.nas:21), 2 times."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c_in // 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)  # [N, c_in, H, W]
        out: Tensor = self.factorized_reduce(x)  # [N, c_in / 2, H/2, W/2]
        return out


class Normal(nn.Module):
    """`normal` (darts.nas:22), 6 times; H and W are those of `b`."""

    def __init__(self, x_0: nn.Module, c_b: int, c: int) -> None:
        super().__init__()
        self.x_0 = x_0
        self.x_1 = ReluConvBn(c_b, 4 * c)
        self.x_2 = nn.ModuleList(Edge(c) for _ in range(2))
        self.x_3 = nn.ModuleList(Edge(c) for _ in range(3))
        self.x_4 = nn.ModuleList(Edge(c) for _ in range(4))
        self.x_5 = nn.ModuleList(Edge(c) for _ in range(5))

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:
        x_0: Tensor = self.x_0(a)  # [N, 4 * c, H, W]
        x_1: Tensor = self.x_1(b)  # [N, 4 * c, H, W]
        # [N, 4 * c, H, W]
        x_2: Tensor = self.x_2[0](x_0, arch / "x[2].edge[0]") + self.x_2[1](x_1, arch / "x[2].edge[1]")
        # [N, 4 * c, H, W]
        x_3 = runtime.total(arch.picked("ins[3]", lambda j: self.x_3[j]((x_0, x_1, x_2)[j], arch / f"x[3].edge[{j}]")))
        x_4 = runtime.total(
            arch.picked("ins[4]", lambda j: self.x_4[j]((x_0, x_1, x_2, x_3)[j], arch / f"x[4].edge[{j}]")),
        )  # [N, 4 * c, H, W]
        x_5 = runtime.total(
            arch.picked("ins[5]", lambda j: self.x_5[j]((x_0, x_1, x_2, x_3, x_4)[j], arch / f"x[5].edge[{j}]")),
        )  # [N, 4 * c, H, W]
        return torch.cat((x_2, x_3, x_4, x_5), dim=1)  # [N, 16 * c, H, W]


class Reduction(nn.Module):
    """`reduction` (darts.nas:23), 2 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.x_0 = ReluConvBn(8 * c, 4 * c)
        self.x_1 = ReluConvBn(8 * c, 4 * c)
        self.x_2 = nn.ModuleList(EdgeDown(c) for _ in range(2))
        self.x_3 = nn.ModuleList([EdgeDown(c), EdgeDown(c), Edge(c)])
        self.x_4 = nn.ModuleList([EdgeDown(c), EdgeDown(c), Edge(c), Edge(c)])
        self.x_5 = nn.ModuleList([EdgeDown(c), EdgeDown(c), Edge(c), Edge(c), Edge(c)])

    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:
        x_0: Tensor = self.x_0(a)  # [N, 4 * c, H, W]
        x_1: Tensor = self.x_1(b)  # [N, 4 * c, H, W]
        # [N, 4 * c, H/2, W/2]
        x_2: Tensor = self.x_2[0](x_0, arch / "x[2].edge[0]") + self.x_2[1](x_1, arch / "x[2].edge[1]")
        # [N, 4 * c, H/2, W/2]
        x_3 = runtime.total(arch.picked("ins[3]", lambda j: self.x_3[j]((x_0, x_1, x_2)[j], arch / f"x[3].edge[{j}]")))
        x_4 = runtime.total(
            arch.picked("ins[4]", lambda j: self.x_4[j]((x_0, x_1, x_2, x_3)[j], arch / f"x[4].edge[{j}]")),
        )  # [N, 4 * c, H/2, W/2]
        x_5 = runtime.total(
            arch.picked("ins[5]", lambda j: self.x_5[j]((x_0, x_1, x_2, x_3, x_4)[j], arch / f"x[5].edge[{j}]")),
        )  # [N, 4 * c, H/2, W/2]
        return torch.cat((x_2, x_3, x_4, x_5), dim=1)  # [N, 16 * c, H/2, W/2]


class Supernet(nn.Module):
    """All architectures of `darts` at once: called with images and decisions it returns `classify`."""

    def __init__(self) -> None:
        super().__init__()
        self.y_0 = ConvBn()
        self.y_2 = Normal(ReluConvBn(48, 16), 48, 4)
        self.y_3 = Normal(ReluConvBn(48, 16), 64, 4)
        self.y_4 = Reduction(8)
        self.y_5 = Normal(ReluFactorizedReduce(64), 128, 8)
        self.y_6 = Normal(ReluConvBn(128, 32), 128, 8)
        self.y_7 = Reduction(16)
        self.y_8 = Normal(ReluFactorizedReduce(128), 256, 16)
        self.y_9 = Normal(ReluConvBn(256, 64), 256, 16)
        self.classify = nn.Linear(256, 10)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        y_0: Tensor = self.y_0(image)  # [N, 48, 32, 32]
        y_2: Tensor = self.y_2(y_0, y_0, arch / "normal")  # [N, 64, 32, 32]
        y_3: Tensor = self.y_3(y_0, y_2, arch / "normal")  # [N, 64, 32, 32]
        y_4: Tensor = self.y_4(y_2, y_3, arch / "reduction")  # [N, 128, 16, 16]
        y_5: Tensor = self.y_5(y_3, y_4, arch / "normal")  # [N, 128, 16, 16]
        y_6: Tensor = self.y_6(y_4, y_5, arch / "normal")  # [N, 128, 16, 16]
        y_7: Tensor = self.y_7(y_5, y_6, arch / "reduction")  # [N, 256, 8, 8]
        y_8: Tensor = self.y_8(y_6, y_7, arch / "normal")  # [N, 256, 8, 8]
        y_9: Tensor = self.y_9(y_7, y_8, arch / "normal")  # [N, 256, 8, 8]
        classify = F.adaptive_avg_pool2d(y_9, 1)  # [N, 256, 1, 1]
        classify = self.classify(classify.flatten(1))  # [N, 10]
        return {"classify": classify}

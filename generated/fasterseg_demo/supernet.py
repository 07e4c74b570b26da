"""Supernet of the space `fasterseg` (fasterseg.nas:3), preset `demo`. Written by `nasdsl compile`.

Parameters: F = 6, layers = 6, middle = 6, classes = 9, H = 96, W = 192, decoded = False.

    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision
    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them

In `forward`, `a` holds what was drawn, `a / "x"` the part of it for the block instance x; a lambda runs only if
a decision takes it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime import Choices

OP = runtime.Choose(("skip", "conv", "zoomed", "conv2x", "zoomed2x"))
W = runtime.Width((4, 6, 8, 10, 12))
SPACE = runtime.Space(
    "fasterseg",
    preset="demo",
    decisions={
        "ends": runtime.Pick((8, 16, 32), count=2),
        "branch[8]": runtime.Route("trunk", end=(6, 8)),
        "branch[16]": runtime.Route("trunk", end=(6, 16)),
        "branch[32]": runtime.Route("trunk", end=(6, 32)),
        "trunk[0,8].op": OP,
        "trunk[1,8].w": W,
        "trunk[1,8].op": OP,
        "trunk[1,16].w": W,
        "trunk[1,16].op": OP,
        "trunk[2,8].w": W,
        "trunk[2,8].op": OP,
        "trunk[2,16].w": W,
        "trunk[2,16].op": OP,
        "trunk[2,32].w": W,
        "trunk[2,32].op": OP,
        "trunk[3,8].w": W,
        "trunk[3,8].op": OP,
        "trunk[3,16].w": W,
        "trunk[3,16].op": OP,
        "trunk[3,32].w": W,
        "trunk[3,32].op": OP,
        "trunk[4,8].w": W,
        "trunk[4,8].op": OP,
        "trunk[4,16].w": W,
        "trunk[4,16].op": OP,
        "trunk[4,32].w": W,
        "trunk[4,32].op": OP,
        "trunk[5,8].w": W,
        "trunk[5,8].op": OP,
        "trunk[5,16].w": W,
        "trunk[5,16].op": OP,
        "trunk[5,32].w": W,
        "trunk[5,32].op": OP,
    },
    grids={
        "trunk": runtime.Grid(
            source=(0, 8),
            links=(
                ((0, 8), (1, 8)),
                ((0, 8), (1, 16)),
                ((1, 8), (2, 8)),
                ((1, 8), (2, 16)),
                ((1, 16), (2, 16)),
                ((1, 16), (2, 32)),
                ((2, 8), (3, 8)),
                ((2, 8), (3, 16)),
                ((2, 16), (3, 16)),
                ((2, 16), (3, 32)),
                ((2, 32), (3, 32)),
                ((3, 8), (4, 8)),
                ((3, 8), (4, 16)),
                ((3, 16), (4, 16)),
                ((3, 16), (4, 32)),
                ((3, 32), (4, 32)),
                ((4, 8), (5, 8)),
                ((4, 8), (5, 16)),
                ((4, 16), (5, 16)),
                ((4, 16), (5, 32)),
                ((4, 32), (5, 32)),
                ((5, 8), (6, 8)),
                ((5, 16), (6, 16)),
                ((5, 32), (6, 32)),
            ),
        ),
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 15 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        conv: Tensor = self.conv(x)  # [N, c, H/stride, W/stride]
        conv = self.bn(conv)  # [N, c, H/stride, W/stride]
        return F.relu(conv)  # [N, c, H/stride, W/stride]


class SlimConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 96 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = runtime.BatchNorm2d(widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.conv(x, c)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class SlimConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 42 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 3, padding=1, bias=False)
        self.bn = runtime.BatchNorm2d(widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.conv(x, c)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class FactorizedReduce(nn.Module):
    """`factorized_reduce` (std.nas:17), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.conv_2 = runtime.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.bn = runtime.BatchNorm2d(widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        conv: Tensor = self.conv(x, c)  # [N, c, H/2, W/2]
        x = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))  # [N, C, H, W]
        x = self.conv_2(x, c)  # [N, c, H/2, W/2]
        conv = torch.cat((conv, x), dim=1)  # [N, 2 * c, H/2, W/2]
        out: Tensor = self.bn(conv)  # [N, 2 * c, H/2, W/2]
        return out


class ConvBnReluFromSlim(nn.Module):
    """`conv_bn_relu` (std.nas:6), 15 times."""

    def __init__(self, c_in: int, c: int, k: int) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H, W]
        x = self.bn(x)  # [N, c, H, W]
        return F.relu(x)  # [N, c, H, W]


class ConvBnFromSlim(nn.Module):
    """`conv_bn` (std.nas:3), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 3 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class Conv2xDown(nn.Module):
    """`conv2x` (fasterseg.nas:8), 2 times."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(c_in, 32, k=3, stride=2)
        self.conv_bn_relu_2 = ConvBnRelu(32, 32, k=3, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_bn_relu(x)  # [N, 32, H/2, W/2]
        out: Tensor = self.conv_bn_relu_2(x)  # [N, 32, H/2, W/2]
        return out


class SlimZoomed(nn.Module):
    """`zoomed` (fasterseg.nas:9), 12 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn = SlimConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y_conv_bn(y, c)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class SlimConv2x(nn.Module):
    """`conv2x` (fasterseg.nas:8), 21 times."""

    def __init__(self, c_in: int, c: int, stride: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv_bn_relu = SlimConvBnRelu(c_in, c, k=3, stride=stride, widths=widths)
        self.conv_bn_relu_2 = SlimConvBnRelu(c, c, k=3, stride=1, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.conv_bn_relu(x, c)  # [N, c, H/stride, W/stride]
        out: Tensor = self.conv_bn_relu_2(x, c)  # [N, c, H/stride, W/stride]
        return out


class SlimZoomed2x(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 12 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = SlimConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.y_conv_bn = SlimConvBn(c, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y_conv_bn_relu(y, c)  # [N, c, ...]
        y = self.y_conv_bn(y, c)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class Stay(nn.Module):
    """`stay` (fasterseg.nas:17), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.factorized_reduce(x, c)  # [N, 2 * c, H/2, W/2]
        return F.relu(x)  # [N, 2 * c, H/2, W/2]


class SlimZoomedDown(nn.Module):
    """`zoomed` (fasterseg.nas:9), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn = SlimConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y_conv_bn(y, c)  # [N, c, H/2, W/2]
        return F.relu(y)  # [N, c, H/2, W/2]


class SlimZoomed2xDown(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = SlimConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.y_conv_bn = SlimConvBn(c, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y_conv_bn_relu(y, c)  # [N, c, H/2, W/2]
        y = self.y_conv_bn(y, c)  # [N, c, H/2, W/2]
        return F.relu(y)  # [N, c, H/2, W/2]


class ZoomedFromSlim(nn.Module):
    """`zoomed` (fasterseg.nas:9), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.y_conv_bn = ConvBnFromSlim(c_in, c)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y_conv_bn(y)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class Conv2xFromSlim(nn.Module):
    """`conv2x` (fasterseg.nas:8), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnReluFromSlim(c_in, c, k=3)
        self.conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_bn_relu(x)  # [N, c, H, W]
        out: Tensor = self.conv_bn_relu_2(x)  # [N, c, H, W]
        return out


class Zoomed2xFromSlim(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnReluFromSlim(c_in, c, k=3)
        self.y_conv_bn = ConvBn(c)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y_conv_bn_relu(y)  # [N, c, ...]
        y = self.y_conv_bn(y)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class Refine(nn.Module):
    """`refine` (fasterseg.nas:34): segment.refine[16]."""

    def __init__(self) -> None:
        super().__init__()
        self.up_conv_bn_relu = ConvBnRelu(64, 32, k=1, stride=1)
        self.y_8_conv_bn_relu = ConvBnReluFromSlim(80, 32, k=3)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_16_end = trunk.end("branch[16]")  # [N, 64, 6, 12]
        up: Tensor = self.up_conv_bn_relu(branch_16_end)  # [N, 32, 6, 12]
        branch_16_last_8 = trunk.last("branch[16]", 8)  # [N, ..., 12, 24]
        up = F.interpolate(up, branch_16_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, 32, 12, 24]
        y_8 = torch.cat((up, branch_16_last_8), dim=1)  # [N, ..., 12, 24]
        out: Tensor = self.y_8_conv_bn_relu(y_8)  # [N, 32, 12, 24]
        return out


class Refine2(nn.Module):
    """`refine` (fasterseg.nas:34): segment.refine[32]."""

    def __init__(self) -> None:
        super().__init__()
        self.up_conv_bn_relu = ConvBnRelu(128, 64, k=1, stride=1)
        self.y_16_conv_bn_relu = ConvBnReluFromSlim(160, 64, k=3)
        self.up_conv_bn_relu_2 = ConvBnRelu(64, 32, k=1, stride=1)
        self.y_8_conv_bn_relu = ConvBnReluFromSlim(80, 32, k=3)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_32_end = trunk.end("branch[32]")  # [N, 128, 3, 6]
        up: Tensor = self.up_conv_bn_relu(branch_32_end)  # [N, 64, 3, 6]
        branch_32_last_16 = trunk.last("branch[32]", 16)  # [N, ..., 6, 12]
        up = F.interpolate(up, branch_32_last_16.shape[2:], mode="bilinear", align_corners=True)  # [N, 64, 6, 12]
        y_16 = torch.cat((up, branch_32_last_16), dim=1)  # [N, ..., 6, 12]
        y_16 = self.y_16_conv_bn_relu(y_16)  # [N, 64, 6, 12]
        up = self.up_conv_bn_relu_2(y_16)  # [N, 32, 6, 12]
        branch_32_last_8 = trunk.last("branch[32]", 8)  # [N, ..., 12, 24]
        up = F.interpolate(up, branch_32_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, 32, 12, 24]
        y_8 = torch.cat((up, branch_32_last_8), dim=1)  # [N, ..., 12, 24]
        out: Tensor = self.y_8_conv_bn_relu(y_8)  # [N, 32, 12, 24]
        return out


class Head(nn.Module):
    """`head` (fasterseg.nas:42), 3 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(c, c, k=3, stride=1)
        self.conv = nn.Conv2d(c, 9, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.conv_bn_relu(x)  # [N, c, H, W]
        x = self.conv(x)  # [N, 9, H, W]
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=True)  # [N, 9, 96, 192]


class SlimTo(nn.Module):
    """`to` (fasterseg.nas:28), 12 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.op_skip = SlimConvBnRelu(c_in, c, k=1, stride=1, widths=widths)
        self.op_conv = SlimConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.op_zoomed = SlimZoomed(c_in, c, widths=widths)
        self.op_conv2x = SlimConv2x(c_in, c, stride=1, widths=widths)
        self.op_zoomed2x = SlimZoomed2x(c_in, c, widths=widths)

    def forward(self, x: Tensor, a: Choices, c: int) -> Tensor:
        return a.mix(
            "op",
            {
                "skip": lambda: self.op_skip(x, c),
                "conv": lambda: self.op_conv(x, c),
                "zoomed": lambda: self.op_zoomed(x, c),
                "conv2x": lambda: self.op_conv2x(x, c),
                "zoomed2x": lambda: self.op_zoomed2x(x, c),
            },
        )  # [N, c, H, W]


class SlimToDown(nn.Module):
    """`to` (fasterseg.nas:29), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.op_skip = Stay(c_in, c // 2, widths=widths)
        self.op_conv = SlimConvBnRelu(c_in, c, k=3, stride=2, widths=widths)
        self.op_zoomed = SlimZoomedDown(c_in, c, widths=widths)
        self.op_conv2x = SlimConv2x(c_in, c, stride=2, widths=widths)
        self.op_zoomed2x = SlimZoomed2xDown(c_in, c, widths=widths)

    def forward(self, x: Tensor, a: Choices, c: int) -> Tensor:
        return a.mix(
            "op",
            {
                "skip": lambda: self.op_skip(x, c // 2),
                "conv": lambda: self.op_conv(x, c),
                "zoomed": lambda: self.op_zoomed(x, c),
                "conv2x": lambda: self.op_conv2x(x, c),
                "zoomed2x": lambda: self.op_zoomed2x(x, c),
            },
        )  # [N, c, H/2, W/2]


class ToFromSlim(nn.Module):
    """`to` (fasterseg.nas:28), 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.op_skip = ConvBnReluFromSlim(c_in, c, k=1)
        self.op_conv = ConvBnReluFromSlim(c_in, c, k=3)
        self.op_zoomed = ZoomedFromSlim(c_in, c)
        self.op_conv2x = Conv2xFromSlim(c_in, c)
        self.op_zoomed2x = Zoomed2xFromSlim(c_in, c)

    def forward(self, x: Tensor, a: Choices) -> Tensor:
        return a.mix(
            "op",
            {
                "skip": lambda: self.op_skip(x),
                "conv": lambda: self.op_conv(x),
                "zoomed": lambda: self.op_zoomed(x),
                "conv2x": lambda: self.op_conv2x(x),
                "zoomed2x": lambda: self.op_zoomed2x(x),
            },
        )  # [N, c, H, W]


class SlimTrunk(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.to_same = SlimTo(c_in, c, widths=widths)
        self.to_down = SlimToDown(c_in, 2 * c, widths=widths_2)


class SlimTrunk2(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 3 times."""

    def __init__(self) -> None:
        super().__init__()
        self.to_same = SlimTo(192, 192, widths=(64, 96, 128, 160, 192))


class TrunkFromSlim(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 3 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.to_same = ToFromSlim(c_in, c)


class Supernet(nn.Module):
    """All architectures of `fasterseg` at once: called with images and decisions it returns `segment`; in training
    also `deep[16]`, `deep[32]`, where the route is one that is run."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_conv_bn_relu = ConvBnRelu(3, 16, k=3, stride=2)
        self.stem_conv2x = Conv2xDown(16)
        self.stem_conv2x_2 = Conv2xDown(32)
        self.trunk_0_8 = SlimTrunk(32, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96))
        self.trunk_1_8 = SlimTrunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96))
        self.trunk_1_16 = SlimTrunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192))
        self.trunk_2_8 = SlimTrunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96))
        self.trunk_2_16 = SlimTrunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192))
        self.trunk_2_32 = SlimTrunk2()
        self.trunk_3_8 = SlimTrunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96))
        self.trunk_3_16 = SlimTrunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192))
        self.trunk_3_32 = SlimTrunk2()
        self.trunk_4_8 = SlimTrunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96))
        self.trunk_4_16 = SlimTrunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192))
        self.trunk_4_32 = SlimTrunk2()
        self.trunk_5_8 = TrunkFromSlim(48, 32)
        self.trunk_5_16 = TrunkFromSlim(96, 64)
        self.trunk_5_32 = TrunkFromSlim(192, 128)
        self.segment_refine_16 = Refine()
        self.segment_refine_32 = Refine2()
        self.segment_conv_bn_relu = ConvBnRelu(64, 64, k=1, stride=1)
        self.segment_head = Head(64)
        self.deep_16_head = Head(64)
        self.deep_32_head = Head(128)

    def forward(self, image: Tensor, a: Choices) -> dict[str, Tensor]:
        stem: Tensor = self.stem_conv_bn_relu(image)  # [N, 16, 48, 96]
        stem = self.stem_conv2x(stem)  # [N, 32, 24, 48]
        stem = self.stem_conv2x_2(stem)  # [N, 32, 12, 24]
        trunk_links: runtime.Links = {
            # [N, 4 * w, 12, 24]
            ((0, 8), (1, 8)): lambda x: self.trunk_0_8.to_same(x, a / "trunk[0,8]", 4 * a["trunk[1,8].w"]),
            # [N, 8 * w, 6, 12]
            ((0, 8), (1, 16)): lambda x: self.trunk_0_8.to_down(x, a / "trunk[0,8]", 8 * a["trunk[1,16].w"]),
            # [N, 4 * w, 12, 24]
            ((1, 8), (2, 8)): lambda x: self.trunk_1_8.to_same(x, a / "trunk[1,8]", 4 * a["trunk[2,8].w"]),
            # [N, 8 * w, 6, 12]
            ((1, 8), (2, 16)): lambda x: self.trunk_1_8.to_down(x, a / "trunk[1,8]", 8 * a["trunk[2,16].w"]),
            # [N, 8 * w, 6, 12]
            ((1, 16), (2, 16)): lambda x: self.trunk_1_16.to_same(x, a / "trunk[1,16]", 8 * a["trunk[2,16].w"]),
            # [N, 16 * w, 3, 6]
            ((1, 16), (2, 32)): lambda x: self.trunk_1_16.to_down(x, a / "trunk[1,16]", 16 * a["trunk[2,32].w"]),
            # [N, 4 * w, 12, 24]
            ((2, 8), (3, 8)): lambda x: self.trunk_2_8.to_same(x, a / "trunk[2,8]", 4 * a["trunk[3,8].w"]),
            # [N, 8 * w, 6, 12]
            ((2, 8), (3, 16)): lambda x: self.trunk_2_8.to_down(x, a / "trunk[2,8]", 8 * a["trunk[3,16].w"]),
            # [N, 8 * w, 6, 12]
            ((2, 16), (3, 16)): lambda x: self.trunk_2_16.to_same(x, a / "trunk[2,16]", 8 * a["trunk[3,16].w"]),
            # [N, 16 * w, 3, 6]
            ((2, 16), (3, 32)): lambda x: self.trunk_2_16.to_down(x, a / "trunk[2,16]", 16 * a["trunk[3,32].w"]),
            # [N, 16 * w, 3, 6]
            ((2, 32), (3, 32)): lambda x: self.trunk_2_32.to_same(x, a / "trunk[2,32]", 16 * a["trunk[3,32].w"]),
            # [N, 4 * w, 12, 24]
            ((3, 8), (4, 8)): lambda x: self.trunk_3_8.to_same(x, a / "trunk[3,8]", 4 * a["trunk[4,8].w"]),
            # [N, 8 * w, 6, 12]
            ((3, 8), (4, 16)): lambda x: self.trunk_3_8.to_down(x, a / "trunk[3,8]", 8 * a["trunk[4,16].w"]),
            # [N, 8 * w, 6, 12]
            ((3, 16), (4, 16)): lambda x: self.trunk_3_16.to_same(x, a / "trunk[3,16]", 8 * a["trunk[4,16].w"]),
            # [N, 16 * w, 3, 6]
            ((3, 16), (4, 32)): lambda x: self.trunk_3_16.to_down(x, a / "trunk[3,16]", 16 * a["trunk[4,32].w"]),
            # [N, 16 * w, 3, 6]
            ((3, 32), (4, 32)): lambda x: self.trunk_3_32.to_same(x, a / "trunk[3,32]", 16 * a["trunk[4,32].w"]),
            # [N, 4 * w, 12, 24]
            ((4, 8), (5, 8)): lambda x: self.trunk_4_8.to_same(x, a / "trunk[4,8]", 4 * a["trunk[5,8].w"]),
            # [N, 8 * w, 6, 12]
            ((4, 8), (5, 16)): lambda x: self.trunk_4_8.to_down(x, a / "trunk[4,8]", 8 * a["trunk[5,16].w"]),
            # [N, 8 * w, 6, 12]
            ((4, 16), (5, 16)): lambda x: self.trunk_4_16.to_same(x, a / "trunk[4,16]", 8 * a["trunk[5,16].w"]),
            # [N, 16 * w, 3, 6]
            ((4, 16), (5, 32)): lambda x: self.trunk_4_16.to_down(x, a / "trunk[4,16]", 16 * a["trunk[5,32].w"]),
            # [N, 16 * w, 3, 6]
            ((4, 32), (5, 32)): lambda x: self.trunk_4_32.to_same(x, a / "trunk[4,32]", 16 * a["trunk[5,32].w"]),
            ((5, 8), (6, 8)): lambda x: self.trunk_5_8.to_same(x, a / "trunk[5,8]"),  # [N, 32, 12, 24]
            ((5, 16), (6, 16)): lambda x: self.trunk_5_16.to_same(x, a / "trunk[5,16]"),  # [N, 64, 6, 12]
            ((5, 32), (6, 32)): lambda x: self.trunk_5_32.to_same(x, a / "trunk[5,32]"),  # [N, 128, 3, 6]
        }
        trunk = runtime.Walk(a, "trunk", stem, trunk_links)
        segment = torch.cat(
            a.picked(
                "ends",
                {
                    8: lambda: trunk.end("branch[8]"),
                    16: lambda: self.segment_refine_16(trunk),
                    32: lambda: self.segment_refine_32(trunk),
                },
            ),
            dim=1,
        )  # [N, 64, 12, 24]
        segment = self.segment_conv_bn_relu(segment)  # [N, 64, 12, 24]
        segment = self.segment_head(segment, image)  # [N, 9, 96, 192]
        outputs = {"segment": segment}
        if self.training and trunk.has("branch[16]"):
            branch_16_end = trunk.end("branch[16]")  # [N, 64, 6, 12]
            deep_16: Tensor = self.deep_16_head(branch_16_end, image)  # [N, 9, 96, 192]
            outputs["deep[16]"] = deep_16
        if self.training and trunk.has("branch[32]"):
            branch_32_end = trunk.end("branch[32]")  # [N, 128, 3, 6]
            deep_32: Tensor = self.deep_32_head(branch_32_end, image)  # [N, 9, 96, 192]
            outputs["deep[32]"] = deep_32
        return outputs

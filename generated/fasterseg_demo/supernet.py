"""Supernet of the space `fasterseg` (fasterseg.nas:3), preset `demo`. Written by `nasdsl compile`.

Parameters: F = 6, layers = 6, middle = 6, classes = 9, H = 96, W = 192, decoded = False.

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
        **{
            f"trunk[{i},{j}]{name}": decision
            for i in range(2, 6)
            for j in (8, 16, 32)
            for name, decision in ((".w", W), (".op", OP))
        },
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
                *(
                    ((i, j), (i + 1, k))
                    for i in range(2, 5)
                    for j, k in ((8, 8), (8, 16), (16, 16), (16, 32), (32, 32))
                ),
                ((5, 8), (6, 8)),
                ((5, 16), (6, 16)),
                ((5, 32), (6, 32)),
            ),
        ),
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 126 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class Conv2x(nn.Module):
    """`conv2x` (fasterseg.nas:8), 26 times."""

    def __init__(self, c_in: int, c: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(c_in, c, k=3, stride=stride, widths=widths)
        self.conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=1, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv_bn_relu(x, c)  # [N, c, H/stride, W/stride]
        out: Tensor = self.conv_bn_relu_2(x, c)  # [N, c, H/stride, W/stride]
        return out


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 48 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 3, padding=1, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class Zoomed(nn.Module):
    """`zoomed` (fasterseg.nas:9), 15 times, such as trunk[0,8].to[1,8].op.zoomed."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.y = ConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y(y, c)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class ZoomedDown(nn.Module):
    """`zoomed` (fasterseg.nas:9), 9 times, such as trunk[0,8].to[1,16].op.zoomed."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y = ConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y(y, c)  # [N, c, H/2, W/2]
        return F.relu(y)  # [N, c, H/2, W/2]


class Zoomed2x(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 15 times, such as trunk[0,8].to[1,8].op.zoomed2x."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.y_conv_bn = ConvBn(c, c, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)  # [N, C, ...]
        y = self.y_conv_bn_relu(y, c)  # [N, c, ...]
        y = self.y_conv_bn(y, c)  # [N, c, ...]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class Zoomed2xDown(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 9 times, such as trunk[0,8].to[1,16].op.zoomed2x."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.y_conv_bn = ConvBn(c, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y_conv_bn_relu(y, c)  # [N, c, H/2, W/2]
        y = self.y_conv_bn(y, c)  # [N, c, H/2, W/2]
        return F.relu(y)  # [N, c, H/2, W/2]


class FactorizedReduce(nn.Module):
    """`factorized_reduce` (std.nas:17), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.conv_2 = runtime.Conv2d(c_in, c, 1, stride=2, bias=False)
        self.bn = runtime.BatchNorm2d(2 * c, widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        conv: Tensor = self.conv(x, c)  # [N, c, H/2, W/2]
        x = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))  # [N, C, H, W]
        x = self.conv_2(x, c)  # [N, c, H/2, W/2]
        conv = torch.cat((conv, x), dim=1)  # [N, 2 * c, H/2, W/2]
        out: Tensor = self.bn(conv)  # [N, 2 * c, H/2, W/2]
        return out


class Stay(nn.Module):
    """`stay` (fasterseg.nas:17), 9 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.factorized_reduce(x, c)  # [N, 2 * c, H/2, W/2]
        return F.relu(x)  # [N, 2 * c, H/2, W/2]


class To(nn.Module):
    """`to` (fasterseg.nas:28), 15 times, such as trunk[0,8].to[1,8]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.op_skip = ConvBnRelu(c_in, c, k=1, stride=1, widths=widths)
        self.op_conv = ConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.op_zoomed = Zoomed(c_in, c, widths=widths)
        self.op_conv2x = Conv2x(c_in, c, stride=1, widths=widths)
        self.op_zoomed2x = Zoomed2x(c_in, c, widths=widths)

    def forward(self, here: Tensor, arch: Choices, c: int | None = None) -> Tensor:
        return arch.mix(
            "op",
            {
                "skip": lambda: self.op_skip(here, c),
                "conv": lambda: self.op_conv(here, c),
                "zoomed": lambda: self.op_zoomed(here, c),
                "conv2x": lambda: self.op_conv2x(here, c),
                "zoomed2x": lambda: self.op_zoomed2x(here, c),
            },
        )  # [N, c, H, W]


class ToDown(nn.Module):
    """`to` (fasterseg.nas:29), 9 times, such as trunk[0,8].to[1,16]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.op_skip = Stay(c_in, c // 2, widths=widths)
        self.op_conv = ConvBnRelu(c_in, c, k=3, stride=2, widths=widths)
        self.op_zoomed = ZoomedDown(c_in, c, widths=widths)
        self.op_conv2x = Conv2x(c_in, c, stride=2, widths=widths)
        self.op_zoomed2x = Zoomed2xDown(c_in, c, widths=widths)

    def forward(self, here: Tensor, arch: Choices, c: int) -> Tensor:
        return arch.mix(
            "op",
            {
                "skip": lambda: self.op_skip(here, c // 2),
                "conv": lambda: self.op_conv(here, c),
                "zoomed": lambda: self.op_zoomed(here, c),
                "conv2x": lambda: self.op_conv2x(here, c),
                "zoomed2x": lambda: self.op_zoomed2x(here, c),
            },
        )  # [N, c, H/2, W/2]


class Trunk(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 9 times, such as trunk[0,8]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.to_same = To(c_in, c, widths=widths)
        self.to_down = ToDown(c_in, 2 * c, widths=widths_2)


class TrunkSame(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 6 times, such as trunk[2,32]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.to_same = To(c_in, c, widths=widths)


class Refine16(nn.Module):
    """`refine` (fasterseg.nas:34): segment.refine[16]."""

    def __init__(self) -> None:
        super().__init__()
        self.up = ConvBnRelu(64, 32, k=1, stride=1)
        self.y_8 = ConvBnRelu(80, 32, k=3, stride=1)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_16_end = trunk.end("branch[16]")  # [N, 64, 6, 12]
        up: Tensor = self.up(branch_16_end)  # [N, 32, 6, 12]
        branch_16_last_8 = trunk.last("branch[16]", 8)  # [N, ..., 12, 24]
        up = F.interpolate(up, branch_16_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, 32, 12, 24]
        y_8 = torch.cat((up, branch_16_last_8), dim=1)  # [N, ..., 12, 24]
        out: Tensor = self.y_8(y_8)  # [N, 32, 12, 24]
        return out


class Refine32(nn.Module):
    """`refine` (fasterseg.nas:34): segment.refine[32]."""

    def __init__(self) -> None:
        super().__init__()
        self.up_conv_bn_relu = ConvBnRelu(128, 64, k=1, stride=1)
        self.y_16 = ConvBnRelu(160, 64, k=3, stride=1)
        self.up_conv_bn_relu_2 = ConvBnRelu(64, 32, k=1, stride=1)
        self.y_8 = ConvBnRelu(80, 32, k=3, stride=1)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_32_end = trunk.end("branch[32]")  # [N, 128, 3, 6]
        up: Tensor = self.up_conv_bn_relu(branch_32_end)  # [N, 64, 3, 6]
        branch_32_last_16 = trunk.last("branch[32]", 16)  # [N, ..., 6, 12]
        up = F.interpolate(up, branch_32_last_16.shape[2:], mode="bilinear", align_corners=True)  # [N, 64, 6, 12]
        y_16 = torch.cat((up, branch_32_last_16), dim=1)  # [N, ..., 6, 12]
        y_16 = self.y_16(y_16)  # [N, 64, 6, 12]
        up = self.up_conv_bn_relu_2(y_16)  # [N, 32, 6, 12]
        branch_32_last_8 = trunk.last("branch[32]", 8)  # [N, ..., 12, 24]
        up = F.interpolate(up, branch_32_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, 32, 12, 24]
        y_8 = torch.cat((up, branch_32_last_8), dim=1)  # [N, ..., 12, 24]
        out: Tensor = self.y_8(y_8)  # [N, 32, 12, 24]
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


class Supernet(nn.Module):
    """All architectures of `fasterseg` at once: called with images and decisions it returns `segment`; in training
    also `deep[16]`, `deep[32]`, where the route is one that is run."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_conv_bn_relu = ConvBnRelu(3, 16, k=3, stride=2)
        self.stem_conv2x = Conv2x(16, 32, stride=2)
        self.stem_conv2x_2 = Conv2x(32, 32, stride=2)
        self.trunk_8 = runtime.Column(
            {
                0: Trunk(32, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96)),
                1: Trunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96)),
                2: Trunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96)),
                3: Trunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96)),
                4: Trunk(48, 48, widths=(16, 24, 32, 40, 48), widths_2=(32, 48, 64, 80, 96)),
            },
        )
        self.trunk_16 = runtime.Column(
            {i: Trunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192)) for i in range(1, 5)},
        )
        self.trunk_32 = runtime.Column(
            {
                2: TrunkSame(192, 192, widths=(64, 96, 128, 160, 192)),
                3: TrunkSame(192, 192, widths=(64, 96, 128, 160, 192)),
                4: TrunkSame(192, 192, widths=(64, 96, 128, 160, 192)),
                5: TrunkSame(192, 128),
            },
        )
        self.trunk_5_8 = TrunkSame(48, 32)
        self.trunk_5_16 = TrunkSame(96, 64)
        self.segment_refine_16 = Refine16()
        self.segment_refine_32 = Refine32()
        self.segment_conv_bn_relu = ConvBnRelu(64, 64, k=1, stride=1)
        self.segment_head = Head(64)
        self.deep_16 = Head(64)
        self.deep_32 = Head(128)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        stem: Tensor = self.stem_conv_bn_relu(image)  # [N, 16, 48, 96]
        stem = self.stem_conv2x(stem)  # [N, 32, 24, 48]
        stem = self.stem_conv2x_2(stem)  # [N, 32, 12, 24]
        trunk_links: runtime.Links = {
            **runtime.links(
                8,
                8,
                range(5),
                lambda i, x: self.trunk_8[i].to_same(x, arch / f"trunk[{i},8]", 4 * arch[f"trunk[{i + 1},8].w"]),
            ),  # [N, 4 * w, 12, 24]
            **runtime.links(
                8,
                16,
                range(5),
                lambda i, x: self.trunk_8[i].to_down(x, arch / f"trunk[{i},8]", 8 * arch[f"trunk[{i + 1},16].w"]),
            ),  # [N, 8 * w, 6, 12]
            **runtime.links(
                16,
                16,
                range(1, 5),
                lambda i, x: self.trunk_16[i].to_same(x, arch / f"trunk[{i},16]", 8 * arch[f"trunk[{i + 1},16].w"]),
            ),  # [N, 8 * w, 6, 12]
            **runtime.links(
                16,
                32,
                range(1, 5),
                lambda i, x: self.trunk_16[i].to_down(x, arch / f"trunk[{i},16]", 16 * arch[f"trunk[{i + 1},32].w"]),
            ),  # [N, 16 * w, 3, 6]
            **runtime.links(
                32,
                32,
                range(2, 5),
                lambda i, x: self.trunk_32[i].to_same(x, arch / f"trunk[{i},32]", 16 * arch[f"trunk[{i + 1},32].w"]),
            ),  # [N, 16 * w, 3, 6]
            ((5, 8), (6, 8)): lambda x: self.trunk_5_8.to_same(x, arch / "trunk[5,8]"),  # [N, 32, 12, 24]
            ((5, 16), (6, 16)): lambda x: self.trunk_5_16.to_same(x, arch / "trunk[5,16]"),  # [N, 64, 6, 12]
            ((5, 32), (6, 32)): lambda x: self.trunk_32[5].to_same(x, arch / "trunk[5,32]"),  # [N, 128, 3, 6]
        }
        trunk = runtime.Walk(arch, "trunk", stem, trunk_links)
        segment = torch.cat(
            arch.picked(
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
            deep_16: Tensor = self.deep_16(branch_16_end, image)  # [N, 9, 96, 192]
            outputs["deep[16]"] = deep_16
        if self.training and trunk.has("branch[32]"):
            branch_32_end = trunk.end("branch[32]")  # [N, 128, 3, 6]
            deep_32: Tensor = self.deep_32(branch_32_end, image)  # [N, 9, 96, 192]
            outputs["deep[32]"] = deep_32
        return outputs

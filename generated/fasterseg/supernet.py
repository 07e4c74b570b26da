"""Supernet of the space `fasterseg` (fasterseg.nas:3). Written by `nasdsl compile`.

Parameters: F = 12, layers = 16, middle = 16, classes = 19, H = 1024, W = 2048, decoded = False.

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
    decisions={
        "h": runtime.Choose((8, 12)),
        "ends": runtime.Pick((8, 16, 32), count=2),
        "branch[8]": runtime.Route("trunk", end=(16, 8)),
        "branch[16]": runtime.Route("trunk", end=(16, 16)),
        "branch[32]": runtime.Route("trunk", end=(16, 32)),
        "trunk[0,8].op": OP,
        "trunk[1,8].w": W,
        "trunk[1,8].op": OP,
        "trunk[1,16].w": W,
        "trunk[1,16].op": OP,
        **{
            f"trunk[{i},{j}]{name}": decision
            for i in range(2, 16)
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
                    for i in range(2, 15)
                    for j, k in ((8, 8), (8, 16), (16, 16), (16, 32), (32, 32))
                ),
                ((15, 8), (16, 8)),
                ((15, 16), (16, 16)),
                ((15, 32), (16, 32)),
            ),
        ),
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 395 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class Conv2x(nn.Module):
    """`conv2x` (fasterseg.nas:8), 83 times."""

    def __init__(self, c_in: int, c: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(c_in, c, k=3, stride=stride, widths=widths)
        self.conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=1, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv_bn_relu(x, c)  # [N, c, H/stride, W/stride]
        out: Tensor = self.conv_bn_relu_2(x, c)  # [N, c, H/stride, W/stride]
        return out


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 158 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 3, padding=1, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class Zoomed(nn.Module):
    """`zoomed` (fasterseg.nas:9), 49 times, such as trunk[0,8].to[1,8].op.zoomed."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.y = ConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y(y, c)  # [N, c, H/2, W/2]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class ZoomedDown(nn.Module):
    """`zoomed` (fasterseg.nas:9), 30 times, such as trunk[0,8].to[1,16].op.zoomed."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y = ConvBn(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y(y, c)  # [N, c, H/2, W/2]
        return F.relu(y)  # [N, c, H/2, W/2]


class Zoomed2x(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 49 times, such as trunk[0,8].to[1,8].op.zoomed2x."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c_in, c, k=3, stride=1, widths=widths)
        self.y_conv_bn = ConvBn(c, c, widths=widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        # [N, C, H/2, W/2]
        y = F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", align_corners=True)
        y = self.y_conv_bn_relu(y, c)  # [N, c, H/2, W/2]
        y = self.y_conv_bn(y, c)  # [N, c, H/2, W/2]
        y = F.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)  # [N, c, H, W]
        return F.relu(y)  # [N, c, H, W]


class Zoomed2xDown(nn.Module):
    """`zoomed2x` (fasterseg.nas:13), 30 times, such as trunk[0,8].to[1,16].op.zoomed2x."""

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
    """`factorized_reduce` (std.nas:17), 30 times."""

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
    """`stay` (fasterseg.nas:17), 30 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.factorized_reduce = FactorizedReduce(c_in, c, widths=widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.factorized_reduce(x, c)  # [N, 2 * c, H/2, W/2]
        return F.relu(x)  # [N, 2 * c, H/2, W/2]


class To(nn.Module):
    """`to` (fasterseg.nas:28), 49 times, such as trunk[0,8].to[1,8]."""

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
    """`to` (fasterseg.nas:29), 30 times, such as trunk[0,8].to[1,16]."""

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
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 30 times, such as trunk[0,8]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.to_same = To(c_in, c, widths=widths)
        self.to_down = ToDown(c_in, 2 * c, widths=widths_2)


class TrunkSame(nn.Module):
    """A cell of the grid `trunk` (fasterseg.nas:23): its ways out, 19 times, such as trunk[2,32]."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.to_same = To(c_in, c, widths=widths)


class Refine16(nn.Module):
    """`refine` (fasterseg.nas:34), 2 times, such as segment.refine[16]."""

    def __init__(self, c: int, c_in: int) -> None:
        super().__init__()
        self.up = ConvBnRelu(2 * c, c, k=1, stride=1)
        self.y_8 = ConvBnRelu(c_in, c, k=3, stride=1)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_16_end = trunk.end("branch[16]")  # [N, 2 * c, 64, 128]
        up: Tensor = self.up(branch_16_end)  # [N, c, 64, 128]
        branch_16_last_8 = trunk.last("branch[16]", 8)  # [N, ..., 128, 256]
        up = F.interpolate(up, branch_16_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, c, 128, 256]
        y_8 = torch.cat((up, branch_16_last_8), dim=1)  # [N, ..., 128, 256]
        out: Tensor = self.y_8(y_8)  # [N, c, 128, 256]
        return out


class Refine32(nn.Module):
    """`refine` (fasterseg.nas:34), 2 times, such as segment.refine[32]."""

    def __init__(self, c: int, c_in: int) -> None:
        super().__init__()
        self.up_conv_bn_relu = ConvBnRelu(2 * c, c, k=1, stride=1)
        self.y_16 = ConvBnRelu(c_in, c, k=3, stride=1)
        self.up_conv_bn_relu_2 = ConvBnRelu(c, c // 2, k=1, stride=1)
        self.y_8 = ConvBnRelu(c_in // 2, c // 2, k=3, stride=1)

    def forward(self, trunk: runtime.Walk) -> Tensor:
        branch_32_end = trunk.end("branch[32]")  # [N, 2 * c, 32, 64]
        up: Tensor = self.up_conv_bn_relu(branch_32_end)  # [N, c, 32, 64]
        branch_32_last_16 = trunk.last("branch[32]", 16)  # [N, ..., 64, 128]
        up = F.interpolate(up, branch_32_last_16.shape[2:], mode="bilinear", align_corners=True)  # [N, c, 64, 128]
        y_16 = torch.cat((up, branch_32_last_16), dim=1)  # [N, ..., 64, 128]
        y_16 = self.y_16(y_16)  # [N, c, 64, 128]
        up = self.up_conv_bn_relu_2(y_16)  # [N, c / 2, 64, 128]
        branch_32_last_8 = trunk.last("branch[32]", 8)  # [N, ..., 128, 256]
        up = F.interpolate(up, branch_32_last_8.shape[2:], mode="bilinear", align_corners=True)  # [N, c / 2, 128, 256]
        y_8 = torch.cat((up, branch_32_last_8), dim=1)  # [N, ..., 128, 256]
        out: Tensor = self.y_8(y_8)  # [N, c / 2, 128, 256]
        return out


class Head(nn.Module):
    """`head` (fasterseg.nas:42), 6 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv_bn_relu = ConvBnRelu(c, c, k=3, stride=1)
        self.conv = nn.Conv2d(c, 19, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.conv_bn_relu(x)  # [N, c, H, W]
        x = self.conv(x)  # [N, 19, H, W]
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=True)  # [N, 19, 1024, 2048]


class Supernet(nn.Module):
    """All architectures of `fasterseg` at once: called with images and decisions it returns `segment`; in training
    also `deep[16]`, `deep[32]`, where the route is one that is run."""

    def __init__(self) -> None:
        super().__init__()
        self.stem_conv_bn_relu = runtime.PerValue(
            {"8": ConvBnRelu(3, 32, k=3, stride=2), "12": ConvBnRelu(3, 48, k=3, stride=2)},
        )
        self.stem_conv2x = runtime.PerValue({"8": Conv2x(32, 64, stride=2), "12": Conv2x(48, 96, stride=2)})
        self.stem_conv2x_2 = runtime.PerValue({"8": Conv2x(64, 64, stride=2), "12": Conv2x(96, 96, stride=2)})
        self.trunk_0_8 = runtime.PerValue(
            {
                "8": Trunk(64, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192)),
                "12": Trunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192)),
            },
        )
        self.trunk_8 = runtime.Column(
            {i: Trunk(96, 96, widths=(32, 48, 64, 80, 96), widths_2=(64, 96, 128, 160, 192)) for i in range(1, 15)},
        )
        self.trunk_16 = runtime.Column(
            {
                i: Trunk(192, 192, widths=(64, 96, 128, 160, 192), widths_2=(128, 192, 256, 320, 384))
                for i in range(1, 15)
            },
        )
        self.trunk_32 = runtime.Column({i: TrunkSame(384, 384, widths=(128, 192, 256, 320, 384)) for i in range(2, 15)})
        self.trunk_15_8 = runtime.PerValue({"8": TrunkSame(96, 64), "12": TrunkSame(96, 96)})
        self.trunk_15_16 = runtime.PerValue({"8": TrunkSame(192, 128), "12": TrunkSame(192, 192)})
        self.trunk_15_32 = runtime.PerValue({"8": TrunkSame(384, 256), "12": TrunkSame(384, 384)})
        self.segment_refine_16 = runtime.PerValue({"8": Refine16(64, 160), "12": Refine16(96, 192)})
        self.segment_refine_32 = runtime.PerValue({"8": Refine32(128, 320), "12": Refine32(192, 384)})
        self.segment_conv_bn_relu = runtime.PerValue(
            {"8": ConvBnRelu(128, 128, k=1, stride=1), "12": ConvBnRelu(192, 192, k=1, stride=1)},
        )
        self.segment_head = runtime.PerValue({"8": Head(128), "12": Head(192)})
        self.deep_16 = runtime.PerValue({"8": Head(128), "12": Head(192)})
        self.deep_32 = runtime.PerValue({"8": Head(256), "12": Head(384)})

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        stem: Tensor = self.stem_conv_bn_relu[arch["h"]](image)  # [N, 4 * h, 512, 1024]
        stem = self.stem_conv2x[arch["h"]](stem)  # [N, 8 * h, 256, 512]
        stem = arch.scaled(self.stem_conv2x_2[arch["h"]](stem), "h")  # [N, 8 * h, 128, 256]
        trunk_links: runtime.Links = {
            ((0, 8), (1, 8)): lambda x: self.trunk_0_8[arch["h"]].to_same(
                x,
                arch / "trunk[0,8]",
                8 * arch["trunk[1,8].w"],
            ),  # [N, 8 * w, 128, 256]
            ((0, 8), (1, 16)): lambda x: self.trunk_0_8[arch["h"]].to_down(
                x,
                arch / "trunk[0,8]",
                16 * arch["trunk[1,16].w"],
            ),  # [N, 16 * w, 64, 128]
            **runtime.links(
                8,
                8,
                range(1, 15),
                lambda i, x: self.trunk_8[i].to_same(x, arch / f"trunk[{i},8]", 8 * arch[f"trunk[{i + 1},8].w"]),
            ),  # [N, 8 * w, 128, 256]
            **runtime.links(
                8,
                16,
                range(1, 15),
                lambda i, x: self.trunk_8[i].to_down(x, arch / f"trunk[{i},8]", 16 * arch[f"trunk[{i + 1},16].w"]),
            ),  # [N, 16 * w, 64, 128]
            **runtime.links(
                16,
                16,
                range(1, 15),
                lambda i, x: self.trunk_16[i].to_same(x, arch / f"trunk[{i},16]", 16 * arch[f"trunk[{i + 1},16].w"]),
            ),  # [N, 16 * w, 64, 128]
            **runtime.links(
                16,
                32,
                range(1, 15),
                lambda i, x: self.trunk_16[i].to_down(x, arch / f"trunk[{i},16]", 32 * arch[f"trunk[{i + 1},32].w"]),
            ),  # [N, 32 * w, 32, 64]
            **runtime.links(
                32,
                32,
                range(2, 15),
                lambda i, x: self.trunk_32[i].to_same(x, arch / f"trunk[{i},32]", 32 * arch[f"trunk[{i + 1},32].w"]),
            ),  # [N, 32 * w, 32, 64]
            # [N, 8 * h, 128, 256]
            ((15, 8), (16, 8)): lambda x: self.trunk_15_8[arch["h"]].to_same(x, arch / "trunk[15,8]"),
            # [N, 16 * h, 64, 128]
            ((15, 16), (16, 16)): lambda x: self.trunk_15_16[arch["h"]].to_same(x, arch / "trunk[15,16]"),
            # [N, 32 * h, 32, 64]
            ((15, 32), (16, 32)): lambda x: self.trunk_15_32[arch["h"]].to_same(x, arch / "trunk[15,32]"),
        }
        trunk = runtime.Walk(arch, "trunk", stem, trunk_links)
        segment = torch.cat(
            arch.picked(
                "ends",
                {
                    8: lambda: trunk.end("branch[8]"),
                    16: lambda: self.segment_refine_16[arch["h"]](trunk),
                    32: lambda: self.segment_refine_32[arch["h"]](trunk),
                },
            ),
            dim=1,
        )  # [N, 16 * h, 128, 256]
        segment = arch.scaled(self.segment_conv_bn_relu[arch["h"]](segment), "h")  # [N, 16 * h, 128, 256]
        segment = self.segment_head[arch["h"]](segment, image)  # [N, 19, 1024, 2048]
        outputs = {"segment": segment}
        if self.training and trunk.has("branch[16]"):
            branch_16_end = arch.scaled(trunk.end("branch[16]"), "h")  # [N, 16 * h, 64, 128]
            deep_16: Tensor = self.deep_16[arch["h"]](branch_16_end, image)  # [N, 19, 1024, 2048]
            outputs["deep[16]"] = deep_16
        if self.training and trunk.has("branch[32]"):
            branch_32_end = arch.scaled(trunk.end("branch[32]"), "h")  # [N, 32 * h, 32, 64]
            deep_32: Tensor = self.deep_32[arch["h"]](branch_32_end, image)  # [N, 19, 1024, 2048]
            outputs["deep[32]"] = deep_32
        return outputs

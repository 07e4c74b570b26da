"""Supernet of the space `panoptic` (panoptic.nas:4). Written by `nasdsl compile`.

Parameters: C = 16, stages = {2, 3, 4, 4}, classes = 19, H = 512, W = 1024.

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

W = runtime.Width((4, 6, 8))
E = runtime.Width((3, 4, 6))
OP = runtime.Choose(("k3", "k5", "k7"))
D = runtime.Depth((1, 2, 3, 4))
FUSE = runtime.Choose(("k3", "k5"))
SPACE = runtime.Space(
    "panoptic",
    decisions={
        "w[2]": W,
        "f[2].stage.y[1].layer.e": E,
        "f[2].stage.y[1].layer.op": OP,
        "f[2].stage.y[2].layer.e": E,
        "f[2].stage.y[2].layer.op": OP,
        "f[2].stage.d": runtime.Depth((1, 2)),
        "w[3]": W,
        **{
            f"f[3].stage.y[{i}]{name}": decision
            for i in range(1, 4)
            for name, decision in ((".layer.e", E), (".layer.op", OP))
        },
        "f[3].stage.d": runtime.Depth((1, 2, 3)),
        "w[4]": W,
        **{
            f"f[4].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.op", OP))
        },
        "f[4].stage.d": D,
        "w[5]": W,
        **{
            f"f[5].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.op", OP))
        },
        "f[5].stage.d": D,
        "split": runtime.Choose(("one_decoder", "two_decoders")),
        **{f"sem.split.one_decoder.y.decoder.fuse[{i}]": FUSE for i in (4, 3, 2)},
        **{f"sem.split.two_decoders.semantic.decoder.fuse[{i}]": FUSE for i in (4, 3, 2)},
        **{f"sem.split.two_decoders.instances.decoder.fuse[{i}]": FUSE for i in (4, 3, 2)},
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 85 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class DwConvBnRelu(nn.Module):
    """`dw_conv_bn_relu` (std.nas:14), 39 times."""

    def __init__(self, c: int, k: int, stride: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.dw_conv = runtime.Conv2d(c, c, k, stride=stride, padding=k // 2, groups=c, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, C, H/stride, W/stride]
        x = self.bn(x)  # [N, C, H/stride, W/stride]
        return F.relu(x)  # [N, C, H/stride, W/stride]


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 39 times."""

    def __init__(self, c_in: int, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 1, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int) -> Tensor:
        x = self.conv(x, c)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class InvertedResidualDown(nn.Module):
    """`inverted_residual` (std.nas:50), 12 times, such as f[2].stage.y[1].layer.op.k3."""

    def __init__(self, c: int, c_2: int, k: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c // 6, c, k=1, stride=1, widths=widths)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=k, stride=2, widths=widths)
        self.y_conv_bn = ConvBn(c, c_2, widths=widths_2)

    def forward(self, x: Tensor, c: int, c_2: int) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x, c)  # [N, c, H, W]
        y = self.y_dw_conv_bn_relu(y)  # [N, c, H/2, W/2]
        out: Tensor = self.y_conv_bn(y, c_2)  # [N, c_2, H/2, W/2]
        return out


class InvertedResidual(nn.Module):
    """`inverted_residual` (std.nas:50), 27 times, such as f[2].stage.y[2].layer.op.k3."""

    def __init__(self, c: int, k: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c // 6, c, k=1, stride=1, widths=widths)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=k, stride=1, widths=widths)
        self.y_conv_bn = ConvBn(c, c // 6, widths=widths_2)

    def forward(self, x: Tensor, c: int, c_2: int) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x, c)  # [N, c, H, W]
        y = self.y_dw_conv_bn_relu(y)  # [N, c, H, W]
        out: Tensor = x + self.y_conv_bn(y, c_2)  # [N, c_2, H, W]
        return out


class LayerDown(nn.Module):
    """`layer` (panoptic.nas:7), 4 times, such as f[2].stage.y[1].layer."""

    def __init__(self, c: int, c_2: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.op_k3 = InvertedResidualDown(c, c_2, k=3, widths=widths, widths_2=widths_2)
        self.op_k5 = InvertedResidualDown(c, c_2, k=5, widths=widths, widths_2=widths_2)
        self.op_k7 = InvertedResidualDown(c, c_2, k=7, widths=widths, widths_2=widths_2)

    def forward(self, x: Tensor, arch: Choices, c: int) -> Tensor:
        return arch.mix(
            "op",
            {
                "k3": lambda: arch.scaled(self.op_k3(x, arch["e"] * x.shape[1], c), "e"),
                "k5": lambda: arch.scaled(self.op_k5(x, arch["e"] * x.shape[1], c), "e"),
                "k7": lambda: arch.scaled(self.op_k7(x, arch["e"] * x.shape[1], c), "e"),
            },
        )  # [N, c, H/2, W/2]


class Layer(nn.Module):
    """`layer` (panoptic.nas:7), 9 times, such as f[2].stage.y[2].layer."""

    def __init__(self, c: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.op_k3 = InvertedResidual(c, k=3, widths=widths, widths_2=widths_2)
        self.op_k5 = InvertedResidual(c, k=5, widths=widths, widths_2=widths_2)
        self.op_k7 = InvertedResidual(c, k=7, widths=widths, widths_2=widths_2)

    def forward(self, x: Tensor, arch: Choices, c: int) -> Tensor:
        return arch.mix(
            "op",
            {
                "k3": lambda: arch.scaled(self.op_k3(x, arch["e"] * x.shape[1], c), "e"),
                "k5": lambda: arch.scaled(self.op_k5(x, arch["e"] * x.shape[1], c), "e"),
                "k7": lambda: arch.scaled(self.op_k7(x, arch["e"] * x.shape[1], c), "e"),
            },
        )  # [N, c, H, W]


class Stage2(nn.Module):
    """`stage` (panoptic.nas:12): f[2].stage."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = LayerDown(96, 64, widths=(48, 64, 96), widths_2=(32, 48, 64))
        self.y_2 = Layer(384, widths=(96, 128, 144, 192, 256, 288, 384), widths_2=(32, 48, 64))

    def forward(self, x: Tensor, arch: Choices, c: int) -> Tensor:
        y_1: Tensor = self.y_1(x, arch / "y[1].layer", c)  # [N, c, 128, 256]
        return arch.mix("d", {1: lambda: y_1, 2: lambda: self.y_2(y_1, arch / "y[2].layer", c)})  # [N, c, 128, 256]


class Stage3(nn.Module):
    """`stage` (panoptic.nas:12): f[3].stage."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = LayerDown(384, 128, widths=(96, 128, 144, 192, 256, 288, 384), widths_2=(64, 96, 128))
        self.y_2 = Layer(768, widths=(192, 256, 288, 384, 512, 576, 768), widths_2=(64, 96, 128))
        self.y_3 = Layer(768, widths=(192, 256, 288, 384, 512, 576, 768), widths_2=(64, 96, 128))

    def forward(self, x: Tensor, arch: Choices, c: int) -> Tensor:
        y_1: Tensor = self.y_1(x, arch / "y[1].layer", c)  # [N, c, 64, 128]
        y_2 = runtime.once(lambda: self.y_2(y_1, arch / "y[2].layer", c))  # [N, c, 64, 128]
        return arch.mix(
            "d",
            {
                1: lambda: y_1,
                2: y_2,
                3: lambda: self.y_3(y_2(), arch / "y[3].layer", c),
            },
        )  # [N, c, 64, 128]


class Stage(nn.Module):
    """`stage` (panoptic.nas:12), 2 times, such as f[4].stage."""

    def __init__(self, c: int, widths: tuple[int, ...], widths_2: tuple[int, ...], widths_3: tuple[int, ...]) -> None:
        super().__init__()
        self.y_1 = LayerDown(c // 2, c // 6, widths=widths, widths_2=widths_2)
        self.y_2 = Layer(c, widths=widths_3, widths_2=widths_2)
        self.y_3 = Layer(c, widths=widths_3, widths_2=widths_2)
        self.y_4 = Layer(c, widths=widths_3, widths_2=widths_2)

    def forward(self, x: Tensor, arch: Choices, c: int) -> Tensor:
        y_1: Tensor = self.y_1(x, arch / "y[1].layer", c)  # [N, c, H/2, W/2]
        y_2 = runtime.once(lambda: self.y_2(y_1, arch / "y[2].layer", c))  # [N, c, H/2, W/2]
        y_3 = runtime.once(lambda: self.y_3(y_2(), arch / "y[3].layer", c))  # [N, c, H/2, W/2]
        return arch.mix(
            "d",
            {
                1: lambda: y_1,
                2: y_2,
                3: y_3,
                4: lambda: self.y_4(y_3(), arch / "y[4].layer", c),
            },
        )  # [N, c, H/2, W/2]


class DwSepConv(nn.Module):
    """`dw_sep_conv` (std.nas:44), 30 times."""

    def __init__(self, c: int, c_2: int, k: int, dilation: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.dw_conv = runtime.Conv2d(c, c, k, padding=dilation * (k // 2), dilation=dilation, groups=c, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)
        self.conv_bn_relu = ConvBnRelu(c, c_2, k=1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, C, H, W]
        x = self.bn(x)  # [N, C, H, W]
        x = F.relu(x)  # [N, C, H, W]
        out: Tensor = self.conv_bn_relu(x)  # [N, c_2, H, W]
        return out


class Pyramid(nn.Module):
    """`pyramid` (panoptic.nas:24), 3 times."""

    def __init__(self) -> None:
        super().__init__()
        self.pooled = runtime.Conv2d(512, 128, 1, bias=False)
        self.wide_dw_sep_conv_1 = DwSepConv(512, 128, k=3, dilation=3, widths=(256, 384, 512))
        self.wide_dw_sep_conv_2 = DwSepConv(512, 128, k=3, dilation=6, widths=(256, 384, 512))
        self.wide_dw_sep_conv_3 = DwSepConv(512, 128, k=3, dilation=9, widths=(256, 384, 512))
        self.conv_bn_relu = ConvBnRelu(512, 128, k=1, stride=1)
        self.conv_bn_relu_2 = ConvBnRelu(640, 128, k=1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.adaptive_avg_pool2d(x, 1)  # [N, C, 1, 1]
        pooled = self.pooled(pooled)  # [N, 128, 1, 1]
        pooled = F.relu(pooled)  # [N, 128, 1, 1]
        pooled = F.interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=True)  # [N, 128, 16, 32]
        wide: Tensor = self.wide_dw_sep_conv_1(x)  # [N, 128, 16, 32]
        wide_dw_sep_conv_2: Tensor = self.wide_dw_sep_conv_2(x)  # [N, 128, 16, 32]
        wide_dw_sep_conv_3: Tensor = self.wide_dw_sep_conv_3(x)  # [N, 128, 16, 32]
        wide = torch.cat((wide, wide_dw_sep_conv_2, wide_dw_sep_conv_3), dim=1)  # [N, 384, 16, 32]
        x = self.conv_bn_relu(x)  # [N, 128, 16, 32]
        x = torch.cat((x, wide, pooled), dim=1)  # [N, 640, 16, 32]
        out: Tensor = self.conv_bn_relu_2(x)  # [N, 128, 16, 32]
        return out


class Decoder(nn.Module):
    """`decoder` (panoptic.nas:29), 3 times."""

    def __init__(self) -> None:
        super().__init__()
        self.y_5 = Pyramid()
        self.y_4_conv_bn_relu = ConvBnRelu(256, 32, k=1, stride=1)
        self.y_4_fuse_4_k3 = DwSepConv(160, 128, k=3, dilation=1)
        self.y_4_fuse_4_k5 = DwSepConv(160, 128, k=5, dilation=1)
        self.y_3_conv_bn_relu = ConvBnRelu(128, 32, k=1, stride=1)
        self.y_3_fuse_3_k3 = DwSepConv(160, 128, k=3, dilation=1)
        self.y_3_fuse_3_k5 = DwSepConv(160, 128, k=5, dilation=1)
        self.y_2_conv_bn_relu = ConvBnRelu(64, 32, k=1, stride=1)
        self.y_2_fuse_2_k3 = DwSepConv(160, 128, k=3, dilation=1)
        self.y_2_fuse_2_k5 = DwSepConv(160, 128, k=5, dilation=1)

    def forward(self, x: Tensor, f_4: Tensor, f_3: Tensor, f_2: Tensor, arch: Choices) -> Tensor:
        y_5: Tensor = self.y_5(x)  # [N, 128, 16, 32]
        y_4 = F.interpolate(y_5, f_4.shape[2:], mode="bilinear", align_corners=True)  # [N, 128, 32, 64]
        y_4_conv_bn_relu: Tensor = self.y_4_conv_bn_relu(f_4)  # [N, 32, 32, 64]
        y_4 = torch.cat((y_4, y_4_conv_bn_relu), dim=1)  # [N, 160, 32, 64]
        # [N, 128, 32, 64]
        y_4 = arch.mix("fuse[4]", {"k3": lambda: self.y_4_fuse_4_k3(y_4), "k5": lambda: self.y_4_fuse_4_k5(y_4)})
        y_3 = F.interpolate(y_4, f_3.shape[2:], mode="bilinear", align_corners=True)  # [N, 128, 64, 128]
        y_3_conv_bn_relu: Tensor = self.y_3_conv_bn_relu(f_3)  # [N, 32, 64, 128]
        y_3 = torch.cat((y_3, y_3_conv_bn_relu), dim=1)  # [N, 160, 64, 128]
        # [N, 128, 64, 128]
        y_3 = arch.mix("fuse[3]", {"k3": lambda: self.y_3_fuse_3_k3(y_3), "k5": lambda: self.y_3_fuse_3_k5(y_3)})
        y_2 = F.interpolate(y_3, f_2.shape[2:], mode="bilinear", align_corners=True)  # [N, 128, 128, 256]
        y_2_conv_bn_relu: Tensor = self.y_2_conv_bn_relu(f_2)  # [N, 32, 128, 256]
        y_2 = torch.cat((y_2, y_2_conv_bn_relu), dim=1)  # [N, 160, 128, 256]
        # [N, 128, 128, 256]
        return arch.mix("fuse[2]", {"k3": lambda: self.y_2_fuse_2_k3(y_2), "k5": lambda: self.y_2_fuse_2_k5(y_2)})


class TwoDecoders(nn.Module):
    """`two_decoders` (panoptic.nas:41): sem.split.two_decoders."""

    def __init__(self) -> None:
        super().__init__()
        self.semantic = Decoder()
        self.instances = Decoder()

    def forward(self, x: Tensor, f_4: Tensor, f_3: Tensor, f_2: Tensor, arch: Choices) -> tuple[Tensor, Tensor]:
        semantic: Tensor = self.semantic(x, f_4, f_3, f_2, arch / "semantic.decoder")  # [N, 128, 128, 256]
        instances: Tensor = self.instances(x, f_4, f_3, f_2, arch / "instances.decoder")  # [N, 128, 128, 256]
        return semantic, instances


class Out(nn.Module):
    """`out` (panoptic.nas:48), 3 times."""

    def __init__(self, c: int, c_2: int) -> None:
        super().__init__()
        self.dw_sep_conv = DwSepConv(128, c, k=5, dilation=1)
        self.conv = nn.Conv2d(c, c_2, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.dw_sep_conv(x)  # [N, c, 128, 256]
        x = self.conv(x)  # [N, c_2, 128, 256]
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=True)  # [N, c_2, 512, 1024]


class Supernet(nn.Module):
    """All architectures of `panoptic` at once: called with images and decisions it returns `semantic`, `center`,
    `offset`."""

    def __init__(self) -> None:
        super().__init__()
        self.f_1 = ConvBnRelu(3, 16, k=3, stride=2)
        self.f_2 = Stage2()
        self.f_3 = Stage3()
        self.f_4 = Stage(
            1536,
            widths=(192, 256, 288, 384, 512, 576, 768),
            widths_2=(128, 192, 256),
            widths_3=(384, 512, 576, 768, 1024, 1152, 1536),
        )
        self.f_5 = Stage(
            3072,
            widths=(384, 512, 576, 768, 1024, 1152, 1536),
            widths_2=(256, 384, 512),
            widths_3=(768, 1024, 1152, 1536, 2048, 2304, 3072),
        )
        self.sem_split_one_decoder = Decoder()
        self.sem_split_two_decoders = TwoDecoders()
        self.semantic = Out(128, 19)
        self.center = Out(32, 1)
        self.offset = Out(32, 2)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        f_1: Tensor = self.f_1(image)  # [N, 16, 256, 512]
        f_2 = arch.scaled(self.f_2(f_1, arch / "f[2].stage", 8 * arch["w[2]"]), "w[2]")  # [N, 8 * w[2], 128, 256]
        f_3 = arch.scaled(self.f_3(f_2, arch / "f[3].stage", 16 * arch["w[3]"]), "w[3]")  # [N, 16 * w[3], 64, 128]
        f_4 = arch.scaled(self.f_4(f_3, arch / "f[4].stage", 32 * arch["w[4]"]), "w[4]")  # [N, 32 * w[4], 32, 64]
        f_5 = arch.scaled(self.f_5(f_4, arch / "f[5].stage", 64 * arch["w[5]"]), "w[5]")  # [N, 64 * w[5], 16, 32]
        sem = runtime.once(
            lambda: self.sem_split_one_decoder(f_5, f_4, f_3, f_2, arch / "sem.split.one_decoder.y.decoder"),
        )  # [N, 128, 128, 256]
        # [N, 128, 128, 256]; [N, 128, 128, 256]
        sem_2 = runtime.once(lambda: self.sem_split_two_decoders(f_5, f_4, f_3, f_2, arch / "sem.split.two_decoders"))
        sem_split = arch.mix("split", {"one_decoder": sem, "two_decoders": lambda: sem_2()[0]})  # [N, 128, 128, 256]
        ins = arch.mix("split", {"one_decoder": sem, "two_decoders": lambda: sem_2()[1]})  # [N, 128, 128, 256]
        semantic: Tensor = self.semantic(sem_split, image)  # [N, 19, 512, 1024]
        center: Tensor = self.center(ins, image)  # [N, 1, 512, 1024]
        offset: Tensor = self.offset(ins, image)  # [N, 2, 512, 1024]
        return {"semantic": semantic, "center": center, "offset": offset}

"""Supernet of the space `fbnet` (fbnet.nas:5). Written by `nasdsl compile`.

Parameters: last = 1984, classes = 1000, size = 224.

    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision
    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them

In `forward`, `arch` is what was drawn, and `arch / "a"` its part for the names in SPACE that begin with "a."; a
lambda runs only if what was drawn takes it, in a mixture all do.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime import Choices

OP = runtime.Choose(("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip"))
SPACE = runtime.Space(
    "fbnet",
    decisions={
        "z[1,1].layer.op": OP,
        **{f"z[{i},{j}].layer.op": OP for i in range(2, 7) for j in range(1, 5)},
        "z[7,1].layer.op": OP,
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 184 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class DwConvBnRelu(nn.Module):
    """`dw_conv_bn_relu` (std.nas:14), 176 times."""

    def __init__(self, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(c, c, k, stride=stride, padding=k // 2, groups=c, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 176 times."""

    def __init__(self, c_in: int, c: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 1, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class MbSame(nn.Module):
    """`mb` (fbnet.nas:8), 96 times, such as z[1,1].layer.op.k3_e1."""

    def __init__(self, c: int, c_2: int, k: int) -> None:
        super().__init__()
        self.wide = ConvBnRelu(c, c_2, k=1, stride=1, groups=1)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c_2, k=k, stride=1)
        self.y_conv_bn = ConvBn(c_2, c, groups=1)

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.wide(x)  # [N, c_2, H, W]
        y: Tensor = self.y_dw_conv_bn_relu(wide)  # [N, c_2, H, W]
        out: Tensor = x + self.y_conv_bn(y)  # [N, c, H, W]
        return out


class MbSameShuffle(nn.Module):
    """`mb` (fbnet.nas:8), 32 times, such as z[1,1].layer.op.k3_e1_g2."""

    def __init__(self, c: int, k: int) -> None:
        super().__init__()
        self.wide = ConvBnRelu(c, c, k=1, stride=1, groups=2)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=k, stride=1)
        self.y_conv_bn = ConvBn(c, c, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.wide(x)  # [N, c, H, W]
        wide = F.channel_shuffle(wide, 2)  # [N, c, H, W]
        y: Tensor = self.y_dw_conv_bn_relu(wide)  # [N, c, H, W]
        out: Tensor = x + self.y_conv_bn(y)  # [N, c, H, W]
        return out


class Mb(nn.Module):
    """`mb` (fbnet.nas:8), 36 times, such as z[2,1].layer.op.k3_e1."""

    def __init__(self, c_in: int, c: int, c_2: int, k: int, stride: int) -> None:
        super().__init__()
        self.wide = ConvBnRelu(c_in, c, k=1, stride=1, groups=1)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=k, stride=stride)
        self.y_conv_bn = ConvBn(c, c_2, groups=1)

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.wide(x)  # [N, c, H, W]
        y: Tensor = self.y_dw_conv_bn_relu(wide)  # [N, c, H/stride, W/stride]
        out: Tensor = self.y_conv_bn(y)  # [N, c_2, H/stride, W/stride]
        return out


class MbShuffle(nn.Module):
    """`mb` (fbnet.nas:8), 12 times, such as z[2,1].layer.op.k3_e1_g2."""

    def __init__(self, c: int, c_2: int, k: int, stride: int) -> None:
        super().__init__()
        self.wide = ConvBnRelu(c, c, k=1, stride=1, groups=2)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=k, stride=stride)
        self.y_conv_bn = ConvBn(c, c_2, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        wide: Tensor = self.wide(x)  # [N, c, H, W]
        wide = F.channel_shuffle(wide, 2)  # [N, c, H, W]
        y: Tensor = self.y_dw_conv_bn_relu(wide)  # [N, c, H/stride, W/stride]
        out: Tensor = self.y_conv_bn(y)  # [N, c_2, H/stride, W/stride]
        return out


class LayerSame(nn.Module):
    """`layer` (fbnet.nas:16), 16 times, such as z[1,1].layer."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.op_k3_e1 = MbSame(c, c, k=3)
        self.op_k3_e1_g2 = MbSameShuffle(c, k=3)
        self.op_k3_e3 = MbSame(c, 3 * c, k=3)
        self.op_k3_e6 = MbSame(c, 6 * c, k=3)
        self.op_k5_e1 = MbSame(c, c, k=5)
        self.op_k5_e1_g2 = MbSameShuffle(c, k=5)
        self.op_k5_e3 = MbSame(c, 3 * c, k=5)
        self.op_k5_e6 = MbSame(c, 6 * c, k=5)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "k3_e1": lambda: self.op_k3_e1(x),
                "k3_e1_g2": lambda: self.op_k3_e1_g2(x),
                "k3_e3": lambda: self.op_k3_e3(x),
                "k3_e6": lambda: self.op_k3_e6(x),
                "k5_e1": lambda: self.op_k5_e1(x),
                "k5_e1_g2": lambda: self.op_k5_e1_g2(x),
                "k5_e3": lambda: self.op_k5_e3(x),
                "k5_e6": lambda: self.op_k5_e6(x),
                "skip": lambda: x,
            },
        )  # [N, c, H, W]


class Layer(nn.Module):
    """`layer` (fbnet.nas:16), 6 times, such as z[2,1].layer."""

    def __init__(self, c: int, c_2: int, stride: int) -> None:
        super().__init__()
        self.op_k3_e1 = Mb(c, c, c_2, k=3, stride=stride)
        self.op_k3_e1_g2 = MbShuffle(c, c_2, k=3, stride=stride)
        self.op_k3_e3 = Mb(c, 3 * c, c_2, k=3, stride=stride)
        self.op_k3_e6 = Mb(c, 6 * c, c_2, k=3, stride=stride)
        self.op_k5_e1 = Mb(c, c, c_2, k=5, stride=stride)
        self.op_k5_e1_g2 = MbShuffle(c, c_2, k=5, stride=stride)
        self.op_k5_e3 = Mb(c, 3 * c, c_2, k=5, stride=stride)
        self.op_k5_e6 = Mb(c, 6 * c, c_2, k=5, stride=stride)
        self.op_skip = ConvBnRelu(c, c_2, k=1, stride=stride, groups=1)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "k3_e1": lambda: self.op_k3_e1(x),
                "k3_e1_g2": lambda: self.op_k3_e1_g2(x),
                "k3_e3": lambda: self.op_k3_e3(x),
                "k3_e6": lambda: self.op_k3_e6(x),
                "k5_e1": lambda: self.op_k5_e1(x),
                "k5_e1_g2": lambda: self.op_k5_e1_g2(x),
                "k5_e3": lambda: self.op_k5_e3(x),
                "k5_e6": lambda: self.op_k5_e6(x),
                "skip": lambda: self.op_skip(x),
            },
        )  # [N, c_2, H/stride, W/stride]


class Supernet(nn.Module):
    """All architectures of `fbnet` at once: called with images and decisions it returns `classify`."""

    def __init__(self) -> None:
        super().__init__()
        self.y_0 = ConvBnRelu(3, 16, k=3, stride=2, groups=1)
        self.z_1_1 = LayerSame(16)
        self.z_2_1 = Layer(16, 24, stride=2)
        self.z_2_2 = LayerSame(24)
        self.z_2_3 = LayerSame(24)
        self.z_2_4 = LayerSame(24)
        self.z_3_1 = Layer(24, 32, stride=2)
        self.z_3_2 = LayerSame(32)
        self.z_3_3 = LayerSame(32)
        self.z_3_4 = LayerSame(32)
        self.z_4_1 = Layer(32, 64, stride=2)
        self.z_4_2 = LayerSame(64)
        self.z_4_3 = LayerSame(64)
        self.z_4_4 = LayerSame(64)
        self.z_5_1 = Layer(64, 112, stride=1)
        self.z_5_2 = LayerSame(112)
        self.z_5_3 = LayerSame(112)
        self.z_5_4 = LayerSame(112)
        self.z_6_1 = Layer(112, 184, stride=2)
        self.z_6_2 = LayerSame(184)
        self.z_6_3 = LayerSame(184)
        self.z_6_4 = LayerSame(184)
        self.z_7_1 = Layer(184, 352, stride=1)
        self.classify_conv_bn_relu = ConvBnRelu(352, 1984, k=1, stride=1, groups=1)
        self.classify_linear = nn.Linear(1984, 1000)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        y_0: Tensor = self.y_0(image)  # [N, 16, 112, 112]
        z_1_1: Tensor = self.z_1_1(y_0, arch / "z[1,1].layer")  # [N, 16, 112, 112]
        z_2_1: Tensor = self.z_2_1(z_1_1, arch / "z[2,1].layer")  # [N, 24, 56, 56]
        z_2_2: Tensor = self.z_2_2(z_2_1, arch / "z[2,2].layer")  # [N, 24, 56, 56]
        z_2_3: Tensor = self.z_2_3(z_2_2, arch / "z[2,3].layer")  # [N, 24, 56, 56]
        z_2_4: Tensor = self.z_2_4(z_2_3, arch / "z[2,4].layer")  # [N, 24, 56, 56]
        z_3_1: Tensor = self.z_3_1(z_2_4, arch / "z[3,1].layer")  # [N, 32, 28, 28]
        z_3_2: Tensor = self.z_3_2(z_3_1, arch / "z[3,2].layer")  # [N, 32, 28, 28]
        z_3_3: Tensor = self.z_3_3(z_3_2, arch / "z[3,3].layer")  # [N, 32, 28, 28]
        z_3_4: Tensor = self.z_3_4(z_3_3, arch / "z[3,4].layer")  # [N, 32, 28, 28]
        z_4_1: Tensor = self.z_4_1(z_3_4, arch / "z[4,1].layer")  # [N, 64, 14, 14]
        z_4_2: Tensor = self.z_4_2(z_4_1, arch / "z[4,2].layer")  # [N, 64, 14, 14]
        z_4_3: Tensor = self.z_4_3(z_4_2, arch / "z[4,3].layer")  # [N, 64, 14, 14]
        z_4_4: Tensor = self.z_4_4(z_4_3, arch / "z[4,4].layer")  # [N, 64, 14, 14]
        z_5_1: Tensor = self.z_5_1(z_4_4, arch / "z[5,1].layer")  # [N, 112, 14, 14]
        z_5_2: Tensor = self.z_5_2(z_5_1, arch / "z[5,2].layer")  # [N, 112, 14, 14]
        z_5_3: Tensor = self.z_5_3(z_5_2, arch / "z[5,3].layer")  # [N, 112, 14, 14]
        z_5_4: Tensor = self.z_5_4(z_5_3, arch / "z[5,4].layer")  # [N, 112, 14, 14]
        z_6_1: Tensor = self.z_6_1(z_5_4, arch / "z[6,1].layer")  # [N, 184, 7, 7]
        z_6_2: Tensor = self.z_6_2(z_6_1, arch / "z[6,2].layer")  # [N, 184, 7, 7]
        z_6_3: Tensor = self.z_6_3(z_6_2, arch / "z[6,3].layer")  # [N, 184, 7, 7]
        z_6_4: Tensor = self.z_6_4(z_6_3, arch / "z[6,4].layer")  # [N, 184, 7, 7]
        z_7_1: Tensor = self.z_7_1(z_6_4, arch / "z[7,1].layer")  # [N, 352, 7, 7]
        classify: Tensor = self.classify_conv_bn_relu(z_7_1)  # [N, 1984, 7, 7]
        classify = F.adaptive_avg_pool2d(classify, 1)  # [N, 1984, 1, 1]
        classify = self.classify_linear(classify.flatten(1))  # [N, 1000]
        return {"classify": classify}

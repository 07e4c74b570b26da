"""Supernet of the space `once_for_all` (once_for_all.nas:6). Written by `nasdsl compile`.

Parameters: classes = 1000, size = 224.

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

E = runtime.Width((3, 4, 6))
K = runtime.Width((3, 5, 7))
D = runtime.Depth((2, 3, 4))
SPACE = runtime.Space(
    "once_for_all",
    decisions={
        **{
            f"f[1].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.k", K))
        },
        "f[1].stage.d": D,
        **{
            f"f[2].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.k", K))
        },
        "f[2].stage.d": D,
        **{
            f"f[3].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.k", K))
        },
        "f[3].stage.d": D,
        **{
            f"f[4].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.k", K))
        },
        "f[4].stage.d": D,
        **{
            f"f[5].stage.y[{i}]{name}": decision
            for i in range(1, 5)
            for name, decision in ((".layer.e", E), (".layer.k", K))
        },
        "f[5].stage.d": D,
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 22 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        x = self.conv(x, c)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class DwConvBnRelu(nn.Module):
    """`dw_conv_bn_relu` (std.nas:14), 21 times."""

    def __init__(self, c: int, k: int, stride: int, widths: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.dw_conv = runtime.Conv2d(c, c, k, stride=stride, padding=k // 2, groups=c, bias=False)
        self.bn = runtime.BatchNorm2d(c, widths)

    def forward(self, x: Tensor, k: int | None = None) -> Tensor:
        x = self.dw_conv(x, k=k)  # [N, C, H/stride, W/stride]
        x = self.bn(x)  # [N, C, H/stride, W/stride]
        return F.relu(x)  # [N, C, H/stride, W/stride]


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 21 times."""

    def __init__(self, c_in: int, c: int) -> None:
        super().__init__()
        self.conv = runtime.Conv2d(c_in, c, 1, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H, W]
        out: Tensor = self.bn(x)  # [N, c, H, W]
        return out


class Layer1(nn.Module):
    """`layer` (once_for_all.nas:9), 5 times, such as f[1].stage.y[1].layer."""

    def __init__(self, c: int, c_2: int, stride: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c // 6, c, k=1, stride=1, widths=widths)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=7, stride=stride, widths=widths)
        self.y_conv_bn = ConvBn(c, c_2)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x, arch["e"] * x.shape[1])  # [N, e * C, H, W]
        y = arch.scaled(self.y_dw_conv_bn_relu(y, arch["k"]), "e", "k")  # [N, e * C, H/stride, W/stride]
        out: Tensor = self.y_conv_bn(y)  # [N, c_2, H/stride, W/stride]
        return out


class Layer(nn.Module):
    """`layer` (once_for_all.nas:9), 15 times, such as f[1].stage.y[2].layer."""

    def __init__(self, c: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c // 6, c, k=1, stride=1, widths=widths)
        self.y_dw_conv_bn_relu = DwConvBnRelu(c, k=7, stride=1, widths=widths)
        self.y_conv_bn = ConvBn(c, c // 6)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x, arch["e"] * x.shape[1])  # [N, e * C, H, W]
        y = arch.scaled(self.y_dw_conv_bn_relu(y, arch["k"]), "e", "k")  # [N, e * C, H, W]
        out: Tensor = x + self.y_conv_bn(y)  # [N, c / 6, H, W]
        return out


class Stage(nn.Module):
    """`stage` (once_for_all.nas:15), 5 times."""

    def __init__(self, c: int, c_2: int, stride: int, widths: tuple[int, ...], widths_2: tuple[int, ...]) -> None:
        super().__init__()
        self.y_1 = Layer1(c, c_2 // 6, stride=stride, widths=widths)
        self.y_2 = Layer(c_2, widths=widths_2)
        self.y_3 = Layer(c_2, widths=widths_2)
        self.y_4 = Layer(c_2, widths=widths_2)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        y_1: Tensor = self.y_1(x, arch / "y[1].layer")  # [N, c_2 / 6, H/stride, W/stride]
        y_2: Tensor = self.y_2(y_1, arch / "y[2].layer")  # [N, c_2 / 6, H/stride, W/stride]
        y_3 = runtime.once(lambda: self.y_3(y_2, arch / "y[3].layer"))  # [N, c_2 / 6, H/stride, W/stride]
        return arch.mix(
            "d",
            {
                2: lambda: y_2,
                3: y_3,
                4: lambda: self.y_4(y_3(), arch / "y[4].layer"),
            },
        )  # [N, c_2 / 6, H/stride, W/stride]


class Supernet(nn.Module):
    """All architectures of `once_for_all` at once: called with images and decisions it returns `classify`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBnRelu(3, 16, k=3, stride=2)
        self.f_0_dw_conv_bn_relu = DwConvBnRelu(16, k=3, stride=1)
        self.f_0_conv_bn = ConvBn(16, 16)
        self.f_1 = Stage(96, 144, stride=2, widths=(48, 64, 96), widths_2=(72, 96, 144))
        self.f_2 = Stage(144, 240, stride=2, widths=(72, 96, 144), widths_2=(120, 160, 240))
        self.f_3 = Stage(240, 480, stride=2, widths=(120, 160, 240), widths_2=(240, 320, 480))
        self.f_4 = Stage(480, 672, stride=1, widths=(240, 320, 480), widths_2=(336, 448, 672))
        self.f_5 = Stage(672, 960, stride=2, widths=(336, 448, 672), widths_2=(480, 640, 960))
        self.classify_conv_bn_relu = ConvBnRelu(160, 960, k=1, stride=1)
        self.classify_conv = nn.Conv2d(960, 1280, 1, bias=False)
        self.classify_linear = nn.Linear(1280, 1000)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        stem: Tensor = self.stem(image)  # [N, 16, 112, 112]
        f_0: Tensor = self.f_0_dw_conv_bn_relu(stem)  # [N, 16, 112, 112]
        f_0 = stem + self.f_0_conv_bn(f_0)  # [N, 16, 112, 112]
        f_1: Tensor = self.f_1(f_0, arch / "f[1].stage")  # [N, 24, 56, 56]
        f_2: Tensor = self.f_2(f_1, arch / "f[2].stage")  # [N, 40, 28, 28]
        f_3: Tensor = self.f_3(f_2, arch / "f[3].stage")  # [N, 80, 14, 14]
        f_4: Tensor = self.f_4(f_3, arch / "f[4].stage")  # [N, 112, 14, 14]
        f_5: Tensor = self.f_5(f_4, arch / "f[5].stage")  # [N, 160, 7, 7]
        classify: Tensor = self.classify_conv_bn_relu(f_5)  # [N, 960, 7, 7]
        classify = F.adaptive_avg_pool2d(classify, 1)  # [N, 960, 1, 1]
        classify = self.classify_conv(classify)  # [N, 1280, 1, 1]
        classify = F.relu(classify)  # [N, 1280, 1, 1]
        classify = self.classify_linear(classify.flatten(1))  # [N, 1000]
        return {"classify": classify}

"""Supernet of the space `fork` (fork.nas:4). Written by `nasdsl compile`.

Parameters: C = 32, n = 8, first = 2, classes = 19, H = 512, W = 1024.

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

LEAVE = runtime.Depth((2, 3, 4, 5, 6, 7, 8))
OP = runtime.Choose(("conv", "sep3", "sep5"))
SPACE = runtime.Space(
    "fork",
    decisions={
        "leave[semantic]": LEAVE,
        "leave[center]": LEAVE,
        "leave[offset]": LEAVE,
        **{f"layer[{i}].op": OP for i in range(1, 9)},
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 31 times."""

    def __init__(self, c_in: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, 32, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(32)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, 32, H/stride, W/stride]
        x = self.bn(x)  # [N, 32, H/stride, W/stride]
        return F.relu(x)  # [N, 32, H/stride, W/stride]


class SepConv(nn.Module):
    """`sep_conv` (std.nas:26), 52 times."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(32, 32, k, padding=k // 2, groups=32, bias=False)
        self.conv = nn.Conv2d(32, 32, 1, bias=False)
        self.bn = nn.BatchNorm2d(32)
        self.dw_conv_2 = nn.Conv2d(32, 32, k, padding=k // 2, groups=32, bias=False)
        self.conv_2 = nn.Conv2d(32, 32, 1, bias=False)
        self.bn_2 = nn.BatchNorm2d(32)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, 32, 128, 256]
        x = self.conv(x)  # [N, 32, 128, 256]
        x = self.bn(x)  # [N, 32, 128, 256]
        x = F.relu(x)  # [N, 32, 128, 256]
        x = self.dw_conv_2(x)  # [N, 32, 128, 256]
        x = self.conv_2(x)  # [N, 32, 128, 256]
        out: Tensor = self.bn_2(x)  # [N, 32, 128, 256]
        return out


class Layer(nn.Module):
    """`layer` (fork.nas:11), 26 times."""

    def __init__(self) -> None:
        super().__init__()
        self.op_conv = ConvBnRelu(32, k=3, stride=1)
        self.op_sep3 = SepConv(k=3)
        self.op_sep5 = SepConv(k=5)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        relu = runtime.once(lambda: F.relu(x))  # [N, 32, 128, 256]
        op = arch.mix(
            "op",
            {
                "conv": lambda: self.op_conv(x),
                "sep3": lambda: self.op_sep3(relu()),
                "sep5": lambda: self.op_sep5(relu()),
            },
        )  # [N, 32, 128, 256]
        return x + op  # [N, 32, 128, 256]


class DwSepConv(nn.Module):
    """`dw_sep_conv` (std.nas:44), 3 times."""

    def __init__(self) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(32, 32, 5, padding=2, groups=32, bias=False)
        self.bn = nn.BatchNorm2d(32)
        self.conv_bn_relu = ConvBnRelu(32, k=1, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, 32, 128, 256]
        x = self.bn(x)  # [N, 32, 128, 256]
        x = F.relu(x)  # [N, 32, 128, 256]
        out: Tensor = self.conv_bn_relu(x)  # [N, 32, 128, 256]
        return out


class Out(nn.Module):
    """`out` (fork.nas:19), 3 times."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.dw_sep_conv = DwSepConv()
        self.conv = nn.Conv2d(32, c, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.dw_sep_conv(x)  # [N, 32, 128, 256]
        x = self.conv(x)  # [N, c, 128, 256]
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=True)  # [N, c, 512, 1024]


class Supernet(nn.Module):
    """All architectures of `fork` at once: called with images and decisions it returns `semantic`, `center`,
    `offset`."""

    def __init__(self) -> None:
        super().__init__()
        self.s_0_conv_bn_relu = ConvBnRelu(3, k=3, stride=2)
        self.s_0_conv_bn_relu_2 = ConvBnRelu(32, k=3, stride=2)
        self.s_1 = Layer()
        self.s_2 = Layer()
        self.s_3 = Layer()
        self.own_semantic_3 = Layer()
        self.own_center_3 = Layer()
        self.own_offset_3 = Layer()
        self.s_4 = Layer()
        self.own_semantic_4 = Layer()
        self.own_center_4 = Layer()
        self.own_offset_4 = Layer()
        self.s_5 = Layer()
        self.own_semantic_5 = Layer()
        self.own_center_5 = Layer()
        self.own_offset_5 = Layer()
        self.s_6 = Layer()
        self.own_semantic_6 = Layer()
        self.own_center_6 = Layer()
        self.own_offset_6 = Layer()
        self.s_7 = Layer()
        self.own_semantic_7 = Layer()
        self.own_center_7 = Layer()
        self.own_offset_7 = Layer()
        self.s_8 = Layer()
        self.own_semantic_8 = Layer()
        self.own_center_8 = Layer()
        self.own_offset_8 = Layer()
        self.semantic = Out(19)
        self.center = Out(1)
        self.offset = Out(2)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        s_0: Tensor = self.s_0_conv_bn_relu(image)  # [N, 32, 256, 512]
        s_0 = self.s_0_conv_bn_relu_2(s_0)  # [N, 32, 128, 256]
        s_1: Tensor = self.s_1(s_0, arch / "layer[1]")  # [N, 32, 128, 256]
        s_2: Tensor = self.s_2(s_1, arch / "layer[2]")  # [N, 32, 128, 256]
        s_3 = runtime.once(lambda: self.s_3(s_2, arch / "layer[3]"))  # [N, 32, 128, 256]
        s_4 = runtime.once(lambda: self.s_4(s_3(), arch / "layer[4]"))  # [N, 32, 128, 256]
        own_semantic_4 = runtime.once(
            lambda: arch.mix(
                "leave[semantic]",
                {2: lambda: self.own_semantic_3(s_2, arch / "layer[3]"), (3, 4, 5, 6, 7, 8): s_3},
            ),
        )  # [N, 32, 128, 256]
        own_center_4 = runtime.once(
            lambda: arch.mix(
                "leave[center]",
                {2: lambda: self.own_center_3(s_2, arch / "layer[3]"), (3, 4, 5, 6, 7, 8): s_3},
            ),
        )  # [N, 32, 128, 256]
        own_offset_4 = runtime.once(
            lambda: arch.mix(
                "leave[offset]",
                {2: lambda: self.own_offset_3(s_2, arch / "layer[3]"), (3, 4, 5, 6, 7, 8): s_3},
            ),
        )  # [N, 32, 128, 256]
        s_5 = runtime.once(lambda: self.s_5(s_4(), arch / "layer[5]"))  # [N, 32, 128, 256]
        own_semantic_5 = runtime.once(
            lambda: arch.mix(
                "leave[semantic]",
                {(2, 3): lambda: self.own_semantic_4(own_semantic_4(), arch / "layer[4]"), (4, 5, 6, 7, 8): s_4},
            ),
        )  # [N, 32, 128, 256]
        own_center_5 = runtime.once(
            lambda: arch.mix(
                "leave[center]",
                {(2, 3): lambda: self.own_center_4(own_center_4(), arch / "layer[4]"), (4, 5, 6, 7, 8): s_4},
            ),
        )  # [N, 32, 128, 256]
        own_offset_5 = runtime.once(
            lambda: arch.mix(
                "leave[offset]",
                {(2, 3): lambda: self.own_offset_4(own_offset_4(), arch / "layer[4]"), (4, 5, 6, 7, 8): s_4},
            ),
        )  # [N, 32, 128, 256]
        s_6 = runtime.once(lambda: self.s_6(s_5(), arch / "layer[6]"))  # [N, 32, 128, 256]
        own_semantic_6 = runtime.once(
            lambda: arch.mix(
                "leave[semantic]",
                {(2, 3, 4): lambda: self.own_semantic_5(own_semantic_5(), arch / "layer[5]"), (5, 6, 7, 8): s_5},
            ),
        )  # [N, 32, 128, 256]
        own_center_6 = runtime.once(
            lambda: arch.mix(
                "leave[center]",
                {(2, 3, 4): lambda: self.own_center_5(own_center_5(), arch / "layer[5]"), (5, 6, 7, 8): s_5},
            ),
        )  # [N, 32, 128, 256]
        own_offset_6 = runtime.once(
            lambda: arch.mix(
                "leave[offset]",
                {(2, 3, 4): lambda: self.own_offset_5(own_offset_5(), arch / "layer[5]"), (5, 6, 7, 8): s_5},
            ),
        )  # [N, 32, 128, 256]
        s_7 = runtime.once(lambda: self.s_7(s_6(), arch / "layer[7]"))  # [N, 32, 128, 256]
        own_semantic_7 = runtime.once(
            lambda: arch.mix(
                "leave[semantic]",
                {(2, 3, 4, 5): lambda: self.own_semantic_6(own_semantic_6(), arch / "layer[6]"), (6, 7, 8): s_6},
            ),
        )  # [N, 32, 128, 256]
        own_center_7 = runtime.once(
            lambda: arch.mix(
                "leave[center]",
                {(2, 3, 4, 5): lambda: self.own_center_6(own_center_6(), arch / "layer[6]"), (6, 7, 8): s_6},
            ),
        )  # [N, 32, 128, 256]
        own_offset_7 = runtime.once(
            lambda: arch.mix(
                "leave[offset]",
                {(2, 3, 4, 5): lambda: self.own_offset_6(own_offset_6(), arch / "layer[6]"), (6, 7, 8): s_6},
            ),
        )  # [N, 32, 128, 256]
        s_8 = runtime.once(lambda: self.s_8(s_7(), arch / "layer[8]"))  # [N, 32, 128, 256]
        own_semantic_8 = runtime.once(
            lambda: arch.mix(
                "leave[semantic]",
                {(2, 3, 4, 5, 6): lambda: self.own_semantic_7(own_semantic_7(), arch / "layer[7]"), (7, 8): s_7},
            ),
        )  # [N, 32, 128, 256]
        own_center_8 = runtime.once(
            lambda: arch.mix(
                "leave[center]",
                {(2, 3, 4, 5, 6): lambda: self.own_center_7(own_center_7(), arch / "layer[7]"), (7, 8): s_7},
            ),
        )  # [N, 32, 128, 256]
        own_offset_8 = runtime.once(
            lambda: arch.mix(
                "leave[offset]",
                {(2, 3, 4, 5, 6): lambda: self.own_offset_7(own_offset_7(), arch / "layer[7]"), (7, 8): s_7},
            ),
        )  # [N, 32, 128, 256]
        y_semantic = arch.mix(
            "leave[semantic]",
            {(2, 3, 4, 5, 6, 7): lambda: self.own_semantic_8(own_semantic_8(), arch / "layer[8]"), 8: s_8},
        )  # [N, 32, 128, 256]
        y_center = arch.mix(
            "leave[center]",
            {(2, 3, 4, 5, 6, 7): lambda: self.own_center_8(own_center_8(), arch / "layer[8]"), 8: s_8},
        )  # [N, 32, 128, 256]
        y_offset = arch.mix(
            "leave[offset]",
            {(2, 3, 4, 5, 6, 7): lambda: self.own_offset_8(own_offset_8(), arch / "layer[8]"), 8: s_8},
        )  # [N, 32, 128, 256]
        semantic: Tensor = self.semantic(y_semantic, image)  # [N, 19, 512, 1024]
        center: Tensor = self.center(y_center, image)  # [N, 1, 512, 1024]
        offset: Tensor = self.offset(y_offset, image)  # [N, 2, 512, 1024]
        return {"semantic": semantic, "center": center, "offset": offset}

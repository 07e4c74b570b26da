"""Supernet of the space `spatialflow` (spatialflow.nas:9). Written by `nasdsl compile`.

Parameters: C = 256, things = 80, stuff = 54, steps = 4, anchors = 9, H = 768, W = 1280.

    relaxation = runtime.SinglePath(runtime.Logits(SPACE))  # logits for every decision
    outputs = Supernet()(images, relaxation.draw())  # one path; runtime.Softmax mixes them

In `forward`, `arch` is what was drawn, and `arch / "a"` its part for the names in SPACE that begin with "a."; a
lambda runs only if what was drawn takes it, in a mixture all do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from spatialflow_heads import RoIMaskHead
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime import Choices

OP = runtime.Choose(("conv3", "identity", "none"))
SPACE = runtime.Space(
    "spatialflow",
    decisions={
        "box_cls[1].op": OP,
        "box_stf[1].op": OP,
        "cls_stf[1].op": OP,
        "box_cls[2].op": OP,
        "box_stf[2].op": OP,
        "cls_stf[2].op": OP,
        "box_cls[3].op": OP,
        "box_stf[3].op": OP,
        "cls_stf[3].op": OP,
        "box_cls[4].op": OP,
        "box_stf[4].op": OP,
        "cls_stf[4].op": OP,
        "box_msk.op": OP,
        "cls_msk.op": OP,
        "stf_msk.op": OP,
    },
)


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 33 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        x = self.bn(x)  # [N, c, H/stride, W/stride]
        return F.relu(x)  # [N, c, H/stride, W/stride]


class ConvBn(nn.Module):
    """`conv_bn` (std.nas:3), 20 times."""

    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, 1, stride=stride, bias=False)
        self.bn = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, c, H/stride, W/stride]
        out: Tensor = self.bn(x)  # [N, c, H/stride, W/stride]
        return out


class Bottleneck(nn.Module):
    """`bottleneck` (backbones.nas:4), 4 times, such as _c2.resnet50.z[2,1].bottleneck."""

    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c_in, c, k=1, stride=1)
        self.y_conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=stride)
        self.y_conv_bn = ConvBn(c, 4 * c, stride=1)
        self.conv_bn = ConvBn(c_in, 4 * c, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x)  # [N, c, H, W]
        y = self.y_conv_bn_relu_2(y)  # [N, c, H/stride, W/stride]
        y = self.y_conv_bn(y) + self.conv_bn(x)  # [N, 4 * c, H/stride, W/stride]
        return F.relu(y)  # [N, 4 * c, H/stride, W/stride]


class BottleneckSame(nn.Module):
    """`bottleneck` (backbones.nas:4), 12 times, such as _c2.resnet50.z[2,2].bottleneck."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(4 * c, c, k=1, stride=1)
        self.y_conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=1)
        self.y_conv_bn = ConvBn(c, 4 * c, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x)  # [N, c, H, W]
        y = self.y_conv_bn_relu_2(y)  # [N, c, H, W]
        y = self.y_conv_bn(y) + x  # [N, 4 * c, H, W]
        return F.relu(y)  # [N, 4 * c, H, W]


class Resnet50(nn.Module):
    """`resnet50` (backbones.nas:11): _c2.resnet50."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = ConvBnRelu(3, 64, k=7, stride=2)
        self.z_2_1 = Bottleneck(64, 64, stride=1)
        self.z_2_2 = BottleneckSame(64)
        self.z_2_3 = BottleneckSame(64)
        self.z_3_1 = Bottleneck(256, 128, stride=2)
        self.z_3_2 = BottleneckSame(128)
        self.z_3_3 = BottleneckSame(128)
        self.z_3_4 = BottleneckSame(128)
        self.z_4_1 = Bottleneck(512, 256, stride=2)
        self.z_4_2 = BottleneckSame(256)
        self.z_4_3 = BottleneckSame(256)
        self.z_4_4 = BottleneckSame(256)
        self.z_4_5 = BottleneckSame(256)
        self.z_4_6 = BottleneckSame(256)
        self.z_5_1 = Bottleneck(1024, 512, stride=2)
        self.z_5_2 = BottleneckSame(512)
        self.z_5_3 = BottleneckSame(512)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y_1: Tensor = self.y_1(image)  # [N, 64, 384, 640]
        y_1 = F.max_pool2d(y_1, 3, stride=2, padding=1)  # [N, 64, 192, 320]
        z_2_1: Tensor = self.z_2_1(y_1)  # [N, 256, 192, 320]
        z_2_2: Tensor = self.z_2_2(z_2_1)  # [N, 256, 192, 320]
        z_2_3: Tensor = self.z_2_3(z_2_2)  # [N, 256, 192, 320]
        z_3_1: Tensor = self.z_3_1(z_2_3)  # [N, 512, 96, 160]
        z_3_2: Tensor = self.z_3_2(z_3_1)  # [N, 512, 96, 160]
        z_3_3: Tensor = self.z_3_3(z_3_2)  # [N, 512, 96, 160]
        z_3_4: Tensor = self.z_3_4(z_3_3)  # [N, 512, 96, 160]
        z_4_1: Tensor = self.z_4_1(z_3_4)  # [N, 1024, 48, 80]
        z_4_2: Tensor = self.z_4_2(z_4_1)  # [N, 1024, 48, 80]
        z_4_3: Tensor = self.z_4_3(z_4_2)  # [N, 1024, 48, 80]
        z_4_4: Tensor = self.z_4_4(z_4_3)  # [N, 1024, 48, 80]
        z_4_5: Tensor = self.z_4_5(z_4_4)  # [N, 1024, 48, 80]
        z_4_6: Tensor = self.z_4_6(z_4_5)  # [N, 1024, 48, 80]
        z_5_1: Tensor = self.z_5_1(z_4_6)  # [N, 2048, 24, 40]
        z_5_2: Tensor = self.z_5_2(z_5_1)  # [N, 2048, 24, 40]
        z_5_3: Tensor = self.z_5_3(z_5_2)  # [N, 2048, 24, 40]
        return z_3_4, z_4_6, z_5_3


class Fpn(nn.Module):
    """`fpn` (backbones.nas:24): p[3].fpn."""

    def __init__(self) -> None:
        super().__init__()
        self.t_5 = nn.Conv2d(2048, 256, 1)
        self.t_4 = nn.Conv2d(1024, 256, 1)
        self.t_3 = nn.Conv2d(512, 256, 1)
        self.p_3 = nn.Conv2d(256, 256, 3, padding=1)
        self.p_4 = nn.Conv2d(256, 256, 3, padding=1)
        self.p_5 = nn.Conv2d(256, 256, 3, padding=1)
        self.p_6 = nn.Conv2d(2048, 256, 3, stride=2, padding=1)
        self.p_7 = nn.Conv2d(256, 256, 3, stride=2, padding=1)

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        t_5: Tensor = self.t_5(c5)  # [N, 256, 24, 40]
        t_4: Tensor = self.t_4(c4)  # [N, 256, 48, 80]
        t_4_resize_like = F.interpolate(t_5, c4.shape[2:], mode="bilinear", align_corners=True)  # [N, 256, 48, 80]
        t_4 = t_4 + t_4_resize_like  # [N, 256, 48, 80]
        t_3: Tensor = self.t_3(c3)  # [N, 256, 96, 160]
        t_3_resize_like = F.interpolate(t_4, c3.shape[2:], mode="bilinear", align_corners=True)  # [N, 256, 96, 160]
        t_3 = t_3 + t_3_resize_like  # [N, 256, 96, 160]
        p_3: Tensor = self.p_3(t_3)  # [N, 256, 96, 160]
        p_4: Tensor = self.p_4(t_4)  # [N, 256, 48, 80]
        p_5: Tensor = self.p_5(t_5)  # [N, 256, 24, 40]
        p_6: Tensor = self.p_6(c5)  # [N, 256, 12, 20]
        p_7 = F.relu(p_6)  # [N, 256, 12, 20]
        p_7 = self.p_7(p_7)  # [N, 256, 6, 10]
        return p_3, p_4, p_5, p_6, p_7


class Step(nn.Module):
    """`step` (spatialflow.nas:20), 55 times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(256, 256, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, 256, H, W]
        return F.relu(x)  # [N, 256, H, W]


class Flow(nn.Module):
    """`flow` (spatialflow.nas:16), 53 times."""

    def __init__(self) -> None:
        super().__init__()
        self.op_conv3 = nn.Conv2d(256, 256, 3, padding=1)

    def forward(self, x: Tensor, arch: Choices) -> Tensor:
        return arch.mix(
            "op",
            {
                "conv3": lambda: self.op_conv3(x),
                "identity": lambda: x,
                "none": runtime.Zero(lambda: torch.zeros_like(x)),
            },
        )  # [N, 256, H, W]


class ClsOut(nn.Module):
    """`cls_out` (spatialflow.nas:45), 5 times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(256, 720, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)  # [N, 720, H, W]
        return out


class BoxOut(nn.Module):
    """`box_out` (spatialflow.nas:46), 5 times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(256, 36, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)  # [N, 36, H, W]
        return out


class ConvGnRelu(nn.Module):
    """`conv_gn_relu` (std.nas:47), 6 times."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, 128, 3, padding=1, bias=False)
        self.gn = nn.GroupNorm(32, 128)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # [N, 128, H, W]
        x = self.gn(x)  # [N, 128, H, W]
        return F.relu(x)  # [N, 128, H, W]


class Raise3(nn.Module):
    """`raise` (spatialflow.nas:47): together.raise[3]."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = ConvGnRelu(256)

    def forward(self, x: Tensor) -> Tensor:
        y_1: Tensor = self.y_1(x)  # [N, 128, 96, 160]
        # [N, 128, 192, 320]
        return F.interpolate(y_1, (y_1.shape[2] * 2, y_1.shape[3] * 2), mode="bilinear", align_corners=True)


class Raise4(nn.Module):
    """`raise` (spatialflow.nas:47): together.raise[4]."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = ConvGnRelu(256)
        self.y_2 = ConvGnRelu(128)

    def forward(self, x: Tensor) -> Tensor:
        y_1: Tensor = self.y_1(x)  # [N, 128, 48, 80]
        # [N, 128, 96, 160]
        y_1 = F.interpolate(y_1, (y_1.shape[2] * 2, y_1.shape[3] * 2), mode="bilinear", align_corners=True)
        y_2: Tensor = self.y_2(y_1)  # [N, 128, 96, 160]
        # [N, 128, 192, 320]
        return F.interpolate(y_2, (y_2.shape[2] * 2, y_2.shape[3] * 2), mode="bilinear", align_corners=True)


class Raise5(nn.Module):
    """`raise` (spatialflow.nas:47): together.raise[5]."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = ConvGnRelu(256)
        self.y_2 = ConvGnRelu(128)
        self.y_3 = ConvGnRelu(128)

    def forward(self, x: Tensor) -> Tensor:
        y_1: Tensor = self.y_1(x)  # [N, 128, 24, 40]
        # [N, 128, 48, 80]
        y_1 = F.interpolate(y_1, (y_1.shape[2] * 2, y_1.shape[3] * 2), mode="bilinear", align_corners=True)
        y_2: Tensor = self.y_2(y_1)  # [N, 128, 48, 80]
        # [N, 128, 96, 160]
        y_2 = F.interpolate(y_2, (y_2.shape[2] * 2, y_2.shape[3] * 2), mode="bilinear", align_corners=True)
        y_3: Tensor = self.y_3(y_2)  # [N, 128, 96, 160]
        # [N, 128, 192, 320]
        return F.interpolate(y_3, (y_3.shape[2] * 2, y_3.shape[3] * 2), mode="bilinear", align_corners=True)


class Supernet(nn.Module):
    """All architectures of `spatialflow` at once: called with images and decisions it returns `classes[3]`,
    `boxes[3]`, `classes[4]`, `boxes[4]`, `classes[5]`, `boxes[5]`, `classes[6]`, `boxes[6]`, `classes[7]`,
    `boxes[7]`, `masks`, `semantic`."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet50 = Resnet50()
        self.fpn = Fpn()
        self.masks = RoIMaskHead(classes=80)
        self.together_raise_3 = Raise3()
        self.together_raise_4 = Raise4()
        self.together_raise_5 = Raise5()
        self.semantic = nn.Conv2d(128, 54, 1)
        self.to_box_1 = Step()
        self.box_cls_1 = Flow()
        self.to_cls_1 = Step()
        self.box_stf_1 = Flow()
        self.cls_stf_1 = Flow()
        self.to_stf_1 = Step()
        self.to_box_2 = Step()
        self.box_cls_2 = Flow()
        self.to_cls_2 = Step()
        self.box_stf_2 = Flow()
        self.cls_stf_2 = Flow()
        self.to_stf_2 = Step()
        self.to_box_3 = Step()
        self.box_cls_3 = Flow()
        self.to_cls_3 = Step()
        self.box_stf_3 = Flow()
        self.cls_stf_3 = Flow()
        self.to_stf_3 = Step()
        self.to_box_4 = Step()
        self.box_cls_4 = Flow()
        self.to_cls_4 = Step()
        self.box_stf_4 = Flow()
        self.cls_stf_4 = Flow()
        self.to_stf_4 = Step()
        self.box_msk = Flow()
        self.cls_msk = Flow()
        self.stf_msk = Flow()
        self.to_msk = Step()
        self.cls_out = ClsOut()
        self.box_out = BoxOut()

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        c3, c4, c5 = self.resnet50(image)  # [N, 512, 96, 160]; [N, 1024, 48, 80]; [N, 2048, 24, 40]
        # [N, 256, 96, 160]; [N, 256, 48, 80]; [N, 256, 24, 40]; [N, 256, 12, 20]; [N, 256, 6, 10]
        p_3, p_4, p_5, p_6, p_7 = self.fpn(c3, c4, c5)
        box_1_3: Tensor = self.to_box_1(p_3)  # [N, 256, 96, 160]
        cls_1_3: Tensor = p_3 + self.box_cls_1(box_1_3, arch / "box_cls[1]")  # [N, 256, 96, 160]
        cls_1_3 = self.to_cls_1(cls_1_3)  # [N, 256, 96, 160]
        box_1_4: Tensor = self.to_box_1(p_4)  # [N, 256, 48, 80]
        cls_1_4: Tensor = p_4 + self.box_cls_1(box_1_4, arch / "box_cls[1]")  # [N, 256, 48, 80]
        cls_1_4 = self.to_cls_1(cls_1_4)  # [N, 256, 48, 80]
        box_1_5: Tensor = self.to_box_1(p_5)  # [N, 256, 24, 40]
        cls_1_5: Tensor = p_5 + self.box_cls_1(box_1_5, arch / "box_cls[1]")  # [N, 256, 24, 40]
        cls_1_5 = self.to_cls_1(cls_1_5)  # [N, 256, 24, 40]
        box_1_6: Tensor = self.to_box_1(p_6)  # [N, 256, 12, 20]
        cls_1_6: Tensor = p_6 + self.box_cls_1(box_1_6, arch / "box_cls[1]")  # [N, 256, 12, 20]
        cls_1_6 = self.to_cls_1(cls_1_6)  # [N, 256, 12, 20]
        box_1_7: Tensor = self.to_box_1(p_7)  # [N, 256, 6, 10]
        cls_1_7: Tensor = p_7 + self.box_cls_1(box_1_7, arch / "box_cls[1]")  # [N, 256, 6, 10]
        cls_1_7 = self.to_cls_1(cls_1_7)  # [N, 256, 6, 10]
        stf_1_3: Tensor = (
            p_3 + self.box_stf_1(box_1_3, arch / "box_stf[1]") + self.cls_stf_1(cls_1_3, arch / "cls_stf[1]")
        )  # [N, 256, 96, 160]
        stf_1_3 = self.to_stf_1(stf_1_3)  # [N, 256, 96, 160]
        stf_1_4: Tensor = (
            p_4 + self.box_stf_1(box_1_4, arch / "box_stf[1]") + self.cls_stf_1(cls_1_4, arch / "cls_stf[1]")
        )  # [N, 256, 48, 80]
        stf_1_4 = self.to_stf_1(stf_1_4)  # [N, 256, 48, 80]
        stf_1_5: Tensor = (
            p_5 + self.box_stf_1(box_1_5, arch / "box_stf[1]") + self.cls_stf_1(cls_1_5, arch / "cls_stf[1]")
        )  # [N, 256, 24, 40]
        stf_1_5 = self.to_stf_1(stf_1_5)  # [N, 256, 24, 40]
        box_2_3: Tensor = self.to_box_2(box_1_3)  # [N, 256, 96, 160]
        cls_2_3: Tensor = cls_1_3 + self.box_cls_2(box_2_3, arch / "box_cls[2]")  # [N, 256, 96, 160]
        cls_2_3 = self.to_cls_2(cls_2_3)  # [N, 256, 96, 160]
        box_2_4: Tensor = self.to_box_2(box_1_4)  # [N, 256, 48, 80]
        cls_2_4: Tensor = cls_1_4 + self.box_cls_2(box_2_4, arch / "box_cls[2]")  # [N, 256, 48, 80]
        cls_2_4 = self.to_cls_2(cls_2_4)  # [N, 256, 48, 80]
        box_2_5: Tensor = self.to_box_2(box_1_5)  # [N, 256, 24, 40]
        cls_2_5: Tensor = cls_1_5 + self.box_cls_2(box_2_5, arch / "box_cls[2]")  # [N, 256, 24, 40]
        cls_2_5 = self.to_cls_2(cls_2_5)  # [N, 256, 24, 40]
        box_2_6: Tensor = self.to_box_2(box_1_6)  # [N, 256, 12, 20]
        cls_2_6: Tensor = cls_1_6 + self.box_cls_2(box_2_6, arch / "box_cls[2]")  # [N, 256, 12, 20]
        cls_2_6 = self.to_cls_2(cls_2_6)  # [N, 256, 12, 20]
        box_2_7: Tensor = self.to_box_2(box_1_7)  # [N, 256, 6, 10]
        cls_2_7: Tensor = cls_1_7 + self.box_cls_2(box_2_7, arch / "box_cls[2]")  # [N, 256, 6, 10]
        cls_2_7 = self.to_cls_2(cls_2_7)  # [N, 256, 6, 10]
        stf_2_3: Tensor = (
            stf_1_3 + self.box_stf_2(box_2_3, arch / "box_stf[2]") + self.cls_stf_2(cls_2_3, arch / "cls_stf[2]")
        )  # [N, 256, 96, 160]
        stf_2_3 = self.to_stf_2(stf_2_3)  # [N, 256, 96, 160]
        stf_2_4: Tensor = (
            stf_1_4 + self.box_stf_2(box_2_4, arch / "box_stf[2]") + self.cls_stf_2(cls_2_4, arch / "cls_stf[2]")
        )  # [N, 256, 48, 80]
        stf_2_4 = self.to_stf_2(stf_2_4)  # [N, 256, 48, 80]
        stf_2_5: Tensor = (
            stf_1_5 + self.box_stf_2(box_2_5, arch / "box_stf[2]") + self.cls_stf_2(cls_2_5, arch / "cls_stf[2]")
        )  # [N, 256, 24, 40]
        stf_2_5 = self.to_stf_2(stf_2_5)  # [N, 256, 24, 40]
        box_3_3: Tensor = self.to_box_3(box_2_3)  # [N, 256, 96, 160]
        cls_3_3: Tensor = cls_2_3 + self.box_cls_3(box_3_3, arch / "box_cls[3]")  # [N, 256, 96, 160]
        cls_3_3 = self.to_cls_3(cls_3_3)  # [N, 256, 96, 160]
        box_3_4: Tensor = self.to_box_3(box_2_4)  # [N, 256, 48, 80]
        cls_3_4: Tensor = cls_2_4 + self.box_cls_3(box_3_4, arch / "box_cls[3]")  # [N, 256, 48, 80]
        cls_3_4 = self.to_cls_3(cls_3_4)  # [N, 256, 48, 80]
        box_3_5: Tensor = self.to_box_3(box_2_5)  # [N, 256, 24, 40]
        cls_3_5: Tensor = cls_2_5 + self.box_cls_3(box_3_5, arch / "box_cls[3]")  # [N, 256, 24, 40]
        cls_3_5 = self.to_cls_3(cls_3_5)  # [N, 256, 24, 40]
        box_3_6: Tensor = self.to_box_3(box_2_6)  # [N, 256, 12, 20]
        cls_3_6: Tensor = cls_2_6 + self.box_cls_3(box_3_6, arch / "box_cls[3]")  # [N, 256, 12, 20]
        cls_3_6 = self.to_cls_3(cls_3_6)  # [N, 256, 12, 20]
        box_3_7: Tensor = self.to_box_3(box_2_7)  # [N, 256, 6, 10]
        cls_3_7: Tensor = cls_2_7 + self.box_cls_3(box_3_7, arch / "box_cls[3]")  # [N, 256, 6, 10]
        cls_3_7 = self.to_cls_3(cls_3_7)  # [N, 256, 6, 10]
        stf_3_3: Tensor = (
            stf_2_3 + self.box_stf_3(box_3_3, arch / "box_stf[3]") + self.cls_stf_3(cls_3_3, arch / "cls_stf[3]")
        )  # [N, 256, 96, 160]
        stf_3_3 = self.to_stf_3(stf_3_3)  # [N, 256, 96, 160]
        stf_3_4: Tensor = (
            stf_2_4 + self.box_stf_3(box_3_4, arch / "box_stf[3]") + self.cls_stf_3(cls_3_4, arch / "cls_stf[3]")
        )  # [N, 256, 48, 80]
        stf_3_4 = self.to_stf_3(stf_3_4)  # [N, 256, 48, 80]
        stf_3_5: Tensor = (
            stf_2_5 + self.box_stf_3(box_3_5, arch / "box_stf[3]") + self.cls_stf_3(cls_3_5, arch / "cls_stf[3]")
        )  # [N, 256, 24, 40]
        stf_3_5 = self.to_stf_3(stf_3_5)  # [N, 256, 24, 40]
        box_4_3: Tensor = self.to_box_4(box_3_3)  # [N, 256, 96, 160]
        cls_4_3: Tensor = cls_3_3 + self.box_cls_4(box_4_3, arch / "box_cls[4]")  # [N, 256, 96, 160]
        cls_4_3 = self.to_cls_4(cls_4_3)  # [N, 256, 96, 160]
        box_4_4: Tensor = self.to_box_4(box_3_4)  # [N, 256, 48, 80]
        cls_4_4: Tensor = cls_3_4 + self.box_cls_4(box_4_4, arch / "box_cls[4]")  # [N, 256, 48, 80]
        cls_4_4 = self.to_cls_4(cls_4_4)  # [N, 256, 48, 80]
        box_4_5: Tensor = self.to_box_4(box_3_5)  # [N, 256, 24, 40]
        cls_4_5: Tensor = cls_3_5 + self.box_cls_4(box_4_5, arch / "box_cls[4]")  # [N, 256, 24, 40]
        cls_4_5 = self.to_cls_4(cls_4_5)  # [N, 256, 24, 40]
        box_4_6: Tensor = self.to_box_4(box_3_6)  # [N, 256, 12, 20]
        cls_4_6: Tensor = cls_3_6 + self.box_cls_4(box_4_6, arch / "box_cls[4]")  # [N, 256, 12, 20]
        cls_4_6 = self.to_cls_4(cls_4_6)  # [N, 256, 12, 20]
        box_4_7: Tensor = self.to_box_4(box_3_7)  # [N, 256, 6, 10]
        cls_4_7: Tensor = cls_3_7 + self.box_cls_4(box_4_7, arch / "box_cls[4]")  # [N, 256, 6, 10]
        cls_4_7 = self.to_cls_4(cls_4_7)  # [N, 256, 6, 10]
        stf_4_3: Tensor = (
            stf_3_3 + self.box_stf_4(box_4_3, arch / "box_stf[4]") + self.cls_stf_4(cls_4_3, arch / "cls_stf[4]")
        )  # [N, 256, 96, 160]
        stf_4_3 = self.to_stf_4(stf_4_3)  # [N, 256, 96, 160]
        stf_4_4: Tensor = (
            stf_3_4 + self.box_stf_4(box_4_4, arch / "box_stf[4]") + self.cls_stf_4(cls_4_4, arch / "cls_stf[4]")
        )  # [N, 256, 48, 80]
        stf_4_4 = self.to_stf_4(stf_4_4)  # [N, 256, 48, 80]
        stf_4_5: Tensor = (
            stf_3_5 + self.box_stf_4(box_4_5, arch / "box_stf[4]") + self.cls_stf_4(cls_4_5, arch / "cls_stf[4]")
        )  # [N, 256, 24, 40]
        stf_4_5 = self.to_stf_4(stf_4_5)  # [N, 256, 24, 40]
        msk_3: Tensor = (
            p_3
            + self.box_msk(box_4_3, arch / "box_msk")
            + self.cls_msk(cls_4_3, arch / "cls_msk")
            + self.stf_msk(stf_4_3, arch / "stf_msk")
        )  # [N, 256, 96, 160]
        msk_3 = self.to_msk(msk_3)  # [N, 256, 96, 160]
        msk_4: Tensor = (
            p_4
            + self.box_msk(box_4_4, arch / "box_msk")
            + self.cls_msk(cls_4_4, arch / "cls_msk")
            + self.stf_msk(stf_4_4, arch / "stf_msk")
        )  # [N, 256, 48, 80]
        msk_4 = self.to_msk(msk_4)  # [N, 256, 48, 80]
        msk_5: Tensor = (
            p_5
            + self.box_msk(box_4_5, arch / "box_msk")
            + self.cls_msk(cls_4_5, arch / "cls_msk")
            + self.stf_msk(stf_4_5, arch / "stf_msk")
        )  # [N, 256, 24, 40]
        msk_5 = self.to_msk(msk_5)  # [N, 256, 24, 40]
        classes_3: Tensor = self.cls_out(cls_4_3)  # [N, 720, 96, 160]
        boxes_3: Tensor = self.box_out(box_4_3)  # [N, 36, 96, 160]
        classes_4: Tensor = self.cls_out(cls_4_4)  # [N, 720, 48, 80]
        boxes_4: Tensor = self.box_out(box_4_4)  # [N, 36, 48, 80]
        classes_5: Tensor = self.cls_out(cls_4_5)  # [N, 720, 24, 40]
        boxes_5: Tensor = self.box_out(box_4_5)  # [N, 36, 24, 40]
        classes_6: Tensor = self.cls_out(cls_4_6)  # [N, 720, 12, 20]
        boxes_6: Tensor = self.box_out(box_4_6)  # [N, 36, 12, 20]
        classes_7: Tensor = self.cls_out(cls_4_7)  # [N, 720, 6, 10]
        boxes_7: Tensor = self.box_out(box_4_7)  # [N, 36, 6, 10]
        masks: Tensor = self.masks(msk_3, msk_4, msk_5)  # [N, 80, 28, 28]
        together: Tensor = (
            self.together_raise_3(stf_4_3) + self.together_raise_4(stf_4_4) + self.together_raise_5(stf_4_5)
        )  # [N, 128, 192, 320]
        semantic: Tensor = self.semantic(together)  # [N, 54, 192, 320]
        semantic = F.interpolate(semantic, image.shape[2:], mode="bilinear", align_corners=True)  # [N, 54, 768, 1280]
        return {
            "classes[3]": classes_3,
            "boxes[3]": boxes_3,
            "classes[4]": classes_4,
            "boxes[4]": boxes_4,
            "classes[5]": classes_5,
            "boxes[5]": boxes_5,
            "classes[6]": classes_6,
            "boxes[6]": boxes_6,
            "classes[7]": classes_7,
            "boxes[7]": boxes_7,
            "masks": masks,
            "semantic": semantic,
        }

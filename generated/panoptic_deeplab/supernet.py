"""Supernet of the space `panoptic_deeplab` (panoptic_deeplab.nas:5). Written by `nasdsl compile`.

Parameters: classes = 19, output_stride = 16, head = 128, H = 1024, W = 2048.

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

SPACE = runtime.Space("panoptic_deeplab", decisions={})


class ConvBnRelu(nn.Module):
    """`conv_bn_relu` (std.nas:6), 54 times."""

    def __init__(self, c_in: int, c: int, k: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c, k, stride=stride, padding=dilation * (k // 2), dilation=dilation, bias=False)
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
    """`bottleneck` (backbones.nas:4), 4 times, such as res[2].resnet50.z[2,1].bottleneck."""

    def __init__(self, c_in: int, c: int, stride: int) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(c_in, c, k=1, stride=1, dilation=1)
        self.y_conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=stride, dilation=1)
        self.y_conv_bn = ConvBn(c, 4 * c, stride=1)
        self.conv_bn = ConvBn(c_in, 4 * c, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x)  # [N, c, H, W]
        y = self.y_conv_bn_relu_2(y)  # [N, c, H/stride, W/stride]
        y = self.y_conv_bn(y) + self.conv_bn(x)  # [N, 4 * c, H/stride, W/stride]
        return F.relu(y)  # [N, 4 * c, H/stride, W/stride]


class BottleneckSame(nn.Module):
    """`bottleneck` (backbones.nas:4), 12 times, such as res[2].resnet50.z[2,2].bottleneck."""

    def __init__(self, c: int, dilation: int) -> None:
        super().__init__()
        self.y_conv_bn_relu = ConvBnRelu(4 * c, c, k=1, stride=1, dilation=1)
        self.y_conv_bn_relu_2 = ConvBnRelu(c, c, k=3, stride=1, dilation=dilation)
        self.y_conv_bn = ConvBn(c, 4 * c, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.y_conv_bn_relu(x)  # [N, c, H, W]
        y = self.y_conv_bn_relu_2(y)  # [N, c, H, W]
        y = self.y_conv_bn(y) + x  # [N, 4 * c, H, W]
        return F.relu(y)  # [N, 4 * c, H, W]


class Resnet50(nn.Module):
    """`resnet50` (backbones.nas:11): res[2].resnet50."""

    def __init__(self) -> None:
        super().__init__()
        self.y_1 = ConvBnRelu(3, 64, k=7, stride=2, dilation=1)
        self.z_2_1 = Bottleneck(64, 64, stride=1)
        self.z_2_2 = BottleneckSame(64, dilation=1)
        self.z_2_3 = BottleneckSame(64, dilation=1)
        self.z_3_1 = Bottleneck(256, 128, stride=2)
        self.z_3_2 = BottleneckSame(128, dilation=1)
        self.z_3_3 = BottleneckSame(128, dilation=1)
        self.z_3_4 = BottleneckSame(128, dilation=1)
        self.z_4_1 = Bottleneck(512, 256, stride=2)
        self.z_4_2 = BottleneckSame(256, dilation=1)
        self.z_4_3 = BottleneckSame(256, dilation=1)
        self.z_4_4 = BottleneckSame(256, dilation=1)
        self.z_4_5 = BottleneckSame(256, dilation=1)
        self.z_4_6 = BottleneckSame(256, dilation=1)
        self.z_5_1 = Bottleneck(1024, 512, stride=1)
        self.z_5_2 = BottleneckSame(512, dilation=2)
        self.z_5_3 = BottleneckSame(512, dilation=2)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y_1: Tensor = self.y_1(image)  # [N, 64, 512, 1024]
        y_1 = F.max_pool2d(y_1, 3, stride=2, padding=1)  # [N, 64, 256, 512]
        z_2_1: Tensor = self.z_2_1(y_1)  # [N, 256, 256, 512]
        z_2_2: Tensor = self.z_2_2(z_2_1)  # [N, 256, 256, 512]
        z_2_3: Tensor = self.z_2_3(z_2_2)  # [N, 256, 256, 512]
        z_3_1: Tensor = self.z_3_1(z_2_3)  # [N, 512, 128, 256]
        z_3_2: Tensor = self.z_3_2(z_3_1)  # [N, 512, 128, 256]
        z_3_3: Tensor = self.z_3_3(z_3_2)  # [N, 512, 128, 256]
        z_3_4: Tensor = self.z_3_4(z_3_3)  # [N, 512, 128, 256]
        z_4_1: Tensor = self.z_4_1(z_3_4)  # [N, 1024, 64, 128]
        z_4_2: Tensor = self.z_4_2(z_4_1)  # [N, 1024, 64, 128]
        z_4_3: Tensor = self.z_4_3(z_4_2)  # [N, 1024, 64, 128]
        z_4_4: Tensor = self.z_4_4(z_4_3)  # [N, 1024, 64, 128]
        z_4_5: Tensor = self.z_4_5(z_4_4)  # [N, 1024, 64, 128]
        z_4_6: Tensor = self.z_4_6(z_4_5)  # [N, 1024, 64, 128]
        z_5_1: Tensor = self.z_5_1(z_4_6)  # [N, 2048, 64, 128]
        z_5_2: Tensor = self.z_5_2(z_5_1)  # [N, 2048, 64, 128]
        z_5_3: Tensor = self.z_5_3(z_5_2)  # [N, 2048, 64, 128]
        return z_2_3, z_3_4, z_5_3


class Aspp(nn.Module):
    """`aspp` (panoptic_deeplab.nas:11), 2 times."""

    def __init__(self) -> None:
        super().__init__()
        self.atrous_conv_bn_relu_1 = ConvBnRelu(2048, 256, k=3, stride=1, dilation=6)
        self.atrous_conv_bn_relu_2 = ConvBnRelu(2048, 256, k=3, stride=1, dilation=12)
        self.atrous_conv_bn_relu_3 = ConvBnRelu(2048, 256, k=3, stride=1, dilation=18)
        self.pooled = nn.Conv2d(2048, 256, 1, bias=False)
        self.conv_bn_relu = ConvBnRelu(2048, 256, k=1, stride=1, dilation=1)
        self.conv_bn_relu_2 = ConvBnRelu(1280, 256, k=1, stride=1, dilation=1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        atrous: Tensor = self.atrous_conv_bn_relu_1(x)  # [N, 256, 64, 128]
        atrous_conv_bn_relu_2: Tensor = self.atrous_conv_bn_relu_2(x)  # [N, 256, 64, 128]
        atrous_conv_bn_relu_3: Tensor = self.atrous_conv_bn_relu_3(x)  # [N, 256, 64, 128]
        atrous = torch.cat((atrous, atrous_conv_bn_relu_2, atrous_conv_bn_relu_3), dim=1)  # [N, 768, 64, 128]
        pooled = F.adaptive_avg_pool2d(x, 1)  # [N, 2048, 1, 1]
        pooled = self.pooled(pooled)  # [N, 256, 1, 1]
        pooled = F.relu(pooled)  # [N, 256, 1, 1]
        pooled = F.interpolate(pooled, x.shape[2:], mode="bilinear", align_corners=True)  # [N, 256, 64, 128]
        x = self.conv_bn_relu(x)  # [N, 256, 64, 128]
        x = torch.cat((x, atrous, pooled), dim=1)  # [N, 1280, 64, 128]
        x = self.conv_bn_relu_2(x)  # [N, 256, 64, 128]
        out: Tensor = self.dropout(x)  # [N, 256, 64, 128]
        return out


class DwSepConv(nn.Module):
    """`dw_sep_conv` (std.nas:44), 7 times."""

    def __init__(self, c: int, c_2: int) -> None:
        super().__init__()
        self.dw_conv = nn.Conv2d(c, c, 5, padding=2, groups=c, bias=False)
        self.bn = nn.BatchNorm2d(c)
        self.conv_bn_relu = ConvBnRelu(c, c_2, k=1, stride=1, dilation=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dw_conv(x)  # [N, c, H, W]
        x = self.bn(x)  # [N, c, H, W]
        x = F.relu(x)  # [N, c, H, W]
        out: Tensor = self.conv_bn_relu(x)  # [N, c_2, H, W]
        return out


class Decoder(nn.Module):
    """`decoder` (panoptic_deeplab.nas:16), 2 times."""

    def __init__(self, c_2: int, c: int, c_3: int) -> None:
        super().__init__()
        self.y_0 = Aspp()
        self.projected_conv_bn_relu = ConvBnRelu(512, c_2 // 4, k=1, stride=1, dilation=1)
        self.y_1 = DwSepConv(c, c_2)
        self.projected_conv_bn_relu_2 = ConvBnRelu(256, c_2 // 8, k=1, stride=1, dilation=1)
        self.y_2 = DwSepConv(c_3, c_2)

    def forward(self, x: Tensor, res_3: Tensor, res_2: Tensor) -> Tensor:
        y_0: Tensor = self.y_0(x)  # [N, 256, 64, 128]
        projected: Tensor = self.projected_conv_bn_relu(res_3)  # [N, c_2 / 4, 128, 256]
        y_1 = F.interpolate(y_0, projected.shape[2:], mode="bilinear", align_corners=True)  # [N, 256, 128, 256]
        y_1 = torch.cat((y_1, projected), dim=1)  # [N, c, 128, 256]
        y_1 = self.y_1(y_1)  # [N, c_2, 128, 256]
        projected = self.projected_conv_bn_relu_2(res_2)  # [N, c_2 / 8, 256, 512]
        y_2 = F.interpolate(y_1, projected.shape[2:], mode="bilinear", align_corners=True)  # [N, c_2, 256, 512]
        y_2 = torch.cat((y_2, projected), dim=1)  # [N, c_3, 256, 512]
        out: Tensor = self.y_2(y_2)  # [N, c_2, 256, 512]
        return out


class Out(nn.Module):
    """`out` (panoptic_deeplab.nas:24), 3 times."""

    def __init__(self, c: int, c_2: int) -> None:
        super().__init__()
        self.dw_sep_conv = DwSepConv(c, c)
        self.conv = nn.Conv2d(c, c_2, 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.dw_sep_conv(x)  # [N, c, 256, 512]
        x = self.conv(x)  # [N, c_2, 256, 512]
        return F.interpolate(x, image.shape[2:], mode="bilinear", align_corners=True)  # [N, c_2, 1024, 2048]


class Supernet(nn.Module):
    """All architectures of `panoptic_deeplab` at once: called with images and decisions it returns `semantic`,
    `center`, `offset`."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet50 = Resnet50()
        self.classes_map = Decoder(256, 320, 288)
        self.instances_map = Decoder(128, 288, 144)
        self.semantic = Out(256, 19)
        self.center = Out(128, 1)
        self.offset = Out(128, 2)

    def forward(self, image: Tensor, arch: Choices) -> dict[str, Tensor]:
        res_2, res_3, res_5 = self.resnet50(image)  # [N, 256, 256, 512]; [N, 512, 128, 256]; [N, 2048, 64, 128]
        classes_map: Tensor = self.classes_map(res_5, res_3, res_2)  # [N, 256, 256, 512]
        instances_map: Tensor = self.instances_map(res_5, res_3, res_2)  # [N, 128, 256, 512]
        semantic: Tensor = self.semantic(classes_map, image)  # [N, 19, 1024, 2048]
        center: Tensor = self.center(instances_map, image)  # [N, 1, 1024, 2048]
        offset: Tensor = self.offset(instances_map, image)  # [N, 2, 1024, 2048]
        return {"semantic": semantic, "center": center, "offset": offset}

"""Faster training steps on CPUs with the same numbers."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Module = TypeVar("Module", bound=nn.Module)


def tune(module: Module) -> Module:
    """Make the training steps of a supernet or a network faster, in place; returns it.

    Weights get the layout channels-last, and dilated depthwise convolutions a backward pass of their own (`Dilated`).
    Give it images in that layout too: `images.to(memory_format=torch.channels_last)`. Parameters, state dict and values
    stay the same, up to rounding.

    >>> network = tune(nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)))
    >>> type(network[0]).__name__, type(network[1]).__name__
    ('Conv2d', 'Dilated')
    """
    replaced: dict[nn.Module, Dilated] = {}
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Conv2d and Dilated.fits(child):
                if child not in replaced:
                    replaced[child] = Dilated(child)
                setattr(parent, name, replaced[child])
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


class Dilated(nn.Conv2d):
    """A dilated depthwise convolution with stride 1 whose gradient to its input is a convolution with the kernel turned
    round.

    That is what the gradient is by definition, but oneDNN has code of its own for it, which is slower. Elsewhere than
    on CPUs this is an `nn.Conv2d`.

    Args:
        conv: The convolution whose parameters it takes over.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        self.__dict__.update(conv.__dict__)

    @staticmethod
    def fits(conv: nn.Conv2d) -> bool:
        """Whether a convolution is such a one, and leaves the size as it is."""
        reach = tuple(d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True))
        return (
            conv.groups == conv.in_channels == conv.out_channels
            and max(conv.dilation) > 1
            and conv.stride == (1, 1)
            and conv.padding_mode == "zeros"
            and not isinstance(conv.padding, str)
            and tuple(2 * p for p in conv.padding) == reach
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """As `nn.Conv2d`: [N, C, H, W] to [N, C, H, W]."""
        if not (input.device.type == "cpu" and input.requires_grad) or torch.compiler.is_compiling():
            return super().forward(input)
        out: Tensor = _Dilated.apply(input, self.weight, self.padding, self.dilation)  # type: ignore[no-untyped-call]
        return out if self.bias is None else out + self.bias.view(1, -1, 1, 1)


class _Dilated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, padding: tuple[int, int], dilation: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding, ctx.dilation = padding, dilation
        return F.conv2d(x, weight, None, 1, padding, dilation, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        channels, to_weight = len(weight), None
        to_x = F.conv2d(gradient, weight.flip(2, 3), None, 1, ctx.padding, ctx.dilation, channels)
        if ctx.needs_input_grad[1]:
            settings = (None, [1, 1], ctx.padding, ctx.dilation, False, [0, 0], channels, [False, True, False])
            to_weight = torch.ops.aten.convolution_backward(gradient, x, weight, *settings)[1]
        return to_x, to_weight, None, None

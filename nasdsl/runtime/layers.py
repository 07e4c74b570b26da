"""Modules of a supernet: those that serve several widths with slices of one set of weights, and those that do not.

Slices are prefixes: a layer that is told to make c channels uses its first c filters, one that is given fewer channels
uses the first of each filter. What a concatenation gives lies without gaps, so it is sliced like any other map.
Kernels are centres: a layer that is told a smaller kernel uses the middle of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


class Conv2d(nn.Conv2d):
    """A convolution that can be given fewer than its input channels, and asked for fewer than its output channels, for
    a smaller kernel (Cai et al., "Once-for-All", ICLR 2020; the kernel as it lies, not transformed) and for fewer
    groups.
    """

    def forward(self, x: Tensor, c: int | None = None, k: int | None = None, groups: int | None = None) -> Tensor:
        """The first `c` channels (all, if None; of a depthwise convolution as many as `x` has).

        Args:
            x: [N, C, H, W] with C at most `in_channels`.
            c: At most `out_channels`.
            k: At most `kernel_size`, and odd like that (all of it, if None); the map is of the same size with any.
            groups: How many groups the channels of `x` are in (if None as always; a depthwise convolution has one for
                each channel).
        """
        channels = x.shape[1]
        if groups is None:
            groups = self.groups
            if groups > 1 and groups == self.in_channels == self.out_channels:
                groups = c = channels
        c = self.out_channels if c is None else c
        weight = centre(self.weight[:c, : channels // groups], k)
        bias = None if self.bias is None else self.bias[:c]
        padding = self.padding
        if k is not None and not isinstance(padding, str):
            less = zip(padding, self.dilation, self.kernel_size, strict=True)
            padding = tuple(pixels - step * (own - k) // 2 for pixels, step, own in less)
        return F.conv2d(x, weight, bias, self.stride, padding, self.dilation, groups)


class BatchNorm2d(nn.Module):
    """Batch normalisation with statistics and scales of its own for every width (Yu et al., "Slimmable Neural
    Networks", ICLR 2019).

    Args:
        c: The most channels that can come.
        widths: All numbers of channels that can come; none: only `c`.
        affine: Whether there are scales.
    """

    def __init__(self, c: int, widths: Sequence[int] = (), affine: bool = True) -> None:
        super().__init__()
        self.at = nn.ModuleDict({str(width): nn.BatchNorm2d(width, affine=affine) for width in widths or (c,)})

    def forward(self, x: Tensor) -> Tensor:
        """Normalised by the channels of `x`, [N, C, H, W]; C is one of `widths`."""
        normalised: Tensor = self.at[str(x.shape[1])](x)
        return normalised


class Linear(nn.Linear):
    """A fully connected layer that can be given fewer than its inputs, and asked for fewer than its outputs."""

    def forward(self, x: Tensor, c: int | None = None) -> Tensor:
        """The first `c` outputs (all, if None) for `x`, [N, C] with C at most `in_features`."""
        bias = self._parameters["bias"]
        return F.linear(x, self.weight[:c, : x.shape[1]], None if bias is None else bias[:c])


class PerValue(nn.Module, Generic[M]):
    """A module for each value of a choice among numbers: each value has its own weights.

    Args:
        modules: By the value as text; where several choices matter, their values joined by "_".
    """

    def __init__(self, modules: Mapping[str, M]) -> None:
        super().__init__()
        for key, module in modules.items():
            self.add_module(key, module)

    def __getitem__(self, value: int | tuple[int, ...]) -> M:
        key = "_".join(map(str, value)) if isinstance(value, tuple) else str(value)
        module: M = self.get_submodule(key)  # type: ignore[assignment]
        return module


class Column(nn.Module, Generic[M]):
    """The cells of a grid that differ in their first coordinate.

    Args:
        cells: By that coordinate.
    """

    def __init__(self, cells: Mapping[int, M]) -> None:
        super().__init__()
        for layer, cell in cells.items():
            self.add_module(str(layer), cell)

    def __getitem__(self, layer: int) -> M:
        cell: M = self.get_submodule(str(layer))  # type: ignore[assignment]
        return cell


def centre(weight: Tensor, k: int | None) -> Tensor:
    """The k x k in the middle of kernels, [..., K, K] with K - k even; all of them if k is None."""
    margin = 0 if k is None else (weight.shape[-1] - k) // 2
    return weight[..., margin:-margin, margin:-margin] if margin else weight


def total(maps: Sequence[Tensor]) -> Tensor:
    """The sum of maps, of which there is at least one."""
    result = maps[0]
    for other in maps[1:]:
        result = result + other
    return result

"""A map times its weight in a mixture, without keeping the map for the backward pass where it can be made again.

The gradient of a weight w is <gradient of w x, x>, so autograd would keep x. But alternatives mostly end in an
operation that keeps for its own backward pass what x can be had from at once: a batch norm its input and statistics, a
pooling its input. This is a matter of memory only; values and gradients stay the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Node = Any
"""A node of autograd's graph; what it keeps are its attributes `_saved_...`."""


def mixture(parts: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The sum of weight times map, one part after the other, of which there is at least one."""
    rest = iter(parts)
    result = weighted(*next(rest))
    for weight, x in rest:
        result += weighted(weight, x)  # nobody keeps the products
    return result


def weighted(weight: Tensor, x: Tensor) -> Tensor:
    """`weight * x`.

    Args:
        weight: A number, [].
        x: [N, C, H, W].
    """
    node: Node = x.grad_fn
    remade = None if node is None or torch.compiler.is_compiling() else REMADE.get(node.name())
    if remade is None or not weight.requires_grad or (remade is _normalised and not _is_known(node)):
        return weight * x
    product: Tensor = _Weighted.apply(weight, x, lambda: remade(node))  # type: ignore[no-untyped-call]
    return product


class _Weighted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, remade: Callable[[], Tensor]) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.remade = remade
        return weight * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (weight,) = ctx.saved_tensors
        return (gradient * ctx.remade()).sum(), gradient * weight, None


def _is_known(node: Node) -> bool:
    """Whether a batch norm's node leads to all that it normalised with: not in eval mode, nor to a frozen shift."""
    return bool(node._saved_training) and (node._saved_weight is None or node.next_functions[2][0] is not None)


def _normalised(node: Node) -> Tensor:
    """What a batch norm in training made."""
    by_channel = (1, -1, 1, 1)
    found: Tensor = (node._saved_input - node._saved_result1.view(by_channel)) * node._saved_result2.view(by_channel)
    if node._saved_weight is not None:
        found = found * node._saved_weight.view(by_channel) + node.next_functions[2][0].variable.view(by_channel)
    return found


def _averaged(node: Node) -> Tensor:
    """What an average pooling made."""
    return F.avg_pool2d(
        node._saved_self,
        node._saved_kernel_size,
        node._saved_stride,
        node._saved_padding,
        node._saved_ceil_mode,
        node._saved_count_include_pad,
        node._saved_divisor_override,
    )


def _greatest(node: Node) -> Tensor:
    """What a max pooling made: it keeps where the greatest values are."""
    places: Tensor = node._saved_result1
    found: Tensor = node._saved_self.flatten(2).gather(2, places.flatten(2)).view_as(places)
    return found


REMADE: dict[str, Callable[[Node], Tensor]] = {
    "NativeBatchNormBackward0": _normalised,
    "AvgPool2DBackward0": _averaged,
    "MaxPool2DWithIndicesBackward0": _greatest,
}
"""By the name of the node: what makes its map again. (CUDA's batch norm has another name, and its map is kept.)"""

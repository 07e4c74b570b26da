"""A map times its weight in a mixture, in one step with the operation that made the map.

Autograd would keep the map for the gradient of the weight, and multiply it with the weight in one more pass. But
alternatives mostly end in an operation that makes both unnecessary. A weighted batch norm is a batch norm with other
scales; and the gradient of the weight of L(x), where L is a pooling, is <L'(gradient), x> with L' its backward pass,
which is computed anyhow. So the product is a function of what the operation read, which is kept already. Values and
gradients stay the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
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
    fused = None if node is None or torch.compiler.is_compiling() else FUSED.get(node.name())
    product = fused(weight, x.detach(), node) if fused is not None and weight.requires_grad else None
    return weight * x if product is None else product


class _Normalised(torch.autograd.Function):
    """A weight times a batch norm in training, which may have scales and shifts."""

    @staticmethod
    def of(weight: Tensor, x: Tensor, node: Node) -> Tensor | None:
        """None in eval mode, and where the shifts are frozen: the node does not lead to them."""
        if not node._saved_training:
            return None
        scale, shift = node._saved_weight, None
        if scale is not None:
            if node.next_functions[2][0] is None:
                return None
            shift = node.next_functions[2][0].variable
        statistics = node._saved_result1, node._saved_result2
        product: Tensor = _Normalised.apply(weight, x, node._saved_input, scale, shift, *statistics, node._saved_eps)  # type: ignore[no-untyped-call]
        return product

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, *inputs: Any) -> Tensor:
        *kept, ctx.eps = inputs
        ctx.save_for_backward(weight, *kept)
        return weight * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, source, scale, shift, mean, deviation = ctx.saved_tensors
        scales = weight.to(mean.dtype).expand(source.shape[1]).contiguous() if scale is None else weight * scale
        wanted = [ctx.needs_input_grad[2], True, scale is not None]
        to_source, to_scales, to_shifts = torch.ops.aten.native_batch_norm_backward(
            gradient, source, scales, None, None, mean, deviation, True, ctx.eps, wanted
        )
        if scale is None:
            return to_scales.sum(), None, to_source, None, None, None, None, None
        to_weight = to_scales @ scale + to_shifts @ shift
        return to_weight, None, to_source, weight * to_scales, weight * to_shifts, None, None, None


class _Pooled(torch.autograd.Function):
    """A weight times a pooling."""

    @staticmethod
    def average(weight: Tensor, x: Tensor, node: Node) -> Tensor:
        """With the node of an average pooling."""
        source = node._saved_self
        settings = (
            node._saved_kernel_size,
            node._saved_stride,
            node._saved_padding,
            node._saved_ceil_mode,
            node._saved_count_include_pad,
            node._saved_divisor_override,
        )
        product: Tensor = _Pooled.apply(weight, x, source, torch.ops.aten.avg_pool2d_backward, settings)  # type: ignore[no-untyped-call]
        return product

    @staticmethod
    def greatest(weight: Tensor, x: Tensor, node: Node) -> Tensor:
        """With the node of a max pooling."""
        source = node._saved_self
        settings = (
            node._saved_kernel_size,
            node._saved_stride,
            node._saved_padding,
            node._saved_dilation,
            node._saved_ceil_mode,
        )
        places = node._saved_result1
        spread = torch.ops.aten.max_pool2d_with_indices_backward
        product: Tensor = _Pooled.apply(weight, x, source, spread, settings, places)  # type: ignore[no-untyped-call]
        return product

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, x: Tensor, source: Tensor, spread: Any, settings: Sequence[Any], *places: Tensor
    ) -> Tensor:
        ctx.save_for_backward(weight, source, *places)
        ctx.spread, ctx.settings = spread, settings
        return weight * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, source, *places = ctx.saved_tensors
        spread = ctx.spread(gradient, source, *ctx.settings, *places)
        return (spread * source).sum(), None, weight * spread, *([None] * (len(places) + 2))


FUSED: dict[str, Callable[[Tensor, Tensor, Node], Tensor | None]] = {
    "NativeBatchNormBackward0": _Normalised.of,
    "AvgPool2DBackward0": _Pooled.average,
    "MaxPool2DWithIndicesBackward0": _Pooled.greatest,
}
"""By the name of the node that made the map. (CUDA's batch norm has another name: its map is kept.)"""

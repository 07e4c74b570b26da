"""The catalogue of operations, by name. Composite ones (`conv_bn_relu`, `sep_conv`, ...) are written in the language
itself: see `grammars/std.nas`.
"""

from __future__ import annotations

from nasdsl.ops.channels import Shuffle, Slice
from nasdsl.ops.conv import Conv, DepthwiseConv, Linear
from nasdsl.ops.merge import Concat, Sum
from nasdsl.ops.operation import Attributes, Operation, ZeroWhen
from nasdsl.ops.pointwise import BatchNorm, Dropout, GroupNorm, Identity, Relu, Zero
from nasdsl.ops.resample import AvgPool, GlobalAvgPool, MaxPool, Resize, ResizeLike, Shift

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Conv(),
        DepthwiseConv(),
        Linear(),
        BatchNorm(),
        GroupNorm(),
        Relu(),
        Dropout(),
        Identity(),
        Slice(),
        Shuffle(),
        Zero(),
        MaxPool(),
        AvgPool(),
        GlobalAvgPool(),
        Resize(),
        ResizeLike(),
        Shift(),
        Sum(),
        Concat(),
    )
}
"""Every operation that the compiler knows without being told."""

SELECTING = frozenset({"mix", "join", "route_end", "route_last"})
"""Nodes that exist only where there are decisions; in a network they have become one of their inputs."""


def makes_zeros(op: str, attrs: Attributes) -> bool:
    """Whether a node makes a map of zeros whatever it reads.

    >>> makes_zeros("none", {}), makes_zeros("relu", {}), makes_zeros("mix", {})
    (True, False, False)
    """
    return op in OPERATIONS and OPERATIONS[op].zero(attrs) is ZeroWhen.ALWAYS

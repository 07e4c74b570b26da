"""What generated supernets import: layers that serve several widths, what has been decided, relaxations of it."""

from nasdsl.runtime.choices import Choices, once
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.runtime.inherit import inherit
from nasdsl.runtime.layers import BatchNorm2d, Conv2d, Linear, PerValue, total
from nasdsl.runtime.relaxation import Relaxation
from nasdsl.runtime.space import Choose, Depth, Grid, Pick, Route, Space, Width
from nasdsl.runtime.walk import Links, Walk

__all__ = [
    "BatchNorm2d",
    "Choices",
    "Choose",
    "Conv2d",
    "Depth",
    "ExpectedCost",
    "Grid",
    "Linear",
    "Links",
    "PerValue",
    "Pick",
    "Relaxation",
    "Route",
    "Space",
    "Walk",
    "Width",
    "inherit",
    "once",
    "total",
]

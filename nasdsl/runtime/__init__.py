"""What generated supernets import: layers that serve several widths, what has been decided, relaxations of it."""

from nasdsl.runtime.choices import Choices, Thunk, Zero, once
from nasdsl.runtime.expected_cost import ExpectedCost
from nasdsl.runtime.inherit import inherit
from nasdsl.runtime.layers import BatchNorm2d, Column, Conv2d, Linear, PerValue, total
from nasdsl.runtime.recalibrate import recalibrate
from nasdsl.runtime.relaxations import (
    Concentrations,
    Dirichlet,
    Distribution,
    Even,
    Fixed,
    GumbelSoftmax,
    Logits,
    Relaxation,
    Rule,
    SinglePath,
    Softmax,
    TwoPath,
    Uniform,
)
from nasdsl.runtime.space import Choose, Depth, Grid, Pick, Route, Space, Width
from nasdsl.runtime.tuning import tune
from nasdsl.runtime.walk import Links, Walk, links

__all__ = [
    "BatchNorm2d",
    "Choices",
    "Choose",
    "Column",
    "Concentrations",
    "Conv2d",
    "Depth",
    "Dirichlet",
    "Distribution",
    "Even",
    "ExpectedCost",
    "Fixed",
    "Grid",
    "GumbelSoftmax",
    "Linear",
    "Links",
    "Logits",
    "PerValue",
    "Pick",
    "Relaxation",
    "Route",
    "Rule",
    "SinglePath",
    "Softmax",
    "Space",
    "Thunk",
    "TwoPath",
    "Uniform",
    "Walk",
    "Width",
    "Zero",
    "inherit",
    "links",
    "once",
    "recalibrate",
    "total",
    "tune",
]

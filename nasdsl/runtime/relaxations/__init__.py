"""Relaxations: what a search learns about architectures, and how a step of it decides what the supernet computes.

A distribution (`Logits`, `Concentrations`, `Even`) is what is learned; a rule (`SinglePath`, `Softmax`, ...) draws from
it. Neither knows the network: a supernet reads the `Choices` that `draw` returns. Adding a method is one file here.
"""

from nasdsl.runtime.relaxations.concentrations import Concentrations
from nasdsl.runtime.relaxations.decided import decided, one_hot
from nasdsl.runtime.relaxations.dirichlet import Dirichlet
from nasdsl.runtime.relaxations.distribution import Distribution
from nasdsl.runtime.relaxations.even import Even
from nasdsl.runtime.relaxations.fixed import Fixed
from nasdsl.runtime.relaxations.gumbel_softmax import GumbelSoftmax
from nasdsl.runtime.relaxations.logits import Logits
from nasdsl.runtime.relaxations.relaxation import Relaxation
from nasdsl.runtime.relaxations.rule import Rule
from nasdsl.runtime.relaxations.single_path import SinglePath
from nasdsl.runtime.relaxations.softmax import Softmax
from nasdsl.runtime.relaxations.two_path import TwoPath
from nasdsl.runtime.relaxations.uniform import Uniform

__all__ = [
    "Concentrations",
    "Dirichlet",
    "Distribution",
    "Even",
    "Fixed",
    "GumbelSoftmax",
    "Logits",
    "Relaxation",
    "Rule",
    "SinglePath",
    "Softmax",
    "TwoPath",
    "Uniform",
    "decided",
    "one_hot",
]

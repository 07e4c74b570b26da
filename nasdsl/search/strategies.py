"""Which search strategies there are; importing it does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nasdsl.diagnostics.errors import NasError


@dataclass(frozen=True, slots=True)
class StrategyKind:
    """An entry of the table of strategies.

    Attributes:
        summary: What it does, in a line.
        paper: Where it comes from.
        maker: `module:class`; called with the problem.
        searches: Whether it uses search steps.
    """

    summary: str
    paper: str
    maker: str
    searches: bool


STRATEGIES: Mapping[str, StrategyKind] = {
    "gumbel": StrategyKind(
        "first-order bilevel search with a Gumbel-softmax relaxation and a latency loss",
        "DARTS (Liu et al., ICLR 2019), FBNet (Wu et al., CVPR 2019), FasterSeg (Chen et al., ICLR 2020)",
        "nasdsl.search.gumbel:GumbelSearch",
        searches=True,
    ),
    "random": StrategyKind(
        "one architecture drawn at random among those that meet the target: the baseline",
        "Li and Talwalkar, UAI 2019",
        "nasdsl.search.random_search:RandomSearch",
        searches=False,
    ),
}
"""The strategies by name."""

GIVEN = "given"
"""In a run's config instead of a strategy: the config has the architecture."""


def strategy_kind(name: str) -> StrategyKind:
    """The entry of a strategy.

    Raises:
        NasError: There is none of this name.
    """
    if name not in STRATEGIES:
        close = get_close_matches(name, STRATEGIES, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else ""
        raise NasError(f"there is no strategy `{name}`{hint}", help=f"one of: {', '.join(STRATEGIES)}", status=2)
    return STRATEGIES[name]

"""The relaxation that a run's settings name.

Those without parameters are not among them: there is nothing in them that a search by gradients could learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nasdsl import runtime
from nasdsl.runtime.relaxations import schedules
from nasdsl.runtime.relaxations.schedules import Schedule
from nasdsl.search.config import SearchSettings

Rule = runtime.Rule[runtime.Distribution] | runtime.Rule[runtime.Concentrations]

RELAXATIONS: Mapping[str, Callable[[runtime.Space, Schedule], Rule]] = {
    "single_path": lambda space, temperature: runtime.SinglePath(runtime.Logits(space), temperature),
    "two_path": lambda space, temperature: runtime.TwoPath(runtime.Logits(space)),
    "straight_through": lambda space, temperature: runtime.GumbelSoftmax(
        runtime.Logits(space), temperature, straight_through=True
    ),
    "gumbel": lambda space, temperature: runtime.GumbelSoftmax(runtime.Logits(space), temperature),
    "softmax": lambda space, temperature: runtime.Softmax(runtime.Logits(space)),
    "dirichlet": lambda space, temperature: runtime.Dirichlet(runtime.Concentrations(space)),
}
"""Makers of the relaxations by the names that settings have for them; two_path, softmax and dirichlet have no
temperature, as in their papers."""


def make_relaxation(space: runtime.Space, settings: SearchSettings) -> Rule:
    """The relaxation of a search, at its beginning."""
    return RELAXATIONS[settings.relaxation](space, temperature(settings))


def temperature(settings: SearchSettings) -> Schedule:
    """How the temperature changes, step by step."""
    start, end = settings.temperature_start, settings.temperature_end
    kinds: Mapping[str, Callable[[], Schedule]] = {
        "constant": lambda: schedules.Constant(start),
        "linear": lambda: schedules.Linear(start, end),
        "cosine": lambda: schedules.Cosine(start, end),
        "exponential": lambda: schedules.Exponential(start, end),
    }
    return kinds[settings.temperature_schedule]()

"""The losses and metrics a `.nas` file can name, with their arguments; importing it does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Task, Term

if TYPE_CHECKING:
    from torch import Tensor

    from nasdsl.tasks.metrics import Metric

IGNORE = 255
"""Label of pixels that have no class: neither learned from nor judged."""

Loss = Callable[["Tensor", "Tensor"], "Tensor"]
"""`loss(logits, target) -> scalar`; see `nasdsl.tasks.losses`."""


@dataclass(frozen=True, slots=True)
class Argument:
    """A named argument of a loss or metric: a number from `least` to `most`."""

    default: Fraction
    least: Fraction = Fraction(0)
    most: Fraction = Fraction(1)


LOSSES: Mapping[str, Mapping[str, Argument]] = {
    "cross_entropy": {"label_smoothing": Argument(Fraction(0))},
    "ohem": {"thresh": Argument(Fraction(7, 10), least=Fraction(1, 1000)), "min_kept": Argument(Fraction(1, 16))},
    "bootstrapped_cross_entropy": {"top": Argument(Fraction(1, 5), least=Fraction(1, 1000))},
    "binary_cross_entropy": {},
    "focal": {"alpha": Argument(Fraction(1, 4)), "gamma": Argument(Fraction(2), most=Fraction(10))},
    "l1": {},
    "mse": {},
}
"""Arguments of every loss."""

METRICS: Mapping[str, Mapping[str, Argument]] = {"accuracy": {}, "miou": {}}
"""Arguments of every metric."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a loss or metric is none.

    Attributes:
        term: What the file has.
        message: What is wrong with it.
        help: What to write instead; None where the message says it.
    """

    term: Term
    message: str
    help: str | None = None


def mistakes(task: Task) -> Iterator[Mistake]:
    """What is wrong with a task's loss and metrics, at most one mistake for each."""
    found = [_mistake(task.loss, "loss", LOSSES), *(_mistake(metric, "metric", METRICS) for metric in task.metrics)]
    yield from filter(None, found)


def make_loss(term: Term) -> Loss:
    """The loss that a task names.

    Raises:
        NasError: There is no such loss, or no such argument.
    """
    from nasdsl.tasks import losses

    kinds: dict[str, Callable[..., Loss]] = {
        "cross_entropy": losses.CrossEntropy,
        "ohem": losses.OnlineHardExampleMining,
        "bootstrapped_cross_entropy": losses.BootstrappedCrossEntropy,
        "binary_cross_entropy": losses.BinaryCrossEntropy,
        "focal": losses.Focal,
        "l1": losses.MeanAbsoluteError,
        "mse": losses.MeanSquaredError,
    }
    arguments = _arguments(term, "loss", LOSSES)
    return kinds[term.name](**arguments)


def make_metric(term: Term, classes: Sequence[str]) -> Metric:
    """A fresh metric of the kind that a task names, over the named classes.

    Raises:
        NasError: There is no such metric, or no such argument.
    """
    _arguments(term, "metric", METRICS)
    return metric_by_name(term.name, classes)


def metric_by_name(name: str, classes: Sequence[str]) -> Metric:
    """A fresh metric over the named classes.

    Raises:
        NasError: There is no metric of this name.
    """
    from nasdsl.tasks.metrics import Accuracy, MeanIou

    if name not in METRICS:
        raise NasError(f"there is no metric `{name}`", help=f"a metric is one of: {', '.join(METRICS)}")
    return MeanIou(classes) if name == "miou" else Accuracy()


def _arguments(term: Term, what: str, kinds: Mapping[str, Mapping[str, Argument]]) -> dict[str, float]:
    if (mistake := _mistake(term, what, kinds)) is not None:
        raise NasError(f"{term.span}: {mistake.message}", help=mistake.help)
    defaults = {name: float(argument.default) for name, argument in kinds[term.name].items()}
    return defaults | {name: float(value) for name, value in term.args.items()}


def _mistake(term: Term, what: str, kinds: Mapping[str, Mapping[str, Argument]]) -> Mistake | None:
    if term.name not in kinds:
        message = f"there is no {what} `{term.name}`{_similar(term.name, kinds)}"
        return Mistake(term, message, f"a {what} is one of: {', '.join(sorted(kinds))}")
    known = kinds[term.name]
    for name, value in term.args.items():
        where = f"{what} `{term.name}`"
        if name not in known:
            takes = ", ".join(f"{n} = {float(a.default):g}" for n, a in known.items()) or "no arguments"
            return Mistake(term, f"{where} has no argument `{name}`{_similar(name, known)}", f"it takes {takes}")
        least, most = known[name].least, known[name].most
        if isinstance(value, str) or not least <= value <= most:
            found = value if isinstance(value, str) else f"{float(value):g}"
            message = f"{where}: {name} must be a number from {float(least):g} to {float(most):g}, found {found}"
            return Mistake(term, message)
    return None


def _similar(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name.lower(), known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""

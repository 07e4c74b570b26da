"""The losses and metrics a `.nas` file can name, with their arguments; importing it does not import torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def check_task(task: Task) -> None:
    """Nothing, if the task's loss and metrics exist and have such arguments.

    Raises:
        NasError: One does not; says where, and which there are.
    """
    _arguments(task.loss, "loss", LOSSES)
    for metric in task.metrics:
        _arguments(metric, "metric", METRICS)


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
    if term.name not in kinds:
        raise NasError(
            f"{term.span}: there is no {what} `{term.name}`{_similar(term.name, kinds)}",
            help=f"a {what} is one of: {', '.join(sorted(kinds))}",
        )
    known = kinds[term.name]
    values = {name: float(argument.default) for name, argument in known.items()}
    for name, value in term.args.items():
        where = f"{term.span}: {what} `{term.name}`"
        if name not in known:
            takes = ", ".join(f"{n} = {float(a.default):g}" for n, a in known.items()) or "no arguments"
            raise NasError(f"{where} has no argument `{name}`{_similar(name, known)}", help=f"it takes {takes}")
        least, most = known[name].least, known[name].most
        if isinstance(value, str) or not least <= value <= most:
            found = value if isinstance(value, str) else f"{float(value):g}"
            raise NasError(f"{where}: {name} must be a number from {float(least):g} to {float(most):g}, found {found}")
        values[name] = float(value)
    return values


def _similar(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name.lower(), known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""

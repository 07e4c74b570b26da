"""What the architecture's parameters descend on: forms that put the task's loss and the expected latency together.

A form is a function of two scalars, the task's loss and the expected latency in milliseconds (LAT). T is the target:

| name | loss | target | from |
|---|---|---|---|
| `log_ratio` | task + w * abs(log(LAT / T)) | needed | the default; as `ratio`, of the logarithm |
| `ratio` | task + w * abs(LAT / T - 1) | needed | TF-NAS, Hu et al., ECCV 2020 |
| `hinge` | task + w * max(0, log(LAT / T)) | needed | nothing is asked below the target |
| `additive` | task + w * LAT | no | AutoRTNet, Sun et al., IJCV 2021; FasterSeg, Chen et al., ICLR 2020 |
| `log_product` | task * w * log(LAT in µs) ** b | no | FBNet, Wu et al., CVPR 2019, eq. 2 |

w is the form's weight: per millisecond for `additive`, a plain number for the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from nasdsl.diagnostics.errors import NasError
from nasdsl.search.config import SearchSettings

US_PER_MS = 1000.0


@dataclass(frozen=True, slots=True)
class LatencyLoss(ABC):
    """A form of the loss.

    Attributes:
        weight: w of the table above.
    """

    weight: float

    @abstractmethod
    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            task: The task's loss, a scalar.
            latency_ms: The expected latency in ms, a scalar greater than 0.
        """


@dataclass(frozen=True, slots=True)
class _Targeted(LatencyLoss):
    """A form that compares with a target.

    Attributes:
        target_ms: The target, in ms.
    """

    target_ms: float


@dataclass(frozen=True, slots=True)
class LogRatio(_Targeted):
    """The latency is to be the target: half as much and twice as much of it cost the same.

    >>> import torch
    >>> twice, half = torch.tensor(8.0), torch.tensor(2.0)
    >>> loss = LogRatio(weight=1.0, target_ms=4.0)
    >>> bool(loss(torch.tensor(0.5), twice) == loss(torch.tensor(0.5), half))
    True
    """

    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """Task + w * abs(log(LAT / T))."""
        return task + self.weight * (latency_ms / self.target_ms).log().abs()


@dataclass(frozen=True, slots=True)
class Ratio(_Targeted):
    """The latency is to be the target, the error relative to it (TF-NAS, Hu et al., ECCV 2020; there w = 0.1).

    >>> import torch
    >>> Ratio(weight=0.1, target_ms=4.0)(torch.tensor(0.5), torch.tensor(6.0)).item()
    0.550000011920929
    """

    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """Task + w * abs(LAT / T - 1)."""
        return task + self.weight * (latency_ms / self.target_ms - 1).abs()


@dataclass(frozen=True, slots=True)
class Hinge(_Targeted):
    """The target is a budget: below it latency is no part of the loss.

    >>> import torch
    >>> Hinge(weight=1.0, target_ms=4.0)(torch.tensor(0.5), torch.tensor(3.9)).item()
    0.5
    """

    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """Task + w * max(0, log(LAT / T))."""
        return task + self.weight * (latency_ms / self.target_ms).log().clamp(min=0)


@dataclass(frozen=True, slots=True)
class Additive(LatencyLoss):
    """Every millisecond costs the same (AutoRTNet, Sun et al., IJCV 2021, with 0.001 to 0.1 a ms; FasterSeg, 0.01).

    >>> import torch
    >>> Additive(weight=0.01)(torch.tensor(0.5), torch.tensor(25.0)).item()
    0.75
    """

    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """Task + w * LAT."""
        return task + self.weight * latency_ms


@dataclass(frozen=True, slots=True)
class LogProduct(LatencyLoss):
    """The task's loss is multiplied, so that latency matters the more the worse the network is (FBNet, eq. 2).

    There w is called alpha, 0.2, and b beta, 0.6. The paper does not say in which unit LAT is, and the logarithm must
    be positive; here it is in microseconds, as in public lookup tables for this loss.

    Attributes:
        exponent: b of the table above.

    >>> import torch
    >>> found = LogProduct(weight=0.2, exponent=2.0)(torch.tensor(0.5), torch.tensor(1.0))  # log(1000 µs) is 6.9
    >>> round(found.item(), 4)
    4.7717
    """

    exponent: float

    def __call__(self, task: Tensor, latency_ms: Tensor) -> Tensor:
        """Task * w * log(LAT in µs) ** b.

        Raises:
            NasError: The latency is not above 1 µs.
        """
        if latency_ms.item() * US_PER_MS <= 1:
            raise NasError(
                f"the loss `log_product` needs an expected latency above 0.001 ms, found {latency_ms.item():g} ms",
                help="see that the lookup table is in milliseconds, or choose another search.latency_loss",
            )
        return task * self.weight * (latency_ms * US_PER_MS).log() ** self.exponent


LATENCY_LOSSES: Mapping[str, type[LatencyLoss]] = {
    "log_ratio": LogRatio,
    "ratio": Ratio,
    "hinge": Hinge,
    "additive": Additive,
    "log_product": LogProduct,
}
"""The forms by the names that settings have for them."""

WEIGHTS: Mapping[str, float] = {"log_ratio": 1.0, "ratio": 0.1, "hinge": 1.0, "additive": 0.01, "log_product": 0.2}
"""The weights where none is set: of their papers, where there is one."""


def make_latency_loss(settings: SearchSettings, target_ms: float | None) -> LatencyLoss:
    """The form that a run's settings name.

    Args:
        settings: Of the search.
        target_ms: The target, if there is one.

    Raises:
        NasError: The form compares with a target, and there is none; or `log_product` has the weight 0.
    """
    name, kind = settings.latency_loss, LATENCY_LOSSES[settings.latency_loss]
    weight = WEIGHTS[name] if settings.latency_weight is None else settings.latency_weight
    if issubclass(kind, LogProduct):
        if not weight:
            raise NasError(
                "the latency loss `log_product` is a product: with the weight 0 nothing would be learned",
                help="give a search.latency_weight above 0; search.latency_loss=additive with 0 leaves latency out",
            )
        return kind(weight, settings.latency_exponent)
    if not issubclass(kind, _Targeted):
        return kind(weight)
    if not weight:
        return Additive(0.0)  # Latency is no part of the loss, so no target is needed.
    if target_ms is None:
        free = ", ".join(f"`{other}`" for other, its in LATENCY_LOSSES.items() if not issubclass(its, _Targeted))
        raise NasError(
            f"the latency loss `{name}` compares with a target, and there is none",
            help=f"give one with --latency MS or `require latency(DEVICE) <= MS ms`; without one: {free}, or "
            "search.latency_weight=0",
        )
    return kind(weight, target_ms)

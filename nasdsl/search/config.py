"""What a run is made of: everything that decides its result, as it is written to `config.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Plan(_Settings):
    """How many steps each phase takes; fixed before the first one, so that a run can be repeated."""

    search_steps: int = Field(ge=0)
    train_steps: int = Field(ge=1)


class SearchSettings(_Settings):
    """Settings of the search phase.

    Attributes:
        batch: Images a step.
        weight_lr: Greatest learning rate of the supernet's weights (AdamW, one cosine cycle with a linear start).
        weight_decay: Decoupled weight decay of the weights.
        clip: Greatest norm of the weights' gradient.
        architecture_lr: Learning rate of the relaxation's logits (Adam).
        architecture_betas: Of that Adam; the first is small, because gradients of sampled paths are noisy.
        warmup_share: Share of the steps that train weights only, each on a path drawn uniformly.
        temperature_start: Of the relaxation's softmax, where it has a temperature, to the end of the warm-up.
        temperature_end: After the last step.
        temperature_schedule: How it goes from one to the other (see `nasdsl.runtime.relaxations.schedules`).
        relaxation: How a step draws (see `nasdsl.search.relaxation`).
        partial_channels: K: while searching, operations work on 1/K of the channels where they can (PC-DARTS, Xu et
            al., ICLR 2020; see `nasdsl.passes.partial`); 1: on all.
        widest_every: Each how many weight steps the widest path is trained too (0: never).
        sandwich: How many drawn paths every weight step trains together with the widest and the narrowest one, their
            gradients added up (the sandwich rule: Yu and Huang, ICCV 2019; 0: one drawn path, and `widest_every`).
        latency_loss: How the expected latency enters the loss of the architecture (see `nasdsl.search.latency.losses`).
        latency_weight: Its factor; None: that of the form's paper.
        latency_exponent: The power of the logarithm in `log_product`, FBNet's beta.
        decoupled_latency: Whose sensitivities weigh the gradients of operators, paths and widths: the space's own, or
            FasterSeg's as published or as coded (see `nasdsl.search.latency.decoupled`); `off`: they are not weighed.
        candidates: How many distinct architectures that meet the target are drawn and ranked with shared weights.
        ranking_batches: Held-out batches a candidate is ranked by.
        recalibration_batches: Training batches its batch-norm statistics are taken from.
    """

    batch: int = Field(default=4, ge=1)
    weight_lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    clip: float = Field(default=5.0, gt=0)
    architecture_lr: float = Field(default=0.03, gt=0)
    architecture_betas: tuple[float, float] = (0.5, 0.999)
    warmup_share: float = Field(default=0.4, ge=0, le=1)
    temperature_start: float = Field(default=2.0, gt=0)
    temperature_end: float = Field(default=0.5, gt=0)
    temperature_schedule: Literal["constant", "linear", "cosine", "exponential"] = "exponential"
    relaxation: Literal["single_path", "two_path", "straight_through", "gumbel", "softmax", "dirichlet"] = "single_path"
    partial_channels: int = Field(default=1, ge=1)
    widest_every: int = Field(default=4, ge=0)
    sandwich: int = Field(default=0, ge=0)
    latency_loss: Literal["log_ratio", "ratio", "hinge", "additive", "log_product"] = "log_ratio"
    latency_weight: float | None = Field(default=None, ge=0)
    latency_exponent: float = Field(default=0.6, gt=0)
    decoupled_latency: Literal["off", "sensitivity", "fasterseg", "fasterseg-as-coded"] = "off"
    candidates: int = Field(default=16, ge=1)
    ranking_batches: int = Field(default=8, ge=1)
    recalibration_batches: int = Field(default=4, ge=1)


class TrainSettings(_Settings):
    """Settings of training a derived network.

    Attributes:
        batch: Images a step.
        lr: Greatest learning rate (AdamW, one cosine cycle with a linear start over a tenth of the steps).
        weight_decay: Decoupled weight decay.
        clip: Greatest norm of the gradient.
        start: `scratch`: from random weights; `supernet`: from the weights that the supernet has learned.
        augmentation: What is done to training pictures, in the search too (see `nasdsl.search.batches`).
    """

    batch: int = Field(default=8, ge=1)
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    clip: float = Field(default=5.0, gt=0)
    start: Literal["scratch", "supernet"] = "scratch"
    augmentation: Literal["none", "flip", "full"] = "flip"


class Target(_Settings):
    """A latency that the derived network must not exceed.

    Attributes:
        latency_ms: The bound, in milliseconds.
        source: Where it comes from: the space's `require`, the command line, or the median of random architectures.
    """

    latency_ms: float = Field(gt=0)
    source: Literal["require", "command line", "median"]


class RunConfig(_Settings):
    """Everything that decides the result of a run, apart from the texts and tables beside it in the run directory.

    Attributes:
        format: Version of this form.
        nasdsl: Version of the program that made the run.
        torch: Version of PyTorch.
        space: Name of the space.
        space_file: Path of its text, as given.
        space_sha256: Of the texts that the space comes from: its file, what it imports, the standard library.
        preset: Preset of the space, or "".
        params: Parameters given, as text.
        data: The data set, as given: `streets`, `camvid:DIR`.
        device: Device that latencies are of.
        device_threads: Threads it runs a network with.
        target: Latency bound; None where there is none.
        strategy: Name of the search strategy, or `given`.
        architecture: The architecture as JSON where it is given, else "".
        seed: Of everything random.
        threads: Threads PyTorch computes with; results repeat only with the same number.
        budget_s: The time asked for, in seconds; None where the steps were given.
        plan: The steps; None until the budget has been turned into steps.
        search: Settings of the search phase.
        train: Settings of the training phase.
    """

    format: Literal[1] = 1
    nasdsl: str
    torch: str
    space: str
    space_file: str
    space_sha256: str
    preset: str
    params: dict[str, str]
    data: str
    device: str
    device_threads: int = Field(default=1, ge=1)
    target: Target | None
    strategy: str
    architecture: str = ""
    seed: int = Field(ge=0)
    threads: int = Field(ge=1)
    budget_s: float | None = Field(default=None, gt=0)
    plan: Plan | None = None
    search: SearchSettings = SearchSettings()
    train: TrainSettings = TrainSettings()

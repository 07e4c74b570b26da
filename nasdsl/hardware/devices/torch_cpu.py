"""PyTorch on the processor, operation by operation."""

from __future__ import annotations

from typing import ClassVar

from nasdsl.hardware.energy import Rapl
from nasdsl.hardware.torch_engine import TorchEngine


class TorchCpu(TorchEngine):
    """Eager PyTorch on the processor."""

    kind: ClassVar[str] = "torch_cpu"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    counts_energy = Rapl

"""PyTorch on an NVIDIA GPU, timed by CUDA events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from nasdsl.hardware.engine import Run
from nasdsl.hardware.gpu import gpu_ms, needs_gpu
from nasdsl.hardware.torch_engine import TorchEngine


class Cuda(TorchEngine):
    """Eager PyTorch on the first GPU, TF32 off.

    Args:
        settings: Those of `nasdsl.hardware.engine.Engine`.
    """

    kind: ClassVar[str] = "cuda"
    on_processor: ClassVar[bool] = False
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "bf16")
    place: ClassVar[str] = "cuda"

    def __init__(self, **settings: Any) -> None:
        needs_gpu(self.kind)
        super().__init__(**settings)

    def most_threads(self) -> int:
        """One: the threads of the processor do not compute."""
        return 1

    @contextmanager
    def settings(self) -> Iterator[None]:
        """All algorithms of cuDNN are tried, and fp32 is fp32, not TF32."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            yield

    def warm_up(self, run: Run) -> None:
        """Libraries choose algorithms, and the clock rises."""
        for _ in range(10):
            run()
        torch.cuda.synchronize()

    def time(self, run: Run) -> float:
        """The time between two events on the GPU, in ms."""
        return gpu_ms(run)

    def close(self) -> None:
        """Memory that PyTorch keeps for later."""
        torch.cuda.empty_cache()

    def describe(self) -> str:
        """The GPU."""
        return str(torch.cuda.get_device_name())

    def libraries(self) -> Mapping[str, str]:
        """The versions of PyTorch and CUDA."""
        return {"torch": str(torch.__version__), "cuda": str(torch.version.cuda)}

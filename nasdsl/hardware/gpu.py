"""NVIDIA GPUs through PyTorch: whether there is one, and its clock."""

from __future__ import annotations

import torch

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.engine import Run


def needs_gpu(device: str) -> None:
    """Check that PyTorch sees a GPU.

    Raises:
        NasError: It does not; says why.
    """
    if torch.version.cuda is None:
        raise NasError(
            f"`{device}` needs a PyTorch with CUDA; {torch.__version__} is for processors",
            help="pip install torch --index-url https://download.pytorch.org/whl/cu126",
            status=3,
        )
    if not torch.cuda.is_available():
        raise NasError(f"`{device}` needs an NVIDIA GPU with its driver; PyTorch sees none", status=3)


def gpu_ms(run: Run) -> float:
    """Run once on PyTorch's current stream; the time between two events on it, in ms."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    start.record()
    run()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end))

"""PyTorch on the processor, compiled by inductor; it needs a C++ compiler."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.energy import Rapl
from nasdsl.hardware.engine import Run
from nasdsl.hardware.torch_engine import TorchEngine


class TorchCompileCpu(TorchEngine):
    """`torch.compile` with inductor, weights frozen into the code; every model takes seconds to compile.

    Args:
        settings: Those of `nasdsl.hardware.engine.Engine`.
    """

    kind: ClassVar[str] = "torch_compile_cpu"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    counts_energy = Rapl

    def __init__(self, **settings: Any) -> None:
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            raise NasError(
                f"`{self.kind}` needs a C++ compiler: there is no `{compiler}`", help="apt install g++", status=3
            )
        super().__init__(**settings)

    def compiled(self, module: nn.Module) -> Callable[..., object]:
        """The compiled module, for the one size of its input."""
        return torch.compile(module, fullgraph=True, dynamic=False, options={"freezing": True})

    def warm_up(self, run: Run) -> None:
        """Guards are settled after the first calls."""
        for _ in range(3):
            run()

    def close(self) -> None:
        """Compiled code is kept by PyTorch until it is told to forget it."""
        torch.compiler.reset()

"""What PyTorch's devices share: the model becomes a module on a device, its input random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import nn

from nasdsl.hardware.engine import Engine, Run
from nasdsl.hardware.torch_model import torch_model

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class TorchEngine(Engine):
    """A module of PyTorch, run eagerly unless `compiled` says otherwise; maps are contiguous [N, C, H, W]."""

    place: ClassVar[str] = "cpu"
    """Where tensors lie."""

    def prepare(self, model: bytes) -> Run:
        """The module and its random input on the device, in the device's precision."""
        module, shapes = torch_model(model, batch=self.batch)
        dtype = DTYPES[self.precision]
        ready = self.compiled(module.to(self.place, dtype))
        generator = torch.Generator().manual_seed(0)
        inputs = [torch.randn(shape, generator=generator).to(self.place, dtype) for shape in shapes]

        def run() -> object:
            with torch.inference_mode():
                return ready(*inputs)

        return run

    def compiled(self, module: nn.Module) -> Callable[..., object]:
        """What is called instead of the module."""
        return module

    @contextmanager
    def settings(self) -> Iterator[None]:
        """PyTorch's threads, which are those of the whole process; put back afterwards."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def libraries(self) -> Mapping[str, str]:
        """The version of PyTorch."""
        return {"torch": str(torch.__version__)}

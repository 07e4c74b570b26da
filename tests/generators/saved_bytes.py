"""How many bytes autograd really keeps of a forward pass: distinct storages of saved tensors, parameters apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def saved_bytes(module: nn.Module, run: Callable[[], Any], scalars: int = 64) -> int:
    """The bytes of all storages that `run` makes autograd keep.

    Args:
        module: Its parameters and buffers are not counted.
        run: The forward pass; what it returns is held until all is counted.
        scalars: Storages of at most so many bytes are not counted: the weights of decisions.
    """
    own = {x.untyped_storage()._cdata for x in (*module.parameters(), *module.buffers())}
    found: dict[int, Any] = {}

    def pack(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage._cdata not in own and storage.nbytes() > scalars:
            found[storage._cdata] = storage
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        held = run()
    total = sum(storage.nbytes() for storage in found.values())
    del held
    return total

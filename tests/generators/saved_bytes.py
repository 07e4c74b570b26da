"""How many bytes autograd really keeps of a forward pass: distinct storages of saved tensors, parameters apart."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.forward import Pass
from nasdsl.runtime.choices import Choices, Draw, Drawn
from nasdsl.runtime.relaxations import decided
from nasdsl.space import Space


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


def drawn(space: runtime.Space, architecture: Architecture, kind: Pass) -> Choices:
    """The choices of a forward pass: those of an architecture, mixed where the pass is."""
    base = decided(space, architecture.decisions).drawn
    draws = {}
    for path, decision in space.decisions.items():
        if not isinstance(decision, runtime.Route):
            is_number = isinstance(decision, runtime.Choose) and decision.is_number
            values = decision.subsets if isinstance(decision, runtime.Pick) else decision.domain
            place, mixed = base.draws[path].place, kind.mixed and not is_number
            weights = torch.ones(len(values)).requires_grad_(kind.decisions)
            others = tuple(n for n in range(len(values)) if n != place) if mixed else ()
            draws[path] = Draw(place, weights if mixed or kind.decisions else None, others)
    if kind.mixed:
        shares = {
            name: torch.ones(len(grid.links)).requires_grad_(kind.decisions) for name, grid in space.grids.items()
        }
        return Choices(Drawn(space, draws, shares=shares))
    strides = {path: tuple(torch.ones(()).requires_grad_() for _ in way[1:]) for path, way in base.ways.items()}
    return Choices(Drawn(space, draws, base.ways, strides if kind.decisions else {}))


class Supernet:
    """The generated supernet of a space, in training."""

    def __init__(self, space: Space) -> None:
        module = ModuleType("generated")
        exec(supernet_source(space.graph), module.__dict__)  # noqa: S102 - the code under test
        self.space, self.module = space, module.Supernet().train()
        self._decisions = module.SPACE

    def forward(self, architecture: Architecture, kind: Pass, batch: int) -> list[Tensor]:
        """What a pass on zeros makes; only the main task's if decisions learn."""
        self.module.requires_grad_(kind.weights)
        images = [torch.zeros(batch, int(n.type.channels.constant), *n.type.size) for n in self.space.graph.inputs()]
        outputs = self.module(*images, drawn(self._decisions, architecture, kind))
        main = {task.name for task in self.space.graph.tasks if not task.aux}
        return [output for name, output in outputs.items() if kind.weights or name in main]


def saved_by_supernet(space: Space, architecture: Architecture, kind: Pass, batch: int) -> int:
    """What autograd keeps of one forward pass of a space's supernet on a batch of zeros."""
    supernet = Supernet(space)
    return saved_bytes(supernet.module, lambda: supernet.forward(architecture, kind, batch))

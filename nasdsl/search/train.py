"""Training a derived network for a fixed number of steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.search import chance
from nasdsl.search.batches import Batches
from nasdsl.search.config import TrainSettings
from nasdsl.search.objective import Objective
from nasdsl.search.schedule import one_cycle


class Training:
    """A network, its optimiser and its data; a `Stepper` (see `nasdsl.search.strategy`).

    Args:
        network: With the weights it starts from.
        batches: Its data.
        objective: Loss and metrics.
        settings: Learning rate and the like.
        steps: How many steps there will be: the schedule depends on it.
        seed: Of the run.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        objective: Objective,
        settings: TrainSettings,
        *,
        steps: int,
        seed: int,
    ) -> None:
        self.network = runtime.tune(network)
        self._batches, self._objective, self._settings = batches, objective, settings
        self._steps, self._seed = steps, seed
        decay = [p for p in network.parameters() if p.dim() > 1]
        plain = [p for p in network.parameters() if p.dim() <= 1]
        groups = [{"params": decay, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, settings.lr)

    def step(self, index: int) -> dict[str, Any]:
        """One batch of the whole training data."""
        torch.manual_seed(chance.number(self._seed, "dropout of training", index))
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.lr * one_cycle(index, self._steps)
        images, target = self._batches.train("training", index, self._settings.batch, half="both")
        self.network.train()
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._objective.loss({self._objective.main.name: self.network(images)}, target)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), self._settings.clip)
        self._optimizer.step()
        return {"loss": loss.item()}

    def tensors(self) -> dict[str, Tensor]:
        """The network's weights."""
        return dict(self.network.state_dict())

    def state(self) -> dict[str, Any]:
        """The optimiser."""
        return {"optimizer": self._optimizer.state_dict()}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take over what `tensors` and `state` gave."""
        self.network.load_state_dict(dict(tensors))
        self._optimizer.load_state_dict(state["optimizer"])

"""First-order bilevel search with a relaxation and a latency loss.

Each step after the warm-up does two things: the supernet's weights learn on one half of the training data, along a path
drawn from the relaxation (or on a mixture, where it mixes; with `SearchSettings.sandwich` along several paths); then
the relaxation's parameters, the logits, learn on the other half, from the task's loss and the expected latency
(`nasdsl.search.latency.losses`). First order: the weights count as constants for the logits (DARTS, Liu et al., ICLR
2019, its first-order variant).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.search import chance
from nasdsl.search.derivation import check_reachable, choose, inherited
from nasdsl.search.generated import module_from
from nasdsl.search.latency.decoupled import DecoupledLatency, make_latency
from nasdsl.search.latency.losses import make_latency_loss
from nasdsl.search.relaxation import make_relaxation
from nasdsl.search.schedule import one_cycle
from nasdsl.search.searched import expected_cost, searched_source
from nasdsl.search.strategy import Candidate, Log, Problem


class GumbelSearch:
    """The supernet with its relaxation, and what trains the two.

    Args:
        problem: What to search; its config's plan says how many steps there will be.

    Raises:
        NasError: The latency loss needs a target and there is none, or the space's latency cannot be decoupled.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._settings = problem, problem.config.search
        plan = problem.config.plan
        self._steps = plan.search_steps if plan else 1
        self._warmup = round(self._steps * self._settings.warmup_share)
        self._loss = make_latency_loss(self._settings, problem.target_ms)
        torch.manual_seed(chance.number(problem.config.seed, "supernet"))
        module = module_from(searched_source(problem), "supernet")
        supernet = module.Supernet()
        self._expected_cost = expected_cost(problem, supernet)
        self.supernet: nn.Module = runtime.tune(supernet)
        self._latency = make_latency(self._settings.decoupled_latency, module.SPACE, self._expected_cost)
        self.relaxation = make_relaxation(module.SPACE, problem.config.search)
        self._weights = [p for p in self.supernet.parameters() if p.requires_grad]
        s = self._settings
        self._weight_optimizer = torch.optim.AdamW(self._weights, s.weight_lr, weight_decay=s.weight_decay)
        self._logit_optimizer = torch.optim.Adam(
            self.relaxation.parameters(), s.architecture_lr, betas=s.architecture_betas
        )

    def check(self) -> None:
        """Move the relaxation towards lower latency until an architecture meets the target."""
        check_reachable(self._problem, self.relaxation.distribution, self.fasten)

    def step(self, index: int) -> dict[str, Any]:
        """A weight step on half A, and after the warm-up a step of the logits on half B."""
        torch.manual_seed(chance.number(self._problem.config.seed, "dropout", index))
        record: dict[str, Any] = {"loss": self._weight_step(index)}
        if index >= self._warmup:
            record |= self._logit_step(index)
        record["expected_latency_ms"] = self.expected_latency().item()
        record["entropy"] = self.entropy()
        return record

    def _weight_step(self, index: int) -> float:
        settings = self._settings
        self.supernet.train()
        for group in self._weight_optimizer.param_groups:
            group["lr"] = settings.weight_lr * one_cycle(index, self._steps)
        images, target = self._problem.batches.train("weights", index, settings.batch, half="a")
        self._weight_optimizer.zero_grad(set_to_none=True)
        losses = []
        for choices in self._paths(index):  # One graph at a time: their gradients add up.
            loss = self._problem.objective.loss(self.supernet(images, choices), target)
            torch.autograd.backward(loss)
            losses.append(loss.item())
        nn.utils.clip_grad_norm_(self._weights, settings.clip)
        self._weight_optimizer.step()
        drawn = losses[-max(1, settings.sandwich) :]
        return sum(drawn) / len(drawn)

    def _paths(self, index: int) -> Iterator[runtime.Choices]:
        """What a weight step runs: a drawn path, with the widest now and then; or a sandwich."""
        seed, settings = self._problem.config.seed, self._settings
        if settings.sandwich or (settings.widest_every and index % settings.widest_every == 0):
            yield self.relaxation.widest(chance.generator(seed, "widest path", index))
        if settings.sandwich:
            yield self.relaxation.narrowest(chance.generator(seed, "narrowest path", index))
        for number in range(max(1, settings.sandwich)):
            purpose = f"path {number} of weights" if number else "path of weights"
            with torch.no_grad():
                choices = self._draw(index, chance.generator(seed, purpose, index))
            yield choices

    def _logit_step(self, index: int) -> dict[str, Any]:
        images, target = self._problem.batches.train("logits", index, self._settings.batch, half="b")
        generator = chance.generator(self._problem.config.seed, "path of logits", index)
        self._logit_optimizer.zero_grad(set_to_none=True)
        for weight in self._weights:
            weight.requires_grad_(False)
        choices = self._draw(index, generator)
        objective = self._problem.objective
        task = objective.main_loss(self.supernet(images, choices)[objective.main.name], target)
        torch.autograd.backward(self._loss(task, self._latency(self.relaxation.probabilities())))
        for weight in self._weights:
            weight.requires_grad_(True)
        self._logit_optimizer.step()
        record: dict[str, Any] = {"architecture_loss": task.item(), "temperature": self._temperature(index)}
        if index == self._warmup and isinstance(self._latency, DecoupledLatency):
            record["decoupling_weights"] = self._latency.weights
        return record

    def _draw(self, index: int, generator: torch.Generator) -> runtime.Choices:
        return self.relaxation.draw(generator, step=index - self._warmup, steps=self._steps - self._warmup)

    def _temperature(self, index: int) -> float:
        return self.relaxation.temperature.at(index - self._warmup, self._steps - self._warmup)

    def expected_latency(self) -> Tensor:
        """The expected latency of an architecture drawn from the relaxation, in milliseconds; differentiable."""
        latency: Tensor = self._expected_cost(self.relaxation.probabilities())
        return latency

    def entropy(self) -> float:
        """How undecided the relaxation is: the mean entropy of its distributions, each as a share of the greatest.

        A route has one distribution for each cell that several links lead to.
        """
        shares = []
        with torch.no_grad():
            for path, probabilities in self.relaxation.probabilities().items():
                decision = self.relaxation.space.decisions[path]
                parts = [probabilities]
                if isinstance(decision, runtime.Route):
                    places = self.relaxation.space.grids[decision.grid].into.values()
                    parts = [probabilities[list(into)] for into in places]
                shares += [
                    torch.special.entr(part).sum().item() / math.log(part.numel()) for part in parts if part.numel() > 1
                ]
        return sum(shares) / len(shares) if shares else 0.0

    def fasten(self, steps: int) -> None:
        """Steps of the logits for the latency alone."""
        for _ in range(steps):
            self._logit_optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(self.expected_latency().log())
            self._logit_optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        """Weights of the supernet and what the relaxation has learned."""
        return {
            **{f"supernet.{name}": tensor for name, tensor in self.supernet.state_dict().items()},
            **{f"relaxation.{name}": tensor for name, tensor in self.relaxation.state_dict().items()},
        }

    def state(self) -> dict[str, Any]:
        """Both optimisers."""
        return {"weights": self._weight_optimizer.state_dict(), "logits": self._logit_optimizer.state_dict()}

    def restore(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Take over what `tensors` and `state` gave."""
        for module, prefix in ((self.supernet, "supernet."), (self.relaxation, "relaxation.")):
            module.load_state_dict({n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)})
        self._weight_optimizer.load_state_dict(state["weights"])
        self._logit_optimizer.load_state_dict(state["logits"])

    def derive(self, log: Log) -> Candidate:
        """The best of the candidates, ranked with the supernet's weights (see `nasdsl.search.derivation`)."""
        return choose(self._problem, self.supernet, self.relaxation.distribution, self.fasten, log)

    def weights(self, chosen: Candidate) -> dict[str, Tensor]:
        """The chosen network's share of the supernet's weights, with batch-norm statistics of its own; of a proxy's
        supernet the proxy's network.
        """
        return dict(inherited(self._problem, self.supernet, chosen).state_dict())

"""The weight steps of the search: which paths they run, and that their gradients add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from nasdsl import runtime
from nasdsl.passes.kernels import signatures
from nasdsl.search.config import Plan, RunConfig, SearchSettings, TrainSettings
from nasdsl.search.gumbel import GumbelSearch
from nasdsl.search.run import make_problem
from nasdsl.source import Source
from nasdsl.space import load

ELASTIC = """space elastic(classes = 9) {
  input image: [3, 32, 64]
  block layer(x) {
    width e in {1, 2, 3}
    width k in {1, 3, 5}
    return x >> conv_bn_relu(e * channels(x), k = 1) >> dw_conv_bn_relu(k = k) >> conv_bn(8, k = 1)
  }
  y[0] = image >> conv_bn_relu(8, k = 3, stride = 4)
  for i in 1..=4 { y[i] = layer(y[i-1]) }
  task t = y[4] >> conv(classes, k = 1, bias = true) >> resize_like(image) { loss cross_entropy() metric miou }
}
"""

Search = Callable[..., GumbelSearch]


@pytest.fixture(scope="module")
def search() -> Search:
    space = load(Source("elastic.nas", ELASTIC))
    table = dict.fromkeys(signatures(space.graph), 0.1)

    def make(**settings: int) -> GumbelSearch:
        config = RunConfig(
            nasdsl="", torch="", space="elastic", space_file="", space_sha256="", preset="", params={}, data="streets",
            device="ort_cpu", target=None, strategy="gumbel", seed=0, threads=1,
            plan=Plan(search_steps=4, train_steps=1), train=TrainSettings(),
            search=SearchSettings(batch=2, clip=1e9, latency_weight=0, **settings),
        )  # fmt: skip
        return GumbelSearch(make_problem(space, table, config))

    return make


def numbers(choices: runtime.Choices) -> set[tuple[int, int]]:
    return {(choices[f"y[{i}].layer.e"], choices[f"y[{i}].layer.k"]) for i in range(1, 5)}


def test_a_sandwich_is_the_widest_the_narrowest_and_some_that_are_drawn(search: Search) -> None:
    widest, narrowest, *drawn = search(sandwich=2)._paths(1)
    assert numbers(widest) == {(3, 5)}
    assert numbers(narrowest) == {(1, 1)}
    assert len(drawn) == 2
    first, second = ([each.place for each in choices.drawn.draws.values()] for choices in drawn)
    assert first != second


def test_without_it_a_path_and_now_and_then_the_widest(search: Search) -> None:
    plain = search(widest_every=2)
    assert [len(list(plain._paths(index))) for index in range(4)] == [2, 1, 2, 1]
    (alone,), (_, _, same, _) = plain._paths(1), search(sandwich=2)._paths(1)
    assert alone.drawn.draws == same.drawn.draws, "the first path that is drawn is the one without a sandwich"


def test_the_gradients_of_all_paths_add_up(search: Search) -> None:
    stepped, other = search(sandwich=2), search(sandwich=2)
    loss = stepped.step(0)["loss"]
    problem = other._problem
    images, target = problem.batches.train("weights", 0, 2, half="a")
    total: dict[str, Tensor] = {}
    losses = []
    for choices in list(other._paths(0)):
        other.supernet.zero_grad()
        passed = problem.objective.loss(other.supernet.train()(images, choices), target)
        passed.backward()
        losses.append(passed.item())
        for name, parameter in other.supernet.named_parameters():
            if parameter.grad is not None:
                total[name] = total.get(name, torch.zeros(())) + parameter.grad
    assert loss == pytest.approx((losses[2] + losses[3]) / 2)
    found = {name: p.grad for name, p in stepped.supernet.named_parameters() if p.grad is not None}
    assert found.keys() == total.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, total[name], rtol=1e-4, atol=1e-6)


def test_a_network_that_inherits_has_statistics_of_its_own(search: Search) -> None:
    from nasdsl.search.strategy import Candidate

    searched = search(sandwich=1)
    problem = searched._problem
    architecture = problem.space.sample(3)
    chosen = Candidate(architecture, problem.space.derive(architecture), 1.0)
    plain = runtime.inherit(searched.supernet, problem.space.graph, chosen.network)
    first, second = searched.weights(chosen), searched.weights(chosen)
    for name, tensor in plain.items():
        assert torch.equal(first[name], second[name])
        statistics = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        assert torch.equal(first[name], tensor) != statistics, name

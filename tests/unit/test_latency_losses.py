"""Forms of the latency loss: values by hand, gradients, what they drive a relaxation to; FasterSeg's weights."""

from __future__ import annotations

from collections.abc import Callable
from math import e, log
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published.kinds import read_published
from nasdsl.passes.kernels import signatures
from nasdsl.search.config import Plan, RunConfig, SearchSettings
from nasdsl.search.generated import module_from
from nasdsl.search.gumbel import GumbelSearch
from nasdsl.search.latency.decoupled import PUBLISHED, decoupling_weights, inverse, make_latency
from nasdsl.search.latency.losses import (
    LATENCY_LOSSES,
    WEIGHTS,
    Additive,
    Hinge,
    LatencyLoss,
    LogProduct,
    LogRatio,
    Ratio,
    make_latency_loss,
)
from nasdsl.search.latency.sensitivity import latency_range_ms, sensitivities
from nasdsl.search.run import make_problem
from nasdsl.source import Source
from nasdsl.space import load

MIXED = """space mixed(classes = 9) {
  input image: [3, 32, 64]
  block layer(x) {
    choose op in { a: conv_bn_relu(k = 1), b: conv_bn_relu(k = 3), c: conv_bn_relu(k = 5) }
    width e in {1, 2, 3}
    return x >> op(c = 4 * e) >> conv_bn(8, k = 1)
  }
  y[0] = image >> conv_bn_relu(8, k = 3, stride = 4)
  for i in 1..=3 { y[i] = layer(y[i-1]) }
  depth d in 1..=3
  task t = y[d] >> conv(classes, k = 1, bias = true) >> resize_like(image) { loss cross_entropy() metric miou }
}
"""

TASK, T = 0.5, 4.0


def scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(
    ("loss", "latency_ms", "wanted"),
    [
        (LogRatio(2.0, T), T * e, TASK + 2),
        (LogRatio(2.0, T), T / e, TASK + 2),
        (Ratio(0.1, T), 6.0, TASK + 0.05),
        (Ratio(0.1, T), 2.0, TASK + 0.05),
        (Hinge(3.0, T), T * e**2, TASK + 6),
        (Hinge(3.0, T), 3.9, TASK),
        (Additive(0.01), 9.09, TASK + 0.0909),
        (LogProduct(0.2, 0.6), e**32 / 1000, TASK * 0.2 * 8),
        (LogProduct(0.2, 1.0), 23.1, TASK * 0.2 * log(23100)),
    ],
)
def test_values_by_hand(loss: LatencyLoss, latency_ms: float, wanted: float) -> None:
    assert loss(scalar(TASK), scalar(latency_ms)).item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "above", "below"),
    [
        (LogRatio(1.0, T), 1 / 8, -1 / 2),
        (Ratio(0.1, T), 0.1 / T, -0.1 / T),
        (Hinge(1.0, T), 1 / 8, 0),
        (Additive(0.01), 0.01, 0.01),
        (LogProduct(0.2, 0.6), TASK * 0.2 * 0.6 * log(8000) ** -0.4 / 8, TASK * 0.2 * 0.6 * log(2000) ** -0.4 / 2),
    ],
)
def test_gradients_above_and_below_the_target(loss: LatencyLoss, above: float, below: float) -> None:
    for latency_ms, wanted in ((8.0, above), (2.0, below)):
        latency = scalar(latency_ms)
        torch.autograd.backward(loss(scalar(TASK), latency))
        assert latency.grad is not None
        assert latency.grad.item() == pytest.approx(wanted, rel=1e-12)
        assert torch.autograd.gradcheck(loss, (scalar(TASK), scalar(latency_ms)))


def test_the_product_weighs_the_gradient_of_the_task() -> None:
    task = scalar(TASK)
    torch.autograd.backward(LogProduct(0.2, 1.0)(task, scalar(5.0)))
    assert task.grad is not None
    assert task.grad.item() == pytest.approx(0.2 * log(5000))


def test_settings_name_all_forms() -> None:
    assert set(get_args(SearchSettings.model_fields["latency_loss"].annotation)) == set(LATENCY_LOSSES) == set(WEIGHTS)
    named = get_args(SearchSettings.model_fields["decoupled_latency"].annotation)
    assert set(named) == {"off", "sensitivity", *PUBLISHED}
    for name, kind in LATENCY_LOSSES.items():
        loss = make_latency_loss(SearchSettings.model_validate({"latency_loss": name}), 3.0)
        assert type(loss) is kind
        assert loss.weight == WEIGHTS[name]
    settings = SearchSettings(latency_loss="log_product", latency_weight=0.3, latency_exponent=2.0)
    assert make_latency_loss(settings, None) == LogProduct(0.3, 2.0)


@pytest.mark.parametrize("name", ["log_ratio", "ratio", "hinge"])
def test_without_a_target(name: str) -> None:
    settings = SearchSettings.model_validate({"latency_loss": name})
    with pytest.raises(NasError, match=f"`{name}` compares with a target, and there is none\nhelp: .*--latency MS"):
        make_latency_loss(settings, None)
    off = make_latency_loss(settings.model_copy(update={"latency_weight": 0.0}), None)
    assert off(scalar(TASK), scalar(9.0)).item() == TASK


def test_a_product_that_cannot_be() -> None:
    with pytest.raises(NasError, match="weight 0 nothing would be learned"):
        make_latency_loss(SearchSettings(latency_loss="log_product", latency_weight=0.0), None)
    with pytest.raises(NasError, match=r"above 0\.001 ms, found 0\.0009 ms\nhelp: .*milliseconds"):
        LogProduct(0.2, 0.6)(scalar(TASK), scalar(0.0009))


@pytest.fixture(scope="module")
def mixed() -> Any:
    """A generated supernet's module: a convolution of 1, 9 or 25 weights a channel takes that many ms, others 0.5."""
    space = load(Source("mixed.nas", MIXED))
    table = dict.fromkeys(signatures(space.graph), 0.5)
    for text in table:
        for k, ms in ((1, 1.0), (3, 3.0), (5, 9.0)):
            for e_ in (1, 2, 3):
                if text.startswith(f"conv k={k} relu 8x8x16 -> {4 * e_}x"):
                    table[text] = ms * e_
    return module_from(supernet_source(space.graph, latency=table, device="ort_cpu"), "mixed")


def descended(mixed: Any, loss: LatencyLoss, decoupled: str, steps: int = 150) -> float:
    """The expected latency after steps of the logits alone, the task's loss being constant."""
    torch.manual_seed(0)
    logits, supernet = runtime.Logits(mixed.SPACE), mixed.Supernet()
    latency = make_latency(decoupled, mixed.SPACE, supernet.expected_cost)
    optimizer = torch.optim.Adam(logits.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(loss(torch.tensor(1.0), latency(logits.probabilities())))
        optimizer.step()
    found: float = supernet.expected_latency_ms(logits.probabilities()).item()
    return found


@pytest.mark.parametrize("decoupled", ["off", "sensitivity", "fasterseg"])
def test_losses_drive_a_relaxation_to_their_target(mixed: Any, decoupled: str) -> None:
    assert descended(mixed, Additive(0.0), decoupled, steps=1) == pytest.approx(119 / 6, rel=0.01)
    for target in (9.0, 30.0):
        assert descended(mixed, LogRatio(1.0, target), decoupled) == pytest.approx(target, rel=0.05)
        assert descended(mixed, Ratio(0.1, target), decoupled) == pytest.approx(target, rel=0.05)
    assert 3.5 < descended(mixed, Hinge(1.0, 9.0), decoupled) <= 9.0  # Adam's momentum goes on for a while
    assert descended(mixed, Hinge(1.0, 30.0), decoupled) == pytest.approx(119 / 6, rel=0.01)
    assert descended(mixed, Additive(0.01), decoupled) < 3.5  # 3 ms is the fastest
    assert descended(mixed, LogProduct(0.2, 0.6), decoupled) < 3.5


def test_sensitivities_by_hand(mixed: Any) -> None:
    """Held: operators at a mean of 13/3 ms for each of the factors e, widths at e = 3, the depth at a mean of 2."""
    cost = mixed.Supernet().expected_cost
    layers, rest = 2, 0.5 * 3 + 0.5 * 2
    wanted = {
        "operators": (layers * 3 * 1 + rest, layers * 3 * 9 + rest),
        "paths": (3 * 13 / 3 + rest - 0.5, 3 * 3 * 13 / 3 + rest + 0.5),
        "widths": (layers * 13 / 3 + rest, layers * 3 * 13 / 3 + rest),
    }
    found = {group: latency_range_ms(mixed.SPACE, cost, group) for group in ("operators", "paths", "widths")}
    for group, bounds in wanted.items():
        assert found[group] == pytest.approx(bounds, rel=1e-9)  # type: ignore[index]
    assert sensitivities(mixed.SPACE, cost)["operators"] == pytest.approx(48)


def test_weights_of_the_paper_follow_from_its_sensitivities(mixed: Any) -> None:
    assert inverse({"operators": 4.0, "paths": 0.0, "widths": 1.0}) == {"operators": 0.2, "paths": 0.0, "widths": 0.8}
    assert inverse({"operators": 0.0}) == {"operators": 0.0}
    cost = mixed.Supernet().expected_cost
    assert decoupling_weights("fasterseg", mixed.SPACE, cost) == pytest.approx(PUBLISHED["fasterseg"])
    one_width = runtime.Space("s", {p: d for p, d in mixed.SPACE.decisions.items() if not p.endswith(".e")})
    without = decoupling_weights("fasterseg-as-coded", one_width, cost)
    assert without == pytest.approx({"operators": 1 / 498, "paths": 497 / 498})


def test_fasterseg_by_its_own_table(repository: Path, shared_data: Path) -> None:
    """Operators and widths move the latency about as in the paper's Table 2, 10.42 and 5.54 ms."""
    table = read_published("fasterseg", shared_data / "latency/fasterseg_1080ti_tensorrt.json").latency_ms
    space = load(repository / "spaces/fasterseg.nas", preset="student")
    module = module_from(supernet_source(space.graph, latency=table, device="tensorrt_fp32"), "student")
    found = sensitivities(module.SPACE, module.Supernet().expected_cost)
    assert found == pytest.approx({"operators": 11.283, "paths": 5.234, "widths": 5.406}, abs=1e-3)


def test_too_many_ways_are_refused(mixed: Any) -> None:
    text = MIXED.replace("y[0] = image", "stem = image").replace(
        "for i in 1..=3 { y[i] = layer(y[i-1]) }\n  depth d in 1..=3\n  task t = y[d]",
        """grid g[l in 0..=14, r in {1, 2, 4, 8}] from stem at [0, 1] {
    to [l+1, r] = here >> conv_bn(8, k = 3)
    to [l+1, 2*r] = here >> conv_bn(8, k = 3, stride = 2)
  }
  route a in g to [14, 4]
  route b in g to [14, 8]
  task t = sum(a.end, b.end >> resize(2))""",
    )
    space = load(Source("mixed.nas", text))
    table = dict.fromkeys(signatures(space.graph), 0.1)
    module = module_from(supernet_source(space.graph, latency=table, device="ort_cpu"), "ways")
    with pytest.raises(NasError, match=r"routes through `g`.*33,124, more than 20,000\nhelp: .*fasterseg"):
        sensitivities(module.SPACE, module.Supernet().expected_cost)


@pytest.fixture(scope="module")
def search() -> Callable[..., GumbelSearch]:
    space = load(Source("mixed.nas", MIXED))
    table = dict.fromkeys(signatures(space.graph), 0.1)

    def make(**settings: Any) -> GumbelSearch:
        config = RunConfig(
            nasdsl="", torch="", space="mixed", space_file="", space_sha256="", preset="", params={}, data="streets",
            device="ort_cpu", target=None, strategy="gumbel", seed=0, threads=1,
            plan=Plan(search_steps=4, train_steps=1), search=SearchSettings(batch=2, **settings),
        )  # fmt: skip
        return GumbelSearch(make_problem(space, table, config))

    return make


def test_a_search_refuses_before_it_starts(search: Callable[..., GumbelSearch]) -> None:
    with pytest.raises(NasError, match="`hinge` compares with a target"):
        search(latency_loss="hinge")


def test_a_search_steps_on_the_form_that_is_set(search: Callable[..., GumbelSearch]) -> None:
    """The gradient of a logit step without a latency and of one with differ by the latency's."""
    found = {}
    for weight in (0.0, 0.1):
        own = search(
            latency_loss="additive", latency_weight=weight, decoupled_latency="fasterseg", relaxation="softmax",
            warmup_share=0.0,
        )  # fmt: skip
        record = own.step(2)
        gradients = {name: p.grad for name, p in own.relaxation.named_parameters()}
        found[weight] = gradients
    assert "decoupling_weights" not in record
    assert search(latency_loss="additive", decoupled_latency="fasterseg", warmup_share=0.0).step(0)[
        "decoupling_weights"
    ] == pytest.approx(PUBLISHED["fasterseg"])
    other = search(latency_loss="additive", relaxation="softmax", warmup_share=0.0)
    latency = make_latency("fasterseg", other.relaxation.space, other._expected_cost)
    torch.autograd.backward(0.1 * latency(other.relaxation.probabilities()))
    for name, parameter in other.relaxation.named_parameters():
        with_, without = found[0.1][name], found[0.0][name]
        assert with_ is not None
        assert without is not None
        assert parameter.grad is not None
        torch.testing.assert_close(with_ - without, parameter.grad, atol=1e-6, rtol=1e-3)

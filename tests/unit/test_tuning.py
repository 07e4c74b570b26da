"""Tuned modules compute what they did, values and gradients."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from nasdsl.runtime.tuning import Dilated, tune


def dilated(k: int, dilation: int, *, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(6, 6, k, padding=dilation * (k // 2), dilation=dilation, groups=6, bias=bias)


def gradients(module: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    (module(x) * torch.arange(x.numel()).view_as(x)).sum().backward()
    assert x.grad is not None
    return [x.grad, *(p.grad for p in module.parameters() if p.grad is not None)]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("k", "dilation"), [(3, 2), (5, 2), (3, 4)])
def test_a_tuned_convolution_computes_the_same(k: int, dilation: int, bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(dilated(k, dilation, bias=bias))
    tuned = tune(copy.deepcopy(plain))
    assert isinstance(tuned[0], Dilated)
    assert list(tuned.state_dict()) == list(plain.state_dict())
    x = torch.randn(2, 6, 9, 7)
    torch.testing.assert_close(tuned(x), plain(x))
    for found, wanted in zip(gradients(tuned, x), gradients(plain, x), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_frozen_weights_get_no_gradient() -> None:
    tuned = tune(nn.Sequential(dilated(3, 2))).requires_grad_(False)
    assert len(gradients(tuned, torch.randn(1, 6, 5, 5))) == 1


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(6, 6, 3, padding=1, groups=6),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=3),
        nn.Conv2d(6, 12, 3, padding=2, dilation=2, groups=6),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6, stride=2),
        nn.Conv2d(6, 6, 3, padding=1, dilation=2, groups=6),
        nn.Conv2d(6, 6, 3, padding="same", dilation=2, groups=6),
        nn.Conv2d(6, 6, 3, padding=2, dilation=2, groups=6, padding_mode="reflect"),
    ],
)
def test_others_stay_as_they_are(conv: nn.Conv2d) -> None:
    assert not Dilated.fits(conv)


def test_a_module_that_is_used_twice_stays_one() -> None:
    conv = dilated(3, 2)
    tuned = tune(nn.ModuleDict({"a": nn.Sequential(conv), "b": nn.Sequential(conv)}))
    assert tuned["a"][0] is tuned["b"][0]  # type: ignore[index]
    assert len(list(tuned.parameters())) == 1

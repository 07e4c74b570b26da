"""Batch-norm statistics that are taken anew: which, from what, and that nothing else changes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasdsl import runtime


def network() -> nn.Sequential:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2)
    )
    for norm in (made[1], made[5]):
        assert isinstance(norm, nn.BatchNorm2d)
        norm.running_mean = torch.full_like(norm.running_mean, 7.0)  # what another network left there
        norm.num_batches_tracked = torch.tensor(1000)
    return made.eval()


def batches() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(4, 3, 8, 8, generator=generator) * (place + 1) + place for place in range(3)]


def test_all_batches_count_alike_and_the_old_statistics_not_at_all() -> None:
    made = network()
    runtime.recalibrate(made, batches())
    with torch.no_grad():
        maps = [made[0](images) for images in batches()]
    norm = made[1]
    assert isinstance(norm, nn.BatchNorm2d)
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean((0, 2, 3)) for x in maps]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var((0, 2, 3)) for x in maps]).mean(0))


def test_weights_mode_and_momentum_stay_and_nothing_is_drawn() -> None:
    first, second = network(), network()
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    runtime.recalibrate(first, batches())
    torch.manual_seed(99)  # where dropout ran, the second batch norm would see something else
    runtime.recalibrate(second, iter(batches()))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
        assert torch.equal(tensor, before[name]) == ("running" not in name and "tracked" not in name), name
    assert not any(part.training for part in first.modules())
    assert [part.momentum for part in first if isinstance(part, nn.BatchNorm2d)] == [0.1, 0.1]
    assert all(parameter.grad is None and parameter.requires_grad for parameter in first.parameters())


def test_without_batches_the_statistics_stay() -> None:
    made = network()
    runtime.recalibrate(made.train(), [])
    assert made.training
    assert made[1].running_mean.tolist() == [7.0] * 4

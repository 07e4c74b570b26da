"""Maps times weights in mixtures: the same values and gradients as a plain product, with less kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.runtime.weighted import weighted


def trained(**options: bool) -> nn.Module:
    norm = nn.BatchNorm2d(6, **options)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return norm


ENDINGS: dict[str, Callable[[], Callable[[Tensor], Tensor]]] = {
    "batch norm": lambda: trained(affine=False),
    "batch norm with scales": lambda: trained(),
    "batch norm with frozen scales": lambda: trained().requires_grad_(False),
    "batch norm in eval mode": lambda: trained().eval(),
    "average": lambda: lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False),
    "max": lambda: lambda x: F.max_pool2d(x, 3, stride=2, padding=1),
    "dilated max": lambda: lambda x: F.max_pool2d(x, 3, stride=1, padding=1, dilation=2),
    "relu": lambda: F.relu,
    "nothing": lambda: lambda x: x,
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", ENDINGS)
def test_values_and_gradients_are_those_of_a_product(name: str, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    ending = ENDINGS[name]()
    x = (3 * torch.randn(2, 6, 8, 10) + 5).contiguous(memory_format=layout).requires_grad_()
    weight = torch.tensor(0.3, requires_grad=True)
    parameters = ending.parameters() if isinstance(ending, nn.Module) else ()
    inputs = [x, weight, *(parameter for parameter in parameters if parameter.requires_grad)]
    plain, ours = weight * ending(x), weighted(weight, ending(x))
    assert torch.equal(plain, ours)
    gradient = torch.randn_like(plain)
    for wanted, found in zip(*(torch.autograd.grad(y, inputs, gradient) for y in (plain, ours)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ENDINGS)
def test_maps_may_be_of_another_precision_than_weights(name: str) -> None:
    ending = ENDINGS[name]()
    if isinstance(ending, nn.Module):
        ending.double()
    weight = torch.tensor(0.3, requires_grad=True)
    x = torch.randn(2, 6, 8, 10, dtype=torch.float64, requires_grad=True)
    gradients = [torch.autograd.grad(f(weight, ending(x)).square().sum(), [weight, x]) for f in (torch.mul, weighted)]
    for wanted, found in zip(*gradients, strict=True):
        assert found.dtype == wanted.dtype
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", ["batch norm", "batch norm with scales", "average", "max"])
def test_the_map_is_not_kept(name: str) -> None:
    ending = ENDINGS[name]()
    x = torch.randn(2, 6, 8, 10, requires_grad=True)

    def kept(product: Callable[[Tensor, Tensor], Tensor]) -> tuple[int, int]:
        """Bytes, and of one map."""
        storages: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storages[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            y = product(torch.tensor(0.3, requires_grad=True), ending(x))
        return sum(storages.values()), y.numel() * y.element_size()

    (plain, one_map), (ours, _) = kept(torch.mul), kept(weighted)
    assert plain - ours > 0.99 * one_map  # there are numbers for each channel beside it


def test_weights_without_gradients_keep_nothing_more() -> None:
    y = F.avg_pool2d(torch.randn(1, 2, 4, 4, requires_grad=True), 2)
    assert weighted(torch.tensor(0.5), y).grad_fn.name() == "MulBackward0"  # type: ignore[union-attr]

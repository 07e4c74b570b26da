"""Partial channels against the paper's equation, written directly in PyTorch (Xu et al., ICLR 2020, equation 2).

f(x; S) = sum over o of weight_o * o(S * x) + (1 - S) * x,        then the channels are shuffled
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.runtime.choices import Choices, Draw, Drawn
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_onnx import difference, lowered, opened
from tests.differential.test_supernet import Pair
from tests.generators.direct_network import DirectNetwork

DARTS = Path(__file__).parents[2] / "spaces" / "darts.nas"
K = 4


def sep(c: int, k: int, stride: int) -> nn.Sequential:
    def half(stride: int) -> list[nn.Module]:
        depthwise = nn.Conv2d(c, c, k, stride, k // 2, groups=c, bias=False)
        return [nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c, affine=False)]

    return nn.Sequential(*half(stride), *half(1))


def dil(c: int, k: int, stride: int) -> nn.Sequential:
    depthwise = nn.Conv2d(c, c, k, stride, k - 1, 2, groups=c, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c, affine=False))


class Reduced(nn.Module):
    """The skip of an edge with a stride: two 1x1 convolutions, the second of the map shifted by a pixel."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(c, c // 2, 1, 2, bias=False) for _ in range(2))
        self.bn = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.bn(torch.cat((self.first(x), self.second(shifted)), 1))


class PaperEdge(nn.Module):
    """One edge of PC-DARTS for c channels."""

    def __init__(self, c: int, stride: int) -> None:
        super().__init__()
        part, self.stride = c // K, stride
        skip = nn.Identity() if stride == 1 else Reduced(part)
        self.learned = nn.ModuleList([skip, sep(part, 3, stride), sep(part, 5, stride)])
        self.learned += [dil(part, 3, stride), dil(part, 5, stride)]

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        selected, rest = x[:, : x.shape[1] // K], x[:, x.shape[1] // K :]
        window = {"stride": self.stride, "padding": 1}
        outputs = [torch.zeros_like(selected[:, :, :: self.stride, :: self.stride])]
        outputs.append(F.max_pool2d(selected, 3, **window))
        outputs.append(F.avg_pool2d(selected, 3, count_include_pad=False, **window))
        outputs += [operation(selected) for operation in self.learned]
        mixed = sum(weight * output for weight, output in zip(weights, outputs, strict=True))
        if self.stride == 2:
            rest = F.max_pool2d(rest, 2, 2)
        together = torch.cat((mixed, rest), 1)
        n, c, h, w = together.shape
        return together.view(n, K, c // K, h, w).transpose(1, 2).reshape(n, c, h, w)


def mixture(pair: Pair, edge: str, weights: Tensor) -> Choices:
    """What an edge is given: all operations, with these weights."""
    draws = {f"{edge}.op": Draw(0, weights, tuple(range(1, len(weights))))}
    return Choices(Drawn(pair.logits.space, draws), edge)


@pytest.mark.parametrize(("cell", "stride"), [("normal", 1), ("reduction", 2)])
def test_an_edge_of_darts_is_that_of_the_paper(cell: str, stride: int) -> None:
    pair = Pair(load(DARTS).partial_channels(K))
    edge = {1: pair.supernet.y_5, 2: pair.supernet.y_4}[stride].x_2[0].train()
    paper = PaperEdge(32, stride).double()
    with torch.no_grad():
        for mine, theirs in zip(edge.parameters(), paper.parameters(), strict=True):
            theirs.copy_(mine)
    generator = torch.Generator().manual_seed(0)
    x, logits = (torch.randn(*shape, generator=generator).double() for shape in ((2, 32, 16, 16), (8,)))
    found = values_and_gradients(lambda x, w: edge(x, mixture(pair, f"{cell}.x[2].edge[0]", w)), x, logits, edge)
    expected = values_and_gradients(paper, x, logits, paper)
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def values_and_gradients(
    run: Callable[[Tensor, Tensor], Tensor], x: Tensor, logits: Tensor, module: nn.Module
) -> list[Tensor]:
    """What an edge makes, and the gradients of its input, its logits and its weights."""
    x, logits = x.clone().requires_grad_(), logits.clone().requires_grad_()
    out = run(x, logits.softmax(0))
    (out * torch.linspace(-1, 1, out.numel()).reshape(out.shape)).sum().backward()
    return [out.detach(), x.grad, logits.grad, *(p.grad for p in module.parameters())]


def test_networks_of_the_proxy_compute_what_its_supernet_does() -> None:
    space = load(DARTS, params={"layers": 3, "nodes": 2}).partial_channels(K)
    pair = Pair(space)
    for seed in range(2):
        architecture = space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=True)


def test_the_next_edge_reads_others() -> None:
    """With K = 2 over four channels and two edges of identities, what the first passed by the second works on."""
    text = """space s {
      input image: [4, 4, 4]
      block edge(x) { choose op in { none: none, same: identity } return x >> op() }
      x[0] = image
      for i in 1..=2 { x[i] = edge(x[i-1]) }
      task t = x[2] { loss cross_entropy() }
    }"""
    proxy = load(Source("s.nas", text)).partial_channels(2)
    pair = Pair(proxy)
    (image,) = pair.images
    decided = {f"x[{i}].edge.op": "none" for i in (1, 2)}
    architecture = next(a for a in (proxy.sample(s) for s in range(50)) if dict(a.decisions) == decided)
    choices = runtime.Fixed(pair.logits.space, architecture).draw()
    (out,) = pair.supernet(image, choices).values()
    # First edge: channels 0, 1 become zero, then (0, 2, 1, 3). Second: (0, 2) become zero, then (0, 1, 2, 3).
    expected = image * torch.tensor([0.0, 0.0, 0.0, 1.0]).reshape(1, 4, 1, 1)
    assert torch.equal(out, expected)


def test_networks_of_the_proxy_as_onnx() -> None:
    space = load(DARTS, params={"layers": 3, "nodes": 2}).partial_channels(K)
    graph = space.derive(space.sample(0))
    network = DirectNetwork(graph)
    assert difference(network, opened(lowered(graph, network)), 2, (32, 32), 0) < 1e-5

"""Type rules and costs of operations, worked out by hand."""

from __future__ import annotations

import re

import pytest
import torch

from nasdsl.codegen.network import network_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.kernels import costs, kernels
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import module_of
from tests.generators.direct_network import DirectNetwork


def network(steps: str, size: tuple[int, int] = (14, 20), channels: int = 12):  # type: ignore[no-untyped-def]
    text = f"""space s {{
      input image: [{channels}, {size[0]}, {size[1]}]
      task t = image >> {steps} {{ loss cross_entropy() }}
    }}"""
    return load(Source("s.nas", text)).graph


@pytest.mark.parametrize(
    ("step", "size", "params", "macs"),
    [
        ("conv(5, k = 2, padding = 0)", (13, 19), 12 * 5 * 4, 12 * 5 * 4 * 13 * 19),
        ("conv(5, k = 4, stride = 2, padding = 1, bias = true)", (7, 10), 12 * 5 * 16 + 5, 12 * 5 * 16 * 70),
        ("conv(5, k = 3, padding = 0, dilation = 2)", (10, 16), 12 * 5 * 9, 12 * 5 * 9 * 160),
        ("conv(5, k = 3, padding = 3)", (18, 24), 12 * 5 * 9, 12 * 5 * 9 * 18 * 24),
        ("conv(6, k = 3, groups = 3)", (14, 20), 12 * 6 * 3, 12 * 6 * 3 * 280),
        ("dw_conv(k = 2, stride = 2, padding = 0)", (7, 10), 12 * 4, 12 * 4 * 70),
        ("avg_pool(k = 5, stride = 3, padding = 0)", (4, 6), 0, 0),
        ("max_pool(k = 4, stride = 2, padding = 1)", (7, 10), 0, 0),
        ("avg_pool(k = 2, stride = 2)", (7, 10), 0, 0),
        ("gn(groups = 4)", (14, 20), 24, 0),
        ("shuffle(3)", (14, 20), 0, 0),
        ("slice(1/4, 2/3) >> conv(2, k = 1)", (14, 20), 5 * 2, 5 * 2 * 280),
    ],
)
def test_sizes_and_costs(step: str, size: tuple[int, int], params: int, macs: int) -> None:
    graph = network(step)
    found = costs(graph)
    assert (graph.nodes[-1].type.size, found.params, found.macs) == (size, params, macs)
    (output,) = DirectNetwork(graph)(torch.zeros(2, 12, 14, 20)).values()
    assert output.shape[2:] == size, "PyTorch says the same"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("conv(5, k = 2)", "needs an odd kernel, found k = 2"),
        ("conv(5, k = 2, stride = 2, padding = 1)", None),
        ("conv(5, k = 3, stride = 2, padding = 0)", "does not come out even on 14x20"),
        ("conv(5, k = 15, padding = 0)", "reads 15x15 pixels at once, found 14x20"),
        ("conv(5, k = 3, padding = 1/2)", "`padding` must be an integer from 0"),
        ("avg_pool(k = 2, stride = 2, padding = 2)", "at most half its window"),
        ("gn(groups = 5)", "with 5 groups cannot divide 12 channels"),
        ("shuffle(5)", "with 5 groups cannot divide 12 channels"),
        ("shuffle(1)", "`groups` must be an integer from 2"),
        ("slice(end = 1/8)", "`slice` cannot cut 12 channels at 1/8"),
        ("slice(1/24, 3/24)", "`slice` cannot cut 12 channels at 1/24"),
        ("slice(1/2, 1/4)", "needs a `start` before its `end`, found 1/2 and 1/4"),
        ("slice(0, 3/2)", "`end` of `slice` is a share of the channels, a constant from 0 to 1; found 3/2"),
    ],
)
def test_uses_that_break_a_rule(step: str, message: str | None) -> None:
    if message is None:
        network(step)
        return
    with pytest.raises(NasError, match=message.replace("(", r"\(")):
        network(step)


def test_normalising_groups_of_channels_that_vary_is_refused() -> None:
    text = """space s {
      input image: [3, 8, 8]
      width w in {4, 8}
      task t = image >> conv(w, k = 1) >> gn(groups = 2) >> conv(2, k = 1) { loss cross_entropy() }
    }"""
    with pytest.raises(NasError, match="the channels of `gn` must not depend on decisions"):
        load(Source("s.nas", text))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("slice(1/2, 3/4)", ""),
        ("slice(1/4, 3/4)", ""),
        ("slice(1/8, 5/8)", "`slice` cannot cut 4 channels at 1/8 (w = 2)"),
        ("slice(1/8)", "`slice` cannot cut 4 channels at 1/8 (w = 2)"),
        ("slice(end = w)", "`end` of `slice` is a share of the channels, a constant from 0 to 1; found w"),
    ],
)
def test_a_part_of_channels_that_vary_is_one_in_every_architecture(step: str, message: str) -> None:
    text = f"""space s {{
      input image: [3, 8, 8]
      width w in {{2, 4}}
      task t = image >> conv(2 * w, k = 1) >> {step} >> conv(2, k = 1) {{ loss cross_entropy() }}
    }}"""
    if not message:
        load(Source("s.nas", text))
        return
    with pytest.raises(NasError, match=re.escape(message)):
        load(Source("s.nas", text))


def test_the_unit_of_shufflenet_v2() -> None:
    """Two halves, one of them convolved (Ma et al., ECCV 2018, figure 3c)."""
    text = """space s {
      input image: [12, 14, 20]
      block unit(x) {
        left = x >> slice(end = 1/2)
        right = x >> slice(1/2) >> conv_bn_relu(k = 1) >> dw_conv(k = 3) >> bn() >> conv_bn_relu(k = 1)
        return concat(left, right) >> shuffle(2)
      }
      task t = unit(image) { loss cross_entropy() }
    }"""
    graph = load(Source("s.nas", text)).graph
    direct = DirectNetwork(graph)
    made = module_of(network_source(graph, architecture=None, facts={})).Network().eval()
    made.load_state_dict(dict(zip(made.state_dict(), direct.state_dict().values(), strict=True)))
    images = torch.randn(2, 12, 14, 20, generator=torch.Generator().manual_seed(0))
    found = made(images)
    torch.testing.assert_close(found, direct(images)["t"])
    assert torch.equal(found[:, ::2], images[:, :6]), "what passes by is every other channel"


def test_generated_networks_compute_what_the_operations_mean() -> None:
    graph = network(
        "gn(groups = 4) >> shuffle(3) >> conv(6, k = 2, padding = 0, bias = true) >> shuffle(2)"
        " >> max_pool(k = 3, stride = 2, padding = 0) >> avg_pool(k = 2, padding = 1)"
        " >> dw_conv(k = 4, padding = 0) >> conv(4, k = 3, groups = 2)"
    )
    direct = DirectNetwork(graph)
    made = module_of(network_source(graph, architecture=None, facts={})).Network().eval()
    made.load_state_dict(dict(zip(made.state_dict(), direct.state_dict().values(), strict=True)))
    images = torch.randn(2, 12, 14, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(made(images), direct(images)["t"])


def test_a_padding_that_is_not_given_is_not_in_the_keys_of_lookup_tables() -> None:
    assert [k.template for k in kernels(network("conv(5, k = 3)"))] == ["conv k=3 12x14x20 -> 5x14x20"]
    assert [k.template for k in kernels(network("conv(5, k = 3, padding = 0)"))] == [
        "conv k=3 padding=0 12x14x20 -> 5x12x18"
    ]

"""What operations say about themselves, against PyTorch: identities, zeros of zeros."""

from __future__ import annotations

import pytest
import torch

from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.ops.operation import ZeroWhen
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.direct_network import DirectNetwork

STEPS = {
    "conv(5, k = 3)": ZeroWhen.FIRST,
    "conv(5, k = 3, bias = true)": ZeroWhen.NEVER,
    "dw_conv(k = 3)": ZeroWhen.FIRST,
    "dw_conv(k = 3, bias = true)": ZeroWhen.NEVER,
    "bn()": ZeroWhen.NEVER,
    "bn(affine = false)": ZeroWhen.NEVER,
    "gn(groups = 2)": ZeroWhen.NEVER,
    "relu()": ZeroWhen.FIRST,
    "dropout()": ZeroWhen.FIRST,
    "dropout(p = 0)": ZeroWhen.FIRST,
    "identity()": ZeroWhen.FIRST,
    "shuffle(2)": ZeroWhen.FIRST,
    "slice(end = 1/4)": ZeroWhen.FIRST,
    "slice()": ZeroWhen.FIRST,
    "none()": ZeroWhen.ALWAYS,
    "max_pool(k = 3)": ZeroWhen.FIRST,
    "avg_pool(k = 1)": ZeroWhen.FIRST,
    "avg_pool(k = 2, stride = 2)": ZeroWhen.FIRST,
    "global_avg_pool()": ZeroWhen.FIRST,
    "global_avg_pool() >> linear(3, bias = false)": ZeroWhen.FIRST,
    "global_avg_pool() >> linear(3)": ZeroWhen.NEVER,
    "resize(1)": ZeroWhen.FIRST,
    "resize(3/2)": ZeroWhen.FIRST,
    "resize_like(image)": ZeroWhen.FIRST,
    "resize_like(image >> max_pool(k = 3, stride = 2))": ZeroWhen.FIRST,
    "shift()": ZeroWhen.FIRST,
    "sum(image)": ZeroWhen.ALL,
    "concat(image, image)": ZeroWhen.ALL,
}


@pytest.mark.parametrize(("step", "zero"), STEPS.items())
@torch.no_grad()
def test_zeros_and_identities(step: str, zero: ZeroWhen) -> None:
    expression = step if step.startswith(("sum", "concat")) else f"image >> {step}"
    text = f"space s {{ input image: [4, 6, 6]  task t = {expression} {{ loss cross_entropy() }} }}"
    graph = load(Source("s.nas", text)).graph
    node = graph.nodes[graph.tasks[0].output]
    operation, read = OPERATIONS[node.op], graph.nodes[node.inputs[0].node].type
    assert operation.zero(node.attrs) is zero
    torch.manual_seed(0)
    network = DirectNetwork(graph).eval()
    for weight in network.parameters():
        weight.uniform_(0.5, 1.5)
    (of_zeros,) = network(torch.zeros(2, 4, 6, 6)).values()
    assert bool((of_zeros == 0).all()) == (zero is not ZeroWhen.NEVER)
    image = torch.randn(2, 4, 6, 6)
    (output,) = network(image).values()
    alone = operation.associative and len(node.inputs) == 1
    assert (output.shape == image.shape and torch.equal(output, image)) == (
        operation.identity(read, node.type, node.attrs) or alone or step == "dropout()"
    )


def test_every_operation_is_here() -> None:
    assert all(any(name in step for step in STEPS) for name in OPERATIONS)

"""PyTorch measures what the others measure: the module made of an ONNX model computes what ONNX Runtime does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.neighbours import surroundings
from nasdsl.hardware.torch_model import torch_model
from nasdsl.passes.kernels import signatures
from nasdsl.source import Source
from nasdsl.space import load

GROUPED = """space grouped {
  input image: [4, 8, 8]
  x = image >> gn(groups = 2) >> shuffle(groups = 2) >> slice(1/2) >> max_pool(k = 3, stride = 2)
  task t = x >> resize(2) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


def agree(content: bytes, batch: int) -> None:
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    module, shapes = torch_model(content, batch=batch)
    generator = np.random.default_rng(1)
    arrays = [generator.standard_normal(shape, dtype=np.float32) for shape in shapes]
    names = [x.name for x in session.get_inputs()]
    assert [shape[0] for shape in shapes] == [batch] * len(names)
    expected = session.run(None, dict(zip(names, arrays, strict=True)))
    with torch.inference_mode():
        found = module(*map(torch.from_numpy, arrays))
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-4, atol=1e-5)


def test_every_kind_of_kernel(repository: Path) -> None:
    known = signatures(load(Source("grouped.nas", GROUPED)).graph)
    for name, preset in (("fasterseg", "demo"), ("nasbench201", ""), ("fbnet", "")):
        known |= signatures(load(repository / f"spaces/{name}.nas", preset=preset).graph)
    of_each_kind = {
        " ".join(word for word in text.split() if not word[0].isdigit()): signature
        for text, signature in sorted(known.items(), key=lambda item: -len(item[0]))
    }
    assert len(of_each_kind) > 20
    for signature in of_each_kind.values():
        models = surroundings(signature)
        agree(models.alone, batch=1)
        if models.size < 2**22:
            agree(models.between, batch=3)


def test_what_is_no_model_of_ours_is_a_message() -> None:
    from onnx import TensorProto, helper

    with pytest.raises(NasError, match="no ONNX model"):
        torch_model(b"no model")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Erf", ["x"], ["y"])], "g", [x], [y])
    with pytest.raises(NasError, match="`Erf` is no operation that nasdsl writes"):
        torch_model(helper.make_model(graph).SerializeToString())

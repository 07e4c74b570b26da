"""Networks as ONNX in ONNX Runtime against the same networks in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasdsl.diagnostics.errors import NasError
from nasdsl.lowering.export import export_onnx
from nasdsl.lowering.onnx import onnx_model
from nasdsl.source import Source
from nasdsl.space import load
from tests.generators.direct_network import DirectNetwork
from tests.generators.spaces import selections, spaces

EVERYTHING = """space everything {
  input image: [3, 14, 22]
  a = image >> conv(6, k = 3, bias = true) >> bn(affine = false) >> relu()
  b = a >> dw_conv(k = 3, dilation = 2) >> bn() >> conv(8, k = 3, groups = 2) >> dropout(1/2)
  c = sum(b >> max_pool(k = 3), b >> avg_pool(k = 3), b >> none(), b >> identity())
  d = c >> avg_pool(k = 2, stride = 2) >> resize(3/7) >> resize_like(a)
  e = c >> max_pool(k = 3, stride = 2) >> conv(8, k = 1, stride = 1) >> resize_like(a) >> bn()
  f = concat(d, e, a, sum(a, a) >> shift())
  g = f >> none(stride = 2) >> resize_like(a) >> resize(1/14)
  h = c >> gn(groups = 2) >> shuffle(4) >> max_pool(k = 4, stride = 2, padding = 1) >> avg_pool(k = 2, padding = 0)
  i = h >> conv(6, k = 2, padding = 0) >> bn() >> dw_conv(k = 3, stride = 2, padding = 0) >> resize_like(a)
  task map = concat(f, g >> resize_like(f), i) { loss cross_entropy() }
  task same = concat(f) { loss cross_entropy() }
  task label = f >> global_avg_pool() >> linear(5) { loss cross_entropy() }
}"""


def compared(space: str | Source, preset: str, seed: int, repository: Path) -> float:
    """The largest difference, relative to the largest output, at batch sizes 1 and 3."""
    loaded = load(space if isinstance(space, Source) else repository / f"spaces/{space}.nas", preset=preset)
    graph = loaded.derive(loaded.sample(seed))
    network = DirectNetwork(graph, seed)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    content = onnx_model(graph, weights, paths=network.paths).SerializeToString()
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in (1, 3):
        shape = session.get_inputs()[0].shape[1:]
        images = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(seed))
        with torch.inference_mode():
            wanted = {name: value.numpy() for name, value in network(images).items()}
        names = [output.name for output in session.get_outputs()]
        assert names == list(wanted)
        for name, found in zip(names, session.run(names, {session.get_inputs()[0].name: images.numpy()}), strict=True):
            assert found.shape == wanted[name].shape
            worst = max(worst, float(np.abs(found - wanted[name]).max() / np.abs(wanted[name]).max()))
    return worst


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("space", "preset"), [("darts", ""), ("fasterseg", "demo")])
def test_random_networks_agree(repository: Path, space: str, preset: str, seed: int) -> None:
    assert compared(space, preset, seed, repository) < 1e-5


def test_every_operation_agrees(repository: Path) -> None:
    assert compared(Source("everything.nas", EVERYTHING), "", 0, repository) < 1e-5


SHARED = """space sharing {
  input image: [3, 16, 16]
  shared block f(x) { y = x >> conv(3, k = 3, bias = true)  return y }
  shared block g(x) { return x >> conv(3, k = 3) >> bn() }
  shared block h(x) { y = f(x)  return y >> relu() }
  a = f(image) >> bn()
  b = f(a) >> bn()
  c = g(g(b))
  d = h(c) >> conv(3, k = 1) >> bn()
  task t = sum(g(d), f(a)) { loss cross_entropy() }
}"""


def test_shared_weights_are_written_once_and_norms_behind_them_stay_right(repository: Path) -> None:
    """The convolution of f has three norms or none behind it, so none is folded; that of g has its own, so it is."""
    assert compared(Source("sharing.nas", SHARED), "", 0, repository) < 1e-5
    graph = load(Source("sharing.nas", SHARED)).graph
    network = DirectNetwork(graph)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    model = onnx_model(graph, weights, paths=network.paths)
    kernels = [tensor for tensor in model.graph.initializer if list(tensor.dims) == [3, 3, 3, 3]]
    assert len(kernels) == 2
    assert len([node for node in model.graph.node if node.op_type == "BatchNormalization"]) == 2
    assert len([node for node in model.graph.node if node.op_type == "Conv"]) == 3 + 3 + 1, "f(a) is there once"


@given(spaces(selections()), st.integers(0, 1000))
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_networks_agree(repository: Path, text: str, seed: int) -> None:
    assert compared(Source("generated.nas", text), "", seed, repository) < 1e-5


def test_an_extern_has_no_onnx_form() -> None:
    text = 'extern crop(x) -> [3, 4, 4] from "layers:Crop"\nspace s { input image: [3, 8, 8]\n'
    graph = load(Source("s.nas", text + "task t = image >> crop() { loss cross_entropy() } }")).graph
    with pytest.raises(NasError, match=r"s\.nas:3: `layers:Crop` is an extern"):
        onnx_model(graph, {}, paths={})


def test_the_exporter_of_pytorch_agrees(repository: Path, tmp_path: Path) -> None:
    """An independent way from the same network to ONNX."""
    loaded = load(repository / "spaces/fasterseg.nas", preset="demo", params={"layers": 4, "H": 64, "W": 64})
    graph = loaded.derive(loaded.sample(1))
    network = DirectNetwork(graph)
    export_onnx(graph, network, tmp_path / "ours.onnx", paths=network.paths)
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    batch = {0: torch.export.Dim("N")}
    torch.onnx.export(
        network, (images,), tmp_path / "theirs.onnx", dynamo=True, dynamic_shapes=((batch,),), verbose=False
    )
    ours, theirs = (ort.InferenceSession(tmp_path / f"{name}.onnx") for name in ("ours", "theirs"))
    for count in (1, 3):
        found = ours.run(None, {ours.get_inputs()[0].name: images[:count].numpy()})[0]
        wanted = theirs.run(None, {theirs.get_inputs()[0].name: images[:count].numpy()})[0]
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()

"""Networks as ONNX in ONNX Runtime against the same networks in PyTorch."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.lowering.export import export_onnx
from nasdsl.lowering.onnx import Dynamic, onnx_model
from nasdsl.lowering.opset import NEWEST, OPSET
from nasdsl.passes.input_size import at_sizes, input_sizes, other_sizes
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
  j = concat(c >> slice(1/4, 3/4), c >> slice(7/8), c >> slice())
  task map = concat(f, g >> resize_like(f), i, j) { loss cross_entropy() }
  task same = concat(f) { loss cross_entropy() }
  task label = f >> global_avg_pool() >> linear(5) { loss cross_entropy() }
}"""


def lowered(graph: Graph, network: DirectNetwork, dynamic: Dynamic = "batch", opset: int = OPSET) -> onnx.ModelProto:
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    model = onnx_model(graph, weights, paths=network.paths, dynamic=dynamic, opset=opset)
    walk(model)
    return model


def walk(model: onnx.ModelProto) -> None:
    """Everything in a model is needed, and nothing is there twice."""
    graph = model.graph
    initializers = {tensor.name for tensor in graph.initializer}
    read = {name for node in graph.node for name in node.input if name}
    outputs = {item.name for item in graph.output}
    assert len(initializers) == len(graph.initializer)
    assert initializers <= read
    assert {name for node in graph.node for name in node.output} <= read | outputs
    made_by = {name: node for node in graph.node for name in node.output}
    calls = [(node.op_type, *node.input, *(a.SerializeToString() for a in node.attribute)) for node in graph.node]
    copies = [node for node in graph.node if node.op_type == "Identity"]
    assert len({call for call in calls if call[0] != "Identity"}) == len(calls) - len(copies)
    assert all(set(node.output) <= outputs for node in copies), "one value under two names"
    for node in graph.node:
        assert set(node.input) - initializers - {""}, "what depends on no input is folded"
        if node.op_type == "BatchNormalization" and node.input[0] in made_by and node.input[0] not in outputs:
            before = made_by[node.input[0]]
            alone = sum(node.input[0] in other.input for other in graph.node) == 1
            shared = sum(before.input[1:] == other.input[1:] for other in graph.node) > 1
            assert before.op_type != "Conv" or not alone or shared, "folded"


def difference(
    network: DirectNetwork, session: ort.InferenceSession, batch: int, size: tuple[int, int], seed: int
) -> float:
    """The largest difference, relative to the largest output."""
    if (size,) != input_sizes(network.graph):
        there = DirectNetwork(at_sizes(network.graph, [size]))
        there.load_state_dict(network.state_dict())
        network = there
    channels = session.get_inputs()[0].shape[1]
    images = torch.randn(batch, channels, *size, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        wanted = {name: value.numpy() for name, value in network(images).items()}
    names = [output.name for output in session.get_outputs()]
    assert names == list(wanted)
    worst = 0.0
    for name, found in zip(names, session.run(names, {session.get_inputs()[0].name: images.numpy()}), strict=True):
        assert found.shape == wanted[name].shape
        worst = max(worst, float(np.abs(found - wanted[name]).max() / max(np.abs(wanted[name]).max(), 1e-6)))
    return worst


def opened(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def compared(space: str | Source, preset: str, seed: int, repository: Path) -> float:
    """The largest difference, relative to the largest output, at batch sizes 1 and 3."""
    loaded = load(space if isinstance(space, Source) else repository / f"spaces/{space}.nas", preset=preset)
    graph = loaded.derive(loaded.sample(seed))
    network = DirectNetwork(graph, seed)
    session = opened(lowered(graph, network))
    (size,) = input_sizes(graph)
    return max(difference(network, session, batch, size, seed) for batch in (1, 3))


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


@given(spaces(), st.integers(0, 1000))
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_generated_networks_agree_at_every_batch_and_size(text: str, seed: int) -> None:
    """The network in PyTorch, its ONNX form, and that read back from a file; all generated spaces let the size free."""
    loaded = load(Source("generated.nas", text))
    graph = loaded.derive(loaded.sample(seed))
    network = DirectNetwork(graph, seed)
    model = lowered(graph, network, "size")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        read = ort.InferenceSession(path)
    (own,) = input_sizes(graph)
    for batch, size in zip((1, 2, 3), [own, *(sizes[0] for sizes in other_sizes(graph))], strict=True):
        assert difference(network, read, batch, size, seed) < 1e-4
    assert difference(network, opened(lowered(graph, network, "none")), 1, own, seed) < 1e-4


@given(spaces(selections()), st.integers(0, 1000))
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_folding_is_as_exact_as_not_folding(text: str, seed: int) -> None:
    """Against the network in float64, the folded model is about as far as PyTorch in float32 is."""
    loaded = load(Source("generated.nas", text))
    graph = loaded.derive(loaded.sample(seed))
    network = DirectNetwork(graph, seed)
    session = opened(lowered(graph, network))
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        single = network(images)
        exact = copy.deepcopy(network).double()(images.double())
    for output, found in zip(session.get_outputs(), session.run(None, {"image": images.numpy()}), strict=True):
        truth = exact[output.name].numpy()
        scale = np.abs(truth).max()
        limit = 4 * np.abs(single[output.name].numpy() - truth).max() + 1e-6 * scale
        assert np.abs(found - truth).max() < limit


def everything(fewer: str = "") -> tuple[Graph, DirectNetwork]:
    graph = load(Source("everything.nas", fewer or EVERYTHING)).graph
    return graph, DirectNetwork(graph)


@pytest.mark.parametrize("dynamic", ["batch", "size", "none"])
@pytest.mark.parametrize("opset", range(11, NEWEST + 1))
def test_every_operation_in_every_opset(opset: int, dynamic: Dynamic) -> None:
    graph, network = everything()
    model = lowered(graph, network, dynamic, opset)
    assert [(item.domain, item.version) for item in model.opset_import] == [("", opset)]
    session = opened(model)
    sizes = [(14, 22)] + [sizes[0] for sizes in other_sizes(graph)] * (dynamic == "size")
    for size in sizes:
        assert difference(network, session, 1, size, 0) < 1e-5
        if dynamic != "none":
            assert difference(network, session, 3, size, 0) < 1e-5


OLD = """space old {
  input image: [3, 16, 16]
  a = image >> conv_bn_relu(8, k = 3) >> max_pool(k = 3, stride = 2) >> bn() >> gn(groups = 2) >> shuffle(2)
  task t = concat(a >> dw_conv(k = 3), a >> avg_pool(k = 3)) >> global_avg_pool() { loss cross_entropy() }
}"""


@pytest.mark.parametrize("opset", [9, 10])
def test_what_needs_no_newer_opset_is_written_in_old_ones(opset: int) -> None:
    graph, network = everything(OLD)
    assert difference(network, opened(lowered(graph, network, opset=opset)), 2, (16, 16), 0) < 1e-5


@pytest.mark.parametrize(
    ("text", "opset", "message"),
    [
        (EVERYTHING, 9, r"`none` needs 10 \(everything\.nas:5\).*`resize` needs 11.*`linear` needs 11"),
        (EVERYTHING, 10, r"opset 10 is too old for this network: `resize` needs 11"),
        (EVERYTHING, 26, r"opset 26 is too new: nasdsl writes 11 to 25"),
        (OLD, 8, r"opset 8 is too old for this network: before 9, weights were inputs"),
        (OLD, 26, r"nasdsl writes 9 to 25"),
    ],
)
def test_an_opset_out_of_range_is_refused(text: str, opset: int, message: str) -> None:
    graph, network = everything(text)
    with pytest.raises(NasError, match=message):
        lowered(graph, network, opset=opset)


ZEROS = """space zeros {
  input image: [3, 8, 8]
  a = image >> conv(4, k = 3)
  task some = sum(a >> none(), a >> relu(), a >> none(stride = 2) >> resize(2)) { loss cross_entropy() }
  task all = sum(a >> none(), a >> none()) { loss cross_entropy() }
  task unread = sum(a, a >> conv(4, k = 1) >> none()) { loss cross_entropy() }
}"""


def test_zeros_are_not_added() -> None:
    graph, network = everything(ZEROS)
    model = lowered(graph, network)
    assert difference(network, opened(model), 2, (8, 8), 0) < 1e-6
    kinds = [node.op_type for node in model.graph.node]
    assert sorted(kinds) == ["Conv", "Mul", "Relu"], "nothing is left of what was resized and convolved"


SIZES = """space sizes {
  input image: [3, 16, 16]
  a = image >> conv(4, k = 3, stride = 2)
  task t = STEPS { loss cross_entropy() }
}"""


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("a >> max_pool(k = 8, stride = 8) >> linear(2)", "`linear` needs a vector"),
        ("sum(a >> resize(2), image >> conv(4, k = 9, padding = 0) >> resize(2))", "`sum` needs maps of one size"),
        ("a >> global_avg_pool() >> linear(2)", ""),
        ("sum(a >> resize(1/3) >> resize_like(a), a >> max_pool(k = 3, stride = 2) >> resize_like(a))", ""),
        ("concat(a >> gn(groups = 2) >> shuffle(2) >> shift(), a >> none(stride = 2) >> resize_like(a))", ""),
        ("concat(a >> slice(end = 1/4), a >> slice(1/2, 3/4) >> relu())", ""),
    ],
)
def test_which_operations_fix_the_size(steps: str, reason: str) -> None:
    graph, network = everything(SIZES.replace("STEPS", steps))
    if reason:
        with pytest.raises(NasError, match=f"cannot be free: everything.nas:4: {reason}"):
            lowered(graph, network, "size")
        return
    session = opened(lowered(graph, network, "size"))
    for sizes in other_sizes(graph):
        assert difference(network, session, 2, sizes[0], 0) < 1e-5


def test_an_extern_has_no_onnx_form() -> None:
    text = 'extern crop(x) -> [3, 4, 4] from "layers:Crop"\nspace s { input image: [3, 8, 8]\n'
    graph = load(Source("s.nas", text + "task t = image >> crop() { loss cross_entropy() } }")).graph
    with pytest.raises(NasError, match=r"s\.nas:3: `layers:Crop` is an extern"):
        onnx_model(graph, {}, paths={})


WITNESSED = [
    ("fasterseg", "demo", {"layers": 4, "H": 64, "W": 64}),
    ("darts", "", {"layers": 3, "C": 4, "nodes": 2}),
    ("nasbench201", "", {"N": 1}),
]


@pytest.mark.parametrize(("space", "preset", "params"), WITNESSED, ids=lambda value: value if value else "plain")
def test_the_exporter_of_pytorch_agrees(
    repository: Path, tmp_path: Path, space: str, preset: str, params: dict[str, int]
) -> None:
    """An independent way from the same network to ONNX; ours has no more nodes once both are simplified."""
    loaded = load(repository / f"spaces/{space}.nas", preset=preset, params=params)
    witness(loaded.derive(loaded.sample(1)), tmp_path)


@given(spaces(), st.integers(0, 1000))
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_the_exporter_of_pytorch_agrees_on_generated_networks(text: str, seed: int) -> None:
    loaded = load(Source("generated.nas", text))
    with tempfile.TemporaryDirectory() as folder:
        witness(loaded.derive(loaded.sample(seed)), Path(folder))


def witness(graph: Graph, folder: Path) -> None:
    network = DirectNetwork(graph)
    export_onnx(graph, network, folder / "ours.onnx", paths=network.paths)
    (size,) = input_sizes(graph)
    images = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(1))
    batch = {0: torch.export.Dim("N")}
    torch.onnx.export(
        network, (images,), folder / "theirs.onnx", dynamo=True, dynamic_shapes=((batch,),), verbose=False
    )
    sessions = {}
    for name in ("ours", "theirs"):
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folder / f"{name}.basic.onnx")
        sessions[name] = ort.InferenceSession(folder / f"{name}.onnx", options)
    for count in (1, 3):
        ours, theirs = (s.run(None, {s.get_inputs()[0].name: images[:count].numpy()}) for s in sessions.values())
        for found, wanted in zip(ours, theirs, strict=True):
            assert found.shape == wanted.shape
            assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    nodes = {name: len(onnx.load(folder / f"{name}.basic.onnx").graph.node) for name in sessions}
    assert nodes["ours"] <= nodes["theirs"]

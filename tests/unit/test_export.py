"""`nasdsl export` through the command line: what the files hold, that they repeat, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from safetensors.torch import load_file, save_file

from nasdsl import __version__
from nasdsl.cli import main
from nasdsl.codegen import network_source
from nasdsl.ir.architecture import Architecture
from nasdsl.lowering import export as lowering_export
from nasdsl.lowering.int8 import quantised
from nasdsl.search.generated import module_from
from nasdsl.search.weights import weights_file
from nasdsl.space import load

TEXT = """space tiny(classes = 9, H = 32, W = 64) {
  input image: [3, H, W]
  choose op in { conv: conv_bn_relu(8, k = 3), sep: sep_conv(8, k = 3) }
  x = image >> conv_bn_relu(8, k = 3, stride = 2)
  task segment = x >> op() >> conv(classes, k = 1, bias = true) >> resize_like(image) {
    loss cross_entropy
    metric miou
  }
}
"""

CLASSIFIER = """space small {
  input image: [3, 16, 16]
  choose c in {4, 8}
  task label = image >> conv_bn_relu(c, k = 3, stride = 2) >> max_pool(k = 8, stride = 8) >> linear(5) {
    loss cross_entropy
  }
}
"""

Nasdsl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nasdsl(capsys: pytest.CaptureFixture[str]) -> Nasdsl:
    def run(*args: object) -> tuple[int, str, str]:
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def prepared(folder: Path, text: str, decisions: dict[str, str | int]) -> list[str]:
    """A space, an architecture and weights as files, and the arguments that name them."""
    (folder / "space.nas").write_text(text)
    space = load(folder / "space.nas")
    architecture = Architecture(space.graph.name, decisions)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        source = network_source(space.derive(architecture), architecture=architecture, facts={})
        network = module_from(source, "network").Network()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
    (folder / "a.json").write_text(architecture.to_json())
    (folder / "w.safetensors").write_bytes(weights_file(network, architecture))
    return ["export", f"{folder}/space.nas", "--arch", f"{folder}/a.json", "--weights", f"{folder}/w.safetensors"]


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    return prepared(tmp_path, TEXT, {"op": "conv"})


def test_a_model_says_what_it_is_and_nothing_of_this_machine(tiny: list[str], tmp_path: Path, nasdsl: Nasdsl) -> None:
    path = tmp_path / "model.onnx"
    status, out, err = nasdsl(*tiny, "-o", path, "--data", "streets", "--json")
    assert (status, err) == (0, "")
    assert list(json.loads(out)) == ["onnx", "opset", "max_abs_diff", "bytes"]
    model = onnx.load(path)
    facts = {item.key.removeprefix("nasdsl."): json.loads(item.value) for item in model.metadata_props}
    text = next(item.value for item in model.metadata_props if item.key == "nasdsl.architecture")
    assert text == (tmp_path / "a.json").read_text()
    assert facts["hash"] == hashlib.sha256(text.encode()).hexdigest()[:12]
    assert (facts["version"], facts["space"], facts["preset"]) == (__version__, "tiny", "")
    assert (facts["params"], facts["input"]) == ({"classes": 9, "H": 32, "W": 64}, [[32, 64]])
    assert (facts["task"], facts["metrics"], len(facts["classes"]), len(facts["mean"])) == ("segment", ["miou"], 9, 3)
    content = path.read_bytes()
    assert not any(word in content for word in (str(tmp_path).encode(), b"site-packages", str(Path.home()).encode()))
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)


@pytest.mark.parametrize("flags", [[], ["--dynamic", "size"], ["--format", "torch-export"]], ids=str)
def test_the_same_input_gives_the_same_bytes_in_another_folder(
    flags: list[str], tmp_path: Path, nasdsl: Nasdsl
) -> None:
    written = []
    for name in ("here", "in/another/folder"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        arguments = prepared(folder, TEXT, {"op": "conv"})
        status, _, err = nasdsl(*arguments, *flags, "-o", folder / "model")
        assert status == 0, err
        written.append((folder / "model").read_bytes())
    assert written[0] == written[1]


def test_an_exported_program_loads_and_agrees(tiny: list[str], tmp_path: Path, nasdsl: Nasdsl) -> None:
    program, model = tmp_path / "model.pt2", tmp_path / "model.onnx"
    status, out, err = nasdsl(*tiny, "-o", program, "--format", "torch-export", "--json")
    assert (status, list(json.loads(out))) == (0, ["program", "max_abs_diff", "bytes"]), err
    assert nasdsl(*tiny, "-o", model)[0] == 0
    loaded = torch.export.load(program).module()
    session = ort.InferenceSession(model)
    for batch in (1, 5):
        images = torch.randn(batch, 3, 32, 64, generator=torch.Generator().manual_seed(batch))
        with torch.inference_mode():
            found = loaded(images).numpy()
        wanted = session.run(None, {"image": images.numpy()})[0]
        assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    extra = {"nasdsl.json": ""}
    torch.export.load(program, extra_files=extra)
    assert json.loads(json.loads(extra["nasdsl.json"])["nasdsl.space"]) == "tiny"
    with zipfile.ZipFile(io.BytesIO(program.read_bytes())) as files:
        contents = b"".join(files.read(name) for name in files.namelist())
    assert not any(word in contents for word in (str(tmp_path).encode(), b"site-packages", b"<generated"))


def test_quantising_says_what_it_costs(tiny: list[str], tmp_path: Path, nasdsl: Nasdsl) -> None:
    """With free sizes: `eval` judges at the size of the space."""
    path = tmp_path / "model.onnx"
    status, out, err = nasdsl(*tiny, "-o", path, "--int8", "--dynamic", "size", "--json")
    assert status == 0, err
    assert "WARNING" not in err
    found = json.loads(out)
    assert list(found) == ["onnx", "opset", "max_abs_diff", "bytes", "fp32", "int8"]
    status, judged, _ = nasdsl("eval", path, "--data", "streets", "--json")
    assert json.loads(judged)["metrics"]["miou"] == found["int8"]["metrics"]["miou"], "the file is what was judged"
    assert found["int8"]["bytes"] == path.stat().st_size == found["bytes"]
    assert ort.InferenceSession(path).get_inputs()[0].shape == ["N", 3, "H", "W"]
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load(path).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds.values()


def test_quantising_repeats(tiny: list[str], tmp_path: Path, nasdsl: Nasdsl) -> None:
    assert nasdsl(*tiny, "-o", tmp_path / "model.onnx", "--dynamic", "size")[0] == 0
    content = (tmp_path / "model.onnx").read_bytes()
    images = [np.random.default_rng(i).standard_normal((1, 3, 32, 64), np.float32) for i in range(3)]
    assert quantised(content, images) == quantised(content, images)
    session = ort.InferenceSession(quantised(content, images))
    found, wanted = (s.run(None, {"image": images[0]})[0] for s in (session, ort.InferenceSession(content)))
    assert 0 < np.abs(found - wanted).max() < 0.1 * np.abs(wanted).max()


def test_nothing_is_written_when_the_two_disagree(
    tiny: list[str], tmp_path: Path, nasdsl: Nasdsl, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the old one")
    right = lowering_export.onnx_model

    def wrong(graph: object, weights: dict[str, np.ndarray], **kwargs: object) -> onnx.ModelProto:
        name = next(name for name in weights if name.endswith("running_mean"))
        return right(graph, weights | {name: weights[name] + 0.01}, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(lowering_export, "onnx_model", wrong)
    status, out, err = nasdsl(*tiny, "-o", path)
    assert (status, out) == (3, "")
    assert "differ in `segment` by" in err
    assert "on an input of 1x3x32x64" in err
    assert path.read_bytes() == b"the old one"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.json", "model.onnx", "space.nas", "w.safetensors"]


@pytest.mark.parametrize(
    ("flags", "status", "messages"),
    [
        (["--opset", "10"], 2, ["opset 10 is too old", "`resize_like` needs 11", "space.nas:5", "--opset 11"]),
        (["--opset", "99"], 2, ["opset 99 is too new: nasdsl writes 11 to 25"]),
        (["--opset", "eighteen"], 2, ["--opset"]),
        (["--format", "torch-export", "--opset", "18"], 2, ["--opset is for ONNX"]),
        (["--format", "torch-export", "--int8"], 2, ["--int8 is for ONNX"]),
        (["--format", "torch-export", "--dynamic", "size"], 2, ["--dynamic size is for ONNX"]),
        (["--data", "street"], 2, ["did you mean 'streets'"]),
        (["--param", "H=64", "--arch", "{}/none.json"], 1, ["none.json: there is no such file"]),
        (["-o", "{}"], 2, ["is a folder"]),
        (["-o", "{}/a.json/model.onnx"], 2, ["a.json is a file"]),
        (["--weights", "{}/a.json"], 1, ["cannot be read as safetensors"]),
        (["--weights", "{}"], 1, ["is a folder"]),
        (
            ["--param", "classes=8", "--int8"],
            1,
            ["`head", "has the shape [9, 8, 1, 1], expected [8, 8, 1, 1]", "and 1 more"],
        ),
    ],
)
def test_mistakes_are_one_message(
    tiny: list[str], tmp_path: Path, nasdsl: Nasdsl, flags: list[str], status: int, messages: list[str]
) -> None:
    given = [flag.replace("{}", str(tmp_path)) for flag in flags]
    found, out, err = nasdsl(*tiny, "-o", tmp_path / "model.onnx", *given)
    assert (found, out) == (status, ""), err
    assert all(message.replace("`head", "`") in err for message in messages), err
    assert "Traceback" not in err
    assert not (tmp_path / "model.onnx").exists()


def test_weights_of_another_network_are_refused_with_the_difference(
    tiny: list[str], tmp_path: Path, nasdsl: Nasdsl
) -> None:
    other = Architecture("tiny", {"op": "sep"})
    (tmp_path / "a.json").write_text(other.to_json())
    status, _, err = nasdsl(*tiny, "-o", tmp_path / "model.onnx")
    mine = Architecture("tiny", {"op": "conv"})
    assert status == 1
    assert f"the weights of the architecture {mine.hash} of the space `tiny`" in err
    assert f"expected those of the architecture {other.hash} of the space `tiny`" in err
    save_file(load_file(tmp_path / "w.safetensors"), tmp_path / "w.safetensors")  # says no longer whose they are
    status, _, err = nasdsl(*tiny, "-o", tmp_path / "model.onnx")
    assert status == 1
    assert "` is missing, and" in err


def test_weights_that_are_not_numbers_are_named(tiny: list[str], tmp_path: Path, nasdsl: Nasdsl) -> None:
    weights = load_file(tmp_path / "w.safetensors")
    name = sorted(weights)[0]
    weights[name].view(-1)[0] = float("nan")
    save_file(weights, tmp_path / "w.safetensors")
    status, _, err = nasdsl(*tiny, "-o", tmp_path / "model.onnx")
    assert (status, f"`{name}` has values that are not finite" in err) == (1, True)


def test_what_fixes_the_size_is_named(tmp_path: Path, nasdsl: Nasdsl) -> None:
    """After pooling over 8x8 windows a vector is left at one input size only."""
    arguments = prepared(tmp_path, CLASSIFIER, {"c": 8})
    status, _, err = nasdsl(*arguments, "-o", tmp_path / "model.onnx", "--dynamic", "size")
    assert status == 1
    assert "height and width of this network cannot be free" in err
    assert "space.nas:4" in err
    assert "`linear` needs a vector" in err
    assert nasdsl(*arguments, "-o", tmp_path / "model.onnx", "--dynamic", "none")[0] == 0
    assert ort.InferenceSession(tmp_path / "model.onnx").get_inputs()[0].shape == [1, 3, 16, 16]


def test_a_classifier_cannot_be_calibrated_yet(tmp_path: Path, nasdsl: Nasdsl) -> None:
    arguments = prepared(tmp_path, CLASSIFIER, {"c": 4})
    status, _, err = nasdsl(*arguments, "-o", tmp_path / "model.onnx", "--int8")
    assert (status, "gives one vector for an image" in err, "Traceback" in err) == (1, True, False)


def test_an_extern_is_said_at_once(tmp_path: Path, nasdsl: Nasdsl) -> None:
    text = 'extern crop(x) -> [3, 32, 64] from "layers:Crop"\n' + TEXT.replace(
        "image >> conv_bn", "image >> crop() >> conv_bn"
    )
    (tmp_path / "space.nas").write_text(text)
    status, _, err = nasdsl("check", tmp_path / "space.nas")
    assert (status, "warning[W0301]: `layers:Crop` is written in Python" in err) == (0, True)
    status, _, err = nasdsl("search", tmp_path / "space.nas", "--run", tmp_path / "run", "--steps", "1,1")
    assert (status, "is an extern" in err, (tmp_path / "run").exists()) == (1, True, False)

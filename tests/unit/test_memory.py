"""Memory: of maps, of training, of the machine; figures worked out by hand and figures that PyTorch gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.memory import memory_limit, memory_text, resident_bytes
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.forward import Pass, forward
from nasdsl.passes.largest import largest
from nasdsl.passes.memory import activation_bytes
from nasdsl.passes.training_memory import network_memory, supernet_memory, weight_bytes
from nasdsl.search.config import RunConfig
from nasdsl.search.memory import HEAP, check_memory
from nasdsl.search.observer import Silent
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.generators.saved_bytes import Supernet, saved_by_supernet

SPACES = Path(__file__).parents[2] / "spaces"
MAP = 8 * 8 * 4
"""Bytes of one channel."""


def space_of(body: str, declarations: str = "") -> Space:
    text = f"space s {{\n  input image: [3, 8, 8]\n{declarations}\n  y = {body}\n"
    return load(Source("s.nas", text + "  task t = y { loss cross_entropy() metric miou }\n}\n"))


@pytest.mark.parametrize(
    ("body", "channels"),
    [
        ("image >> conv(4, k = 3) >> bn() >> relu() >> conv(2, k = 1)", 3 + 4),  # in place behind the convolution
        ("image >> conv(4, k = 3) >> conv(5, k = 1)", 4 + 5),  # the image is gone
        ("concat(image >> conv(4, k = 3) >> conv(2, k = 1), image)", 3 + 2 + 5),  # the image is still needed
        ("sum(image >> conv(3, k = 3), image) >> relu()", 3 + 3 + 3),  # nothing is fused into a sum
        ("image >> identity() >> dropout() >> conv(2, k = 1)", 3 + 2),  # no maps of their own
        ("sum(image >> conv(6, k = 1)) >> conv(1, k = 1)", 3 + 6),
    ],
)
def test_maps_that_exist_at_once(body: str, channels: int) -> None:
    assert activation_bytes(space_of(body).graph) == channels * MAP


def test_what_others_read_is_not_overwritten() -> None:
    space = space_of("concat(z, z >> relu())", "  z = image >> conv(4, k = 1)")
    assert activation_bytes(space.graph) == (4 + 4 + 8) * MAP


def test_a_map_of_which_only_the_size_is_read_is_not_held() -> None:
    body = "image >> conv(2, k = 1, stride = 2) >> conv(1, k = 1) >> resize_like(image)"
    assert activation_bytes(space_of(body).graph) == 3 * MAP + 2 * MAP // 4


def test_cost_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = load(SPACES / "darts.nas")
    path = tmp_path / "a.json"
    path.write_text(space.sample(0).to_json())
    assert main(["cost", str(SPACES / "darts.nas"), "--arch", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["activation_bytes"] == activation_bytes(space.derive(space.sample(0)))


@pytest.mark.parametrize(
    ("operation", "each"),
    [
        ("conv(4, k = 3)", 4 * MAP),
        ("relu()", 4 * MAP),
        ("max_pool(k = 3)", 4 * MAP + 8 * 4 * 64),
        ("avg_pool(k = 3)", 4 * MAP),
        ("bn()", 4 * MAP),
        ("gn(groups = 2)", 4 * MAP + 2 * 2 * 4),
        ("dropout()", 4 * MAP),
        ("dropout(p = 0)", 0),
        ("resize(2)", 0),
        ("shift()", 0),
        ("shuffle(groups = 2)", 0),
        ("slice(end = 1/2)", 0),
        ("slice(end = 1/2) >> relu()", 2 * MAP),
        ("slice(end = 1/2) >> conv(4, k = 3)", 4 * MAP),  # what it lies in
        ("none()", 0),
        ("identity()", 0),
        ("dw_conv(k = 3) >> relu() >> conv(4, k = 1)", 4 * MAP * 2),  # the relu's output once
    ],
)
def test_what_operations_keep_is_what_autograd_saves(operation: str, each: int) -> None:
    space = space_of(f"image >> conv(4, k = 1) >> {operation}")
    nothing = Architecture("s", {})
    tape, _ = forward(space.graph, nothing, Pass())
    assert tape.each == 3 * MAP + each
    assert tape.each * 2 + tape.once == pytest.approx(saved_by_supernet(space, nothing, Pass(), 2), abs=64)


@pytest.mark.parametrize("mixed", [False, True])
def test_proxies_with_partial_channels_keep_what_is_foretold(mixed: bool) -> None:
    space = load(SPACES / "darts.nas", params={"layers": 3}).partial_channels(4)
    architecture = largest(space.graph)
    for weights in (True, False):
        kind = Pass(mixed, weights=weights, decisions=not weights)
        tape, _ = forward(space.graph, architecture, kind)
        assert tape.each * 2 + tape.once == pytest.approx(saved_by_supernet(space, architecture, kind, 2), rel=0.02)


@pytest.mark.parametrize("name", ["darts", "nasbench201", "fasterseg:camvid", "autortnet:demo", "once_for_all"])
@pytest.mark.parametrize("mixed", [False, True])
def test_shipped_supernets_keep_what_is_foretold(name: str, mixed: bool) -> None:
    file, _, preset = name.partition(":")
    space = load(SPACES / f"{file}.nas", preset=preset)
    architecture = largest(space.graph)
    for weights in (True, False):
        kind = Pass(mixed, weights=weights, decisions=not weights)
        tape, _ = forward(space.graph, architecture, kind)
        found = saved_by_supernet(space, architecture, kind, 2)
        assert tape.each * 2 + tape.once == pytest.approx(found, rel=0.02)


@pytest.mark.parametrize("name", ["darts", "fasterseg:demo", "fbnet", "once_for_all"])
def test_weights_are_those_of_the_supernet(name: str) -> None:
    file, _, preset = name.partition(":")
    space = load(SPACES / f"{file}.nas", preset=preset)
    with torch.device("meta"):
        module = Supernet(space).module
    weights = sum(p.numel() * 16 for p in module.parameters())
    assert weight_bytes(space.graph) == weights + sum(b.numel() * b.element_size() for b in module.buffers())


def test_weights_whose_kernel_shrinks_as_a_decision_grows() -> None:
    space = space_of("image >> conv(2, k = 7 - 2 * w) >> conv(3, k = 1)", "  width w in {1, 2, 3}")
    assert weight_bytes(space.graph) == 16 * (3 * 2 * 5 * 5 + 2 * 3)


def test_the_largest_path() -> None:
    declarations = """  block wide(x) = x >> conv_bn_relu(20, k = 1) >> conv_bn(3, k = 1)
  choose op in { thin: conv_bn(k = 1), skip, thick: wide }
  width w in {2, 4}
  depth d in 1..=3
  m[1] = image >> op()
  for i in 2..=3 { m[i] = m[i-1] >> conv_bn(3, k = 3) }"""
    space = space_of("m[d] >> conv_bn(w, k = 1)", declarations)
    assert dict(largest(space.graph).decisions) == {"op": "thick", "w": 4, "d": 3}
    found = supernet_memory(space.graph, mixed=False)
    networks = [network_memory(space.derive(space.architectures[i])) for i in range(space.architectures.size)]
    assert max(network.each for network in networks) <= found.each <= supernet_memory(space.graph, mixed=True).each


def config(**search: object) -> RunConfig:
    return RunConfig.model_validate(
        {
            "nasdsl": "0", "torch": "0", "space": "fasterseg", "space_file": "f", "space_sha256": "", "preset": "demo",
            "params": {}, "data": "streets", "device": "ort_cpu", "target": None, "strategy": "gumbel", "seed": 0,
            "threads": 1, "search": search,
        }
    )  # fmt: skip


class Hearing(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.heard.append(text)


def test_a_search_that_cannot_fit_is_refused_with_the_batch_that_does() -> None:
    space = load(SPACES / "fasterseg.nas", preset="demo")
    step = supernet_memory(space.graph, mixed=False)
    limit = 10**8 + int(step.total(3) * HEAP) + 1
    with pytest.raises(NasError) as refused:
        check_memory(space, config(batch=64), Silent(), limit=limit, base=10**8)
    assert refused.value.status == 3
    assert "batches of 64" in refused.value.message
    assert "--set search.batch=3 is the largest batch that fits" in str(refused.value.help)
    hearing = Hearing()
    check_memory(space, config(batch=3), hearing, limit=limit, base=10**8)
    assert "too little" not in hearing.heard[0]
    check_memory(space, config(batch=64), hearing, limit=limit, base=10**8, refuse=False)
    assert "too little" in hearing.heard[2]


def test_mixtures_name_the_single_path_and_hopeless_cases_the_space() -> None:
    space = load(SPACES / "fasterseg.nas", preset="demo")
    with pytest.raises(NasError, match=r"not even one image fits; --set search\.relaxation=single_path"):
        check_memory(space, config(relaxation="gumbel"), Silent(), limit=10**8, base=9 * 10**7)


def test_the_limit_is_that_of_the_narrowest_group(tmp_path: Path) -> None:
    process, groups = tmp_path / "self", tmp_path / "cgroup"
    (groups / "a" / "b").mkdir(parents=True)
    process.mkdir()
    machine = memory_limit(groups, process)
    (process / "cgroup").write_text("0::/a/b\n")
    (groups / "a" / "memory.max").write_text("5000000\n")
    (groups / "a" / "b" / "memory.max").write_text("max\n")
    assert machine is not None
    assert machine > memory_limit(groups, process) == 5_000_000
    (groups / "memory" / "c").mkdir(parents=True)
    (process / "cgroup").write_text("3:cpu,memory:/c\n2:pids:/a\n")
    (groups / "memory" / "c" / "memory.limit_in_bytes").write_text("4000000")
    assert memory_limit(groups, process) == 4_000_000
    assert memory_limit(groups, tmp_path / "nowhere") is None


def test_resident_bytes_are_some() -> None:
    assert resident_bytes() > 10**6 or sys.platform != "linux"
    assert memory_text(15_240_000_000) == "15 GB"


def test_compile_says_it_without_torch(tmp_path: Path) -> None:
    code = "import sys; from nasdsl.cli import main; status = main(sys.argv[1:]); assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", code, "compile", str(SPACES / "darts.nas"), "-o", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "memory: a training step on 8 images needs about" in run.stdout
    space = load(SPACES / "darts.nas")
    assert memory_text(supernet_memory(space.graph, mixed=True).total(8)) + " in a mixture" in run.stdout

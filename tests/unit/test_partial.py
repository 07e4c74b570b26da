"""Partial channels: what can work on a part of the channels, why others cannot, and searching through the proxy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nasdsl import runtime
from nasdsl.cli import main
from nasdsl.codegen import supernet_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.kernels import signatures
from nasdsl.passes.partial import partial_channels
from nasdsl.passes.training_memory import supernet_memory
from nasdsl.search.config import RunConfig
from nasdsl.search.derivation import inherited
from nasdsl.search.gumbel import GumbelSearch
from nasdsl.search.memory import check_memory
from nasdsl.search.observer import Silent
from nasdsl.search.run import make_problem
from nasdsl.search.strategy import Candidate
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.differential.test_supernet import module_of

SPACES = Path(__file__).parents[2] / "spaces"


def space_of(body: str, declarations: str = "") -> Space:
    text = f"space s {{\n  input image: [8, 12, 12]\n  {declarations}\n  {body}\n"
    return load(Source("s.nas", text + "  task t = y >> conv(2, k = 1) { loss cross_entropy() metric miou }\n}\n"))


OP = "choose op in { a: conv_bn(k = 1), b: conv_bn(k = 3) }"


@pytest.mark.parametrize(
    ("body", "parts", "reason"),
    [
        (f"{OP} y = image >> op(c = 4)", 2, "`op`: it changes the number of channels (8 to 4)"),
        (f"{OP} y = image >> op()", 3, "`op`: its channels do not come in 3 equal parts (8)"),
        (f"{OP} y = image >> op()", 16, "`op`: its channels do not come in 16 equal parts (8)"),
        (f"{OP} width w in {{2, 3}} y = image >> conv(2 * w, k = 1) >> op()", 4,
         "`op`: its channels do not come in 4 equal parts (2 * w)"),
        ("choose op in { a: mid, same: identity } y = image >> op()", 2,
         "`op`: its channels do not come in 2 equal parts (3)"),
        ("choose op in { a: gn(groups = 8), same: identity } y = image >> op()", 2,
         "`op`: the rules of its operations forbid it (`gn` with 8 groups cannot divide 4 channels)"),
        ("choose op in { a: with_image, same: identity } y = image >> conv(8, k = 3) >> op()", 2,
         "`op`: its alternatives read more maps than one (2)"),
        ("choose op in { a: two, b: two } a, b = image >> op() y = sum(a, b)", 2,
         "`op`: its alternatives make more than one map"),
        ("choose op in { a: resize(2), b: up } y = image >> op()", 2,
         "`op`: no pooling makes its size for the channels beside it (12x12 to 24x24)"),
        ("choose op in { a: cropped, same: identity } y = image >> op()", 2,
         "`op`: a part of an extern is not known (crop)"),
        ("choose h in {4, 8} y = image >> conv(h, k = 1)", 2, "it has no choice among operations"),
    ],
)  # fmt: skip
def test_what_cannot_work_on_a_part(body: str, parts: int, reason: str) -> None:
    declarations = """
  block mid(x) = x >> conv_bn_relu(3, k = 1) >> conv_bn(8, k = 3)
  block with_image(x) = sum(x, image)
  block two(x) { return x >> conv(8, k = 1), x >> conv(8, k = 3) }
  block up(x) = x >> resize(2) >> conv(8, k = 3)
  block cropped(x) = x >> crop()"""
    text = f"space s {{\n  input image: [8, 12, 12]{declarations}\n  {body}\n"
    text = 'extern crop(x) -> [8, 12, 12] from "layers:Crop"\n' + text
    text += "  task t = y >> conv(2, k = 1) { loss cross_entropy() metric miou }\n}\n"
    graph = load(Source("s.nas", text)).graph
    with pytest.raises(NasError, match=re.escape(f"nothing in `s` can work on 1/{parts} of the channels: {reason}")):
        partial_channels(graph, parts)


@pytest.mark.parametrize("parts", [1, 0, -4])
def test_a_part_is_less_than_all(parts: int) -> None:
    with pytest.raises(NasError, match=f"one of at least 2 parts, found {parts}"):
        partial_channels(load(SPACES / "darts.nas").graph, parts)


def test_those_that_do_not_fit_stay_whole_and_are_named() -> None:
    block = f"block layer(x, c) {{ {OP} return x >> op(c = c) }}"
    proxy = partial_channels(space_of("z = layer(image, 8)  y = layer(z, 4)", block).graph, 2)
    assert len(proxy.partial) == 1
    assert [(each.decision, each.found) for each in proxy.whole] == [("y.layer.op", "8 to 4")]
    assert str(proxy) == (
        "operations on 1/2 of the channels in 1 of 2 places\n"
        "on all channels: `y.layer.op`: it changes the number of channels (8 to 4)"
    )


def test_what_passes_a_choice_that_makes_maps_smaller_is_pooled_side_by_side() -> None:
    block = "choose op in { a: conv_bn_relu(k = 3), b: max_pool(k = 3) }"
    graph = partial_channels(space_of("y = image >> op(stride = 3)", block).graph, 4).graph
    (window,) = [node.attrs for node in graph.nodes if node.name == "rest.max_pool"]
    assert {key: int(value.constant) for key, value in window.items()} == {"k": 3, "stride": 3, "padding": 0}
    assert graph.nodes[-2].type.size == (4, 4)


def test_shared_weights_stay_whole_together() -> None:
    """The two calls hold one set of weights, so they cannot be of 8 channels in one place and of 4 in the other."""
    block = "shared block f(x) = x >> conv_bn(8, k = 3)\n  choose op in { a: f, same: identity }"
    both = space_of("y = f(image >> op())", block).graph
    with pytest.raises(NasError, match="it shares weights with what works on all channels"):
        partial_channels(both, 2)
    alone = space_of("z = image >> op()  y = z >> op()", block).graph
    assert len(partial_channels(alone, 2).partial) == 2


def test_a_depthwise_convolution_stays_one_and_other_groups_stay() -> None:
    block = """block deep(x) = x >> conv(8, k = 3, groups = 8) >> conv(8, k = 3, groups = 2) >> dw_conv(k = 3)
  choose op in { deep: deep, same: identity }"""
    graph = partial_channels(space_of("y = image >> op()", block).graph, 4).graph
    convs = [node for node in graph.nodes if node.op in ("conv", "dw_conv")][:-1]
    assert [str(node.type.channels) for node in convs] == ["2", "2", "2"]
    assert [str(node.attrs["groups"]) for node in convs[:2]] == ["2", "2"]


def test_the_supernet_says_that_it_is_a_proxy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["compile", str(SPACES / "darts.nas"), "--param", "layers=1", "--partial-channels", "4", "-o", str(tmp_path)]
    assert main(args) == 0
    printed = capsys.readouterr().out
    assert "operations on 1/4 of the channels in 14 of 14 places" in printed
    text = (tmp_path / "supernet.py").read_text()
    assert "A proxy for the search: operations work on 1/4 of the channels" in text
    module_of(text).Supernet()
    assert main([*args, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["partial_channels"] == {"places": 14, "whole": 0}


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--partial-channels", "1"], 2, "one of at least 2 parts, found 1"),
        (["--partial-channels", "5"], 1, "its channels do not come in 5 equal parts"),
        (["--partial-channels", "4", "--table", "t.json"], 2, "leave one of them out"),
    ],
)
def test_mistakes_on_the_command_line(
    args: list[str], status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(SPACES / "darts.nas"), "-o", str(tmp_path), *args]) == status
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


TINY = """space tiny(classes = 9) {
  input image: [3, 32, 64]
  block layer(x, stride = 1) {
    choose op in { skip, conv: conv_bn_relu(k = 3), sep: sep_conv(k = 3), deep: twice }
    return x >> op(stride = stride)
  }
  block twice(x, stride = 1) = x >> conv_bn_relu(k = 3, stride = stride) >> conv_bn(k = 3)
  y[0] = image >> conv_bn_relu(8, k = 3, stride = 2)
  for (i, s) in { (0, 2), (1, 1), (2, 1) } { y[i+1] = layer(y[i], s) }
  task segment = y[3] >> conv(classes, k = 1, bias = true) >> resize_like(image) {
    loss cross_entropy()
    metric miou
  }
}
"""

Search = Callable[..., GumbelSearch]


@pytest.fixture(scope="module")
def tiny() -> Space:
    return load(Source("tiny.nas", TINY))


def config(**search: object) -> RunConfig:
    return RunConfig.model_validate(
        {
            "nasdsl": "", "torch": "", "space": "tiny", "space_file": "", "space_sha256": "", "preset": "",
            "params": {}, "data": "streets", "device": "ort_cpu", "target": {"latency_ms": 0.5, "source": "median"},
            "strategy": "gumbel", "seed": 0, "threads": 1, "plan": {"search_steps": 4, "train_steps": 1},
            "search": {"batch": 2, "relaxation": "softmax", **search},
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def searches(tiny: Space) -> tuple[GumbelSearch, GumbelSearch]:
    """One of the space itself and one with partial channels."""
    table = {text: 0.01 * len(text) for text in signatures(tiny.graph)}
    return tuple(GumbelSearch(make_problem(tiny, table, config(partial_channels=k))) for k in (1, 4))


def test_the_latency_is_that_of_the_space(searches: tuple[GumbelSearch, GumbelSearch]) -> None:
    whole, partial = searches
    assert sum(p.numel() for p in partial.supernet.parameters()) < sum(p.numel() for p in whole.supernet.parameters())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter, other in zip(whole.relaxation.parameters(), partial.relaxation.parameters(), strict=True):
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
            other.copy_(parameter)
    torch.testing.assert_close(whole.expected_latency(), partial.expected_latency())
    assert partial.step(3)["expected_latency_ms"] > 0


def test_candidates_are_ranked_as_networks_of_the_proxy(searches: tuple[GumbelSearch, GumbelSearch]) -> None:
    _, partial = searches
    problem = partial._problem
    architecture = problem.space.sample(0)
    candidate = Candidate(architecture, problem.space.derive(architecture), 1.0)
    module = inherited(problem, partial.supernet, candidate).eval()
    partial.supernet.eval()
    # Statistics are taken anew; with those of the supernet the network computes what it computes.
    source = Space(problem.searched, problem.space.source).derive(architecture)
    module.load_state_dict(runtime.inherit(partial.supernet, problem.searched, source))
    images, _ = problem.batches.train("weights", 0, 2, half="a")
    choices = runtime.Fixed(partial.relaxation.space, architecture).draw()
    torch.testing.assert_close(module(images), partial.supernet(images, choices)["segment"], rtol=1e-5, atol=1e-5)


def test_memory_is_that_of_the_proxy(tiny: Space) -> None:
    heard: list[str] = []

    class Hearing(Silent):
        def say(self, text: str) -> None:
            heard.append(text)

    whole, partial = (
        supernet_memory(graph, mixed=True).total(64) for graph in (tiny.graph, tiny.partial_channels(4).graph)
    )
    limit = (partial * 2 + whole) // 3
    check_memory(tiny, config(partial_channels=4, batch=64), Hearing(), limit=limit, base=0)
    with pytest.raises(NasError, match="the search on batches of 64"):
        check_memory(tiny, config(batch=64), Hearing(), limit=limit, base=0)


def test_a_search_through_the_proxy_ends_in_a_network_of_the_space(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = tmp_path / "tiny.nas", tmp_path / "run"
    file.write_text(TINY)
    quick = ("search.batch=2", "train.batch=2", "search.candidates=2", "search.ranking_batches=1")
    args = ["search", str(file), "--run", str(run), "--steps", "4,2", "--threads", "1"]
    args += ["--table", str(tmp_path / "table.json"), "--set", "search.relaxation=softmax"]
    args += [word for setting in quick for word in ("--set", setting)]
    assert main([*args, "--set", "search.partial_channels=4"]) == 0
    assert "partial channels: operations on 1/4 of the channels in 3 of 3 places" in capsys.readouterr().err
    space = load(file)
    note = partial_channels(space.graph, 4)
    assert (run / "supernet.py").read_text() == supernet_source(note.graph, note=note.note)
    network = module_of((run / "network.py").read_text()).Network()
    convs = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(conv.in_channels in (3, 8) for conv in convs), "all operations have all channels"
    assert main([*args[:2], "--run", str(run), "--resume", "--table", str(tmp_path / "table.json")]) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["search.partial_channels=4", "train.start=supernet"], "the network that is found cannot start from them"),
        (["search.partial_channels=3"], "its channels do not come in 3 equal parts (8)"),
        (["search.partial_channels=0"], "--set search.partial_channels: input should be greater than or equal to 1"),
        (["search.partial_channels=half"], "--set search.partial_channels: input should be a valid integer"),
    ],
)
def test_settings_that_do_not_go(
    settings: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = tmp_path / "tiny.nas", tmp_path / "run"
    file.write_text(TINY)
    args = [word for setting in settings for word in ("--set", setting)]
    assert main(["search", str(file), "--run", str(run), "--steps", "1,1", "--latency", "5", *args]) in (1, 2)
    assert message in " ".join(capsys.readouterr().err.split())
    assert not run.exists()

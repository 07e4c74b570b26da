"""The distribution over architectures, what is drawn from it, and the walk through a grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.rules import broken_rule
from nasdsl.runtime.choices import Drawn
from nasdsl.runtime.relaxations import schedules
from nasdsl.search.derivation import _drawn
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import module_of

LINKS = (
    ((0, 1), (1, 1)),
    ((0, 1), (1, 2)),
    ((1, 1), (2, 1)),
    ((1, 1), (2, 2)),
    ((1, 2), (2, 2)),
    ((2, 1), (3, 2)),
    ((2, 2), (3, 2)),
)
SPACE = runtime.Space(
    "small",
    decisions={
        "op": runtime.Choose(("none", "a", "b"), soft=("none",)),
        "g[1,2].w": runtime.Width((2, 4)),
        "ins": runtime.Pick((0, 1, 2), count=2),
        "way": runtime.Route("g", end=(3, 2)),
    },
    grids={"g": runtime.Grid(source=(0, 1), links=LINKS)},
)


def ways(cell: tuple[int, int]) -> Iterator[tuple[tuple[int, int], ...]]:
    if cell == (0, 1):
        yield (cell,)
    for source, target in LINKS:
        if target == cell:
            yield from ((*way, cell) for way in ways(source))


@pytest.fixture
def logits() -> runtime.Logits:
    torch.manual_seed(0)
    logits = runtime.Logits(SPACE)
    with torch.no_grad():
        for parameter in logits.parameters():
            parameter.normal_()
    return logits


def chance(logits: runtime.Logits, way: tuple[tuple[int, int], ...]) -> float:
    shares = logits.probabilities()["way"]
    product = 1.0
    for link in pairwise(way):
        product *= shares[LINKS.index(link)].item()
    return product


def test_probabilities_are_distributions(logits: runtime.Logits) -> None:
    probabilities = logits.probabilities()
    for name in ("op", "g[1,2].w", "ins"):
        assert probabilities[name].sum().item() == pytest.approx(1)
    a, b, c = logits.logits("ins")
    expected = torch.stack([a + b, a + c, b + c]).softmax(0)
    torch.testing.assert_close(probabilities["ins"], expected)
    assert sum(chance(logits, way) for way in ways((3, 2))) == pytest.approx(1)


def test_samples_follow_the_probabilities(logits: runtime.Logits) -> None:
    generator = torch.Generator().manual_seed(1)
    drawn = [runtime.SinglePath(logits, schedules.Constant(0.7)).draw(generator).drawn for _ in range(3000)]
    sampled = logits.sample_architectures(3000, generator)
    for found in (Counter(d.ways["way"] for d in drawn), Counter(a.decisions["way"] for a in sampled)):
        for way in ways((3, 2)):
            assert found[way] / 3000 == pytest.approx(chance(logits, way), abs=0.03)
    places = Counter(d.draws["ins"].place for d in drawn)
    for place, expected in enumerate(logits.probabilities()["ins"].tolist()):
        assert places[place] / 3000 == pytest.approx(expected, abs=0.03)
    assert {a.decisions["op"] for a in sampled} == {"a", "b"}
    assert {d.draws["op"].place for d in drawn} == {0, 1, 2}


def test_hard_draws_are_exact_and_have_gradients(logits: runtime.Logits) -> None:
    draw = runtime.SinglePath(logits).draw(torch.Generator().manual_seed(2)).drawn.draws["op"]
    assert draw.weights is not None
    assert draw.weights[draw.place].item() == pytest.approx(1)
    draw.weights[draw.place].backward()
    gradient = logits.logits("op").grad
    assert gradient is not None
    assert gradient[draw.place] > 0
    with torch.no_grad():
        assert runtime.SinglePath(logits).draw(torch.Generator()).drawn.draws["op"].weights is None


def test_the_same_seed_gives_the_same_draw(logits: runtime.Logits) -> None:
    first, second = (runtime.SinglePath(logits).draw(torch.Generator().manual_seed(3)).drawn for _ in range(2))
    assert first.ways == second.ways
    assert {n: d.place for n, d in first.draws.items()} == {n: d.place for n, d in second.draws.items()}


def test_most_probable(logits: runtime.Logits) -> None:
    best = logits.most_probable()
    assert best.decisions["way"] == max(ways((3, 2)), key=lambda way: chance(logits, way))
    assert best.decisions["op"] == "ab"[int(logits.logits("op")[1:].argmax())]
    one_hot = runtime.Fixed(SPACE, best).probabilities()
    assert [int(chances.sum()) for chances in one_hot.values()] == [1, 1, 1, 3]


def test_sandwich(logits: runtime.Logits) -> None:
    relaxation = runtime.SinglePath(logits)
    assert relaxation.widest()["g[1,2].w"] == 4
    assert relaxation.narrowest()["g[1,2].w"] == 2
    assert (relaxation.widest() / "g[1,2]")["w"] == 4


def factors() -> dict[tuple[tuple[int, int], tuple[int, int]], float]:
    return {link: 0.5 + 0.3 * place for place, link in enumerate(LINKS)}


def walk(choices: runtime.Choices, calls: list[object] | None = None) -> runtime.Walk:
    def link(name: tuple[tuple[int, int], tuple[int, int]]):
        def run(x: torch.Tensor) -> torch.Tensor:
            if calls is not None:
                calls.append(name)
            return x * factors()[name]

        return run

    return runtime.Walk(choices, "g", torch.ones(1, 3, 2, 2), {name: link(name) for name in LINKS})


def length(way: tuple[tuple[int, int], ...]) -> float:
    product = 1.0
    for link in pairwise(way):
        product *= factors()[link]
    return product


def test_a_mixture_is_the_expectation_over_routes(logits: runtime.Logits) -> None:
    """Links that only scale: then mixing maps is the same as averaging over all ways."""
    shares = logits.probabilities()["way"].detach()
    draws = runtime.GumbelSoftmax(logits).draw(torch.Generator().manual_seed(0)).drawn.draws
    choices = runtime.Choices(Drawn(SPACE, draws, shares={"g": shares}))
    expected = sum(chance(logits, way) * length(way) for way in ways((3, 2)))
    assert walk(choices).end("way").mean().item() == pytest.approx(expected, rel=1e-5)
    last = 0.0
    for way in ways((3, 2)):
        leaves = max(place for place, cell in enumerate(way) if cell[1] == 1)
        last += chance(logits, way) * length(way[: leaves + 1])
    assert walk(choices).last("way", 1).mean().item() == pytest.approx(last, rel=1e-5)


def test_a_way_runs_only_its_links_and_each_once(logits: runtime.Logits) -> None:
    for way in ways((3, 2)):
        values = dict(logits.most_probable().decisions) | {"way": way}
        calls: list[object] = []
        grid = walk(runtime.Fixed(SPACE, Architecture("small", values)).draw(), calls)
        assert not grid.has("way")
        assert grid.last("way", 1).shape == (1, 3, 2, 2)
        assert grid.end("way").mean().item() == pytest.approx(length(way))
        assert grid.has("way")
        assert calls == list(pairwise(way))


def test_narrower_last_maps_are_padded(logits: runtime.Logits) -> None:
    draws = runtime.GumbelSoftmax(logits).draw(torch.Generator().manual_seed(0)).drawn.draws
    shares = logits.probabilities()["way"].detach()
    choices = runtime.Choices(Drawn(SPACE, draws, shares={"g": shares}))

    def cut(channels: int):
        return lambda x: x[:, :1].expand(-1, channels, -1, -1)

    links = {link: cut(2 if link[1] == (1, 1) else 5) for link in LINKS}
    last = runtime.Walk(choices, "g", torch.ones(1, 3, 2, 2), links).last("way", 1)
    assert last.shape[1] == 5
    assert last[:, 0].mean().item() == pytest.approx(1, rel=1e-5)
    assert last[:, 4].mean().item() < 1


def test_superkernels_are_prefixes() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 5, 5)
    conv = runtime.Conv2d(8, 10, 3, padding=1)
    torch.testing.assert_close(
        conv(x, 4),
        torch.nn.functional.conv2d(x, conv.weight[:4, :6], conv.bias[:4], padding=1),  # type: ignore[index]
    )
    depthwise = runtime.Conv2d(8, 8, 3, padding=1, groups=8)
    assert depthwise(x).shape == x.shape
    norm = runtime.BatchNorm2d(6, (4, 6))
    norm(x)
    assert norm.at["6"].num_batches_tracked == 1
    assert norm.at["4"].num_batches_tracked == 0
    assert runtime.Linear(8, 3)(torch.randn(2, 5)).shape == (2, 3)


def test_superkernels_are_centres() -> None:
    """The smaller kernel is what is left when the border of the larger one is zero; the size stays."""
    torch.manual_seed(0)
    x = torch.randn(2, 6, 8, 8)
    for conv in (
        runtime.Conv2d(6, 4, 7, padding=6, dilation=2, stride=2),
        runtime.Conv2d(6, 6, 7, padding=3, groups=6, bias=False),
    ):
        for k in (1, 3, 5, 7):
            margin = (7 - k) // 2
            masked = torch.zeros_like(conv.weight)
            middle = slice(margin, 7 - margin)
            masked[:, :, middle, middle] = conv.weight[:, :, middle, middle].detach()
            expected = torch.nn.functional.conv2d(
                x, masked, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups
            )
            torch.testing.assert_close(conv(x, k=k), expected)


RULED = """space ruled {
  input image: [3, 8, 8]
  block layer(x) { choose op in {a: conv_bn(k = 1), b: conv_bn_relu(k = 3)} return x >> op() }
  y[0] = image
  for i in 1..=4 { y[i] = layer(y[i-1]) }
  depth d in 1..=4
  depth e in 1..=4
  require d == e
  require at most 1 of y[*].layer.op = b
  task t = y[d] { loss cross_entropy() }
  task u = y[e] { loss cross_entropy() }
}"""


def test_candidates_keep_the_rules() -> None:
    space = load(Source("ruled.nas", RULED))
    problem = SimpleNamespace(space=space, config=SimpleNamespace(seed=0))
    logits = runtime.Logits(module_of(supernet_source(space.graph)).SPACE)
    with torch.no_grad():
        logits.logits("d")[3] = 1
        logits.logits("e")[2] = 1
    assert logits.most_probable().decisions["d"] == 4
    drawn = _drawn(problem, logits, 20, 0)  # type: ignore[arg-type]
    assert len(drawn) >= 20
    assert all(broken_rule(space.graph, architecture) is None for architecture in drawn)
    assert drawn == _drawn(problem, logits, 20, 0)  # type: ignore[arg-type]
    with torch.no_grad():
        logits.logits("d")[0] = logits.logits("e")[3] = 200
    with pytest.raises(NasError, match="none of 1000 architectures drawn from the relaxation keeps the rules"):
        _drawn(problem, logits, 20, 0)  # type: ignore[arg-type]


def test_a_mixture_of_exits_and_a_hard_number() -> None:
    """Exits are mixed; a number, on which channels depend, is one even where choices are mixed."""
    space = runtime.Space(
        "mixed", {"d": runtime.Depth((1, 2, 3)), "h": runtime.Choose((4, 8)), "op": runtime.Choose(("a", "b"))}
    )
    choices = runtime.GumbelSoftmax(runtime.Logits(space)).draw(torch.Generator().manual_seed(0))
    weights = {name: choices.drawn.draws[name].weights for name in ("d", "h", "op")}
    asked: list[str] = []

    def one(name: str, value: float) -> torch.Tensor:
        asked.append(name)
        return torch.tensor(value)

    found = choices.mix("d", {(1, 3): lambda: one("ends", 10.0), 2: lambda: one("middle", 1.0)})
    expected = 10 * (weights["d"][0] + weights["d"][2]) + weights["d"][1]  # type: ignore[index]
    torch.testing.assert_close(found, expected)
    assert choices.mix("h", {4: lambda: one("4", 4.0), 8: lambda: one("8", 8.0)}).item() == pytest.approx(choices["h"])
    assert asked == ["ends", "middle", str(choices["h"])]
    assert not choices.drawn.draws["h"].others


def test_what_is_computed_once_is_computed_when_it_is_wanted() -> None:
    asked: list[int] = []
    later = runtime.once(lambda: asked.append(1))
    assert not asked
    later()
    later()
    assert asked == [1]

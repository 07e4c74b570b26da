"""Every relaxation on a space with decisions of all kinds: what it draws, how often, and where gradients go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import pytest
import torch
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.runtime.relaxations import schedules
from nasdsl.search.relaxation import RELAXATIONS

LINKS = (
    ((0, 1), (1, 1)),
    ((0, 1), (1, 2)),
    ((1, 1), (2, 1)),
    ((1, 1), (2, 2)),
    ((1, 2), (2, 2)),
    ((2, 1), (3, 2)),
    ((2, 2), (3, 2)),
    ((2, 2), (3, 4)),
)
WAYS = (
    ((0, 1), (1, 1), (2, 1), (3, 2)),
    ((0, 1), (1, 1), (2, 2), (3, 2)),
    ((0, 1), (1, 2), (2, 2), (3, 2)),
)
SPACE = runtime.Space(
    "kinds",
    decisions={
        "op": runtime.Choose(("none", "a", "b", "c"), soft=("none",)),
        "h": runtime.Choose((4, 8, 12)),
        "g[1,2].w": runtime.Width((2, 4)),
        "d": runtime.Depth((1, 2, 3)),
        "ins": runtime.Pick((0, 1, 2, 3), count=2),
        "way": runtime.Route("g", end=(3, 2)),
        "other": runtime.Route("g", end=(3, 4)),
    },
    grids={"g": runtime.Grid(source=(0, 1), links=LINKS)},
)
PLAIN = ("op", "h", "g[1,2].w", "d", "ins")
NUMBERS = ("h", "g[1,2].w")
MIXED = ("op", "d", "ins")

LEARNED = tuple(RELAXATIONS)
MIXTURES = ("gumbel", "softmax", "dirichlet")
ONE_PATH = ("single_path", "uniform", "fixed")
ALL = (*LEARNED, "uniform", "fixed")

VALUES = {"op": "b", "h": 8, "g[1,2].w": 4, "d": 2, "ins": (1, 3), "way": WAYS[2], "other": (*WAYS[2][:3], (3, 4))}


def relaxation(name: str, temperature: float = 1.0, seed: int = 0, space: runtime.Space = SPACE) -> runtime.Relaxation:
    """With parameters at which no two values are equally probable."""
    if name == "uniform":
        return runtime.Uniform(space)
    if name == "fixed":
        return runtime.Fixed(space, Architecture(space.name, VALUES))
    schedule = schedules.Constant(temperature)
    made = runtime.Softmax(runtime.Logits(space), schedule) if name == "softmax" else RELAXATIONS[name](space, schedule)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(seed + parameter.numel()))
    return made


def drawn(name: str, seed: int = 0, temperature: float = 1.0) -> runtime.Choices:
    return relaxation(name, temperature).draw(torch.Generator().manual_seed(seed))


def p_value(counts: Sequence[int], chances: Sequence[float]) -> float:
    """Pearson's chi-square test: how probable counts are that fit no better."""
    total = sum(counts)
    statistic = sum((n - total * p) ** 2 / (total * p) for n, p in zip(counts, chances, strict=True))
    half = torch.tensor([(len(counts) - 1) / 2, statistic / 2], dtype=torch.float64)
    return torch.special.gammaincc(half[0], half[1]).item()


def fits(counts: Counter[object], expected: dict[object, float]) -> bool:
    assert set(counts) <= set(expected)
    return p_value([counts[key] for key in expected], list(expected.values())) > 1e-3


def way_chances(shares: Tensor) -> dict[object, float]:
    found: dict[object, float] = {}
    for way in WAYS:
        found[way] = 1.0
        for link in pairwise(way):
            found[way] *= shares[LINKS.index(link)].item()
    return found


class Linear:
    """Reads all decisions of the space; what it returns is linear in every weight, and says what ran."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()

    def value(self, name: str, number: float) -> Callable[[], Tensor]:
        def compute() -> Tensor:
            self.ran.update([name])
            return torch.tensor(number, dtype=torch.float64)

        return compute

    def link(self, place: int) -> Callable[[Tensor], Tensor]:
        def compute(x: Tensor) -> Tensor:
            self.ran.update([f"link {LINKS[place]}"])
            return x * (0.5 + 0.3 * place)

        return compute

    def parts(self, a: runtime.Choices) -> dict[str, Tensor]:
        op = a.mix("op", {key: self.value(f"op {key}", n) for n, key in enumerate(("none", "a", "b", "c"))})
        d = a.mix("d", {(1, 3): self.value("d ends", 5.0), 2: self.value("d middle", 2.0)})
        picked = a.picked("ins", {key: self.value(f"ins {key}", 1.0 + key**2) for key in range(4)})
        h = a.mix("h", {key: self.value(f"h {key}", float(key)) for key in (4, 8, 12)})
        start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        walk = runtime.Walk(a, "g", start, {link: self.link(place) for place, link in enumerate(LINKS)})
        ends = walk.end("way") + 3 * walk.end("other")
        return {"op": op, "d": d, "ins": picked[0] + 10 * picked[1], "h": h, "g": ends.sum()}

    def __call__(self, a: runtime.Choices) -> Tensor:
        return torch.stack(list(self.parts(a).values())).sum()


@pytest.mark.parametrize("name", ALL)
def test_weights_sum_to_one(name: str) -> None:
    for seed in range(5):
        found = drawn(name, seed).drawn
        for path in PLAIN:
            draw = found.draws[path]
            if draw.weights is not None:
                assert draw.weights.sum().item() == pytest.approx(1)
                assert draw.weights.min().item() >= 0
                assert draw.weights[sorted(draw.runs)].sum().item() == pytest.approx(1), "nothing else has a weight"
                if name not in MIXTURES:
                    assert draw.weights[draw.place].item() == pytest.approx(1)
        assert bool(found.shares) == (name in MIXTURES)
        for shares in found.shares.values():
            for into in SPACE.grids["g"].into.values():
                assert not into or shares[list(into)].sum().item() == pytest.approx(1)
        for way in found.ways.values():
            assert all(link in LINKS for link in pairwise(way))


@pytest.mark.parametrize("name", ALL)
def test_what_runs(name: str) -> None:
    for seed in range(8):
        choices, network = drawn(name, seed), Linear()
        network(choices)
        runs = {path: len(choices.drawn.draws[path].runs) for path in PLAIN}
        assert all(runs[path] == 1 for path in NUMBERS)
        sizes = {"op": 4, "d": 3, "ins": 6}
        expected = {path: 1 if name in ONE_PATH else 2 if name == "two_path" else sizes[path] for path in MIXED}
        assert {path: runs[path] for path in MIXED} == expected
        assert sum(n for key, n in network.ran.items() if key.startswith("op")) == expected["op"]
        subsets = list(combinations(range(4), 2))
        members = {member for place in choices.drawn.draws["ins"].runs for member in subsets[place]}
        assert Counter({f"ins {m}": 1 for m in members}) == Counter(
            {key: n for key, n in network.ran.items() if key.startswith("ins")}
        )
        links = {key for key in network.ran if key.startswith("link")}
        if name in MIXTURES:
            assert len(links) == len(LINKS)
        else:
            ways = choices.drawn.ways
            assert links == {f"link {link}" for way in ways.values() for link in pairwise(way)}


@pytest.mark.parametrize("name", ["straight_through", "two_path"])
def test_without_gradients_only_what_counts_runs(name: str) -> None:
    with torch.no_grad():
        found = drawn(name).drawn
    assert all(len(draw.runs) == 1 and draw.weights is None for draw in found.draws.values())
    with_gradients = drawn(name).drawn
    assert {path: d.place for path, d in found.draws.items()} == {p: d.place for p, d in with_gradients.draws.items()}


@pytest.mark.parametrize("name", [name for name in ALL if name not in MIXTURES])
def test_the_value_is_that_of_one_architecture(name: str) -> None:
    for seed in range(8):
        choices = drawn(name, seed)
        values: dict[str, object] = dict(choices.drawn.ways)
        for path in PLAIN:
            decision = SPACE.decisions[path]
            domain = decision.subsets if isinstance(decision, runtime.Pick) else decision.domain  # type: ignore[union-attr]
            values[path] = domain[choices.drawn.draws[path].place]
        alone = Linear()(runtime.Fixed(SPACE, Architecture("kinds", values)).draw())
        torch.testing.assert_close(Linear()(choices), alone)


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_draw(name: str) -> None:
    made = relaxation(name)
    before = torch.random.get_rng_state()
    first, second, third = (Linear()(made.draw(torch.Generator().manual_seed(seed))) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert torch.equal(first, third) == (name == "fixed")
    assert torch.equal(torch.random.get_rng_state(), before), "a generator was given, PyTorch's own is left alone"
    several = {Linear()(made.draw()).item() for _ in range(8)}
    assert (len(several) > 1) == (name != "fixed"), "without one PyTorch's own is used"


@pytest.mark.parametrize("name", ALL)
def test_state_dict_round_trip(name: str) -> None:
    made, other = relaxation(name), relaxation(name, seed=1)
    assert bool(made.state_dict()) == (name in LEARNED)
    other.load_state_dict(made.state_dict(), strict=True)
    for seed in range(3):
        found = [Linear()(each.draw(torch.Generator().manual_seed(seed))) for each in (made, other)]
        assert torch.equal(*found)
    for path, chances in made.probabilities().items():
        assert torch.equal(chances, other.probabilities()[path])


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_reach_all_parameters(name: str) -> None:
    """On average over draws: a link no way took has none in a single one."""
    made = relaxation(name)
    for seed in range(20):
        choices = made.draw(torch.Generator().manual_seed(seed))
        (Linear()(choices) + choices.scaled(torch.ones(()), "g[1,2].w")).backward()
    for path, parameter in made.named_parameters():
        assert parameter.grad is not None, path
        reached = parameter.grad != 0
        assert reached[[3, 4, 5, 6] if path.endswith(".g") else slice(None)].all(), "other links are alone with a cell"


@pytest.mark.parametrize("name", ["uniform", "fixed"])
def test_nothing_to_learn(name: str) -> None:
    made = relaxation(name)
    assert list(made.parameters()) == []
    choices = made.draw(torch.Generator().manual_seed(0))
    assert not Linear()(choices).requires_grad
    assert all(draw.weights is None for draw in choices.drawn.draws.values())


def test_straight_through_has_the_gradient_of_the_mixture() -> None:
    """On a network that is linear in the weights: by automatic and by finite differences of the soft one."""
    made = relaxation("straight_through", 0.7).double()
    assert isinstance(made, runtime.GumbelSoftmax)
    soft = runtime.GumbelSoftmax(made.distribution, schedules.Constant(0.7))

    def output(rule: runtime.Relaxation) -> Tensor:
        parts = Linear().parts(rule.draw(torch.Generator().manual_seed(4)))
        return parts["op"] + parts["d"] + parts["ins"]

    output(made).backward()
    assert output(made).item() != pytest.approx(output(soft).item())
    for path in MIXED:
        logits = made.distribution.get_parameter(path)
        gradient = logits.grad
        assert gradient is not None
        for place in range(len(logits)):
            with torch.no_grad():
                logits[place] += 1e-6
                above = output(soft)
                logits[place] -= 2e-6
                below = output(soft)
                logits[place] += 1e-6
            assert gradient[place].item() == pytest.approx(((above - below) / 2e-6).item(), abs=1e-7)


def test_a_single_path_has_the_gradient_of_its_own_weight() -> None:
    made = relaxation("single_path", 0.7)
    assert isinstance(made, runtime.SinglePath)
    choices = made.draw(torch.Generator().manual_seed(4))
    place = choices.drawn.draws["op"].place
    Linear().parts(choices)["op"].backward()
    soft = made.weights("op", 0.7, torch.Generator().manual_seed(4)).detach()
    expected = place * soft[place] * (nn.functional.one_hot(torch.tensor(place), 4) - soft) / 0.7
    assert place > 0
    torch.testing.assert_close(made.distribution.get_parameter("op").grad, expected.float())


@pytest.mark.parametrize("temperature", [0.1, 5.0])
def test_single_paths_follow_the_probabilities(temperature: float) -> None:
    made = relaxation("single_path", temperature)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        found = [made.draw(generator).drawn for _ in range(2000)]
    chances = made.probabilities()
    for path in PLAIN:
        places: Counter[object] = Counter(d.draws[path].place for d in found)
        assert fits(places, dict(enumerate(chances[path].tolist()))), path
    assert fits(Counter(d.ways["way"] for d in found), way_chances(chances["way"]))


def test_uniform_paths_are_uniform() -> None:
    generator = torch.Generator().manual_seed(2)
    made = runtime.Uniform(SPACE)
    found = [made.draw(generator).drawn for _ in range(2000)]
    for path, count in (("h", 3), ("g[1,2].w", 2), ("d", 3), ("ins", 6)):
        assert fits(Counter(d.draws[path].place for d in found), dict.fromkeys(range(count), 1 / count)), path
    assert fits(Counter(d.draws["op"].place for d in found), dict.fromkeys((1, 2, 3), 1 / 3)), "no soft alternative"
    assert fits(Counter(d.ways["way"] for d in found), dict.fromkeys(WAYS, 1 / 3)), "ways, not links, are alike"
    assert fits(Counter(a.decisions["way"] for a in made.distribution.sample_architectures(2000, generator)),
                dict.fromkeys(WAYS, 1 / 3))  # fmt: skip


@pytest.mark.parametrize("name", ["softmax", "dirichlet"])
def test_numbers_of_mixtures_follow_the_probabilities(name: str) -> None:
    made = relaxation(name)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        found = Counter(made.draw(generator)["h"] for _ in range(2000))
    chances = dict(zip((4, 8, 12), made.probabilities()["h"].tolist(), strict=True))
    assert fits(found, chances)  # type: ignore[arg-type]


def test_two_paths_are_drawn_without_replacement_and_gated_by_their_shares() -> None:
    made = relaxation("two_path")
    generator = torch.Generator().manual_seed(4)
    found = [made.draw(generator).drawn.draws["op"] for _ in range(2000)]
    p = made.probabilities()["op"].tolist()
    pairs: Counter[object] = Counter(d.runs for d in found)
    expected: dict[object, float] = {
        frozenset((i, j)): p[i] * p[j] / (1 - p[i]) + p[j] * p[i] / (1 - p[j]) for i, j in combinations(range(4), 2)
    }
    assert fits(pairs, expected)
    i, j = pairs.most_common(1)[0][0]  # type: ignore[misc]
    gates = Counter(d.place for d in found if d.runs == {i, j})
    assert fits(gates, {i: p[i] / (p[i] + p[j]), j: p[j] / (p[i] + p[j])})  # type: ignore[arg-type]


def test_the_gradient_of_two_paths_is_between_them() -> None:
    made = relaxation("two_path")
    assert isinstance(made, runtime.TwoPath)
    for seed in range(6):
        draw = made.draw(torch.Generator().manual_seed(seed)).drawn.draws["op"]
        assert draw.weights is not None
        (rival,) = draw.others
        logits = made.distribution.get_parameter("op")
        logits.grad = None
        draw.weights[draw.place].backward()
        q = logits[[draw.place, rival]].softmax(0).detach()
        expected = torch.zeros(4)
        expected[draw.place], expected[rival] = q[0] * q[1], -q[0] * q[1]
        torch.testing.assert_close(logits.grad, expected)


def test_two_of_values_of_which_all_but_one_are_impossible() -> None:
    made = relaxation("two_path")
    assert isinstance(made, runtime.TwoPath)
    with torch.no_grad():
        made.distribution.get_parameter("op").copy_(torch.tensor([-1e4, -1e4, 1e4, -1e4]))
    for seed in range(5):
        draw = made.draw(torch.Generator().manual_seed(seed)).drawn.draws["op"]
        assert draw.place == 2
        assert draw.weights is not None
        assert torch.equal(draw.weights.detach(), torch.tensor([0.0, 0, 1, 0]))


@pytest.mark.parametrize("name", ["gumbel", "softmax"])
def test_limits_of_the_temperature(name: str) -> None:
    for seed in range(4):
        cold, hot = (drawn(name, seed, temperature).drawn for temperature in (1e-4, 1e6))
        for path in MIXED:
            weights, place = cold.draws[path].weights, cold.draws[path].place
            assert weights is not None
            assert torch.equal(weights.detach(), nn.functional.one_hot(torch.tensor(place), len(weights)).float())
            weights = hot.draws[path].weights
            torch.testing.assert_close(weights, torch.full_like(weights, 1 / len(weights)), atol=1e-4, rtol=0)
        assert set(cold.shares["g"].tolist()) == {0.0, 1.0}
        assert set((hot.shares["g"] * 6).round().tolist()) == {3.0, 6.0}
        if name == "softmax":
            most = relaxation(name).probabilities()
            assert all(cold.draws[path].place == int(most[path].argmax()) for path in MIXED)
        else:
            assert all(cold.draws[path].place == drawn("single_path", seed).drawn.draws[path].place for path in MIXED)


def test_dirichlet_means_and_gradients() -> None:
    """Points lie on the simplex, their mean is a / sum(a), and their gradients' mean is the gradient of the mean."""
    torch.manual_seed(0)
    concentrations = runtime.Concentrations(SPACE)
    with torch.no_grad():
        concentrations.get_parameter("op").copy_(torch.tensor([-1.0, 0.5, 1.0, 2.0]))
    generator, count = torch.Generator().manual_seed(5), 3000
    parameter, points, gradients = concentrations.get_parameter("op"), [], []
    for _ in range(count):
        point = concentrations.simplex("op", generator)
        (gradient,) = torch.autograd.grad(point[3], parameter)
        points.append(point.detach())
        gradients.append(gradient)
    sample, slopes = torch.stack(points), torch.stack(gradients)
    torch.testing.assert_close(sample.sum(1), torch.ones(count))
    assert sample.min() >= 0
    mean = concentrations.chances("op")
    a = concentrations.concentrations("op").detach()
    torch.testing.assert_close(mean.detach(), a / a.sum())
    spread = (mean * (1 - mean) / (a.sum() + 1)).sqrt().detach()
    assert ((sample.mean(0) - mean).abs() < 4 * spread / count**0.5).all()
    torch.testing.assert_close(sample.std(0), spread, rtol=0.1, atol=0)
    (expected,) = torch.autograd.grad(mean[3], parameter)
    assert ((slopes.mean(0) - expected).abs() < 4 * slopes.std(0) / count**0.5).all()
    shares = torch.stack([concentrations.simplex("g", generator).detach() for _ in range(2000)])
    for into in SPACE.grids["g"].into.values():
        if into:
            torch.testing.assert_close(shares[:, list(into)].sum(1), torch.ones(2000))
    torch.testing.assert_close(shares.mean(0), concentrations.chances("g").detach(), atol=0.03, rtol=0)


def test_a_soft_pick_is_the_expectation_of_what_stands_at_each_place() -> None:
    made = relaxation("softmax")
    chances = made.probabilities()["ins"]
    first, second = made.draw().picked("ins", {k: lambda k=k: torch.tensor(10.0**k) for k in range(4)})  # type: ignore[misc]
    subsets = list(combinations(range(4), 2))
    torch.testing.assert_close(first, sum(c * 10.0**a for c, (a, _) in zip(chances, subsets, strict=True)))
    torch.testing.assert_close(second, sum(c * 10.0**b for c, (_, b) in zip(chances, subsets, strict=True)))


def test_rules_can_share_what_is_learned() -> None:
    logits = runtime.Logits(SPACE)
    first, second = runtime.SinglePath(logits), runtime.TwoPath(logits)
    with torch.no_grad():
        logits.logits("h")[2] = 3
    assert first.probabilities()["h"][2] == second.probabilities()["h"][2] > 0.8


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_temperatures_are_positive(value: float) -> None:
    with pytest.raises(NasError, match="the temperature `end` of Cosine is"):
        schedules.Cosine(1.0, value)


def test_the_temperature_falls_with_the_steps() -> None:
    made = runtime.Softmax(runtime.Logits(SPACE), schedules.Linear(1e6, 1e-4))
    with torch.no_grad():
        made.distribution.get_parameter("op").copy_(torch.tensor([0.0, 1, 2, 3]))
    for step, greatest in ((0, 0.25), (10, 1.0)):
        weights = made.draw(step=step, steps=10).drawn.draws["op"].weights
        assert weights is not None
        assert weights.max().item() == pytest.approx(greatest, abs=1e-4)

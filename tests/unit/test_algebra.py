"""The algebra of a space: published counts, a space worked out by hand, rules, what cannot be counted, the commands."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.priced import Priced
from nasdsl.algebra.elimination.elimination import Table, eliminate, elimination_order, tables
from nasdsl.algebra.elimination.forecast import forecast
from nasdsl.algebra.elimination.polynomial import FEW, Polynomials
from nasdsl.algebra.elimination.semiring import COUNT
from nasdsl.algebra.model.events import ALWAYS, NEVER, Events
from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Kind
from nasdsl.passes.kernels import costs
from nasdsl.source import Source
from nasdsl.space import Space, load

SMALL = """space small {
  input image: [3, 8, 8]
  x = image >> conv(4, k = 1)
  choose op[0] in { skip, one: conv(k = 1), two: conv(k = 3) }
  choose op[1] in { one: conv(k = 1), two: conv(k = 3) }
  pick used in 1 of 0..2
  y[0] = x >> op[0]()
  y[1] = x >> conv(4, k = 1) >> op[1]()
  task t = sum(y[i] for i in used) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
  RULE
}"""

RETURNING = """space returning {
  input image: [3, 16, 16]
  grid g[l in 0..=4, r in {1, 2}] from image at [0, 1] {
    width w in {2, 4}
    to [l+1, r] = here >> conv_bn(next.w, k = 3)
    to [l+1, 2] = here >> conv_bn(next.w, k = 3) when r == 1
    to [l+1, 1] = here >> conv_bn(next.w, k = 3) when r == 2
  }
  route way in g to [4, 2]
  y = concat(way.end, way.last(1))
  task t = y >> conv(3, k = 3) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""

MEETING = """space meeting {
  input image: [3, 16, 16]
  grid g[l in 0..=4, r in {1, 2}] from image at [0, 1] {
    choose op in { a: conv_bn(k = 3), b: conv_bn_relu(k = 1) }
    shared block mid(x) = x >> conv_bn(3, k = 3)
    to [l+1, r] = mid(here) >> op(c = 3, stride = 1)
    to [l+1, 2*r] = mid(here) >> op(c = 3, stride = 2)
  }
  pick ends in 2 of 0..3
  route way[0] in g to [2, 2]
  route way[1] in g to [3, 2]
  route way[2] in g to [4, 1]
  block tail(e) = way[e].end >> conv(4, k = 1) >> resize_like(image)
  task t = concat(tail(e) for e in ends) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""

PART = """space part {
  input image: [3, 16, 16]
  grid g[l in 0..=3, r in {1, 2}] from image at [0, 1] {
    to [l+1, r] = here >> conv_bn(4, k = 3)
    to [l+1, 2*r] = here >> conv_bn(4, k = 3, stride = 2)
  }
  route way in g to [3, 2]
  choose op in { skip, other: conv(k = 3) }
  pick used in 1 of 0..2
  y[0] = way.end >> resize_like(image) >> op()
  y[1] = way.last(1) >> conv(4, k = 1) >> op()
  task t = sum(y[i] for i in used) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


def space(text: str, rule: str = "") -> Space:
    return load(Source("test.nas", text.replace("RULE", rule)))


@pytest.mark.parametrize(
    ("name", "architectures"),
    [
        ("darts", 1_076_746_950_455_072_400),
        ("nasbench201", 15_625),
        ("fbnet", 9**22),
        ("panoptic_deeplab", 1),
        ("fasterseg", 1_088_672_624_151_568_796_908_250_078_558_921_813_964_843_750),
    ],
)
def test_sizes_of_the_shipped_spaces(repository: Path, name: str, architectures: int) -> None:
    assert load(repository / f"spaces/{name}.nas").count().architectures == architectures


def test_a_darts_cell_has_the_published_count(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", str(repository / "spaces/darts.nas"), "--only", "normal.*", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"] == "1037664180"


def test_fasterseg_has_the_published_pairs_of_routes(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", str(repository / "spaces/fasterseg.nas"), "--only", "routes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["decisions"], found["values"]) == ("3", str(15 + 105 + 1575))


def test_a_space_by_hand() -> None:
    """With used = 0 three of op[0], with used = 1 two of op[1].

    x and the linear layer have 12 and 10 weights, the second branch 16 of its own.
    """
    sizes = space(SMALL).count()
    assert (sizes.decisions, sizes.encodings, sizes.architectures) == (3, 2 * 3 * 2, 3 + 2)
    params = {0: 1, 16: 1, 16 * 9: 1, 16 + 16: 1, 16 + 16 * 9: 1}
    for over in (0, 15, 16, 31, 32, 143, 144, 159, 160):
        wanted = sum(count for cost, count in params.items() if cost <= over)
        found = space(SMALL).count_under(f"params <= {12 + 10 + over}")
        assert (found.lower, found.upper) == (wanted, wanted)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("require at most 0 of op[*] = two", 3),
        ("require at most 1 of op[*] = two", 5),
        ("require at most 0 of op[0] = two", 4),
        ('require op[0] != "two"', 4),
        ('require op[0] == "two" or op[1] == "two"', 5),
    ],
)
def test_rules_say_nothing_of_dead_decisions(rule: str, wanted: int) -> None:
    assert space(SMALL, rule).count().architectures == wanted


def test_at_most_some_of_many(repository: Path) -> None:
    """Of six edges with five operators each at most two skip: without a skip, with one, with two."""
    text = (repository / "spaces/nasbench201.nas").read_text().rstrip().removesuffix("}")
    rule = "require at most 2 of cell.n[*].edge[*].op = skip_connect"
    found = load(Source("test.nas", f"{text}\n  {rule}\n}}"))
    assert found.count().architectures == 4**6 + 6 * 4**5 + 15 * 4**4
    for index in range(0, 14_080, 500):
        found.validate(found.architectures[index])


@pytest.mark.parametrize("text", [RETURNING, MEETING], ids=["a route that returns to a rate", "two ways out of a cell"])
@pytest.mark.parametrize("metric", ["params", "macs"])
def test_costs_in_grids(text: str, metric: str) -> None:
    found = space(text)
    exact = Counter(getattr(costs(found.derive(architecture)), metric) for architecture in found.architectures)
    priced = Priced(found.model, [parts(found.graph, metric)])
    assert priced.histogram(bins=10**9).counts == exact


def test_a_route_that_returns_to_a_rate() -> None:
    assert len({architecture.decisions["way"] for architecture in space(RETURNING).architectures}) == 2**3


def test_a_part_of_a_route_without_its_end_is_refused() -> None:
    with pytest.raises(NasError, match="demands a part of `way` in architectures that do not demand its end"):
        space(PART).count()


def test_events_are_kept_small() -> None:
    events = Events([frozenset([1, 2]), frozenset([1, 2, 3]), frozenset([0, 1])])
    first, second = events.when(0, [1]), events.when(0, [2])
    assert events.either([first, second]) == ALWAYS
    assert events.both(first, second) == NEVER
    given = events.when(1, [3], first)
    assert events.either([given, first]) == first
    assert events.either([given, events.when(1, [1, 2], first)]) == first
    assert events.passes(2) != ALWAYS


def test_polynomials_few_and_many_terms() -> None:
    p = Polynomials(bits=64)
    wide = p.monomial(0)
    for exponent in range(1, 2 * FEW):
        wide = p.plus(wide, p.monomial(exponent))
    assert isinstance(wide, int)
    assert dict(p.terms(p.times(wide, p.monomial(3)))) == {e + 3: 1 for e in range(2 * FEW)}
    square = dict(p.terms(p.times(wide, wide)))
    assert square[0] == 1
    assert square[2 * FEW - 1] == 2 * FEW
    cut = Polynomials(bits=64, degree=5)
    assert dict(cut.terms(cut.times(wide, cut.monomial(4)))) == {4: 1, 5: 1}


def met_in_pairs(many: int, values: str) -> Space:
    """Each width meets every other one in an operation of their own."""
    pairs = ", ".join(f"concat(x[{i}], x[{j}]) >> conv(4, k = 1)" for i in range(many) for j in range(i))
    return space(
        f"""space dense {{
  input image: [3, 8, 8]
  for i in 0..{many} {{ width w[i] in {values}  x[i] = image >> conv(w[i], k = 1) }}
  y = sum({pairs})
  task t = y >> global_avg_pool() >> linear(2) {{ loss cross_entropy() }}
}}"""
    )


def test_what_needs_too_much_memory_is_refused_before_it_starts() -> None:
    """Ten widths that meet in pairs: the last nine of them have 6^9 joint values. The numbers alone are no problem."""
    found = met_in_pairs(10, "{1, 2, 3, 4, 5, 6}")
    assert found.count().architectures == 6**10
    with pytest.raises(
        NasError, match=f"a table of 9 variables would have at least {6**9:,} rows, about 3 GB"
    ) as error:
        found.count_under("macs <= 100 K")
    assert error.value.status == 3
    small = met_in_pairs(4, "{1, 2, 3}")
    assert small.count_under("macs <= 1 G").upper == 3**4


def test_forecasts_are_never_too_high(repository: Path) -> None:
    """Where branches part and meet and decisions are dead, a forecast says little, but nothing wrong."""
    for found in (load(repository / "spaces/fasterseg.nas", preset="demo"), met_in_pairs(5, "{1, 2, 3}")):
        priced = Priced(found.model, [parts(found.graph, "macs")])
        graph = replace(priced.graph, factors=[*priced.graph.factors, *priced.metrics[0].factors])
        order, counted = elimination_order(graph), tables(graph, COUNT)
        messages: list[Table[int]] = []
        width = eliminate(counted, order, COUNT, notice=messages.append).width
        foreseen = forecast([(table.scope, table.rows.keys()) for table in counted], order)
        assert foreseen.width == width
        assert 1 <= foreseen.rows <= max(len(message.rows) for message in messages)


def test_more_bins_than_memory_holds(repository: Path) -> None:
    found = load(repository / "spaces/fbnet.nas")
    with pytest.raises(NasError, match=r"costs apart takes .* GB, more than 4"):
        found.count_under("macs <= 100 M and params <= 4 M", bins=10**6)


def test_architectures_are_an_array(repository: Path) -> None:
    found = load(repository / "spaces/fasterseg.nas", preset="demo")
    generator = random.Random(0)
    for _ in range(20):
        index = generator.randrange(found.architectures.size)
        assert found.architectures.index(found.architectures[index]) == index
    with pytest.raises(NasError, match="there is no architecture -1"):
        found.architectures[-1]
    assert found.sample(5) == found.sample(5)
    assert found.sample(5) != found.sample(6)


def test_arrays_of_a_seed_are_always_the_same(repository: Path) -> None:
    found = load(repository / "spaces/darts.nas")
    (batch,) = found.architectures.batches(3, seed=7)
    (again,) = found.architectures.batches(3, seed=7)
    assert list(batch.architectures()) == list(again.architectures())
    pick = next(path for path, d in found.graph.decisions.items() if d.kind is Kind.PICK)
    assert batch.column(pick).min() > 0


def test_no_architecture_is_outside_the_bounds_of_a_rare_budget(repository: Path) -> None:
    """Less than one in 10^9 keeps this budget."""
    found = load(repository / "spaces/fbnet.nas")
    bracket = found.count_under("macs <= 60 M")
    assert bracket.upper * 10**9 < found.count().architectures
    limited = found.limited("macs <= 60 M")
    batch = next(limited.batches(50, seed=1))
    architectures = [*batch.architectures(), limited.sample(random.Random(1))]
    assert all(costs(found.derive(a)).macs <= 60_000_000 for a in architectures)
    assert len(set(architectures)) > 40


def test_order_eliminates_every_variable_once(repository: Path) -> None:
    graph = load(repository / "spaces/fasterseg.nas").model.graph
    order = elimination_order(graph)
    assert sorted(order) == sorted({v for factor in graph.factors for v in factor.scope})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("macs <= 3 Q", "`Q` is no unit of macs"),
        ("latency(ort_cpu) <= 3", "`3` has no unit"),
        ("latency <= 3 ms", "latency is that of a device"),
        ("speed <= 3", "`speed` is no metric"),
        ("", "a limit is missing"),
        ("macs <= 3 M and", "a limit is missing"),
        ("macs < 3", "compares by `<`"),
        ("macs == 3", "compares by `==`"),
        ("macs", "expected one comparison, found 0"),
        ("1 <= macs <= 3", "expected one comparison, found 2"),
        ("macs <= -3", "`-3` is no quantity"),
        ("macs <= 1e9", "`1e9` is no quantity"),
        ("macs(ort_cpu) <= 3", "the same on every device"),
        ("latency(ort_cpu, threads = 0) <= 3 ms", "at least one thread"),
        ("memory <= 3 MB", "cannot be counted yet"),
        ("latency(ort_cpu) <= 3 ms", "no lookup table"),
    ],
)
def test_limits_that_are_none(limits: str, message: str) -> None:
    with pytest.raises(NasError, match=message):
        space(SMALL).count_under(limits)


def test_budgets_that_nothing_or_everything_keeps() -> None:
    found = space(SMALL)
    assert found.count_under("params <= 1").upper == 0
    assert found.count_under("params >= 1").lower == 5
    with pytest.raises(NasError, match="keeps `params <= 1`\nhelp: params of its architectures: 22 to 182"):
        found.limited("params <= 1")
    assert found.limited("params >= 1").sample(random.Random(0)) in set(found.architectures)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.nas"
    path.write_text(SMALL.replace("RULE", ""))
    assert main(["count", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"space": "small", "decisions": "3", "encodings": "12", "architectures": "5", "log10": 0.69897}
    assert main(["count", str(path), "--under", "params <= 40", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lower"] == "2"
    assert main(["count", str(path), "--histogram", "params", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"][0] == [22, "1"]
    assert main(["count", str(path), "--histogram", "macs"]) == 0
    assert "#" in capsys.readouterr().out
    assert main(["cost", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["params"] == [22, 182]
    assert main(["sample", str(path), "--from", "0", "-n", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len({Architecture.from_json(line) for line in lines}) == 5
    (tmp_path / "a.json").write_text(lines[0])
    assert main(["cost", str(path), "--arch", str(tmp_path / "a.json"), "--json"]) == 0
    assert 22 <= json.loads(capsys.readouterr().out)["params"] <= 182
    assert main(["sample", str(path), "--under", "params <= 22", "-n", "3"]) == 0
    assert len(set(capsys.readouterr().out.splitlines())) == 1
    assert main(["sample", str(path), "--from", "3", "-n", "5"]) == 1
    assert "there are 5 architectures" in capsys.readouterr().err
    assert main(["count", str(path), "--only", "nothing"]) == 1
    assert main(["count", str(path), "--under", "params <= 1 ms"]) == 2

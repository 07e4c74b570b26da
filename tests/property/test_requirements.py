"""Warnings about requirements against the list of all architectures of generated spaces."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from nasdsl.algebra.count import encodings
from nasdsl.algebra.lint import lint_requirements
from nasdsl.ir.graph import Graph, Limit, Relation
from nasdsl.passes.derive import derive
from nasdsl.passes.kernels import costs
from nasdsl.source import Source
from nasdsl.space import load
from tests.property.test_algebra import few, listed, small, values

tiny = small.filter(lambda graph: encodings(graph) <= 400)


def limit(graph: Graph, relation: str, value: int, metric: str) -> Limit:
    return Limit(metric, None, relation, Fraction(value), graph.tasks[0].span)  # type: ignore[arg-type]


@few
@given(tiny, st.sampled_from(["macs", "params"]), st.sampled_from(["<=", ">="]), st.data())
def test_limits_that_exclude_everything_or_nothing(
    graph: Graph, metric: str, relation: str, data: st.DataObject
) -> None:
    known = sorted({getattr(costs(derive(graph, a)), metric) for a in listed(graph)})
    near = [known[0] - 1, known[0], known[0] + 1, known[-1] - 1, known[-1], known[-1] + 1]
    value = data.draw(st.sampled_from(near))
    keeping = [cost for cost in known if (cost <= value if relation == "<=" else cost >= value)]
    found = lint_requirements({"": replace(graph, limits=(limit(graph, relation, value, metric),))}, {})
    wanted = ["W0602"] if not keeping else ["W0603"] if keeping == known else []
    assert [warning.code for warning in found] == wanted
    bound = known[0] if (relation == "<=") == (wanted == ["W0602"]) else known[-1]
    assert all(warning.note.endswith(f" {metric} is {bound:,}") for warning in found)


@few
@given(tiny, st.data())
def test_rules_that_leave_nothing(graph: Graph, data: st.DataObject) -> None:
    paths = sorted(path for path, decision in graph.decisions.items() if not decision.grid)
    assume(paths)
    rules = []
    for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=3)):
        allowed = data.draw(st.sets(st.sampled_from(values(graph, path)), max_size=2))
        rules.append(Relation((path,), frozenset((value,) for value in allowed), graph.tasks[0].span))
    ruled = replace(graph, rules=tuple(rules))
    found = lint_requirements({"": ruled}, {})
    assert [warning.code for warning in found] == ([] if listed(ruled) else ["W0604"])


def test_a_limit_that_matters_under_one_preset_is_no_mistake() -> None:
    text = """space s(C = 8) {
      input image: [3, 8, 8]
      width w in {4, 8}
      y = image >> conv(w*C, k = 1)
      require params <= 200
      preset small(C = 1) { require params >= 60 }
      task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
    }"""
    graphs = {preset: load(Source("s.nas", text), preset=preset).graph for preset in ("", "small")}
    (warning,) = lint_requirements(graphs, {})
    assert warning.code == "W0602"
    assert warning.message == "no architecture under the preset `small` keeps `params >= 60`"

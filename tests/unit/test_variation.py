"""Mutation and crossover where the outcome is known, their mistakes, and the command line."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.source import Source
from nasdsl.space import Space, load

SPACE = """space s {{
  input image: [3, 16, 16]
  for i in 1..=4 {{ choose op[i] in {{ a: conv_bn(4, k = 1), b: conv_bn(4, k = 3), skip }} }}
  y[0] = image >> conv(4, k = 1)
  for i in 1..=4 {{ y[i] = y[i-1] >> op[i]() }}
  depth d in 1..=4
  {rules}
  task t = y[d] >> conv(2, k = 1) {{ loss l1() }}
}}"""


def space(rules: str = "") -> Space:
    return load(Source("s.nas", SPACE.format(rules=rules)))


def made(ops: str) -> Architecture:
    values = {"a": "a", "b": "b", "s": "skip"}
    return Architecture("s", {"d": len(ops), **{f"op[{n}]": values[op] for n, op in enumerate(ops, start=1)}})


def ops(architecture: Architecture) -> str:
    depth = architecture.decisions["d"]
    assert isinstance(depth, int)
    return "".join(str(architecture.decisions[f"op[{n}]"])[0] for n in range(1, depth + 1))


def children(found: Space, parent: str) -> set[str]:
    return {ops(found.mutate(made(parent), seed)) for seed in range(300)}


def test_what_dies_is_dropped_and_what_comes_alive_is_drawn() -> None:
    one, deeper = {"b", "s"}, {f"a{x}{y}" for x in ["", *"abs"] for y in ["", *"abs"]} - {"a"}
    found = children(space(), "a")
    assert {child for child in found if len(child) <= 3} == one | deeper
    assert {len(child) for child in found} == {1, 2, 3, 4}
    assert "aba" not in children(space(), "aa"), "two decisions would have changed"


def test_a_rule_pulls_another_decision_along() -> None:
    rules = "require op[1] == op[2]"
    assert {child for child in children(space(rules), "aaab") if len(child) == 4} == {
        "bbab", "ssab", "aabb", "aasb", "aaaa", "aaas"
    }  # fmt: skip


def test_where_a_count_is_full_one_of_the_others_gives_way() -> None:
    """b at op[4] is one too many: op[2] or op[3] becomes a or skip; nothing else changes."""
    found = children(space("require at most 2 of op[*] = b"), "abba")
    assert {child for child in found if child[:1] == "a" and child[-1:] == "b" and len(child) == 4} == {
        "aabb", "asbb", "abab", "absb"
    }  # fmt: skip


def test_a_crossing_has_each_decision_from_one_of_two() -> None:
    found = {ops(space().crossover(made("aa"), made("bab"), seed)) for seed in range(100)}
    assert found == {"aa", "ba", "aab", "bab"}


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"d": 1}, r"decides nothing for `op\[1\]`, which is live"),
        ({"d": 1, "op[1]": "a", "op[2]": "a"}, r"`op\[2\]` has a value but is not live"),
        ({"d": 1, "op[1]": "c"}, r"`op\[1\]` cannot be 'c'"),
        ({"d": 1, "op[1]": "a", "width": 3}, r"has no decision `width`"),
        ({"d": 2, "op[1]": "a", "op[2]": "b"}, r"the rule `op\[1\] == op\[2\]` \(s\.nas:7\) does not hold"),
    ],
)
def test_what_is_no_architecture_is_refused(decisions: dict[str, int | str], said: str) -> None:
    found, wrong = space("require op[1] == op[2]"), Architecture("s", decisions)
    calls: list[Callable[[], object]] = [
        lambda: found.mutate(wrong, 0),
        lambda: found.crossover(made("a"), wrong, 0),
        lambda: found.architectures.mutants([wrong], 0),
        lambda: found.limited("params <= 1 M").mutate(wrong, None),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(NasError, match=said):
            call()


def test_the_only_architecture_has_no_mutant(repository: Path) -> None:
    only = load(repository / "spaces/panoptic_deeplab.nas")
    architecture = only.sample(0)
    for call in (lambda: only.mutate(architecture, 0), lambda: only.architectures.mutants([architecture], 0)):
        with pytest.raises(NasError, match="has one architecture only"):
            call()
    assert only.crossover(architecture, architecture, 0) == architecture


def test_mutants_of_a_batch_leave_it_as_it_is() -> None:
    (parents,) = space().architectures.batches(500, seed=1)
    before = list(parents.architectures())
    found = list(space().architectures.mutants(parents, seed=2).architectures())
    assert list(parents.architectures()) == before
    assert len(found) == 500
    assert all(parent != child for parent, child in zip(before, found, strict=True))
    assert not list(space().architectures.mutants([], seed=2).architectures())


def test_limits_that_no_mutant_keeps_are_said_to_be_too_tight() -> None:
    """1x1 convolutions and nothing else: the cheapest architecture, and no other costs as little."""
    cheap = load(Source("s.nas", SPACE.format(rules="").replace(", skip }", " }")))
    with pytest.raises(NasError, match=r"none of 1,000 children of .* keeps the limits"):
        cheap.limited("params <= 50").mutate(made("a"), random.Random(0))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "s.nas"
    text.write_text(SPACE.format(rules=""))
    mother, father = tmp_path / "a.json", tmp_path / "b.json"
    mother.write_text(made("aa").to_json())
    father.write_text(made("bab").to_json())
    sample = ["sample", str(text), "-n", "20", "--seed", "3"]

    def printed(*arguments: str) -> list[Architecture]:
        assert main([*sample, *arguments]) == 0
        return [Architecture.from_json(line) for line in capsys.readouterr().out.splitlines()]

    near = printed("--near", str(mother))
    assert near == printed("--near", str(mother))
    assert len(near) == 20
    assert made("aa") not in near
    assert {ops(a) for a in printed("--between", str(mother), str(father))} == {"aa", "ba", "aab", "bab"}
    cheap = {ops(a) for a in printed("--near", str(mother), "--under", "params <= 100")}
    assert "as" in cheap
    assert not any("b" in child for child in cheap), "a 3x3 convolution has more weights than that"
    assert main([*sample, "--from", "0", "--under", "params <= 100"]) == 2
    assert "--from goes through all architectures" in capsys.readouterr().err
    assert main([*sample, "--near", str(father), "--under", "params <= 100"]) == 1
    assert "does not keep the limits itself" in capsys.readouterr().err

"""Published architectures: read, written back, and refused where they lie elsewhere. Their costs are in test_spaces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.notations import NOTATIONS, read_notation, write_notation
from nasdsl.notations.notation import literal
from nasdsl.space import Space, load

SPACES = Path(__file__).parents[2] / "spaces"
SMALL = {"darts": {"layers": 3}, "nasbench201": {"N": 1}, "fbnet": {"size": 32}, "fasterseg": {}}


def space(kind: str, preset: str = "", **params: int) -> Space:
    return load(SPACES / f"{kind}.nas", preset=preset, params=SMALL[kind] | params)


@pytest.fixture(scope="module")
def spaces() -> dict[str, Space]:
    return {kind: space(kind) for kind in NOTATIONS}


def first(left: str, right: str) -> str:
    """A cell whose first node is given."""
    return "[" + ", ".join([left, right, *["('skip_connect', 0), ('skip_connect', 1)"] * 3]) + "]"


def genotype(normal: str | None = None, reduce: str | None = None, concat: str = "[2, 3, 4, 5]") -> str:
    cell = "[" + ", ".join(["('skip_connect', 0), ('sep_conv_3x3', 1)"] * 4) + "]"
    return f"Genotype(normal={normal or cell}, normal_concat={concat}, reduce={reduce or cell}, reduce_concat={concat})"


@pytest.mark.parametrize("kind", NOTATIONS)
def test_every_architecture_goes_there_and_back(kind: str, spaces: dict[str, Space]) -> None:
    for seed in range(8):
        architecture = spaces[kind].sample(seed)
        text = write_notation(kind, architecture, spaces[kind].graph)
        assert read_notation(kind, text, spaces[kind].graph) == architecture
        assert "\n" not in text


def test_fasterseg_where_presets_fix_and_widths_differ() -> None:
    for preset in ("student", "teacher", "published"):
        found = space("fasterseg", preset)
        for seed in range(4):
            architecture = found.sample(seed)
            text = write_notation("fasterseg", architecture, found.graph)
            assert read_notation("fasterseg", text, found.graph) == architecture
            assert ("stem_head_width" in text) is False
            ratios = json.loads(text)
            ratios["widths"] = [[width / 12 for width in widths] for widths in ratios["widths"]]
            ratios["ops"] = [[("skip", "conv", "conv_downup", "conv_2x", "conv_2x_downup")[op] for op in ops]
                             for ops in ratios["ops"]]  # fmt: skip
            assert read_notation("fasterseg", json.dumps(ratios), found.graph) == architecture


def test_darts_is_read_as_people_have_it(spaces: dict[str, Space]) -> None:
    graph = spaces["darts"].graph
    plain = read_notation("darts", genotype(), graph)
    assert plain.decisions["normal.x[2].edge[1].op"] == "sep3"
    assert plain.decisions["reduction.ins[5]"] == (0, 1)
    assert read_notation("darts", f"MINE = {genotype(concat='range(2, 6)')}\n", graph) == plain
    turned = "[" + ", ".join(["('sep_conv_3x3', 1), ('skip_connect', 0)"] * 4) + "]"
    assert read_notation("darts", genotype(normal=turned), graph) == plain


def test_nasbench201_keeps_the_text(spaces: dict[str, Space]) -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    architecture = read_notation("nasbench201", text, spaces["nasbench201"].graph)
    assert write_notation("nasbench201", architecture, spaces["nasbench201"].graph) == text


def test_fbnet_by_name_and_by_index(spaces: dict[str, Space]) -> None:
    graph = spaces["fbnet"].graph
    named = ["ir_k3_e1", "ir_k3_s2", "k3_e3", "k5_e1_g2", "skip"] + ["k5_e6"] * 17
    by_name = read_notation("fbnet", str(named), graph)
    assert by_name == read_notation("fbnet", str([0, 1, 2, 5, 8] + [7] * 17), graph)
    assert list(by_name.decisions.values())[:3] == ["k3_e1", "k3_e1_g2", "k3_e3"]


def student(**changes: object) -> str:
    lists = {
        "lasts": [2, 1],
        "ops": [[3, 3, 4, 2, 4, 4, 4, 4, 4, 4], [3, 3, 4, 4, 3, 3, 4, 4, 4]],
        "paths": [[0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0, 1, 1, 1]],
        "widths": [[4, 4, 4, 8, 4, 4, 4, 4, 4], [4, 4, 4, 4, 4, 4, 4, 12]],
    }
    return json.dumps({key: value for key, value in {**lists, **changes}.items() if value is not None})


ELSEWHERE = [
    ("darts", genotype(normal=first("('sep_conv_7x7', 0)", "('skip_connect', 1)")),
     "", "has no operation `sep_conv_7x7`"),
    ("darts", genotype(normal=first("('none', 0)", "('skip_connect', 1)")),
     "", "has no operation `none`"),
    ("darts", genotype(normal=first("('skip_connect', 0)", "('skip_connect', 0)")),
     "", "normal, node 2 reads 0 and 0"),
    ("darts", genotype(reduce=first("('skip_connect', 0)", "('skip_connect', 2)")),
     "", "reduce, node 2 reads 0 and 2"),
    ("darts", genotype(normal="[('skip_connect', 0), ('skip_connect', 1)]"), "", "`normal` has 2 operations"),
    ("darts", genotype(concat="[3, 4, 5]"), "", "is .3, 4, 5.; a cell of `darts` returns all its nodes"),
    ("darts", genotype(concat="foo()"), "", "`normal_concat` is None"),
    ("darts", genotype() + "\n" + genotype(), "", "found 2 genotypes"),
    ("darts", "print('Genotype')", "", "found no genotype"),
    ("darts", "(" * 9000, "", "found no genotype"),
    ("darts", "Genotype(normal=[])", "", "has no `normal_concat`"),
    ("nasbench201", "|skip_connect~0|+|none~0|none~1|", "", "found 2 nodes, expected 3"),
    ("nasbench201", "|dil_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|", "", "no operation `dil_conv_3x3`"),
    ("nasbench201", "|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "", "node 2 must read each of the nodes 0 to 1"),
    ("nasbench201", "|none~0|+|none~0|none~1|+|none~0|none~1|", "", "node 3 is"),
    ("fbnet", "[0, 1]", "", "2 blocks, `fbnet` has 22 layers"),
    ("fbnet", str([9] * 22), "", "there is no block 9"),
    ("fbnet", str(["k7_e6"] * 22), "", "has no operation `k7_e6`"),
    ("fbnet", "k3_e1", "", "found no list"),
    ("fasterseg", student(), "student", "has 10 operators.* in this space it has 16 layers"),
    ("fasterseg", student(lasts=[2, 2]), "published", "two different ones of 0, 1, 2"),
    ("fasterseg", student(paths=[[0, 0, 0, 0, 0, 1, 1, 2, 2, 2], [0, 0, 0, 0, 0, 0, 1, 0, 1]]), "published",
     "stays or goes down"),
    ("fasterseg", student(paths=[[0, 0, 0, 0, 1, 1, 1, 1, 10**9, 2], [0] * 6 + [1] * 3]), "published",
     "must lead from scale 0 to 2"),
    ("fasterseg", student(ops=[[3, 3, 4, 2, 4, 4, 4, 4, 4, 4], [3, 3, 2, 4, 3, 3, 4, 4, 4]]), "published",
     r"want `zoomed2x` and `zoomed` for `trunk\[2,8\].op`, which they share"),
    ("fasterseg", student(ops=[[0, 3, 4, 2, 4, 4, 4, 4, 4, 4], [3, 3, 4, 4, 3, 3, 4, 4, 4]]), "published",
     "has no operation `skip`"),
    ("fasterseg", student(widths=[[4.5] * 9, [4] * 8]), "published", "a width is a ratio"),
    ("fasterseg", student(widths=[[5] * 9, [5] * 8]), "published", r"`trunk\[.*\].w` cannot be 5"),
    ("fasterseg", student(widths=None), "published", "found no dictionary of lasts, ops, paths, widths"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "preset", "message"), ELSEWHERE, ids=[item[3][:40] for item in ELSEWHERE])
def test_what_lies_elsewhere_is_refused_with_what_is_missing(kind: str, text: str, preset: str, message: str) -> None:
    with pytest.raises(NasError, match=message):
        read_notation(kind, text, space(kind, preset).graph)


def test_a_space_of_another_form_is_refused(spaces: dict[str, Space]) -> None:
    with pytest.raises(NasError, match=r"the space `fbnet` has no decision `normal.x\[2\].edge\[0\].op`"):
        read_notation("darts", genotype(), spaces["fbnet"].graph)
    with pytest.raises(NasError, match="the space `darts` has no layers"):
        read_notation("fbnet", str([0] * 22), spaces["darts"].graph)
    with pytest.raises(NasError, match=r"the space `darts` has no decision `branch\[32\]`"):
        read_notation("fasterseg", student(), spaces["darts"].graph)


@pytest.mark.parametrize("text", ["__import__('os').getcwd()", "[1 for _ in range(3)]", "x", "", "\0", "1\n2"])
def test_nothing_is_executed(text: str) -> None:
    assert literal(text) is None


def test_the_command_reads_texts_files_and_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    file = str(SPACES / "nasbench201.nas")
    (tmp_path / "cell.txt").write_text(text + "\n")
    assert main(["import", "nasbench201", text, file]) == 0
    printed = capsys.readouterr().out
    assert Architecture.from_json(printed).decisions["cell.n[2].edge[1].op"] == "skip_connect"
    assert main(["import", "nasbench201", str(tmp_path / "cell.txt"), file, "-o", str(tmp_path / "a.json")]) == 0
    assert (tmp_path / "a.json").read_text() == printed
    with (tmp_path / "cell.txt").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["import", "nasbench201", "-", file]) == 0
    assert capsys.readouterr().out == printed
    assert main(["import", "nasbench201", str(tmp_path / "a.json"), file, "--back"]) == 0
    assert capsys.readouterr().out == text + "\n"


def test_the_command_explains_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(SPACES / "nasbench201.nas")
    assert main(["import", "nasbench", "text", file]) == 2
    assert "there are: darts, nasbench201, fbnet, fasterseg" in capsys.readouterr().err
    assert main(["import", "nasbench201", "x" * 5000, file]) == 1
    assert "expected: |nor_conv_3x3~0|" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert main(["import", "nasbench201", str(tmp_path / "binary"), file]) == 1
    assert "no UTF-8" in capsys.readouterr().err

"""The generated text: valid and clean Python that no name of a file can break out of, with latencies where known."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from nasdsl.codegen import module_paths, network_source, supernet_source
from nasdsl.codegen.layout import LINE, flat, literal, quoted
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import signatures
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import module_of
from tests.generators.spaces import spaces

ROOT = Path(__file__).parents[2]
SPACES = ROOT / "spaces"
SMALL = {"F": 3, "layers": 4, "H": 64, "W": 128, "classes": 5}

KEYWORDS = """space names {
  input print: [3, 8, 8]
  block class(x) = x >> conv_bn_relu(4, k = 3)
  block None(x, lambda = 1) { eval = x >> class()  return eval >> class() >> relu() }
  block forward(x) = x >> conv(4, k = 3) >> bn()
  self = print >> class()
  torch = self >> None() >> forward()
  training = torch >> conv(4, k = 1)
  choose type in { nn: class, F: None, state_dict: forward }
  a = sum(training >> type(), self)
  task load = a >> conv(2, k = 1, bias = true) { loss cross_entropy() metric miou }
}
"""


def ruff(path: Path, *command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def clean(path: Path) -> None:
    ruff(path, "format", "--diff")
    ruff(path, "check", "--ignore", "D")


def test_generated_text_is_clean(tmp_path: Path) -> None:
    space = load(SPACES / "fasterseg.nas", params=SMALL | {"F": 6})
    table = dict.fromkeys(signatures(space.graph), 0.125)
    (tmp_path / "supernet.py").write_text(supernet_source(space.graph, latency=table, device="cpu"))
    architecture = space.sample(3)
    network = network_source(space.derive(architecture), architecture=architecture, facts={"MACs": "1,000"})
    (tmp_path / "network.py").write_text(network)
    (tmp_path / "names.py").write_text(supernet_source(load(Source("names.nas", KEYWORDS)).graph))
    clean(tmp_path)
    strict = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml")]
    for name in ("supernet.py", "network.py", "names.py"):
        result = subprocess.run([*strict, str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


@given(spaces())
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_space_gives_clean_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    space = load(Source("generated.nas", text))
    path = tmp_path_factory.mktemp("generated") / "text.py"
    for source in (
        supernet_source(space.graph),
        network_source(space.derive(space.sample(0)), architecture=None, facts={}),
    ):
        path.write_text(source)
        clean(path)
        assert max(map(len, source.splitlines())) <= LINE


def test_the_same_graph_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    program = (
        "import hashlib, sys; from nasdsl.codegen import supernet_source; from nasdsl.space import load;"
        "print(hashlib.sha256(supernet_source(load(sys.argv[1]).graph).encode()).hexdigest());"
        "assert 'torch' not in sys.modules"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(SPACES / "darts.nas")],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_nothing_of_the_machine_is_in_the_text() -> None:
    source = supernet_source(load(SPACES / "fasterseg.nas", params=SMALL | {"F": 6}).graph)
    assert str(ROOT) not in source
    assert "fasterseg.nas:3" in source


EVIL = [
    '"""\nimport os\nos.system("x")\n"""',
    "x\nimport os",
    "'); import os #",
    '"); import os #',
    "\\",
    '\\"""',
    "{{ 7 * 7 }}{% for x in y %}",
    "\u2028import os",
    "class",
    "ä; import os",
]


def renamed(graph: Graph, evil: str) -> Graph:
    """The graph with every name that comes from a file replaced by text that tries to become code."""
    decisions = {
        evil + path: replace(d, path=evil + path, grid=d.grid and evil + d.grid) for path, d in graph.decisions.items()
    }

    def atom(when: object) -> object:
        return when and replace(when, decision=evil + when.decision)

    def number(value):
        if not hasattr(value, "terms"):
            return evil + value if isinstance(value, str) else value
        return replace(value, terms=tuple((tuple(evil + s for s in m), c) for m, c in value.terms))

    nodes = tuple(
        replace(
            node,
            name=evil + node.name,
            inputs=tuple(replace(i, when=atom(i.when)) for i in node.inputs),
            attrs={name: number(value) for name, value in node.attrs.items()},
            type=replace(node.type, channels=number(node.type.channels)),
        )
        for node in graph.nodes
    )
    scopes = tuple(
        replace(
            s,
            name=evil + s.name,
            block=evil + s.block,
            path=s.path and evil + s.path,
            cell=s.cell and (evil + s.cell[0], s.cell[1]),
        )
        for s in graph.scopes
    )
    cases = {
        evil + name: replace(c, cases=tuple((atom(a), number(n)) for a, n in c.cases))
        for name, c in graph.cases.items()
    }
    grids = {evil + path: replace(grid, path=evil + path) for path, grid in graph.grids.items()}
    tasks = tuple(replace(task, name=evil + task.name) for task in graph.tasks)
    return replace(graph, name=evil + graph.name, preset=evil, params={evil: evil}, nodes=nodes, scopes=scopes,
                   decisions=decisions, grids=grids, cases=cases, tasks=tasks)  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_names_cannot_become_code(evil: str) -> None:
    space = load(SPACES / "fasterseg.nas", params=SMALL | {"F": 6, "layers": 3})
    source = supernet_source(renamed(space.graph, evil), device=evil)
    derived = space.derive(space.sample(0))
    network = network_source(renamed(derived, evil), architecture=None, facts={evil: evil})
    for text in (source, network):
        tree = ast.parse(text)
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert modules <= {"torch", "torch.nn.functional"}
        plain = {type(node) for node in tree.body}
        assert plain <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.ClassDef, ast.FunctionDef}
        assert [node for node in tree.body if isinstance(node, ast.Expr)] == tree.body[:1]
    module = module_of(network)
    assert module.Network()(torch.zeros(2, 3, 64, 128)).shape == (2, 5, 64, 128)


def test_names_that_python_uses() -> None:
    space = load(Source("names.nas", KEYWORDS))
    module = module_of(supernet_source(space.graph))
    paths = [path.split(".") for path in module_paths(space.graph).values()]
    torch_names = set(dir(torch.nn.Module()))
    assert not {part for path in paths for part in path} & torch_names
    assert module.Supernet().state_dict()


def test_module_paths_are_those_of_the_text() -> None:
    for text in ("fasterseg", "darts"):
        params = SMALL | {"F": 6} if text == "fasterseg" else {"C": 4, "layers": 3}
        space = load(SPACES / f"{text}.nas", params=params)
        network = space.derive(space.sample(1))
        supernet = module_of(supernet_source(space.graph)).Supernet()
        modules = dict(supernet.named_modules())
        for chosen in ({"h": 8}, {"h": 12}) if text == "fasterseg" else ({},):
            assert set(module_paths(space.graph, chosen).values()) <= set(modules)
        derived = module_of(network_source(network, architecture=None, facts={})).Network()
        leaves = {name for name, module in derived.named_modules() if not list(module.children())}
        assert set(module_paths(network).values()) == leaves


def test_latencies_are_said_where_they_are_known() -> None:
    space = load(SPACES / "fasterseg.nas", preset="student", params=SMALL)
    table = dict.fromkeys(signatures(space.graph), 0.25)
    source = supernet_source(space.graph, latency=table, device="a table")
    assert re.search(r'"conv": lambda: self\.op_conv\(x, c\),  # 0\.25 ms', source)
    assert "milliseconds on a table" in source
    assert " ms" not in supernet_source(space.graph).replace("expected_latency_ms", "")
    assert "expected_latency_ms" not in supernet_source(space.graph)


def test_classes_read_as_a_person_would_write_them() -> None:
    source = supernet_source(load(SPACES / "darts.nas").graph)
    assert (
        "    def __init__(self, c: int, k: int, stride: int) -> None:\n"
        "        super().__init__()\n"
        "        self.dw_conv = nn.Conv2d(c, c, k, stride=stride, padding=k // 2, groups=c, bias=False)\n"
        "        self.conv = nn.Conv2d(c, c, 1, bias=False)\n"
    ) in source
    assert source.count("class Edge(") == 1


def test_literals_read_back() -> None:
    data = {"a": (1, ("b",), ()), (1, 2): [True, 0.5, "\"'\\"], "c": {}}
    assert ast.literal_eval(flat(literal(data))) == data
    for text in EVIL:
        assert ast.literal_eval(quoted(text)) == text

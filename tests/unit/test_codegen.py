"""The generated text: valid and clean Python that no name of a file can break out of, with latencies where known."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from nasdsl import runtime
from nasdsl.codegen import module_paths, network_source, runs, supernet_source
from nasdsl.codegen.layout import LINE, flat, literal, quoted
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Graph
from nasdsl.passes.expected_cost import expected_cost_data
from nasdsl.passes.kernels import signatures
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import SHARED, Pair, module_of
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
            weights=s.weights and evil + s.weights,
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


@pytest.mark.parametrize("evil", EVIL)
def test_names_of_depths_and_shared_blocks_cannot_become_code(evil: str) -> None:
    space = load(Source("sharing.nas", SHARED))
    supernet = supernet_source(renamed(space.graph, evil))
    network = network_source(renamed(space.derive(space.sample(0)), evil), architecture=None, facts={})
    for text in (supernet, network):
        modules = {
            alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
        }
        assert modules <= {"torch", "torch.nn.functional"}
    assert module_of(supernet).Supernet().state_dict()
    assert module_of(network).Network()(torch.zeros(2, 3, 16, 16)).shape == (2, 2, 32, 32)


EXTERNS = """extern crop(x, y, size, slope = 1/2) -> [3, 4, 4] from "heads.layers:Crop"
extern other(x) -> [channels(x), 4, 4] from "heads.more:Crop"
space s {
  input image: [3, 8, 8]
  block tail(x) {
    choose op in { a: conv_bn(k = 3), b: conv_bn(k = 1) }
    y = x >> op()
    return crop(y, x, 4) >> other()
  }
  task t = tail(image) >> conv(2, k = 1) { loss cross_entropy() }
  predict p(t) { metric pq }
}
"""

HEADS = """from torch import nn
class Crop(nn.Module):
    def __init__(self, size, slope):
        super().__init__()
        self.size, self.conv = size, nn.Conv2d(3, 3, 1)
        assert (size, slope) == (4, 0.5)
    def forward(self, x, y):
        return self.conv((x + y)[:, :, : self.size, : self.size])
"""


def test_externs_are_imported_constructed_and_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "heads"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "layers.py").write_text(HEADS)
    (package / "more.py").write_text("from torch import nn\nclass Crop(nn.ReLU):\n    pass\n")
    space = load(Source("externs.nas", EXTERNS))
    supernet = supernet_source(space.graph)
    assert (
        "from heads.layers import Crop\nfrom heads.more import Crop as Crop_2\nfrom torch import Tensor, nn\n"
        in supernet
    )
    assert "self.y_2 = " not in supernet
    assert "Crop(size=4, slope=0.5)" in supernet
    assert "y = self.crop(y, x)" in supernet
    assert "self.other(y)" in supernet
    (tmp_path / "text.py").write_text(supernet)
    clean(tmp_path / "text.py")
    assert "heads" not in sys.modules  # nothing was imported to write it
    monkeypatch.syspath_prepend(tmp_path)
    pair = Pair(space)
    for seed in range(2):
        architecture = space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=False)


@pytest.mark.parametrize(
    "target", ["os", "os:system('x')", "a b:C", "a.b:C; import os", "class:C", "a:b:c", "", "a:b\n"]
)
def test_an_extern_that_names_no_class_is_refused(target: str) -> None:
    graph = load(Source("externs.nas", EXTERNS)).graph
    nodes = tuple(replace(n, attrs={**n.attrs, "target": target}) if n.op == "extern" else n for n in graph.nodes)
    with pytest.raises(NasError, match="names no Python class"):
        supernet_source(replace(graph, nodes=nodes))


def test_parts_of_a_chain_are_computed_when_they_are_wanted() -> None:
    source = supernet_source(load(Source("sharing.nas", SHARED)).graph)
    for line in (
        '        y_1 = runtime.once(lambda: self.g(y_0, self.f, arch / "g"))  # [N, 3, 16, 16]',
        '                2: lambda: self.f(y_1(), arch / "f"),',
        "    def forward(self, x: Tensor, f: F2, arch: Choices) -> Tensor:",
        "        self.f = F2()",
        '        "d": runtime.Depth((0, 1, 2)),',
    ):
        assert source.count(line + "\n") == 1, line


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
    assert re.search(r'"conv": lambda: self\.op_conv\(here, c\),  # 0\.25 ms', source)
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


def test_the_latency_of_a_block_is_that_of_its_shortest_and_longest_chain() -> None:
    text = """space s {
      input image: [3, 8, 8]
      block stage(x) {
        depth d in {1, 3}
        y[0] = x
        for i in 1..=3 { y[i] = y[i-1] >> conv(3, k = 3) }
        return y[d]
      }
      block both(x) { return sum(stage(x), x >> conv(3, k = 5)) }
      choose op in { both, other: conv(3, k = 7) }
      task t = image >> op() { loss cross_entropy() }
    }"""
    graph = load(Source("s.nas", text)).graph
    table = {text: 0.5 if "k=3" in text else 0.125 for text in signatures(graph)}
    source = supernet_source(graph, latency=table, device="cpu")
    assert '"both": lambda: self.t_op_both(image, arch / "t.op.both"),  # 0.75-1.75 ms' in source


def classes(source: str) -> list[str]:
    return re.findall(r"^class (\w+)\(", source, flags=re.MULTILINE)


def test_one_class_for_each_cell_of_a_space() -> None:
    """Whichever preprocessing a cell has, whether it reads one map twice, and in how many widths."""
    darts = supernet_source(load(SPACES / "darts.nas").graph)
    assert [name for name in classes(darts) if "Normal" in name or "Reduction" in name] == ["Normal", "Reduction"]
    for line in (
        "    def __init__(self, x_0: nn.Module, c_b: int, c: int) -> None:",
        "    def forward(self, a: Tensor, b: Tensor, arch: Choices) -> Tensor:",
        "        self.x_3 = nn.ModuleList(Edge(c) for _ in range(3))",
        "        self.y_5 = Normal(ReluFactorizedReduce(64), 128, 32)",
        '        y_2: Tensor = self.y_2(y_0, y_0, arch / "normal")  # [N, 64, 32, 32]',
    ):
        assert line + "\n" in darts, line
    assert "        self.conv = nn.Conv2d(c_in, c, 1, bias=False)\n" in darts
    fasterseg = classes(supernet_source(load(SPACES / "fasterseg.nas").graph))
    assert fasterseg == [
        "ConvBnRelu", "Conv2x", "ConvBn", "Zoomed", "ZoomedDown", "Zoomed2x", "Zoomed2xDown", "FactorizedReduce",
        "Stay", "To", "ToDown", "Trunk", "TrunkSame", "Refine16", "Refine32", "Head", "Supernet",
    ]  # fmt: skip


def test_what_differs_in_a_word_only_is_said_once() -> None:
    """Blocks that stand for one body, links of a grid that differ in their layer, operations that are alternatives."""
    spatialflow = supernet_source(load(SPACES / "spatialflow.nas").graph)
    found = classes(spatialflow)
    assert {"Step", "Flow", "ClsOut", "BoxOut", "Bottleneck", "BottleneckSame"} <= set(found)
    assert not {"ToBox", "BoxCls", "Conv", "Bottleneck2"} & set(found)
    assert "        self.op_conv3 = nn.Conv2d(256, 256, 3, padding=1)\n" in spatialflow
    fasterseg = supernet_source(load(SPACES / "fasterseg.nas").graph)
    assert fasterseg.count("**runtime.links(") == 5
    for line in (
        "        self.trunk_32 = runtime.Column({i: TrunkSame(384, 384, widths=(128, 192, 256, 320, 384)) "
        "for i in range(2, 15)})",
        "                lambda i, x: self.trunk_8[i].to_down("
        'x, arch / f"trunk[{i},8]", 16 * arch[f"trunk[{i + 1},16].w"]),',
    ):
        assert line + "\n" in fasterseg, line
    fbnet = classes(supernet_source(load(SPACES / "fbnet.nas").graph))
    assert fbnet[3:] == ["MbSame", "MbSameShuffle", "Mb", "MbShuffle", "LayerSame", "Layer", "Supernet"]


ARGUMENTS = """space arguments {
  input image: [3, 8, 8]
  block mixed(near, c, far) {
    choose op in { a: conv_bn(k = 1), b: conv_bn(k = 3) }
    return sum(near >> op(c = c), far >> conv_bn(c, k = 1), image >> conv(c, k = 1))
  }
  block relu_first(x) = x >> relu() >> conv_bn(4, k = 1)
  block either(x, first) { y = x >> (relu_first() if first else conv_bn(4, k = 1))  return y >> relu() }
  x = mixed(image, 4, image)
  y = mixed(far = x, near = image, c = 4)
  z = sum(p = either(x, true), q = either(y, false))
  task t = mixed(z, 2, y) { loss cross_entropy() }
}"""


def test_arguments_are_those_of_the_text() -> None:
    """In their order, also if two are one map; what is read from around the block comes after them."""
    space = load(Source("arguments.nas", ARGUMENTS))
    source = supernet_source(space.graph)
    assert (
        source.count("    def forward(self, near: Tensor, far: Tensor, image: Tensor, arch: Choices) -> Tensor:\n") == 1
    )
    assert '= self.x(image, image, image, arch / "x.mixed")' in source
    assert '= self.y(image, x, image, arch / "y.mixed")' in source
    assert [name for name in classes(source) if name in ("Mixed", "Either")] == ["Mixed", "Either"]
    assert "    def __init__(self, y: nn.Module) -> None:\n" in source
    pair = Pair(space)
    for seed in range(4):
        architecture = space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


def test_channels_are_computed_from_those_of_a_map() -> None:
    text = """space s {
      input image: [3, 16, 16]
      width w in {2, 4}
      block expand(x) {
        width e in {1, 2}
        return x >> conv_bn_relu(e * channels(x), k = 1) >> conv_bn(6, k = 3)
      }
      stem = image >> conv_bn_relu(2*w, k = 3)
      grid g[l in 0..=2, r in {1, 2}] from stem at [0, 1] {
        width v in {2, 4}
        to [l+1, r] = here >> conv_bn(2*next.v, k = 3)
        to [l+1, 2*r] = here >> conv_bn(2*next.v, k = 3, stride = 2)
      }
      route way in g to [2, 2]
      last = way.last(1) >> conv_bn(2*channels(way.last(1)), k = 3) >> conv_bn(6, k = 1)
      a = sum(near = expand(stem), far = expand(last))
      task t = sum(a, last, way.end >> conv(6, k = 1) >> resize_like(image)) >> conv(2, k = 1) { loss cross_entropy() }
    }"""
    space = load(Source("s.nas", text))
    source = supernet_source(space.graph)
    assert source.count('arch["e"] * x.shape[1]') == 1
    assert "        x = self.conv(x, 2 * x.shape[1])" in source
    pair = Pair(space)
    for seed in range(8):
        architecture = space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.mark.parametrize(("name", "most"), [("darts", 700), ("fasterseg", 1600)])
def test_the_latency_data_of_a_file_are_short_and_say_the_same(name: str, most: int) -> None:
    graph = load(SPACES / f"{name}.nas").graph
    table = {text: 0.001 * (len(text) + text.count("k=3")) for text in signatures(graph)}
    source = supernet_source(graph, latency=table, device="cpu")
    assert source.count("\n") - supernet_source(graph).count("\n") < most
    data = source[source.index("OP = ") : source.index("\n\nclass ")] + source[source.index("\nKERNELS: Any") :]
    found: dict[str, Any] = {"runtime": runtime}
    exec(re.sub(r": (Any|Mapping\[str, Any\]) =", " =", data), found)  # noqa: S102 - made by the code under test
    expected = runtime.ExpectedCost(expected_cost_data(graph), table)
    mine = runtime.ExpectedCost(found["COST"], found["LATENCY_MS"])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = runtime.Logits(found["SPACE"])
        for parameter in drawn.parameters():
            torch.nn.init.normal_(parameter)
    probabilities = drawn.probabilities()
    torch.testing.assert_close(mine(probabilities), expected(probabilities))


RUNS = {
    "x[0,1].w": "W", "x[0,1].op": "OP", "x[1,1].w": "W", "x[1,1].op": "OP", "x[1,2].w": "W", "x[1,2].op": "OP",
    "x[2,1].w": "W", "x[2,1].op": "OP", "x[2,2].w": "W", "x[2,2].op": "OP", "x[3,1].w": "W", "x[3,1].op": "OP",
    "x[3,2].w": "W", "x[3,2].op": "W", "{odd}[1].op": "OP", "{odd}[2].op": "OP", "{odd}[3].op": "OP",
    "y[4].op": "OP", "y[5].op": "OP", "y[6].op": "OP", "y[8].op": "OP", "z": "W",
}  # fmt: skip


def test_runs_are_the_entries_in_their_order() -> None:
    text = flat(runs.table(RUNS))
    assert list(eval(text, {"W": "W", "OP": "OP"}).items()) == list(RUNS.items())  # noqa: S307 - made here
    assert 'for i in (1, 2) for j in (1, 2) for name, decision in ((".w", W), (".op", OP))' in text
    assert 'f"y[{i}].op": OP for i in (4, 5, 6, 8)' in text
    pairs = [((i, j), (i + 1, k)) for i in range(5) for j, k in ((1, 1), (1, 2), (2, 2)) if i or j == 1]
    assert list(eval(flat(runs.links(pairs)))) == pairs  # noqa: S307 - made here
    assert "for i in range(1, 5) for j, k in ((1, 1), (1, 2), (2, 2))" in flat(runs.links(pairs))
    odd = [((0,), (1,)), ((0, 1), (2, 1))]
    assert list(eval(flat(runs.links(odd)))) == odd  # noqa: S307 - made here

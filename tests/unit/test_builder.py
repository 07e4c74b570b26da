"""The builder: what is written in Python is the space that the text would have been."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings

from nasdsl import NasError, SpaceBuilder, load
from nasdsl.builder import (
    Expression,
    each,
    labelled,
    name,
    quantity,
    soft,
    std,
    through,
    until,
    where,
)
from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.source import Source, Span
from nasdsl.syntax import ast
from nasdsl.syntax.parser import parse
from nasdsl.syntax.printer import format_source
from tests.generators.spaces import spaces

DARTS = """
space darts(C = 16, layers = 8, nodes = 4, classes = 10) {
  input image: [3, 32, 32]
  block edge(x, stride = 1) {
    choose op in { soft none, max3: max_pool(k = 3), avg3: avg_pool(k = 3), skip, sep3: sep_conv(k = 3) }
    return x >> op(stride = stride)
  }
  block body(a, b, c, stride) {
    x[0] = a >> (relu_conv_bn(c, k = 1) if rate(a) == rate(b) else relu_factorized_reduce(c))
    x[1] = b >> relu_conv_bn(c, k = 1)
    for i in 2..nodes+2 {
      pick ins[i] in 2 of 0..i
      x[i] = sum(edge(x[j], stride if j < 2 else 1) for j in ins[i])
    }
    return concat(x[i] for i in 2..nodes+2)
  }
  tied block normal(a, b, c) = body(a, b, c, 1)
  tied block reduction(a, b, c) = body(a, b, c, 2)
  cut = {floor(layers/3), floor(2*layers/3)}
  y[0] = image >> conv_bn(3*C, k = 3)
  y[1] = y[0]
  for i in 0..layers {
    c = C * (4 if i >= cut[1] else 2 if i >= cut[0] else 1)
    y[i+2] = reduction(y[i], y[i+1], c) if i in cut else normal(y[i], y[i+1], c)
  }
  task classify = y[layers+1] >> global_avg_pool() >> linear(classes) {
    loss cross_entropy()
    metric accuracy
  }
  preset small(C = 4, layers = 3) {
    normal.x[*].edge[*].op in {sep3, skip}
    require macs <= 40 M
  }
}
"""


def darts() -> SpaceBuilder:
    space = SpaceBuilder("darts", C=16, layers=8, nodes=4, classes=10)
    width, layers, nodes, classes = space.parameters
    image = space.input("image", 3, 32, 32)
    with space.block("edge", "x", stride=1) as edge:
        x, stride = edge.parameters
        op = space.choose(
            "op", soft(std.none), labelled("max3", std.max_pool(k=3)), labelled("avg3", std.avg_pool(k=3)), std.skip,
            sep3=std.sep_conv(k=3),
        )  # fmt: skip
        space.return_(x >> op(stride=stride))
    with space.block("body", "a", "b", "c", "stride") as body:
        a, b, c, stride = body.parameters
        x = name("x")
        space.let(x[0], a >> where(std.rate(a) == std.rate(b), std.relu_conv_bn(c, k=1), std.relu_factorized_reduce(c)))
        space.let(x[1], b >> std.relu_conv_bn(c, k=1))
        with space.for_("i", until(2, nodes + 2)) as i:
            ins = space.pick(name("ins")[i], 2, until(0, i))
            space.let(x[i], std.sum(each("j", ins, lambda j: edge(x[j], where(j < 2, stride, 1)))))
        space.return_(std.concat(each("i", until(2, nodes + 2), lambda i: x[i])))
    cells = {
        kind: space.short_block(
            kind, "a", "b", "c", sharing="tied", value=lambda a, b, c, stride=stride: body(a, b, c, stride)
        )
        for kind, stride in (("normal", 1), ("reduction", 2))
    }
    cut = space.let("cut", [std.floor(layers / 3), std.floor(2 * layers / 3)])
    y = name("y")
    space.let(y[0], image >> std.conv_bn(3 * width, k=3))
    space.let(y[1], y[0])
    with space.for_("i", until(0, layers)) as i:
        c = space.let("c", width * where(i >= cut[1], 4, where(i >= cut[0], 2, 1)))
        pair = (y[i], y[i + 1], c)
        space.let(y[i + 2], where(i.is_in(cut), cells["reduction"](*pair), cells["normal"](*pair)))
    space.task(
        "classify", y[layers + 1] >> std.global_avg_pool() >> std.linear(classes),
        loss=std.cross_entropy(), metrics=[std.accuracy],
    )  # fmt: skip
    with space.preset("small", C=4, layers=3):
        space.restrict("normal.x[*].edge[*].op", ["sep3", "skip"])
        space.require(std.macs <= quantity(40, "M"))
    return space


def without_spans(value: Any) -> Any:
    """A graph as plain data, but for the places in the text."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in fields(value) if not isinstance(getattr(value, f.name), Span)]
        return type(value).__name__, {key: without_spans(getattr(value, key)) for key in kept}
    if isinstance(value, dict | MappingProxyType):
        return {key: without_spans(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(without_spans(item) for item in value)
    return value


@pytest.mark.parametrize("preset", ["", "small"])
def test_darts_from_python_is_darts_from_text(preset: str) -> None:
    built, read = darts().build(preset=preset), load(Source("darts.nas", DARTS), preset=preset)
    assert without_spans(built.graph) == without_spans(read.graph)
    assert built.sample(3) == read.sample(3)


def test_the_text_is_laid_out() -> None:
    text = darts().text()
    assert format_source(Source("darts.nas", text)) == text
    assert parse(Source("darts.nas", text)) == darts().file


GRID = """
from "std/backbones.nas" import resnet50, fpn as pyramid
extern rois(x, classes = 80) -> [classes, 28, channels(x)/2] from "package.rois:Head"
space g(F, layers = 4) {
  input image: [3, 64, 64]
  choose h in {8, 12}
  depth d in 1..=3
  rates = (8, 16)
  grid trunk[l in 0..=layers, r in rates] from image at [0, 8] {
    width w in {4, 6}
    to [l+1, r]   = here >> std_op(c = next.w * F)
    to [l+1, 2*r] = here >> std_op(stride = 2) when l < layers - 1 and not r == 16
  }
  for (e, k) in enumerate(rates) when e > 0 { route branch[e] in trunk to [layers, k] }
  a, b = image >> split(2^-d, -1, 0.5, 1/3, true, "text")
  shared block cell[2](x) { return x, branch[1].end, branch[1].last(8) }
  aux task deep[1] = a when layers >= 4 {
    loss ohem(thresh = 0.7)
    weight 0.2
  }
  predict panoptic(deep[1], top_k = 200) { metric pq }
  require latency(ort_cpu, threads = 1) <= 8.3 ms or d in {1, 2}
  require at most 2 of trunk[*, 8].w = 4
  preset full {
    h = 8
    require at most 1 of trunk[*, *].w in {4, max}
  }
}
"""


def grid() -> SpaceBuilder:
    space = SpaceBuilder("g", "F", layers=4)
    f, layers = space.parameters
    resnet50, pyramid = space.import_("std/backbones.nas", "resnet50", pyramid="fpn")
    assert (repr(resnet50), repr(pyramid)) == ("resnet50", "pyramid")
    space.extern(
        "rois", "x", classes=80, shape=lambda x, classes: (classes, 28, std.channels(x) / 2), target="package.rois:Head"
    )
    image = space.input("image", 3, 64, 64)
    space.choose("h", 8, 12)
    d = space.depth("d", through(1, 3))
    rates = space.let("rates", (8, 16))
    with space.grid("trunk", {"l": through(0, layers), "r": rates}, start=image, at=(0, 8)) as trunk:
        l, r = trunk.coordinates  # noqa: E741
        space.width("w", [4, 6])
        space.link((l + 1, r), trunk.here >> std.std_op(c=trunk.next.w * f))
        later = (l < layers - 1) & ~(r == 16)
        space.link((l + 1, 2 * r), trunk.here >> std.std_op(stride=2), when=later)
    branch = name("branch")
    with space.for_(("e", "k"), std.enumerate(rates), when=lambda e, _: e > 0) as (e, k):
        space.route(branch[e], trunk, (layers, k))
    a, _ = space.let(["a", "b"], image >> std.split(2**-d, -1, 0.5, Fraction(1, 3), True, "text"))
    with space.block(name("cell")[2], "x", sharing="shared") as cell:
        space.return_(*cell.parameters, branch[1].end, branch[1].last(8))
    deep = space.task(
        name("deep")[1], a, loss=std.ohem(thresh=0.7), weight=0.2, when=layers >= 4, aux=True
    )  # fmt: skip
    space.predict("panoptic", deep, top_k=200, metrics=[std.pq])
    fast = std.latency(std.ort_cpu, threads=1) <= quantity(8.3, "ms")
    space.require(fast | d.is_in([1, 2]))
    space.at_most(2, "trunk[*, 8].w", 4)
    with space.preset("full"):
        space.restrict("h", 8)
        space.at_most(1, "trunk[*, *].w", [4, "max"])
    return space


def test_every_statement_can_be_written() -> None:
    text = grid().text()
    assert parse(Source("g.nas", text)) == parse(Source("g.nas", GRID))


class Again:
    """Says everything that a syntax tree says once more, through a builder."""

    def __init__(self, space: ast.Space) -> None:
        self.builder = SpaceBuilder(space.name, *[(p.name, value(p.default)) for p in space.parameters])
        self.all(space.body)

    def all(self, body: tuple[Any, ...]) -> None:
        for node in body:
            getattr(self, type(node).__name__.lower())(node)

    def input(self, node: ast.Input) -> None:
        self.builder.input(node.name, *[value(a.value) for a in node.shape])

    def assign(self, node: ast.Assign) -> None:
        targets = [target(t) for t in node.targets]
        self.builder.let(targets[0] if len(targets) == 1 else targets, value(node.value))

    def block(self, node: ast.Block) -> None:
        parameters = [p.name if p.default is None else (p.name, value(p.default)) for p in node.parameters]
        if node.short:
            (made,) = node.body
            assert isinstance(made, ast.Return)
            result = value(made.values[0])
            self.builder.short_block(target(node.target), *parameters, sharing=node.sharing, value=lambda *_: result)
            return
        with self.builder.block(target(node.target), *parameters, sharing=node.sharing):
            self.all(node.body)

    def choose(self, node: ast.Choose) -> None:
        made = []
        for a in node.alternatives:
            plain = value(a.value)
            made.append(soft(plain, a.label) if a.soft else labelled(a.label, plain) if a.label else plain)
        self.builder.choose(target(node.target), *made)

    def pick(self, node: ast.Pick) -> None:
        self.builder.pick(target(node.target), value(node.count), value(node.members))

    def width(self, node: ast.Width) -> None:
        self.builder.width(target(node.target), value(node.domain))

    def depth(self, node: ast.Depth) -> None:
        self.builder.depth(target(node.target), value(node.domain))

    def grid(self, node: ast.Grid) -> None:
        coordinates = {binder.name: value(binder.domain) for binder in node.binders}
        at = tuple(map(value, node.source))
        with self.builder.grid(node.name, coordinates, start=value(node.start), at=at):
            self.all(node.body)

    def link(self, node: ast.Link) -> None:
        self.builder.link(tuple(map(value, node.index)), value(node.value), node.guard and value(node.guard))

    def route(self, node: ast.Route) -> None:
        self.builder.route(target(node.target), node.grid, tuple(map(value, node.end)))

    def task(self, node: ast.Task) -> None:
        kinds: dict[str, list[Expression]] = {"loss": [], "metric": [], "weight": []}
        for clause in node.clauses:
            kinds[clause.kind].append(value(clause.value))
        weight = kinds["weight"][0] if kinds["weight"] else None
        self.builder.task(target(node.target), value(node.value), loss=kinds["loss"][0], metrics=kinds["metric"],
                          weight=weight, when=node.guard and value(node.guard), aux=node.aux)  # fmt: skip

    def require(self, node: ast.Require) -> None:
        self.builder.require(value(node.condition))

    def return_(self, node: ast.Return) -> None:
        self.builder.return_(*map(value, node.values))

    def __getattr__(self, kind: str) -> Any:
        return {"return": self.return_, "for": self.for_}[kind]

    def for_(self, node: ast.For) -> None:
        guard, names = node.generator.guard, node.generator.names
        when = None if guard is None else lambda *_: value(guard)
        with self.builder.for_(names[0] if len(names) == 1 else names, value(node.generator.domain), when):
            self.all(node.body)


def value(node: ast.Expression | None) -> Any:
    return None if node is None else Expression(node)


def target(node: ast.Target) -> Expression:
    return name(node.name) if node.index is None else name(node.name)[tuple(map(value, node.index))]


@settings(max_examples=20)
@given(spaces())
def test_generated_spaces_said_again(text: str) -> None:
    file = parse(Source("generated.nas", text))
    (space,) = file.items
    assert isinstance(space, ast.Space)
    again = Again(space).builder
    assert again.file == file
    assert parse(Source("generated.nas", again.text())) == file


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda s: s.let("to", 1), "`to` is a word of the language"),
        (lambda s: s.let("2x", 1), "'2x' is no name"),
        (lambda s: s.let("x y", 1), "'x y' is no name"),
        (lambda s: s.let('x = 1 }\n"', 1), "is no name"),
        (lambda s: s.let(name("y")[0] + 1, 1), "cannot be given a value"),
        (lambda s: s.let("y", 'a"b'), "cannot be written as a string"),
        (lambda s: s.let("y", "a\nb"), "cannot be written as a string"),
        (lambda s: s.let("y", float("nan")), "nan is no number"),
        (lambda s: s.let("y", std.f(**{"a b": 1})), "'a b' is no name"),
        (lambda s: s.choose("op"), "a choice needs alternatives"),
        (lambda s: s.require(std.params <= quantity(3, "parsecs")), "`parsecs` is no unit"),
        (lambda s: s.require(std.params <= quantity(-3, "M")), "is negative"),
        (lambda s: s.restrict("a = 1 } preset q { b", 2), "is no path"),
        (lambda s: s.at_most(1, "a b", 2), "is no path"),
        (lambda s: s.import_("f.nas"), "names nothing"),
    ],
)
def test_what_cannot_be_written_is_refused(write: Any, message: str) -> None:
    with pytest.raises(NasError) as caught:
        write(SpaceBuilder("s"))
    assert message in str(caught.value)
    assert caught.value.help or "negative" in message


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda x: 1 if x > 0 else 2, "where(condition, a, b)"),
        (lambda x: 0 < x < 3, "(a < b) & (b < c)"),
        (lambda x: list(x), "each(names, domain"),
        (lambda x: 1 in x, "item.is_in(domain)"),
        (lambda x: x + {1, 2}, "write a list"),
        (lambda x: x + each("i", x, lambda i: i), "only argument of a call"),
        (lambda x: x + object(), "stands for no expression"),
    ],
)
def test_what_python_would_misunderstand_says_how_to_write_it(write: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        write(name("x"))
    assert message in str(caught.value)


def test_a_body_that_fails_leaves_nothing_behind() -> None:
    space = SpaceBuilder("s")
    with pytest.raises(ZeroDivisionError), space.block("f", "x"):
        space.let("y", 1 / 0)
    assert space.text() == "space s { }\n"
    with space.block("f", "x"), pytest.raises(NasError, match="leave the `with` first"):
        space.text()


def test_mistakes_of_the_space_are_shown_in_its_text() -> None:
    space = SpaceBuilder("s")
    image = space.input("image", 3, 8, 8)
    space.let("y", image >> std.sep_cnv(4, k=3))
    with pytest.raises(InvalidSpace) as caught:
        space.build()
    assert "s.nas:3:16" in str(caught.value)
    assert "sep_conv" in str(caught.value)


def test_operators_need_no_parentheses_that_python_does_not_need() -> None:
    x, y = name("x"), name("y")
    assert repr((x + y) * 2 - -(x ** (y - 1))) == "(x + y) * 2 - -x^(y-1)"
    assert repr(~((x == 1) | (y != 2))) == "not (x == 1 or y != 2)"
    assert repr(x >> where(y >= 1, std.f(), std.g())) == "x >> (f() if y >= 1 else g())"

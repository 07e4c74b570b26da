"""Forms of the language that are seldom met, each in a small space: the supernet computes what the networks compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from nasdsl import runtime
from nasdsl.codegen import module_paths
from nasdsl.source import Source
from nasdsl.space import load
from tests.differential.test_supernet import Pair, runs_of

GRID = """stem = image >> conv_bn_relu(4, k = 3)
  grid g[l in 0..=2, r in {1, 2}] from stem at [0, 1] {
    width v in {2, 4}
    to [l+1, r] = here >> conv_bn(2*next.v, k = 3)
    to [l+1, 2*r] = here >> conv_bn(2*next.v, k = 3, stride = 2)
  }
  route way in g to [2, 2]
  last = way.last(1)
  up = way.end >> conv(4, k = 1) >> resize_like(image)
"""

FORMS = {
    "picks in picks": """
        pick a in 2 of {"p", "q", "r"}
        pick b in 1 of 0..2
        block f(x, j) = x >> conv_bn(4, k = 1 + 2*j)
        y = sum(sum(f(image, j) for i in a) for j in b)""",
    "channels of which only some values of a choice have widths": """
        width w in {2, 4}
        choose h in {1, 3}
        y = image >> conv_bn((h - 1) * w + 2, k = 1) >> conv(4, k = 1)""",
    "the same, for one of two calls": """
        choose g in {2, 3}
        block inner(x, c) { width w in {2, 4} return x >> conv_bn(w * c, k = 1) >> conv(4, k = 1) }
        block f(x) = sum(a = inner(x, g), b = inner(x, 2))
        y = f(image)""",
    "the same, in a grid": """
        choose h in {1, 2}
        stem = image >> conv_bn_relu(4, k = 3)
        grid g[l in 0..=2, r in {1, 2}] from stem at [0, 1] {
          width v in {2, 4}
          choose op in { a: conv_bn(k = 3), b: conv_bn_relu(k = 1) }
          c = (h - 1) * v + 2 if l < 2 else 4
          to [l+1, r] = here >> op(c = next.c)
          to [l+1, 2*r] = here >> op(c = next.c, stride = 2)
        }
        route way in g to [2, 2]
        y = way.end""",
    "kernels of which only some values of a choice have widths": """
        choose h in {0, 2}
        block f(x) { width w in {1, 2}  return x >> conv_bn(4, k = h * w + 1) >> conv(4, k = 1) }
        y = sum(a = f(image), b = f(image))""",
    "vectors of decided length": """
        width w in {4, 6}
        choose h in {1, 2}
        block mlp(x) { width e in {1, 2}  return x >> linear(w * e) >> relu() >> linear(4 * h, bias = false) }
        z = image >> global_avg_pool() >> mlp()
        u = z >> mlp()
        y = image >> conv(4 * h, k = 1)
        task v = u { loss cross_entropy() }""",
    "the channels of a route's last map, for another map": GRID + """
        y = sum(concat(sum(last, image >> conv_bn(channels(last), k = 3)), last) >> conv(4, k = 1), up)""",
    "the channels of a route's last map, in a block": GRID + """
        width e in {1, 2}
        block f(c) { width d in {1, 2}  return image >> conv_bn_relu(d * e * c, k = 3) >> conv(4, k = 1) }
        y = sum(f(channels(last)), up)""",
    "the channels of a route's last map, and more": GRID + """
        y = sum(last >> conv_bn(2 + channels(last), k = 3) >> conv(4, k = 1), up)""",
    "the channels of the last map of a route in a block": "block whole(x) {" + GRID.replace("image", "x") + """
          block f(c) { width d in {1, 2}  return x >> conv_bn_relu(d * c, k = 3) >> conv(4, k = 1) }
          return sum(f(channels(last)), up), last
        }
        a, b = whole(image)
        y = concat(a, b)""",
    "of the calls of a shared block different maps": """
        shared block f(a) { return a >> conv(3, k = 1), a >> conv_bn(3, k = 3), a >> conv(3, k = 5) }
        p, q, r = f(image)
        s, u, v = f(p)
        w, x, z = f(u)
        y = sum(p, u, x, z)""",
    "different maps of a shared block with decisions and blocks in it": """
        choose h in {2, 4}
        shared block g(a) = a >> conv_bn(h, k = 1) >> conv(3, k = 3)
        shared block f(a) {
          choose op in { a: conv(k = 1), b: conv_bn(k = 3) }
          b = a >> op()
          c = g(b)
          return b, c >> bn()
        }
        p, q = f(image)
        r, s = f(p)
        y = sum(p, s, g(q))""",
    "different maps of shared blocks within one another": """
        shared block outer(a) {
          block inner(x) { return x >> conv(3, k = 1), x >> conv(3, k = 3) }
          p, q = inner(a)
          r, s = inner(p)
          return sum(p, s), r, q >> bn()
        }
        a, b, c = outer(image)
        d, e, f = outer(c)
        y = sum(b, f)""",
    "a shared block of which networks use different maps": """
        shared block f(a) { return a >> conv(3, k = 1), a >> conv(3, k = 3) }
        choose op in { a: conv(k = 1), b: conv(k = 3) }
        p, q = f(image)
        r, s = f(p if op == "a" else q)
        y = sum(r, s)""",
    "different maps of shared blocks in the cells of a grid": """
        stem = image >> conv_bn_relu(4, k = 3)
        shared block top(x) { y = x >> conv_bn_relu(4, k = 3)  return y >> conv(4, k = 1), y >> conv_bn(4, k = 3) }
        grid g[l in 0..=3, r in {1, 2}] from stem at [0, 1] {
          choose op in {a: conv_bn(k = 3), b: conv_bn_relu(k = 1)}
          shared block f(x) { y = x >> op(c = 4) return y, y >> conv(4, k = 3) }
          block one(x) { a, b = f(x)  return a }
          block two(x) { a, b = f(x)  return sum(a, b) }
          block three(x) { a, b = top(x)  return b }
          to [l+1, r] = three(two(here))
          to [l+1, 2*r] = one(here) >> max_pool(k = 3, stride = 2)
        }
        route way[1] in g to [3, 1]
        route way[2] in g to [3, 2]
        a, b = top(way[2].end)
        y = concat(way[1].end, a >> resize_like(image))""",
    "cells that read a map which nothing else reads, called like the one that arrives": """
        stem = image >> conv_bn_relu(4, k = 3)
        x = image >> conv_bn(4, k = 1)
        choose use in { yes: relu, no: conv(k = 1) }
        grid g[l in 0..=2, r in {1, 2}] from stem at [0, 1] {
          choose op in { a: conv(4, k = 3), b: conv(4, k = 1) }
          to [l+1, r] = sum(here >> op(), x >> resize_like(here))
          to [l+1, 2*r] = here >> conv(4, k = 3, stride = 2)
        }
        route way in g to [2, 2]
        y = (way.end >> resize_like(image) if use == "yes" else image >> conv(4, k = 1)) >> use()""",
    "a block that ignores what it is given": """
        block g(a, b) { depth d in 0..=1  z[0] = a >> conv(3, k = 1)  z[1] = b >> conv(3, k = 1)  return z[d] }
        block f(a, b) = sum(g(b, a), a >> conv_bn(3, k = 3))
        block h(x) = x >> conv_bn(3, k = 3)
        y = sum(p = f(image, h(image)), q = f(h(image), image))""",
    "a block of which only some decisions want a result": """
        block f(a) {
          b = a >> conv_bn(3, k = 1)
          c = b >> conv_bn(3, k = 3)
          return b >> bn(), c, a >> conv_bn(3, k = 5)
        }
        choose op in { p: conv(k = 1), q: conv(k = 3) }
        u, v, w = f(image)
        y = sum(u if op == "p" else sum(u, v), w) >> op()""",
    "a task that is the image": "y = image  task u = image { loss l1() }",
}  # fmt: skip


@pytest.fixture
def doubles() -> Iterator[None]:
    """Float64, where a gradient that batch norm makes zero is told from one that is small."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def pair_of(name: str) -> Pair:
    task = "task t = y >> conv(2, k = 1) { loss cross_entropy() }"
    return Pair(load(Source("forms.nas", f"space forms {{ input image: [3, 8, 8]\n{FORMS[name]}\n{task} }}")))


@pytest.mark.usefixtures("doubles")
@pytest.mark.parametrize("name", FORMS)
def test_networks(name: str) -> None:
    pair = pair_of(name)
    for seed in range(5):
        architecture = pair.space.sample(seed)
        pair.check(architecture, pair.relaxation.fixed(architecture), training=seed % 2 == 0)


@pytest.mark.parametrize("name", FORMS)
def test_mixtures(name: str) -> None:
    """All that can be mixed is, and its weights are moved."""
    pair = pair_of(name)
    for relaxation in (runtime.Softmax(pair.logits), runtime.TwoPath(pair.logits)):
        outputs = pair.supernet.train()(*pair.images, relaxation.draw(torch.Generator().manual_seed(0)))
        assert all(output.isfinite().all() for output in outputs.values())
        sum(output.square().sum() for output in outputs.values()).backward()


LATE = (
    "cells that read a map which nothing else reads, called like the one that arrives",
    "a block that ignores what it is given",
    "a block of which only some decisions want a result",
)


@pytest.mark.parametrize("name", LATE)
def test_what_is_not_wanted_does_not_run(name: str) -> None:
    pair = pair_of(name)
    runs = runs_of(pair.supernet)
    for seed in range(6):
        architecture = pair.space.sample(seed)
        network = pair.space.derive(architecture)
        paths = module_paths(pair.space.graph)
        runs.clear()
        pair.supernet(*pair.images, pair.relaxation.fixed(architecture))
        assert runs == Counter(paths[network.nodes[node].origin] for node in module_paths(network))


def test_what_calls_share_is_there_once_and_runs_where_it_is_used() -> None:
    pair = pair_of("of the calls of a shared block different maps")
    names = {name.partition(".")[0] for name in pair.supernet.state_dict()}
    assert names == {"t", "f", "f_2", "f_conv_bn"}
    runs = runs_of(pair.supernet)
    pair.supernet(*pair.images, pair.relaxation.draw())
    assert sorted(runs.values()) == [1, 1, 1, 2, 2]

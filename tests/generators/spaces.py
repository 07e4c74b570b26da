"""Random valid spaces, as text: every form of decision, alone and together."""

from hypothesis import strategies as st

OPERATIONS = {
    "conv1": "conv_bn_relu(k = 1)",
    "conv3": "conv_bn_relu(k = 3)",
    "dil3": "dil_conv(k = 3)",
    "sep3": "sep_conv(k = 3)",
    "twice": "twice",
    "zoomed": "zoomed",
    "elastic": "elastic",
    "crop": "crop",
    "groupwise": "groupwise",
}

BLOCKS = """
  block twice(x, c, stride = 1) = x >> conv_bn_relu(c, k = 3, stride = stride) >> conv_bn(c, k = 1)
  block elastic(x, c = channels(x), stride = 1) {
    width k in {1, 3, 5}
    width e in {1, 2}
    return x >> conv_bn_relu(2 * e, k = 1) >> dw_conv_bn_relu(k = k, stride = stride) >> conv_bn(c, k = 1)
  }
  block crop(x, c, stride = 1) {
    width r in {1, 2}
    return x >> conv(c, k = 2 * r - 1, stride = stride, dilation = 2, bias = true) >> conv_bn(c, k = 5 - 2 * r)
  }
  block groupwise(x, c, stride = 1) {
    width e in {1, 2, 3}
    y = x >> conv_bn_relu(4 * e, k = 1) >> conv(8 * e, k = 3, stride = stride, groups = e)
    return y >> conv_bn_relu(k = 3, groups = channels(y)) >> shuffle(4) >> conv_bn(c, k = 1)
  }
  block zoomed(x, c, stride = 1) {
    y = x >> resize(1/2) >> conv_bn(c, k = 3)
    return y if stride == 2 else y >> resize_like(x) >> relu()
  }"""


@st.composite
def chains(draw: st.DrawFn) -> str:
    """Statements that make y: a chain of choices with widths, then a pick of sums or concatenations."""
    lines = []
    tied = draw(st.sampled_from(["", "tied "]))
    labels = draw(st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=2, max_size=4, unique=True))
    alternatives = ", ".join(f"{label}: {OPERATIONS[label]}" for label in labels)
    soft = draw(st.sampled_from(["", "soft none, "])) if draw(st.booleans()) else ""
    lines.append(f"{tied}block edge(x, c) {{ choose op in {{ {soft}{alternatives} }} return x >> op(c = c) }}")
    if soft:
        lines[-1] = lines[-1].replace("soft none", "soft gone: gone")
        lines.append("block gone(x, c) = x >> conv(c, k = 1) >> none()")
        lines.reverse()
    length = draw(st.integers(1, 3))
    widths = draw(st.lists(st.sampled_from(["4", "{2, 4}", "{2, 4, 6}"]), min_size=length + 1, max_size=length + 1))
    for i, width in enumerate(widths):
        lines.append(f"c[{i}] = {width}" if width == "4" else f"width c[{i}] in {width}")
    lines.append("x[0] = image >> conv_bn_relu(c[0], k = 3)")
    lines += [f"x[{i + 1}] = edge(x[{i}], c[{i + 1}])" for i in range(length)]
    merge = draw(st.sampled_from(["last", "sum", "concat"]))
    if merge == "last":
        lines.append(f"y = x[{length}]")
    else:
        count = draw(st.integers(1, length))
        lines.append("block same(x) = x >> conv_bn(4, k = 1)")
        lines.append(f"pick ins in {count} of 0..={length}")
        lines.append(f"y = {merge}(same(x[i]) for i in ins)")
    return "\n  ".join(lines)


@st.composite
def grids(draw: st.DrawFn) -> str:
    """Statements that make y: a small grid with one or two routes, whose last maps are brought together."""
    layers = draw(st.integers(2, 4))
    labels = draw(st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=2, max_size=3, unique=True))
    alternatives = ", ".join(f"{label}: {OPERATIONS[label]}" for label in labels)
    width = draw(st.sampled_from(["w = 2", "width w in {1, 2}", "width w in {1, 2, 3}"]))
    picked = draw(st.booleans())
    lines = [
        "stem = image >> conv_bn_relu(4, k = 3)",
        f"grid g[l in 0..={layers}, r in {{1, 2, 4}}] from stem at [0, 1] {{",
        f"  {width}",
        f"  choose op in {{ {alternatives} }}",
        "  c = 4 if l == 0 else 2 * r * w",
        "  to [l+1, r] = here >> op(c = next.c, stride = 1)",
        "  to [l+1, 2*r] = here >> op(c = next.c, stride = 2)",
        "}",
        f"for e in {{1, 2, 4}} {{ route way[e] in g to [{layers}, e] }}",
        "block refine(e) {",
        "  up = way[e].end >> conv_bn_relu(4, k = 1) >> resize_like(way[e].last(1))",
        "  return concat(up, way[e].last(1)) >> conv_bn(4, k = 1)",
        "}",
    ]
    if picked:
        lines += ["pick ends in 2 of {1, 2, 4}", "y = concat(refine(e) for e in ends)"]
    else:
        lines += ["y = sum(refine(e) for e in {2, 4})"]
    return "\n  ".join(lines)


LAYER = """block layer(x) {
    choose op in { a: conv_bn(k = 1), b: conv_bn_relu(k = 3), skip, elastic }
    return x >> op()
  }
  block merge(a, b) {
    choose op in { a: conv_bn(k = 1), b: conv_bn_relu(k = 3) }
    return sum(a >> op(), layer(b))
  }"""

CONDITIONS = (
    "e# >= 2",
    'e# == 1 or op# == "a"',
    'not (e# == 2 and op# != "b")',
    'op# in {"a", "c"}',
    "h# == 4",
    'h# == 2 and e# > 1 or op# == "b"',
)


def _chain(draw: st.DrawFn, i: int) -> list[str]:
    """How far a chain of layers goes is decided; also from its second map."""
    least, most = draw(st.sampled_from([(1, 2), (1, 3), (2, 4), (0, 2)]))
    tied = draw(st.sampled_from(["", "tied "]))
    return [
        f"block chain{i}(x) {{",
        f"  depth d in {least}..={most}",
        f"  {tied}block step(x) = layer(x)",
        "  y[0] = x",
        f"  for j in 1..={most} {{ y[j] = step(y[j-1]) }}",
        "  return y[d]",
        "}",
        f"m[{i}] = chain{i}(m[{i - 1}])",
    ]


def _cells(draw: st.DrawFn, i: int) -> list[str]:
    """Cells that read the two before them; the last two are returned."""
    most = draw(st.integers(2, 4))
    sharing = draw(st.sampled_from(["", "tied ", "shared "]))
    used = draw(st.sampled_from(["sum(p{i}, q{i})", "q{i}", "p{i}"])).format(i=i)
    return [
        f"block cells{i}(older, newer) {{",
        f"  depth d in 1..={most}",
        f"  {sharing}block step(a, b) = merge(a, b)",
        "  y[0] = older >> conv_bn(4, k = 1)",
        "  y[1] = step(older, newer)",
        f"  for j in 2..={most} {{ y[j] = step(y[j-2], y[j-1]) }}",
        "  return y[d-1], y[d]",
        "}",
        f"p{i}, q{i} = cells{i}(m[{max(i - 2, 0)}], m[{i - 1}])",
        f"m[{i}] = {used}",
    ]


def _fork(draw: st.DrawFn, i: int) -> list[str]:
    """Two users of a trunk leave it at depths of their own; from there they have copies of its layers."""
    least, most = draw(st.sampled_from([(1, 3), (2, 3), (0, 2)]))
    sharing = draw(st.sampled_from(["tied ", "shared "]))
    rule = draw(st.sampled_from(["", "<=", "=="]))
    lines = [
        f"for t in {{0, 1}} {{ depth leave{i}[t] in {least}..={most} }}",
        f"s{i}[0] = m[{i - 1}]",
        f"for j in 1..={most} {{",
        f"  {sharing}block stage{i}[j](x) = layer(x)",
        f"  s{i}[j] = stage{i}[j](s{i}[j-1])",
        f"  for t in {{0, 1}} when j > {least} {{",
        f"    own{i}[t, j] = stage{i}[j](s{i}[j-1] if leave{i}[t] >= j-1 else own{i}[t, j-1])",
        "  }",
        "}",
        f"for t in {{0, 1}} {{ r{i}[t] = s{i}[{most}] if leave{i}[t] == {most} else own{i}[t, {most}] }}",
        f"m[{i}] = sum(r{i}[0], r{i}[1] >> conv_bn(k = 1))",
    ]
    return lines + ([f"require leave{i}[0] {rule} leave{i}[1]"] if rule else [])


def _conditions(draw: st.DrawFn, i: int) -> list[str]:
    """Conditions on several decisions, one within another."""
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=2))
    value = f"m[{i - 1}] >> op{i}(c = 4)"
    other = f"m[{i - 1}] >> conv(4, k = 3) >> bn()"
    for condition in conditions:
        value = f"({value} if {condition.replace('#', str(i))} else {other})"
        other = f"m[{i - 1}] >> conv_bn(h{i}, k = 1) >> conv(4, k = 1)"
    return [
        f"choose op{i} in {{ a: conv_bn(k = 1), b: conv_bn_relu(k = 3), c: twice }}",
        f"depth e{i} in 1..=3",
        f"choose h{i} in {{2, 4}}",
        f"m[{i}] = {value}",
    ]


def _split(draw: st.DrawFn, i: int) -> list[str]:
    """A choice among blocks that return two maps."""
    used = draw(st.sampled_from(["sum(u{i}, v{i} >> conv_bn(k = 1))", "u{i}", "v{i}"])).format(i=i)
    return [
        f"block one{i}(x) {{ y = layer(x)  return y, y }}",
        f"block both{i}(x) {{ a = layer(x)  b = layer(a)  return a, b }}",
        f"block cross{i}(x) {{ return x >> conv_bn(k = 3), x }}",
        f"choose split{i} in {{ one{i}, both{i}, cross{i} }}",
        f"u{i}, v{i} = m[{i - 1}] >> split{i}()",
        f"m[{i}] = {used}",
    ]


def _shared(draw: st.DrawFn, i: int) -> list[str]:
    """Blocks whose calls share decisions and weights, on maps of two sizes, also within another block."""
    bodies = [
        "layer(x)",
        "x >> conv_bn_relu(k = 3)",
        f"x >> conv(h{i}, k = 3) >> conv_bn(4, k = 1)",
        f"x >> dw_conv_bn_relu(k = n{i})",
        f"x >> conv_bn(4, k = h{i} + 1)",
    ]
    return [
        f"choose h{i} in {{2, 4}}",
        f"width n{i} in {{1, 3}}",
        f"for j in 1..=2 {{ shared block f{i}[j](x) = {draw(st.sampled_from(bodies))} }}",
        f"block inner{i}(x) {{ a = f{i}[1](x)  return f{i}[2](a) }}",
        f"shared block outer{i}(x) {{ a = inner{i}(x)  return sum(a, f{i}[1](a)) }}",
        f"choose where{i} in {{ here: inner{i}, there: conv_bn(k = 3) }}",
        f"low{i} = f{i}[1](m[{i - 1}] >> max_pool(k = 3, stride = 2)) >> resize(2)",
        f"high{i} = outer{i}(m[{i - 1}])",
        f"m[{i}] = sum(m[{i - 1}] >> where{i}(), low{i}, f{i}[2](low{i}), outer{i}(high{i}))",
    ]


def _picks(draw: st.DrawFn, i: int) -> list[str]:
    """Several picks into one sum, of blocks that have decisions and picks of their own."""
    count = draw(st.integers(1, 3))
    inner = draw(st.sampled_from(["z", "sum(z, x)", "sum(w[j] for j in own)"]))
    strings = draw(st.sampled_from(["2", "1"]))
    return [
        f"block part{i}(x) {{",
        "  z = layer(x)",
        "  w[0] = x",
        "  w[1] = z",
        "  w[2] = x >> conv_bn(4, k = 1)",
        "  pick own in 1 of 0..3",
        f"  return {inner}",
        "}",
        f"pick a{i} in {count} of 0..4",
        f'pick b{i} in {strings} of {{"p", "q", "r"}}',
        f"for j in 0..4 {{ part{i}_[j] = part{i}(m[{i - 1}]) }}",
        f"many{i} = concat(m[{i - 1}] >> conv(2, k = 1, bias = true) for j in a{i}) >> conv_bn(4, k = 1)",
        f"other{i} = sum(m[{i - 1}] >> conv_bn(4, k = 3) for j in b{i})",
        f"m[{i}] = sum(sum(part{i}_[j] for j in a{i}), many{i}, other{i})",
    ]


def _results(draw: st.DrawFn, i: int) -> list[str]:
    """A block of three results, of which every call is used differently."""
    sharing = draw(st.sampled_from(["shared ", "shared ", "tied ", ""]))
    second = draw(st.sampled_from(["a >> conv_bn(4, k = 3)", "layer(x = a)", f"inner{i}(a) >> relu()"]))
    names = [f"{name}{i}" for name in "pqr"]
    lines = [
        f"shared block inner{i}(x) = x >> dw_conv_bn_relu(k = 3) >> conv_bn(4, k = 1)",
        f"{sharing}block three{i}(x) {{",
        "  choose op in { a: conv_bn(k = 1), b: conv_bn_relu(k = 3) }",
        "  a = x >> op()",
        f"  b = {second}",
        '  return a, b, (a if op == "a" else b) >> conv(4, k = 1, bias = true)',
        "}",
        f"depth e{i} in 0..=2",
        f"v{i}[0] = m[{i - 1}]",
    ]
    calls = draw(st.integers(1, 3))
    for call in range(calls):
        lines.append(", ".join(f"{name}_{call}" for name in names) + f" = three{i}(v{i}[{call}])")
        used = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        maps = [f"{name}_{call}" for name in used]
        both = f"sum({', '.join(maps)})" if len(maps) > 1 else maps[0]
        decided = f"{maps[0]} if e{i} == {draw(st.integers(0, 2))} else {maps[-1]}"
        lines.append(f"v{i}[{call + 1}] = {draw(st.sampled_from([both, decided]))}")
    last = draw(st.sampled_from([f"v{i}[{calls}]", f"sum(v{i}[{calls}], inner{i}(v{i}[1]))"]))
    return [*lines, f"m[{i}] = {last} >> conv_bn(4, k = 1)"]


def _ignored(draw: st.DrawFn, i: int) -> list[str]:
    """Blocks that read some of their arguments only if decisions want it, one within another."""
    sharing = draw(st.sampled_from(["", "tied ", "shared "]))
    first = draw(st.sampled_from([f"m[{i - 1}]", f"m[{i - 1}] >> conv_bn(4, k = 3)"]))
    outer = draw(st.sampled_from(["either(b, a)", "sum(either(b, a), a >> bn())", "either(a, b) >> conv(4, k = 1)"]))
    return [
        f"{sharing}block either{i}(a, b) {{",
        "  block first(x, y) = x >> conv_bn(4, k = 3)",
        "  block second(x, y) = y >> conv(4, k = 1)",
        "  choose op in { a: conv_bn(k = 1), b: conv_bn_relu(k = 3) }",
        "  choose which in { first, second }",
        '  return sum(a >> op(), a) if op == "a" else which(b >> op(), b)',
        "}",
        f"block around{i}(a, b) {{ block either(x, y) {{ z = either{i}(x, y)  return z }} y = {outer}  return y }}",
        f"far{i} = {first}",
        f"near{i} = far{i} >> conv_bn_relu(4, k = 1)",
        f"m[{i}] = sum(one = around{i}(far{i}, near{i}), two = around{i}(near{i}, far{i} >> bn()))",
    ]


def _numbers(draw: st.DrawFn, i: int) -> list[str]:
    """Channels that some values of a choice slice and others do not, in blocks within one another."""
    c = draw(st.sampled_from([f"(h{i} - 1) * w + 2", f"h{i} * w", f"u{i} * w + h{i}", f"6 - u{i} * w"]))
    own = draw(st.sampled_from(["{2, 4}", "{1, 2}"])) if c[0] != "6" else "{1, 2}"
    k = draw(st.sampled_from([f"2 * h{i} - 1", f"2 * u{i} - 1", f"2 * (h{i} - 1) * u{i} + 1"]))
    call = draw(st.sampled_from(["slim", "shared_slim"]))
    return [
        f"choose h{i} in {{1, 2}}",
        f"width u{i} in {{1, 2}}",
        f"block slim{i}(x) {{",
        f"  width w in {own}",
        f"  return x >> conv_bn_relu({c}, k = {k}) >> dw_conv_bn_relu(k = 3) >> conv(4, k = 1)",
        "}",
        f"shared block shared_slim{i}(x) {{",
        f"  width w in {own}",
        f"  return x >> conv({c}, k = {k}) >> bn() >> conv_bn(4, k = 1)",
        "}",
        f"block pair{i}(x) {{ a = {call}{i}(x)  return sum(near = a, far = {call}{i}(a)) }}",
        f"m[{i}] = sum(m[{i - 1}], pair{i}(m[{i - 1}]))",
    ]


def _walk(draw: st.DrawFn, i: int) -> list[str]:
    """A grid in a block, whose cells read maps from around it; a last map's channels."""
    reads = draw(
        st.sampled_from(["here", "sum(here >> conv_bn(4, k = 1), x >> resize_like(here))", "mixed(here, side)"])
    )
    used = draw(st.sampled_from(["sum(up, both)", "up"]))
    sharing = draw(st.sampled_from(["", "shared "]))
    width = draw(st.sampled_from(["w = 2", "width w in {1, 2}", "choose w in {1, 2}"]))
    return [
        f"{sharing}block walk{i}(x, side) {{",
        "  start = sum(x >> conv_bn_relu(4, k = 3), side)",
        "  block mixed(a, b) {",
        "    choose op in { a: conv_bn(4, k = 1), b: conv_bn_relu(4, k = 3) }",
        '    return a >> op() if op == "a" else b >> op() >> resize_like(a)',
        "  }",
        "  grid g[l in 0..=2, r in {1, 2}] from start at [0, 1] {",
        f"    {width}",
        "    c = 2 * w",
        f"    to [l+1, r] = {reads} >> conv_bn(next.c, k = 3)",
        "    to [l+1, 2*r] = here >> conv_bn_relu(next.c, k = 1, stride = 2)",
        "  }",
        "  route way in g to [2, 2]",
        "  last = way.last(1)",
        "  up = way.end >> conv(4, k = 1, bias = true) >> resize_like(x)",
        "  both = sum(last, x >> conv_bn(channels(last), k = 1)) >> conv(4, k = 1)",
        f"  return sum({used}, up)",
        "}",
        f"m[{i}] = walk{i}(m[{i - 1}], m[{i - 1}] >> conv_bn(4, k = 3))",
    ]


FORMS = (_chain, _fork, _conditions, _split, _shared, _picks, _results, _ignored, _numbers, _walk, _cells)


@st.composite
def selections(draw: st.DrawFn) -> str:
    """Statements that make y: depths, conditions, picks, blocks that share, have several results or ignore what they
    are given, grids in blocks, one after the other.
    """
    lines = [LAYER, "m[0] = image >> conv_bn_relu(4, k = 3)"]
    for i, form in enumerate(draw(st.lists(st.sampled_from(FORMS), min_size=1, max_size=3)), start=1):
        lines += form(draw, i)
        last = i
    return "\n  ".join([*lines, f"y = m[{last}]"])


HEADS = [
    "task t = y >> conv(3, k = 1, bias = true) >> resize_like(image) { loss cross_entropy() metric miou }",
    "task t = y >> global_avg_pool() >> linear(5) { loss cross_entropy() metric accuracy }",
    "task t = y >> conv(3, k = 1) { loss cross_entropy() } task u = y >> conv_bn(2, k = 1) { loss l1() }",
]


def spaces(bodies: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    """The text of a valid space with at least one architecture, its y made by `bodies` (by all there are)."""
    if bodies is None:
        bodies = st.one_of(chains(), grids(), selections(), selections())
    return st.builds(_space, bodies, st.sampled_from(HEADS))


def _space(body: str, head: str) -> str:
    return f"space generated {{\n  input image: [3, 16, 16]{BLOCKS}\n  {body}\n  {head}\n}}\n"

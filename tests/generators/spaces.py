"""Random valid spaces, as text: every form of decision, alone and together."""

from hypothesis import strategies as st

OPERATIONS = {
    "conv1": "conv_bn_relu(k = 1)",
    "conv3": "conv_bn_relu(k = 3)",
    "dil3": "dil_conv(k = 3)",
    "sep3": "sep_conv(k = 3)",
    "twice": "twice",
    "zoomed": "zoomed",
}

BLOCKS = """
  block twice(x, c, stride = 1) = x >> conv_bn_relu(c, k = 3, stride = stride) >> conv_bn(c, k = 1)
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


HEADS = [
    "task t = y >> conv(3, k = 1, bias = true) >> resize_like(image) { loss cross_entropy() metric miou }",
    "task t = y >> global_avg_pool() >> linear(5) { loss cross_entropy() metric accuracy }",
]


@st.composite
def spaces(draw: st.DrawFn) -> str:
    """The text of a valid space with at least one architecture."""
    body, head = draw(st.one_of(chains(), grids())), draw(st.sampled_from(HEADS))
    return f"space generated {{\n  input image: [3, 16, 16]{BLOCKS}\n  {body}\n  {head}\n}}\n"

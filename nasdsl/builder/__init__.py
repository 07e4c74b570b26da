"""Spaces written in Python: the same statements as in a .nas text, and that text as the result.

A builder makes the syntax of a space and nothing else; what the space means is found out when it is loaded. Expressions
are values that Python's operators combine (see `Expression`); statements are methods of `SpaceBuilder`, and those that
have a body are context managers:

>>> space = SpaceBuilder("tiny", classes=9)
>>> (classes,) = space.parameters
>>> image = space.input("image", 3, 32, 32)
>>> with space.block("cell", "x", stride=1) as cell:
...     x, stride = cell.parameters
...     op = space.choose("op", std.skip, sep3=std.sep_conv(k=3))
...     space.return_(x >> op(stride=stride))
>>> y = space.let("y", image >> std.conv_bn_relu(16, k=3) >> cell(stride=2))
>>> task = space.task("classify", y >> std.global_avg_pool() >> std.linear(classes),
...                   loss=std.cross_entropy(), metrics=[std.accuracy])
>>> print(space.text(), end="")
space tiny(classes = 9) {
  input image: [3, 32, 32]
<BLANKLINE>
  block cell(x, stride = 1) {
    choose op in { skip, sep3: sep_conv(k = 3) }
    return x >> op(stride = stride)
  }
<BLANKLINE>
  y = image >> conv_bn_relu(16, k = 3) >> cell(stride = 2)
  task classify = y >> global_avg_pool() >> linear(classes) {
    loss cross_entropy()
    metric accuracy
  }
}
>>> space.build().graph.decisions["y.cell.op"].domain
('skip', 'sep3')
"""

from nasdsl.builder.expressions import Expression, each, name, quantity, std, through, until, where
from nasdsl.builder.statements import SpaceBuilder, labelled, soft

__all__ = [
    "Expression",
    "SpaceBuilder",
    "each",
    "labelled",
    "name",
    "quantity",
    "soft",
    "std",
    "through",
    "until",
    "where",
]

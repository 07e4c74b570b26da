"""A name that nothing here defines: what was probably meant, and where it is defined out of reach."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.values import Mistake
from nasdsl.source import Span

_ELSEWHERE = {
    "None": "there is no such value; leave the argument out, or give a number",
    "True": "write: true",
    "False": "write: false",
    "range": "write a range: 0..4 (without its end) or 0..=4",
    "len": "write: size(x)",
    "int": "write: floor(x)",
    "round": "write: floor(x + 1/2)",
    "add": "write: sum(a, b)",
    "cat": "write: concat(a, b)",
    "chunk": "write: x >> slice(end = 1/2), and x >> slice(1/2) for the rest",
    "split": "write: x >> slice(end = 1/2), and x >> slice(1/2) for the rest",
    "channel_shuffle": "write: x >> shuffle(groups = 2)",
    "identity": "write: skip",
    "Identity": "write: skip",
    "Conv2d": "write: conv(c, k = 3)",
    "BatchNorm2d": "write: bn()",
    "ReLU": "write: relu()",
    "Linear": "write: linear(c)",
    "MaxPool2d": "write: max_pool(k = 3)",
    "AvgPool2d": "write: avg_pool(k = 3)",
    "Dropout": "write: dropout(p = 0.5)",
    "Sequential": "write: x >> f(...) >> g(...)",
    "interpolate": "write: x >> resize(2), or x >> resize_like(y)",
    "upsample": "write: x >> resize(2), or x >> resize_like(y)",
    "Upsample": "write: x >> resize(2), or x >> resize_like(y)",
    "flops": "write: macs",
}
"""What Python and PyTorch call it."""
_DEFINITION = (
    r"(?:^|[{{]|\b(?:choose|pick|width|depth|grid|route|block|input)\b)[ \t]*{name}\b"
    r"(?:[ \t]*\[[^\]\n]*\])?[ \t]*(?:=(?!=)|in\b|:|\[|\()"
)


def unknown_name(name: str, span: Span, visible: Iterable[str]) -> Mistake:
    """The mistake of using a name that is not defined here."""
    labels: tuple[Label, ...] = ()
    near = difflib.get_close_matches(name, sorted(visible), 1)
    hint = _ELSEWHERE.get(name) or (f"did you mean `{near[0]}`?" if near else None)
    text = span.source.text
    match = re.compile(_DEFINITION.format(name=re.escape(name)), re.MULTILINE).search(text)
    if match is not None:
        start = text.index(name, match.start())
        place = Span(span.source, start, start + len(name))
        if start > span.start:
            labels = (Label(place, "defined further down"),)
            hint = "define a name before its first use"
        elif start < span.start:
            labels = (Label(place, "defined here, out of reach"),)
            hint = "a name is visible in its own block or loop; what a loop makes for others needs an index: y[i] = ..."
    elif not re.search(r"^\s*input\b", text, re.MULTILINE) and re.search(r"^\s*space\b", text, re.MULTILINE):
        hint = hint or f"the space has no input; declare it: input {name}: [3, 224, 224]"
    return Mistake("E0201", f"unknown name `{name}`", span, "not defined here", help=hint, labels=labels)

"""The links of a grid in generated code: those that differ in their layer are said together."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

from nasdsl.codegen.blocks import Item
from nasdsl.codegen.layout import Expression, Nest, Prefixed, flat, joined, literal
from nasdsl.codegen.runs import LEAST
from nasdsl.ir.graph import Link

NUMBER = re.compile(r"(?<![A-Za-z_0-9])(\d+)(?![A-Za-z_0-9])")
"""A number that is no part of a name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A link as generated code has it.

    Attributes:
        link: The link.
        body: What it makes of the map that arrives.
        shape: The shape of the map that it makes.
        step: What it calls, if anything.
    """

    link: Link
    body: Expression
    shape: str
    step: Item | None


def links_table(entries: Sequence[Entry], x: str, bound: Set[str], latency: Callable[[Sequence[Item]], str]) -> Nest:
    """The links by their cells, each a function of the map that arrives.

    Args:
        entries: The links, in order.
        x: What the map that arrives is called in them.
        bound: Names that a layer must not be called.
        latency: Says the latency of calls.
    """
    i = next((name for name in ("i", "j", "layer") if name not in bound), "")
    rows: list[Expression] = []
    comments: dict[int, str] = {}
    for run in _runs(entries) if i else [[entry] for entry in entries]:
        body = _indexed([entry.body for entry in run], [entry.link.source[0] for entry in run], i)
        turns = [run] if len(run) >= LEAST and body is not None else [[entry] for entry in run]
        for turn in turns:
            steps = [entry.step for entry in turn if entry.step is not None]
            comments[len(rows)] = joined([turn[0].shape, latency(steps)])
            if body is not None and len(turn) > 1:
                rows.append(_together(turn, body, x, i))
            else:
                key = flat(literal((turn[0].link.source, turn[0].link.target)))
                rows.append(Prefixed(f"{key}: lambda {x}: ", turn[0].body))
    return Nest("{", tuple(rows), "}", broken=True, comments=comments)


def _runs(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Links from one column to one, layer after layer, where the first of them stands."""
    runs: list[list[Entry]] = []
    last: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Entry]] = {}
    for entry in entries:
        (source, target) = entry.link.source, entry.link.target
        ways = source[1:], target[1:]
        run = last.get(ways)
        plain = len(source) == len(target) == 2 and target[0] == source[0] + 1
        if plain and run is not None and _follows(entry, run):
            run.append(entry)
            continue
        runs.append([entry])
        if plain:
            last[ways] = runs[-1]
    return runs


def _follows(entry: Entry, run: Sequence[Entry]) -> bool:
    """Whether a link is the next turn of a run."""
    bodies = [*(each.body for each in run), entry.body]
    layers = [*(each.link.source[0] for each in run), entry.link.source[0]]
    alike = layers[-1] == layers[-2] + 1 and entry.shape == run[0].shape
    return alike and _indexed(bodies[-2:], layers[-2:], "i") == _indexed(bodies[:2], layers[:2], "i") is not None


def _together(run: Sequence[Entry], body: Expression, x: str, i: str) -> Expression:
    (first, j), (_, k) = run[0].link.source, run[0].link.target
    layers = f"range({first}, {first + len(run)})" if first else f"range({len(run)})"
    each = Prefixed(f"lambda {i}, {x}: ", body)
    return Prefixed("**", Nest("runtime.links(", (str(j), str(k), layers, each)))


def _indexed(turns: Sequence[Expression], layers: Sequence[int], i: str) -> Expression | None:
    """What all turns are in terms of their layer; None if they are not the same."""
    if all(isinstance(turn, str) for turn in turns):
        return _indexed_text([turn for turn in turns if isinstance(turn, str)], layers, i)
    prefixed = [turn for turn in turns if isinstance(turn, Prefixed)]
    if len(prefixed) == len(turns):
        prefix = _indexed_text([turn.prefix for turn in prefixed], layers, i)
        value = _indexed([turn.value for turn in prefixed], layers, i)
        return Prefixed(prefix, value) if prefix is not None and value is not None else None
    nests = [turn for turn in turns if isinstance(turn, Nest) and not turn.comments]
    if len(nests) != len(turns) or len({(nest.close, len(nest.elements), nest.separator) for nest in nests}) > 1:
        return None
    head = _indexed_text([nest.head for nest in nests], layers, i)
    elements = [_indexed(column, layers, i) for column in zip(*(nest.elements for nest in nests), strict=True)]
    kept = tuple(element for element in elements if element is not None)
    if head is None or len(kept) < len(elements):
        return None
    return Nest(head, kept, nests[0].close, nests[0].broken, separator=nests[0].separator)


def _indexed_text(turns: Sequence[str], layers: Sequence[int], i: str) -> str | None:
    """The same for text: numbers that are the layer or the next one, also in strings."""
    pieces = [re.split(r'("[^"\\{}]*")', turn) for turn in turns]
    if len({len(each) for each in pieces}) > 1:
        return None
    found = ""
    for place, texts in enumerate(zip(*pieces, strict=True)):
        parts = [NUMBER.split(text) for text in texts]
        if len({len(each) for each in parts}) > 1:
            return None
        is_string = place % 2 == 1
        names = [f"{{{name}}}" if is_string else name for name in (i, f"{i} + 1")]
        words = [_word(column, layers, names) for column in zip(*parts, strict=True)]
        known = [word for word in words if word is not None]
        if len(known) < len(words):
            return None
        found += ("f" if is_string and known != parts[0] else "") + "".join(known)
    return found


def _word(column: Sequence[str], layers: Sequence[int], names: Sequence[str]) -> str | None:
    """A part of a text that is the same in all turns, or the layer, or the next one, by their names."""
    if len(set(column)) == 1:
        return column[0]
    if not all(value.isdigit() for value in column):
        return None
    offsets = {int(value) - layer for value, layer in zip(column, layers, strict=True)}
    offset = offsets.pop()
    return names[offset] if not offsets and offset in range(len(names)) else None

"""Long runs of like entries as comprehensions: `**{f"x[{i}].op": OP for i in range(5)}`. Entries keep their order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from operator import itemgetter

from nasdsl.codegen.layout import Expression, Nest, Prefixed, flat, literal, quoted

LEAST = 3
"""Turns from which on a run is written as a comprehension."""
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Neighbours that belong to one index.

    Attributes:
        template: A path with `{}` in place of the numbers: "trunk[{},{}]".
        index: The numbers.
        entries: What follows the path, and the value, of each entry.
    """

    template: str
    index: Index
    entries: tuple[tuple[str, str], ...]


def table(entries: Mapping[str, Expression]) -> Nest:
    """A dict by paths; runs are comprehensions."""
    found: list[Expression] = []
    turns = _turns(entries)
    while turns:
        length, loops = _run(turns)
        head = turns[0]
        if loops and length >= LEAST and all(len(values) > 1 for values in loops):
            found.append(_comprehension(head, loops))
        else:
            length = 1
            path = head.template.format(*head.index)
            found += [Prefixed(f"{quoted(path + rest)}: ", entries[path + rest]) for rest, _ in head.entries]
        turns = turns[length:]
    return Nest("{", tuple(found), "}", broken=True)


def links(pairs: Sequence[tuple[Index, Index]]) -> Nest:
    """Links of a grid, ordered; like rows of cells as a comprehension over the first number."""
    found: list[Expression] = []
    rows: list[tuple[int, list[tuple[int, int]]]] = []
    plain = any(len(a) != 2 or len(b) != 2 or b[0] != a[0] + 1 for a, b in pairs)
    for a, b in () if plain else pairs:
        if not rows or rows[-1][0] != a[0]:
            rows.append((a[0], []))
        rows[-1][1].append((a[1], b[1]))
    if plain:
        return Nest("(", tuple(literal(pair) for pair in pairs))
    while rows:
        first, steps = rows[0]
        count = 1
        while count < len(rows) and rows[count] == (first + count, steps):
            count += 1
        if count >= LEAST:
            inner = flat(literal(tuple(steps)))
            loop = (f"for i in range({first}, {first + count})", f"for j, k in {inner}")
            found.append(Prefixed("*", Nest("(", ("((i, j), (i + 1, k))", *loop), separator="")))
        else:
            count = 1
            found += [literal(((first, j), (first + 1, k))) for j, k in steps]
        rows = rows[count:]
    return Nest("(", tuple(found), broken=True)


def _turns(entries: Mapping[str, Expression]) -> list[Turn]:
    """Entries by the last bracket in their path; what stands before it is the same for neighbours."""
    turns: list[Turn] = []
    for path, value in entries.items():
        plain = re.fullmatch(r"[\w.,\[\]]*", path) and "{" not in path
        indexed = re.fullmatch(r"(.*)\[(\d+(?:,\d+)*)\](.*?)", path) if plain else None
        if indexed is None:
            turns.append(Turn(path.replace("{", "{{").replace("}", "}}"), (), (("", flat(value)),)))
            continue
        index = tuple(map(int, indexed[2].split(",")))
        template = f"{indexed[1]}[{','.join(['{}'] * len(index))}]"
        entry = (indexed[3], flat(value))
        if turns and (turns[-1].template, turns[-1].index) == (template, index):
            turns[-1] = Turn(template, index, (*turns[-1].entries, entry))
        else:
            turns.append(Turn(template, index, (entry,)))
    return turns


def _run(turns: Sequence[Turn]) -> tuple[int, list[list[int]]]:
    """How many of the first turns are one run, and the values of each of its numbers."""
    head = turns[0]
    count = 0
    while count < len(turns) and (turns[count].template, turns[count].entries) == (head.template, head.entries):
        count += 1
    indices = [turn.index for turn in turns[:count]]
    if not head.index:
        return 1, []
    if len(head.index) == 1:
        return count, [[index[0] for index in indices]]
    if len(head.index) != 2:
        return 1, []
    rows = [(first, [index[1] for index in row]) for first, row in groupby(indices, itemgetter(0))]
    firsts = [first for first, _ in takewhile(lambda row: row[1] == rows[0][1], rows)]
    return len(firsts) * len(rows[0][1]), [firsts, rows[0][1]]


def _comprehension(head: Turn, loops: Sequence[Sequence[int]]) -> Expression:
    names = ("i", "j")[: len(loops)]
    key = head.template.format(*(f"{{{name}}}" for name in names))
    over: list[Expression] = [f"for {name} in {_values(values)}" for name, values in zip(names, loops, strict=True)]
    if len(head.entries) == 1:
        rest, value = head.entries[0]
        over.insert(0, f'f"{key}{rest}": {value}')
    else:
        over.insert(0, f'f"{key}{{name}}": decision')
        pairs = tuple(Nest("(", (quoted(rest), value)) for rest, value in head.entries)
        over.append(Prefixed("for name, decision in ", Nest("(", pairs)))
    return Prefixed("**", Nest("{", tuple(over), "}", separator=""))


def _values(values: Sequence[int]) -> str:
    first, last = values[0], values[-1]
    if len(values) > 2 and list(values) == list(range(first, last + 1)):
        return f"range({first}, {last + 1})" if first else f"range({last + 1})"
    return flat(literal(tuple(values)))

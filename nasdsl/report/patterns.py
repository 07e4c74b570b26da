"""Decisions in words: one by one, and many that look alike as one pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nasdsl.ir.graph import Cell, Decision, Kind, Value

INDEX = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Decisions of one kind whose paths differ in their indices only.

    Attributes:
        path: Their path with `*` where they differ: `normal.x[*].edge[*].op`.
        decisions: The decisions, in the order of declaration.
    """

    path: str
    decisions: tuple[Decision, ...]

    @property
    def kind(self) -> Kind:
        """Their common form."""
        return self.decisions[0].kind


def patterns(decisions: Iterable[Decision]) -> list[Pattern]:
    """Decisions grouped by path without indices, in the order of first appearance.

    >>> from nasdsl.source import Source, Span
    >>> at = Span(Source("", ""), 0, 0)
    >>> [p.path for p in patterns(Decision(f"x[{i},8].op", Kind.CHOOSE, ("a", "b"), at) for i in range(3))]
    ['x[*,8].op']
    """
    groups: dict[tuple[str, Kind], list[Decision]] = {}
    for decision in decisions:
        bare = INDEX.sub(lambda match: f"[{',' * match[1].count(',')}]", decision.path)
        groups.setdefault((bare, decision.kind), []).append(decision)
    return [Pattern(_common([d.path for d in group]), tuple(group)) for group in groups.values()]


def _common(paths: Sequence[str]) -> str:
    indices = [[index.split(",") for index in INDEX.findall(path)] for path in paths]
    places = iter(range(len(indices[0])))

    def index(_: re.Match[str]) -> str:
        place = next(places)
        columns = zip(*(own[place] for own in indices), strict=True)
        return "[" + ",".join(column[0] if len(set(column)) == 1 else "*" for column in columns) + "]"

    return INDEX.sub(index, paths[0])


def domain_words(decision: Decision) -> str:
    """What a decision chooses from: `{soft none, skip}`, `2 of {0, 1, 2}`, `trunk to [6, 8]`."""
    if decision.kind is Kind.ROUTE:
        return f"{decision.grid} to {list(decision.end)}"
    members = ", ".join(("soft " if m in decision.soft else "") + str(m) for m in decision.domain)
    return f"{decision.count} of {{{members}}}" if decision.kind is Kind.PICK else f"{{{members}}}"


def domains_words(pattern: Pattern) -> str:
    """What the decisions of a pattern choose from; the first and the last where they differ."""
    if pattern.kind is Kind.ROUTE:
        ends = ", ".join(str(list(d.end)) for d in pattern.decisions)
        return f"{pattern.decisions[0].grid} to {ends}"
    words = list(dict.fromkeys(domain_words(d) for d in pattern.decisions))
    return words[0] if len(words) == 1 else " | ".join(words) if len(words) == 2 else f"{words[0]} ... {words[-1]}"


def cells(route: Value) -> tuple[Cell, ...]:
    """The value of a route as the cells it is."""
    return tuple(cell for cell in route if isinstance(cell, tuple)) if isinstance(route, tuple) else ()


def value_words(value: Value) -> str:
    """A value as people write it: `sep3`, `{0, 2}`, `[0, 8] [1, 8] [2, 16]`."""
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple):
            return " ".join(str(list(cell)) for cell in cells(value))
        return "{" + ", ".join(map(str, value)) + "}"
    return str(value)


def name_of(path: str) -> str:
    """The last part of a path, with its index: what the decision is called where it is declared.

    >>> name_of("normal.x[2].ins[3]"), name_of("leave[a.b]")
    ('ins[3]', 'leave[a.b]')
    """
    depth, start = 0, 0
    for place, letter in enumerate(path):
        depth += (letter == "[") - (letter == "]")
        if letter == "." and depth <= 0:
            start = place + 1
    return path[start:]

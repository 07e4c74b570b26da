"""Presets: named values of parameters and restrictions of decisions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.values import Mistake
from nasdsl.source import Span
from nasdsl.syntax import ast

MAX_SHOWN = 4
"""Most decisions that a message names."""


@dataclass(slots=True)
class Restriction:
    """What a preset says of the decisions whose path fits a pattern."""

    pattern: re.Pattern[str]
    text: str
    values: tuple[int | str, ...]
    span: Span
    used: bool = field(default=False)


class Restrictions:
    """The restrictions of the preset that is applied."""

    def __init__(self, items: list[Restriction]) -> None:
        self.items = items

    def narrow(self, path: str, domain: tuple[int | str, ...], span: Span) -> tuple[int | str, ...]:
        """The part of a domain that the preset leaves; every restriction that fits applies."""
        for item in self.items:
            if not item.pattern.fullmatch(path):
                continue
            item.used = True
            values = _extremes(item.values, domain)
            unknown = [value for value in values if value not in domain]
            if unknown:
                known = ", ".join(map(str, domain))
                message = f"`{path}` cannot be {unknown[0]}"
                labels = (Label(span, "declared here"),)
                raise Mistake("E0604", message, item.span, help=f"it is one of {known}", labels=labels)
            domain = tuple(value for value in domain if value in values)
        return domain

    def unused(self, paths: Collection[str]) -> list[Mistake]:
        """Complaints about restrictions that fit nothing they could narrow; `paths` are those of all decisions."""
        found = []
        for item in self.items:
            route = next((path for path in paths if item.pattern.fullmatch(path)), None)
            if route is not None and not item.used:
                message = f"`{route}` is a route, which a preset cannot restrict"
                found.append(Mistake("E0604", message, item.span))
            elif not item.used:
                found.append(no_decision(item.text, item.span, paths))
        return found


def no_decision(text: str, span: Span, paths: Iterable[str]) -> Mistake:
    """The mistake of a path that no decision has."""
    known: dict[str, list[str]] = {}
    for path in paths:
        known.setdefault(_any_index(path), []).append(path)
    asked = _any_index(text)
    near = difflib.get_close_matches(asked, known, 1)
    if asked in known:
        hint = f"there is: {_first(known[asked])}"
    elif near:
        hint = f"did you mean `{near[0]}`?"
    else:
        hint = f"the decisions are: {_first(list(known))}" if known else "the space has no decisions"
    return Mistake("E0604", f"no decision is called `{text}`", span, "fits nothing", help=hint)


def _any_index(path: str) -> str:
    """A path with `*` for every index.

    >>> _any_index("b[0,1].mb.op")
    'b[*,*].mb.op'
    """
    return re.sub(r"(?<=[\[,])[^\[\],]*(?=[\],])", "*", path)


def _first(paths: list[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths[:MAX_SHOWN]) + (", ..." if len(paths) > MAX_SHOWN else "")


def _extremes(values: tuple[int | str, ...], domain: tuple[int | str, ...]) -> tuple[int | str, ...]:
    numbers = [value for value in domain if isinstance(value, int)]
    extremes: dict[Any, int] = {"max": max(numbers), "min": min(numbers)} if numbers else {}
    return tuple(extremes.get(value, value) for value in values)


def path_pattern(path: tuple[ast.Step, ...], index: Any) -> tuple[re.Pattern[str], str]:
    """The regular expression for a path with `*`, and its text; `index` evaluates an index expression."""
    expression, text = [], []
    for step in path:
        places = ["*" if item is None else str(index(item)) for item in step.index or ()]
        text.append(step.name + (f"[{','.join(places)}]" if places else ""))
        inside = ",".join(r"[^,\[\]]*" if place == "*" else re.escape(place) for place in places)
        expression.append(re.escape(step.name) + (rf"\[{inside}\]" if places else ""))
    return re.compile(r"\.".join(expression)), ".".join(text)

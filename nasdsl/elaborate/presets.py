"""Presets: named values of parameters and restrictions of decisions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nasdsl.diagnostics.diagnostic import Label
from nasdsl.elaborate.values import Mistake
from nasdsl.ir.graph import Kind
from nasdsl.source import Span
from nasdsl.syntax import ast


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

    def narrow(self, path: str, kind: Kind, domain: tuple[int | str, ...], span: Span) -> tuple[int | str, ...]:
        """The part of a domain that the preset leaves; every restriction that fits applies."""
        for item in self.items:
            if not item.pattern.fullmatch(path):
                continue
            item.used = True
            if kind is Kind.ROUTE:
                raise Mistake("E0604", f"`{path}` is a route, which a preset cannot restrict", item.span)
            values = _extremes(item.values, domain)
            unknown = [value for value in values if value not in domain]
            if unknown:
                known = ", ".join(map(str, domain))
                message = f"`{path}` cannot be {unknown[0]}"
                labels = (Label(span, "declared here"),)
                raise Mistake("E0604", message, item.span, help=f"it is one of {known}", labels=labels)
            domain = tuple(value for value in domain if value in values)
        return domain

    def unused(self) -> list[Mistake]:
        """Complaints about restrictions that fit no decision."""
        return [
            Mistake("E0604", f"no decision is called `{item.text}`", item.span, "fits nothing")
            for item in self.items
            if not item.used
        ]


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

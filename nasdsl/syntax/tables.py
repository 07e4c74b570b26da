"""The parser's tables: read from `tables.json`, which `nasdsl.syntax.generate` makes from the grammar."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLES = Path(__file__).with_name("tables.json")
END = "$END"
"""The terminal that stands for the end of the text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the grammar.

    Attributes:
        origin: The nonterminal it makes.
        method: The method of `AstBuilder` that is given its parts; "" where they stay a list.
        passes: One part alone is passed on as it is.
        length: How many symbols it has.
        kept: The places of the symbols that are parts.
        spliced: The places of those that are lists and give all their members.
    """

    origin: str
    method: str
    passes: bool
    length: int
    kept: tuple[int, ...]
    spliced: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """What the lexer and the parser run on.

    Attributes:
        keywords: The terminal of each reserved word.
        patterns: Terminals and their regular expressions, in the order in which they are tried.
        ignore: Terminals that are dropped.
        rules: The grammar's rules by number.
        states: For each state, what a symbol does: n >= 0: go to state n; n < 0: reduce by rule -1 - n.
        start: The first state.
        end: The state in which a text that ends is complete.
    """

    keywords: dict[str, str]
    patterns: list[tuple[str, str]]
    ignore: list[str]
    rules: list[Rule]
    states: list[dict[str, int]]
    start: int
    end: int


@cache
def tables() -> Tables:
    """The tables of the language's grammar."""
    data = json.loads(TABLES.read_text(encoding="utf-8"))
    rules = [
        Rule(origin, method, passes, length, tuple(kept), tuple(spliced))
        for origin, method, passes, length, kept, spliced in data["rules"]
    ]
    states = [data["rows"][row] for row in data["states"]]
    return Tables(data["keywords"], data["patterns"], data["ignore"], rules, states, data["start"], data["end"])

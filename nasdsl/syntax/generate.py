"""Makes the parser's tables from the grammar: `python -m nasdsl.syntax.generate` after every change of the grammar.

lark reads `grammars/nasdsl.lark` and computes the LALR(1) tables; they are kept as plain JSON in `tables.json`, because
computing them anew takes longer than everything else that `nasdsl check` does to a short file. A test compares the file
with the grammar, so lark is needed for development only.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from nasdsl.files import write_atomically
from nasdsl.resources import grammar_text
from nasdsl.syntax.tables import TABLES


def make_tables(*, strict: bool = False) -> str:
    """The tables of the grammar as JSON text; the same for every version of lark.

    Args:
        strict: Also fail on conflicts between rules and on terminals that overlap (needs the package interegular).

    Raises:
        lark.exceptions.LarkError: The grammar is ambiguous or malformed.
    """
    from lark import Lark

    grammar: Any = Lark(grammar_text("nasdsl.lark"), parser="lalr", maybe_placeholders=False, strict=strict)
    table = grammar.parser.parser._parse_table
    (start,), (end,) = table.start_states.values(), table.end_states.values()
    order = _order(table.states, start)
    rules = {id(rule): number for number, rule in enumerate(grammar.rules)}
    rows: list[dict[str, int]] = []
    states = []
    for state in order:
        row = {}
        for symbol, (action, argument) in sorted(table.states[state].items()):
            is_shift = action.name == "Shift"
            row[symbol] = order[argument] if is_shift else -1 - rules[id(_rule(grammar.rules, argument))]
        if row not in rows:
            rows.append(row)
        states.append(rows.index(row))
    parts = _terminals(grammar) | {
        "rules": [_reduction(rule) for rule in grammar.rules],
        "rows": rows,
        "states": states,
        "start": order[start],
        "end": order[end],
    }
    lines = [f'"{name}": {_lines(value)}' for name, value in parts.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _order(states: dict[int, dict[str, Any]], start: int) -> dict[int, int]:
    """Numbers for the states that do not depend on lark's: in the order in which they are reached."""
    order = {start: 0}
    for state in (reached := [start]):
        for _, (action, argument) in sorted(states[state].items()):
            if action.name == "Shift" and argument not in order:
                order[argument] = len(order)
                reached.append(argument)
    return order


def _rule(rules: list[Any], rule: Any) -> Any:
    return next(known for known in rules if known == rule)


def _reduction(rule: Any) -> list[Any]:
    """A rule as `tables.Rule` reads it: origin, method, length, what is kept, what is spliced."""
    kept, spliced = [], []
    for place, symbol in enumerate(rule.expansion):
        if symbol.is_term and symbol.filter_out:
            continue
        kept.append(place)
        if not symbol.is_term and symbol.name.startswith("_"):
            spliced.append(place)
    is_list = rule.origin.name.startswith("_")
    passes = rule.options.expand1 and not rule.alias
    method = "" if is_list else rule.alias or rule.origin.name
    return [str(rule.origin.name), str(method), bool(passes), len(rule.expansion), kept, spliced]


def _terminals(grammar: Any) -> dict[str, Any]:
    """Keywords, and the patterns of all other terminals in the order in which they are tried."""

    def rank(terminal: Any) -> tuple[int, int, int, str]:
        pattern = terminal.pattern
        return -terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name

    keywords, patterns = {}, []
    for terminal in sorted(grammar.terminals, key=rank):
        pattern = terminal.pattern.to_regexp()
        word = re.fullmatch(r"(?:\(\?:)?([a-z]+)(?:\\b\))?(?:\\b)?", pattern)
        if word:
            keywords[word.group(1)] = terminal.name
        else:
            # A keyword is told from a name by looking it up: much faster than trying 34 patterns at every letter.
            patterns.append([terminal.name, re.sub(r"^\(\?!\(\?:[a-z|]+\)\\b\)", "", pattern)])
    return {"keywords": keywords, "patterns": patterns, "ignore": sorted(grammar.ignore_tokens)}


def _lines(value: Any) -> str:
    """JSON with one line an entry, so that a change of the grammar shows as a readable difference."""
    if not isinstance(value, list) or not value or not isinstance(value[0], list | dict):
        return json.dumps(value, separators=(",", ":"))
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in value) + "\n]"


if __name__ == "__main__":
    write_atomically(Path(TABLES), make_tables())

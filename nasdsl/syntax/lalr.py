"""The parser's engine: runs the LALR(1) tables over tokens and calls a method for every rule it recognizes."""

from __future__ import annotations

from typing import Any

from nasdsl.source import Source, Span
from nasdsl.syntax.lexer import Token, UnknownCharacter, tokens
from nasdsl.syntax.tables import END, Rule, tables
from nasdsl.syntax.unexpected import Unexpected


def run(source: Source, actions: object | None = None) -> Any:
    """What the method of the first rule, `actions.start`, returns for a text.

    Args:
        source: The text.
        actions: An object with one method `(span, parts)` for each rule of the grammar; None: only see whether the text
            keeps to the grammar.

    Raises:
        Unexpected: It does not.
    """
    try:
        return _Run(source, actions).over(tokens(source))
    except UnknownCharacter as error:
        so_far = _Run(source)
        so_far.over(error.before)
        raise Unexpected(error.start, so_far.expected()) from None


class _Run:
    """One run of the tables over one text: stacks of states, and of the value, start and end of each symbol read."""

    def __init__(self, source: Source, actions: object | None = None) -> None:
        self._source = source
        self._tables = tables()
        self._reductions = [_Reduction(rule, actions) for rule in self._tables.rules]
        self._after: dict[tuple[int, str, str], tuple[int, int | None]] = {}
        self._states = [self._tables.start]
        self._values: list[Any] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def over(self, read: list[Token]) -> Any:
        """Read the tokens; the value of the whole text if the last one is its end."""
        states, table = self._states, self._tables.states
        for token in read:
            kind = token.kind
            action = table[states[-1]].get(kind)
            while action is not None and action < 0:
                action = self._reduce(self._reductions[-1 - action], kind)
            if action is None:
                if kind == END and states[-1] == self._tables.end:
                    return self._values[0]
                raise Unexpected(token.start if kind != END else None, self.expected())
            states.append(action)
            self._values.append(token)
            self._starts.append(token.start)
            self._ends.append(token.end)
        return None

    def _reduce(self, rule: _Reduction, kind: str) -> int | None:
        """Replace the symbols of a rule by what it makes of them; returns what the next token then does."""
        length, states, values, starts, ends = rule.length, self._states, self._values, self._starts, self._ends
        if length == 1:
            states.pop()
            values[-1] = rule.value(values[-1:], self._source, starts[-1], ends[-1])
        elif length:
            start, end = starts[-length], ends[-1]
            value = rule.value(values[-length:], self._source, start, end)
            del states[-length:], values[-length:], starts[-length:], ends[-length:]
            values.append(value)
            starts.append(start)
            ends.append(end)
        else:
            # Nothing stands where the symbol before it ends.
            place = ends[-1] if ends else 0
            values.append(rule.value([], self._source, place, place))
            starts.append(place)
            ends.append(place)
        below = states[-1]
        key = below, rule.origin, kind
        after = self._after.get(key)
        if after is None:
            after = self._after[key] = self._go_on(*key)
        states.append(after[0])
        return after[1]

    def _go_on(self, below: int, symbol: str, kind: str) -> tuple[int, int | None]:
        """The state after a symbol and what the next token does there, when all that only renames it is done.

        An operand passes through one rule for each level of precedence: that way is looked up, not walked.
        """
        table = self._tables.states
        while True:
            state = table[below][symbol]
            action = table[state].get(kind)
            if action is None or action >= 0:
                return state, action
            rule = self._tables.rules[-1 - action]
            if not (rule.passes and rule.length == 1):
                return state, action
            symbol = rule.origin

    def expected(self) -> set[str]:
        """The terminals with which the text could go on, found by trying the reductions that they ask for."""
        known = self._tables.states[self._states[-1]]
        return {symbol for symbol in known if not symbol.islower() and self._accepts(symbol)}

    def _accepts(self, kind: str) -> bool:
        states, table = list(self._states), self._tables.states
        while True:
            action = table[states[-1]].get(kind)
            if action is None:
                return kind == END and states[-1] == self._tables.end
            if action >= 0:
                return True
            rule = self._tables.rules[-1 - action]
            del states[len(states) - rule.length :]
            states.append(table[states[-1]][rule.origin])


class _Reduction:
    """A rule with the method that makes its value."""

    __slots__ = ("_kept", "_make", "_passes", "_spliced", "length", "origin")

    def __init__(self, rule: Rule, actions: object | None) -> None:
        self.origin = rule.origin
        self.length = rule.length
        self._passes = rule.passes and len(rule.kept) == 1
        self._kept = rule.kept
        self._spliced = rule.spliced
        # A rule that always passes its one part on has no method.
        self._make = getattr(actions, rule.method) if actions and rule.method and not self._passes else None

    def value(self, parts: list[Any], source: Source, start: int, end: int) -> Any:
        """What the rule makes of the values of its symbols."""
        if self._passes:
            return parts[self._kept[0]]
        if self._spliced:
            first = self._kept[0]
            # A list that grows by one member at a time grows in place.
            members = parts[first] if first in self._spliced else [parts[first]]
            for place in self._kept[1:]:
                if place in self._spliced:
                    members.extend(parts[place])
                else:
                    members.append(parts[place])
        else:
            members = [parts[place] for place in self._kept]
        if self._make is None:
            return members
        return self._make(Span(source, start, end), members)

"""Events: conditions on the variables of a space, kept small by a few laws.

An event is a conjunction of parts; a part says that a variable has one of some values (`Is`) or that one of several
events happens (`Either`). Value 0 of a variable means "none": a dead decision has it, a link that no route takes, a
condition that does not hold.

The laws rely on how events about liveness come about: "the node that reads d is live, and d has a value of S". So
whatever else such an event says implies that d is live, and when the sets of two events that agree in everything else
make up the whole domain, d need not be mentioned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Is:
    """A variable has one of some values, none of which is 0."""

    variable: int
    values: frozenset[int]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of several events happens."""

    events: frozenset[Event]


Event = frozenset["Is | Either"]
"""Parts that hold together; none: always."""

ALWAYS: Event = frozenset()
NEVER: Event = frozenset([Either(frozenset())])


class Events:
    """Arithmetic of events.

    Args:
        domains: For each variable the values it has where it is live; for one that may be 0 although all that an event
            says of the others holds (a link): 0 too. The list may grow.

    >>> events = Events([frozenset([1, 2]), frozenset([1, 2, 3])])
    >>> a, b = events.when(0, [1]), events.when(0, [2])
    >>> events.either([a, b]) == ALWAYS, events.both(a, b) == NEVER
    (True, True)
    """

    def __init__(self, domains: Sequence[frozenset[int]]) -> None:
        self._domains = domains

    def when(self, variable: int, values: Iterable[int], given: Event = ALWAYS) -> Event:
        """Where `given` happens, which implies that the variable is live, and it has one of the values."""
        wanted = frozenset(values) & self._domains[variable]
        if not wanted:
            return NEVER
        return self.both(given, ALWAYS if wanted == self._domains[variable] else frozenset([Is(variable, wanted)]))

    def passes(self, variable: int) -> Event:
        """Where a variable is not 0."""
        return frozenset([Is(variable, self._domains[variable] - {0})])

    def both(self, a: Event, b: Event) -> Event:
        """Where both happen."""
        if NEVER in (a, b):
            return NEVER
        if not a or not b:
            return a | b
        sets: dict[int, frozenset[int]] = {}
        rest: list[Is | Either] = []
        for part in a | b:
            if isinstance(part, Is):
                known = sets.get(part.variable)
                sets[part.variable] = part.values if known is None else part.values & known
            else:
                rest.append(part)
        if not all(sets.values()):
            return NEVER
        return frozenset([*(Is(variable, values) for variable, values in sets.items()), *rest])

    def either(self, events: Iterable[Event]) -> Event:
        """Where at least one happens."""
        found = set(_flat(events))
        while True:
            if ALWAYS in found:
                return ALWAYS
            merged = self._merged(found)
            if merged == found:
                break
            found = merged
        kept = [a for a in found if not any(a != b and _implies(a, b) for b in found)]
        return kept[0] if len(kept) == 1 else frozenset([Either(frozenset(kept))])

    def without(self, event: Event, variable: int) -> Event:
        """The event, where a variable has no value."""
        if any(isinstance(part, Is) and part.variable == variable for part in event):
            return NEVER
        whole = ALWAYS
        for part in event:
            if isinstance(part, Either):
                whole = self.both(whole, self.either(self.without(inner, variable) for inner in part.events))
            else:
                whole = self.both(whole, frozenset([part]))
        return whole

    def _merged(self, events: set[Event]) -> set[Event]:
        """The same, with events united that differ in the values of one variable only."""
        for variable in sorted({part.variable for event in events for part in event if isinstance(part, Is)}):
            groups: dict[Event, frozenset[int]] = {}
            merged: set[Event] = set()
            for event in events:
                own = next((part for part in event if isinstance(part, Is) and part.variable == variable), None)
                if own is None:
                    merged.add(event)
                else:
                    rest = event - {own}
                    groups[rest] = groups.get(rest, frozenset()) | own.values
            if len(merged) + len(groups) == len(events):
                continue
            for rest, values in groups.items():
                full = values == self._domains[variable]
                merged.add(rest if full else rest | {Is(variable, values)})
            return merged
        return events


def _flat(events: Iterable[Event]) -> Iterator[Event]:
    """Alternatives of alternatives are alternatives."""
    for event in events:
        if len(event) == 1:
            (part,) = event
            if isinstance(part, Either):
                yield from part.events
                continue
        yield event


def _implies(a: Event, b: Event) -> bool:
    """Whether each part of `b` follows from a part of `a` (a sufficient condition for implication)."""
    return all(any(_follows(part, other) for part in a) for other in b)


def _follows(part: Is | Either, other: Is | Either) -> bool:
    if isinstance(part, Is) and isinstance(other, Is):
        return part.variable == other.variable and part.values <= other.values
    return part == other


def implied(part: Is | Either, event: Event) -> bool:
    """Whether a part follows from an event (a sufficient condition)."""
    return any(_follows(other, part) for other in event)


def variables(event: Event) -> set[int]:
    """The variables an event speaks of."""
    found: set[int] = set()
    for part in event:
        if isinstance(part, Is):
            found.add(part.variable)
        else:
            for inner in part.events:
                found |= variables(inner)
    return found


def happens(event: Event, value_of: dict[int, int]) -> bool:
    """Whether an event happens, given the value of each of its variables."""
    for part in event:
        if isinstance(part, Is):
            if value_of[part.variable] not in part.values:
                return False
        elif not any(happens(inner, value_of) for inner in part.events):
            return False
    return True

"""Mutation and crossover: architectures near one, or between two.

An architecture is a number of decisions, and a route is one at each cell that it passes: by which link it goes on. A
**mutation** gives one live decision another value; every other one *keeps* its parent's value or dies of the change.
What comes alive is drawn, each completion as likely as any other. If a rule of the space forbids that all others keep
theirs, the parent's decisions are taken in a random order, and each keeps its value if that is still possible with
those before it. A **crossover** is a uniformly random one of the architectures in which each decision has the value of
a parent in which it is live; what is live in neither is free.

Three facts carry this. *Two architectures that agree in all decisions that are live in both are equal*, for demand is
followed from the tasks, and asks for the same as long as the answers are the same. So the parent is the only
architecture whose decisions all keep its values, and where a walk back through the elimination comes to a row that the
parent has, it need not go on. *Mutations lead from any architecture a to any other, b*: follow the demand of b until it
asks for a decision in which a differs; it is live in both, so it may become that of b, and as b is there, all that the
demand met before can keep their values (in an order that takes them first); so the demand meets one more that agrees.
And *whatever is drawn is an architecture*, because the elimination knows what can be completed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from nasdsl.algebra.elimination.descent import Descent
from nasdsl.algebra.elimination.factors import Factor
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.sampling.detours import Change, passed_links, turns
from nasdsl.algebra.sampling.region import BucketTree, Known, Prices, Region
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.derive import validate


class Variation:
    """Mutation and crossover in a space.

    Args:
        model: The space.
        descent: The way back through an elimination of its factor graph, each assignment having weight one.

    Attributes:
        others: For the variable of each decision, and each of its values, its other values in the space.
        turns: The routes that have several ways in the space.
    """

    def __init__(self, model: Model, descent: Descent) -> None:
        self.model = model
        self._tree = BucketTree(descent)
        possible = self._tree.possible()
        self._numbers = {
            path: (variable, {value: n for n, value in enumerate(model.graph.variables[variable].values) if n})
            for path, variable in model.choices.items()
        }
        self._paths = {variable: path for path, variable in model.choices.items()}
        self.others = {variable: _others(possible.get(variable, set())) for variable in model.choices.values()}
        self.turns = [some for flow in model.flows.values() for some in turns(model, flow, possible)]
        self._links = {link.variable: link for flow in model.flows.values() for link in passed_links(model, flow)}
        self._factors = [_reader(factor) for factor in model.graph.factors]
        self._touching: dict[int, list[Reader]] = {variable: [] for variable in model.choices.values()}
        for factor, reader in zip(model.graph.factors, self._factors, strict=True):
            for variable in self._touching.keys() & set(factor.scope):
                self._touching[variable].append(reader)

    def mutate(self, parent: Architecture, generator: random.Random) -> Architecture:
        """An architecture in which one live decision of the parent has another value, and what follows from that.

        All live decisions that have several values in the space are equally likely to be it, and so are its other
        values. A route takes another link at a random one of its cells, and goes on from there to its end or until it
        is back on its way.

        Raises:
            NasError: The parent is no architecture of the space, or it is the only one.
        """
        known = self.numbered(parent)
        change = self.change(known, generator)
        if change.value and self.quiet(known, change):
            path = self._paths[change.variable]
            value: Any = self.model.graph.variables[change.variable].values[change.value]
            return Architecture(parent.space, {**parent.decisions, path: value}, parent.preset)
        return self._named(self.repaired(known, change, generator))

    def crossover(self, mother: Architecture, father: Architecture, generator: random.Random) -> Architecture:
        """A uniformly random one of the architectures that have each decision from one of two.

        A decision that is live in neither is free. The parents themselves are among them, so parents that differ in
        one decision have no other child.

        Raises:
            NasError: A parent is no architecture of the space.
        """
        parents = self.numbered(mother), self.numbered(father)
        differ = [variable for variable, (a, b) in enumerate(zip(*parents, strict=True)) if a != b]
        between = Region(self._tree, parents[0], self._tree.above(differ), self._kept(parents))
        return self._named(between.draw(generator))

    def numbered(self, architecture: Architecture) -> Known:
        """The assignment of an architecture.

        Raises:
            NasError: It is none of the space; the difference is named.
        """
        try:
            known = self._read(architecture)
            if _possible(known, self._factors):
                return known
        except (LookupError, TypeError, ValueError, AssertionError, StopIteration):
            pass
        validate(self.model.space, architecture)
        raise AssertionError("the model of the space excludes a valid architecture")

    def change(self, known: Known, generator: random.Random) -> Change:
        """A random change of one decision.

        Raises:
            NasError: The space has one architecture only.
        """
        choices = [variable for variable, others in self.others.items() if known[variable] and others]
        routes = [route for route in self.turns if route.live(known)]
        if not choices and not routes:
            raise NasError(
                f"`{self.model.space.name}` has one architecture only: it cannot be mutated",
                help="`nasdsl count` says how many there are; a preset or a rule may fix too much",
            )
        place = generator.randrange(len(choices) + len(routes))
        if place >= len(choices):
            return routes[place - len(choices)].change(known, generator)
        variable = choices[place]
        return Change(variable, generator.choice(self.others[variable][known[variable]]))

    def quiet(self, known: Known, change: Change) -> bool:
        """Whether a decision can have another value without any change elsewhere."""
        before = known[change.variable]
        known[change.variable] = change.value
        found = _possible(known, self._touching[change.variable])
        known[change.variable] = before
        return found

    def repaired(self, known: Known, change: Change, generator: random.Random) -> Known:
        """The assignment after a change and what follows from it."""
        entered = self._tree.above([change.variable])
        region = Region(self._tree, known, entered, self._kept((known,), change))
        if not region.size:
            region = Region(self._tree, known, entered, self._preferred(known, change, generator))
        return region.draw(generator)

    def _read(self, architecture: Architecture) -> Known:
        space, model = self.model.space, self.model
        if (architecture.space, architecture.preset) != (space.name, space.preset):
            raise ValueError
        if model.flows or model.graph.definitions:
            if not architecture.decisions.keys() <= space.decisions.keys():
                raise ValueError
            found = model.assignment(architecture)
            return [found[variable] for variable in range(len(model.graph.variables))]
        known = [0] * len(model.graph.variables)
        for path, value in architecture.decisions.items():
            variable, numbers = self._numbers[path]
            known[variable] = numbers[value]
        return known

    def _named(self, known: Known) -> Architecture:
        return self.model.architecture(dict(enumerate(known)))

    def _kept(self, parents: Sequence[Known], change: Change | None = None) -> Prices:
        """All decisions that are live keep the value of a parent; the change is made."""

        def prices(variable: int) -> Mapping[int, int] | None:
            changed = change is not None and change.variable == variable
            if variable in self._links:
                return self._links[variable].kept(parents, change.route if changed and change else "")
            if changed and change:
                return {change.value: 0}
            values = {parent[variable] for parent in parents} if variable in self._touching else set()
            return dict.fromkeys({0, *values}, 0) if any(values) else None

        return prices

    def _preferred(self, known: Known, change: Change, generator: random.Random) -> Prices:
        """Each decision that is live and does not keep its parent's value costs more than all that come after it in a
        random order; the change is made.
        """
        flows = self.model.flows.values()
        weights = [1 << n for n in range(len(self._touching) + sum(len(f.cells) * len(f.routes) for f in flows))]
        generator.shuffle(weights)
        given: dict[tuple[int, str], int] = {}

        def weight(variable: int, route: str = "") -> int:
            if (variable, route) not in given:
                given[variable, route] = weights.pop()
            return given[variable, route]

        def prices(variable: int) -> Mapping[int, int] | None:
            changed = variable == change.variable
            if variable in self._links:
                return self._links[variable].preferred(known, change.route if changed else "", weight)
            if changed:
                return {change.value: 0}
            if variable not in self._touching or not known[variable]:
                return None
            cost = weight(variable)
            return {n: 0 if n in (0, known[variable]) else cost for n in range(self.model.graph.size(variable))}

        return prices


Reader = tuple[Callable[[Known], Any], Mapping[Any, int]]
"""A factor: how to take its row out of an assignment (the value itself where it has one variable), and its rows."""


def _reader(factor: Factor) -> Reader:
    alone = len(factor.scope) == 1
    return itemgetter(*factor.scope), {row[0]: 0 for row in factor.rows} if alone else factor.rows


def _possible(known: Known, factors: Iterable[Reader]) -> bool:
    """Whether an assignment is in some factors: a loop, for it is what a mutation spends its time on."""
    for pick, rows in factors:  # noqa: SIM110
        if pick(known) not in rows:
            return False
    return True


def _others(possible: set[int]) -> dict[int, list[int]]:
    """For each value of a decision its other values; nothing where it has one only."""
    values = sorted(possible - {0})
    return {value: [n for n in values if n != value] for value in values} if len(values) > 1 else {}

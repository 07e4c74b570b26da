"""Factor graphs: variables, and tables that say which of their values go together and what that costs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

Row = tuple[int, ...]
"""Values of the variables of a scope, in its order."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Something that has one of finitely many values in each architecture; values are numbered, and 0 is "none".

    Attributes:
        name: For people: the path of a decision, or what the variable stands for.
        values: What the numbers mean.
        position: Where in the space it matters first: the id of a node. Elimination sweeps from the last to the first.
        decision: Whether it is a decision of its own, rather than a function of decisions or the link of a route.
    """

    name: str
    values: tuple[Hashable, ...]
    position: int
    decision: bool = False


@dataclass(frozen=True, slots=True)
class Factor:
    """The joint values that some variables may have. Sparse: what is not in `rows` is impossible.

    Attributes:
        scope: The variables, each once.
        rows: For each possible joint value what it costs (0 for a rule that has no cost).
    """

    scope: tuple[int, ...]
    rows: Mapping[Row, int]


@dataclass(slots=True)
class FactorGraph:
    """Variables and factors. An assignment is possible if it is in every factor; its cost is the sum of theirs.

    Attributes:
        variables: By number.
        factors: All tables.
        definitions: For each auxiliary variable the factor that gives its value as a function of the others in its
            scope.
    """

    variables: list[Variable] = field(default_factory=list)
    factors: list[Factor] = field(default_factory=list)
    definitions: dict[int, Factor] = field(default_factory=dict)

    def copy(self) -> FactorGraph:
        """A graph that can grow by itself."""
        return FactorGraph(list(self.variables), list(self.factors), dict(self.definitions))

    def add(self, name: str, values: Sequence[Hashable], position: int, *, decision: bool = False) -> int:
        """Add a variable; returns its number."""
        self.variables.append(Variable(name, tuple(values), position, decision))
        return len(self.variables) - 1

    def define(self, variable: int, factor: Factor) -> None:
        """Add the factor that gives an auxiliary variable its value."""
        self.factors.append(factor)
        self.definitions[variable] = factor

    def place(self, variable: int, position: int) -> None:
        """Say where a variable matters first."""
        self.variables[variable] = replace(self.variables[variable], position=position)

    def size(self, variable: int) -> int:
        """How many values a variable has, "none" included."""
        return len(self.variables[variable].values)

    def completed(self, known: Mapping[int, int]) -> dict[int, int]:
        """An assignment of some variables with the values of all auxiliary variables, which follow from it."""
        found = dict(known)
        waiting = [variable for variable in self.definitions if variable not in found]
        while waiting:
            left = []
            for variable in waiting:
                scope, rows = self.definitions[variable].scope, self.definitions[variable].rows
                if all(other == variable or other in found for other in scope):
                    found[variable] = next(
                        value
                        for value in range(self.size(variable))
                        if tuple(value if v == variable else found[v] for v in scope) in rows
                    )
                else:
                    left.append(variable)
            assert len(left) < len(waiting), "definitions depend on one another"
            waiting = left
        return found

"""How many architectures use each value of each decision, under limits on costs too: exact integers.

In an elimination with polynomials, the number of architectures within a limit is a linear function of the total. Its
derivative by the polynomial of a part says in how many of them the part takes part: one pass down the compiled
elimination gives that for all parts at once.

A linear function of polynomials is written as a polynomial itself: with D the greatest exponent that counts, G stands
for P -> the coefficient of x^D in G P. At the total that is the sum of x^(D - c) over all costs c that keep the limits,
a slack; and going down multiplies it with what a part is multiplied with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

from nasdsl.algebra.costs.priced import Bound, Bracket, Priced
from nasdsl.algebra.costs.stepped import LEAST_BINS, MOST_BINS, Axis, arithmetic, axes, graph_of, steps
from nasdsl.algebra.elimination.elimination import tables
from nasdsl.algebra.elimination.factors import FactorGraph
from nasdsl.algebra.elimination.plan import Plan, Step, plan
from nasdsl.algebra.elimination.polynomial import ONE, Polynomial, Polynomials
from nasdsl.algebra.model.batch import Batch, numpy
from nasdsl.algebra.model.model import Model
from nasdsl.algebra.model.selection import by_decision, variables_of
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Kind

WORK = 50_000_000
"""How many products, each as often as there are costs to tell apart, are made unless more are asked for."""

MOST_FIELDS = 2_000_000
"""How many coefficients are kept as numbers of their own."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How many architectures use each value of some decisions, of those that keep some limits.

    Attributes:
        total: How many architectures there are.
        counts: For each decision and value how many use it; in the rest the decision is dead. Of a pick the values are
            its subsets, of a route the links that it takes, ((cell), (cell)).
        alive: For each decision how many architectures it is live in.
        draws: 0 if all architectures were counted; else all this is about so many of them, uniformly drawn.
    """

    total: Bracket
    counts: Mapping[str, Mapping[Hashable, Bracket]]
    alive: Mapping[str, Bracket]
    draws: int = 0

    @property
    def exact(self) -> bool:
        """Whether all counts are exact: costs were told apart to their last unit."""
        return not self.draws and self.total.lower == self.total.upper

    def share(self, path: str, value: Hashable) -> tuple[Fraction, Fraction]:
        """Between which numbers the share of the architectures lies that use a value; equal if exact."""
        return _share(self.counts[path][value], self.total)

    def live(self, path: str) -> tuple[Fraction, Fraction]:
        """Between which numbers the share of the architectures lies in which a decision is live."""
        return _share(self.alive[path], self.total)

    def shares(self) -> dict[str, dict[Hashable, Fraction]]:
        """All shares.

        Raises:
            NasError: They are known in brackets only.
        """
        if self.total.lower != self.total.upper:
            raise NasError(
                "the shares are known in brackets only: costs were counted in steps",
                help="ask for more bins, or read the brackets with share(path, value)",
            )
        return {path: {value: self.share(path, value)[0] for value in own} for path, own in self.counts.items()}


def _share(count: Bracket, total: Bracket) -> tuple[Fraction, Fraction]:
    rest = Bracket(total.lower - count.lower, total.upper - count.upper)
    low, high = count.lower + rest.upper, count.upper + rest.lower
    return Fraction(count.lower, low) if low else Fraction(0), Fraction(count.upper, high) if high else Fraction(1)


def usage(model: Model, paths: Collection[str]) -> Usage:
    """How many architectures of a space use each value of some decisions.

    Raises:
        NasError: It has no architecture.
    """
    counted = _Counted(plan(model.graph), model.graph, Polynomials(8), [])
    if not counted.total:
        raise NasError(f"`{model.space.name}` has no architecture", help="let its rules forbid less")
    return _bracketed(model, paths, counted, counted)


def usage_under(priced: Priced, bounds: Sequence[Bound], paths: Collection[str], bins: int | None = None) -> Usage:
    """The same among the architectures that keep some bounds.

    Args:
        priced: The space with its costs.
        bounds: The bounds.
        paths: The decisions.
        bins: About how many costs to tell apart at most; by default as many as take some seconds to a minute.

    Raises:
        NasError: No architecture keeps them.
    """
    limits = priced.limits(bounds)
    if limits is not None and not limits:
        return usage(priced.model, paths)
    if limits is not None:
        every = plan(graph_of(priced, axes(limits, [1] * len(limits), inner=True)))
        if bins is None:
            most = WORK // (sum(len(step.targets) for step in every.steps) or 1)
            bins = min(max(int(most ** (1 / len(limits))), LEAST_BINS), MOST_BINS)
        chosen = steps(limits, bins)
        inner = _counted(every, priced, axes(limits, chosen, inner=True))
        outer = inner if set(chosen) == {1} else _counted(every, priced, axes(limits, chosen, inner=False))
        if outer.total:
            return _bracketed(priced.model, paths, inner, outer)
    ranges = ", and ".join(" to ".join(f"{c:,}" for c in priced.bounds(n)) for n in range(len(priced.metrics)))
    raise NasError(
        f"no architecture of `{priced.model.space.name}` keeps the limits",
        help=f"its architectures cost {ranges} (latencies in ns, energies in nJ)",
    )


def usage_of_draws(model: Model, batches: Iterable[Batch], paths: Collection[str]) -> Usage:
    """The same among drawn architectures: where there are too many costs to tell apart, an estimate."""
    numbers: dict[int, Counter[int]] = {variable: Counter() for variable in variables_of(model, paths)}
    size = 0
    for batch in batches:
        size += len(next(iter(batch.columns.values()), ()))
        for variable, known in numbers.items():
            known.update(dict(enumerate(numpy().bincount(batch.columns[variable]).tolist())))
    return _usage(model, paths, Bracket(size, size), numbers, numbers, size)


def _counted(every: Plan, priced: Priced, chosen: Sequence[Axis]) -> _Counted:
    return _Counted(every, graph_of(priced, chosen), arithmetic(priced, chosen), chosen)


def _bracketed(model: Model, paths: Collection[str], inner: _Counted, outer: _Counted) -> Usage:
    wanted = variables_of(model, paths)
    low = inner.values(wanted)
    high = low if outer is inner else outer.values(wanted)
    return _usage(model, paths, Bracket(inner.total, outer.total), low, high)


def _usage(
    model: Model,
    paths: Collection[str],
    total: Bracket,
    low: Mapping[int, Mapping[int, int]],
    high: Mapping[int, Mapping[int, int]],
    draws: int = 0,
) -> Usage:
    below, above = by_decision(model, paths, low), by_decision(model, paths, high)
    counts = {path: {value: Bracket(n, above[path][value]) for value, n in own.items()} for path, own in below.items()}
    alive = {}
    for path, own in counts.items():
        decision = model.space.decisions[path]
        # A route is live where it takes a link into its end.
        some = [n for value, n in own.items() if decision.kind is not Kind.ROUTE or _target(value) == decision.end]
        alive[path] = Bracket(sum(n.lower for n in some), sum(n.upper for n in some))
    return Usage(total, counts, alive, draws)


def _target(link: Any) -> Any:
    return link[1]


class _Counted:
    """The architectures whose cost keeps the limits of some axes, and how many of them have each value of a variable.

    Args:
        plan: The compiled elimination.
        graph: Its factors, with the exponents as costs.
        polynomials: Arithmetic of the axes.
        chosen: The axes; none: all architectures count.
    """

    def __init__(self, plan: Plan, graph: FactorGraph, polynomials: Polynomials, chosen: Sequence[Axis]) -> None:
        self._plan = plan
        self.arithmetic = polynomials
        self._known: dict[int, list[Polynomial]] = {}
        for n, table in enumerate(tables(graph, polynomials.semiring)):
            rows = list(table.rows.values())
            if any(row is not ONE for row in rows):
                self._known[n] = rows
        for n, step in enumerate(plan.steps):
            self._known[plan.factors + n] = self._message(step)
        whole = reduce(polynomials.times, self._wholes(), ONE)
        kept = {c: n for c, n in polynomials.terms(whole) if all(axis.keeps(c) for axis in chosen)}
        self.total = sum(kept.values())
        self.top = max(kept, default=0)
        self._slack: Polynomial = polynomials.packed({self.top - c: 1 for c in kept}) if len(kept) > 1 else {0: 1}

    def _wholes(self) -> list[Polynomial]:
        """What the total is the product of."""
        constants = [self._known[n][0] for n in self._plan.constants if n in self._known]
        return constants + [self._known[self._plan.factors + root][0] for root in self._plan.roots]

    def _message(self, step: Step) -> list[Polynomial]:
        found: list[Polynomial] = [0] * step.size
        for n, target in enumerate(step.targets):
            found[target] = self.plus(found[target], self.product(step, n))
        return found

    def plus(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """The sum; of few terms and nothing: still few terms."""
        return b if a == 0 else a if b == 0 else self.arithmetic.plus(a, b)

    def product(self, step: Step, n: int, without: int | None = None) -> Polynomial:
        """A product of a step, without one of its sources."""
        result: Polynomial = ONE
        for place, source in enumerate(step.sources):
            if place != without and source in self._known:
                other = self._known[source][step.places[place][n]]
                result = other if result is ONE else result if other is ONE else self.arithmetic.times(result, other)
        return result

    def values(self, wanted: Collection[int]) -> dict[int, dict[int, int]]:
        """For each wanted variable how many architectures that count have each of its values."""
        found: dict[int, dict[int, int]] = {variable: {} for variable in wanted}
        if not self.total:
            return found
        below = self._leading_to(wanted)
        outside: dict[int, list[Polynomial]] = {}
        wholes = self._wholes()
        for n, root in enumerate(self._plan.roots, start=len(wholes) - len(self._plan.roots)):
            others = [*wholes[:n], *wholes[n + 1 :]]
            outside[root] = [reduce(self.arithmetic.times, others, self._slack)]
        for n in range(len(self._plan.steps) - 1, -1, -1):
            above = outside.pop(n, None)
            if above is not None and n in below:
                down = _Down(self, self._plan.steps[n], above)
                if self._plan.steps[n].variable in wanted:
                    found[self._plan.steps[n].variable] = down.values()
                for child, place in self._plan.children(self._plan.steps[n]):
                    if child in below:
                        outside[child] = down.outside(place, self._known[self._plan.factors + child])
        return found

    def _leading_to(self, wanted: Collection[int]) -> set[int]:
        """The steps of some variables, and those that lie above them."""
        found: set[int] = set()
        for n, step in enumerate(self._plan.steps):
            if step.variable in wanted or any(child in found for child, _ in self._plan.children(step)):
                found.add(n)
        return found

    def fields(self, polynomial: Polynomial) -> list[int]:
        """The coefficients of a polynomial, from that of x^0 to the last one that counts."""
        found = [0] * (self.top + 1)
        for exponent, coefficient in self.arithmetic.terms(polynomial):
            if exponent <= self.top:
                found[exponent] = coefficient
        return found


class _Down:
    """The way down through one step.

    Args:
        counted: The architectures.
        step: The step.
        above: For each row of its message the polynomial G that stands for how it counts.
    """

    def __init__(self, counted: _Counted, step: Step, above: Sequence[Polynomial]) -> None:
        self._counted, self._step, self._above = counted, step, above
        self._known: dict[int, tuple[Polynomial, list[int]]] = {}

    def values(self) -> dict[int, int]:
        """How many architectures that count have each value of the step's variable."""
        found: dict[int, int] = {}
        for n, (target, value) in enumerate(zip(self._step.targets, self._step.values, strict=True)):
            count = self._at(target, self._counted.product(self._step, n), 0)
            if count:
                found[value] = found.get(value, 0) + count
        return found

    def outside(self, place: int, message: Sequence[Polynomial]) -> list[Polynomial]:
        """For each row of a message that the step reads the polynomial that stands for how it counts.

        Of a row with few terms only its coefficients at these are computed: they are sums of products, where a product
        of two polynomials with many terms would be large.
        """
        top = self._counted.top
        few: list[dict[int, int]] = [{} for _ in message]
        found: list[Polynomial] = [0] * len(message)
        for n, (row, target) in enumerate(zip(self._step.places[place], self._step.targets, strict=True)):
            own = message[row]
            other = self._counted.product(self._step, n, place)
            if isinstance(own, dict):
                for exponent in own:
                    if exponent <= top:
                        known = few[row].get(top - exponent, 0)
                        few[row][top - exponent] = known + self._at(target, other, exponent)
            elif own:
                found[row] = self._counted.plus(found[row], self._counted.arithmetic.times(self._above[target], other))
        return [
            {exponent: n for exponent, n in some.items() if n} or 0 if isinstance(own, dict) else dense
            for own, some, dense in zip(message, few, found, strict=True)
        ]

    def _at(self, target: int, polynomial: Polynomial, exponent: int) -> int:
        """How often x^exponent times a polynomial counts, at a row of the message."""
        room = self._counted.top - exponent
        above = self._above[target]
        if not above or not polynomial:
            return 0
        if isinstance(above, dict) and isinstance(polynomial, dict):
            return sum(n * above.get(room - e, 0) for e, n in polynomial.items())
        fields = self._fields(above)
        if isinstance(polynomial, dict):
            return sum(n * fields[room - e] for e, n in polynomial.items() if e <= room)
        return sum(map(mul, self._fields(polynomial), fields[room::-1])) if room >= 0 else 0

    def _fields(self, polynomial: Polynomial) -> list[int]:
        """The coefficients of a polynomial; those of the latest ones are kept, by the identity of the polynomial."""
        known = self._known.get(id(polynomial))
        if known is None:
            if len(self._known) * (self._counted.top + 1) > MOST_FIELDS:
                self._known.clear()
            known = self._known[id(polynomial)] = polynomial, self._counted.fields(polynomial)
        return known[1]

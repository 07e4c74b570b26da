"""The data from which the expected cost of a relaxation is computed: what `nasdsl.runtime.expected_cost` reads.

Generated files hold it as a literal, so it is made of dicts, tuples, strings and integers only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations, groupby, product
from operator import itemgetter
from typing import Any

from nasdsl.ir.graph import Atom, Graph, Kind
from nasdsl.number import Number
from nasdsl.passes.kernels import Kernel, filled
from nasdsl.passes.liveness import ALWAYS, Literals, liveness
from nasdsl.passes.units import units

Conjunction = tuple[tuple[str, Any], ...]
"""Pairs of (name, value) that hold together, sorted."""

Term = tuple[int, dict[str, Any]]
"""A coefficient and, by name, values: of a decision one of them is taken, of a pick or a grid all."""

Run = tuple[str, tuple[Number, ...]]
"""What runs: the template of a signature, and the numbers in it."""


def expected_cost_data(graph: Graph, latency: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The kernels of a space, or what else a table prices, with the conditions under which they run, as plain data.

    Args:
        graph: The space.
        latency: The table (see `nasdsl.passes.prices`); without one: of kernels.

    Returns:
        A dict of

        * `domains`: {decision: values in the order of its probabilities}; for a pick its subsets, each a tuple, in the
          order of `itertools.combinations`. Only decisions that a kernel depends on.
        * `grids`: {grid: {"source": cell, "cells": (...), "links": ((from, to), ...), "routes": {route: end cell},
          "live": ((routes, terms), ...)}}, links in the order of `Grid.links`; `live` (never empty) says for each set
          of routes that can be live together when they are.
        * `lasts`: {symbol: (route, cells)}, the cells of one rate, where the symbol `branch[32].last(16)` stands for
          the one that the route visits last.
        * `kernels`: those that run under the same conditions together, and all places where they do so,
          ({"runs": (...), "places": ((symbols, *terms), ...)}, ...). A run is (count, template, numbers): how often,
          the signature with `{}` for each number, and the numbers as `Number` prints them, with `{0}`, `{1}`, ... for
          the symbols of the place: "8 * {0}". A term is (coefficient, {name: values}); the sum of the terms says how
          often all this runs. A name is a decision, which takes one of the values (a pick: all these members), or a
          grid, where all these links are taken, or a symbol of `lasts` and its value a cell. No name at all: always. A
          single value that is no tuple stands alone. The terms of `live` are alike.
    """
    together: dict[tuple[tuple[Run, int], ...], Counter[Conjunction]] = {}
    for condition, runs in _by_condition(graph, {} if latency is None else latency).items():
        together.setdefault(tuple(runs.items()), Counter()).update(dict(condition))
    grids = {path: grid for path in graph.grids if (grid := _grid(graph, path))["live"]}
    rows = [(runs, _merged(graph, when)) for runs, when in together.items()]
    used = {symbol for runs in together for (_, numbers), _ in runs for number in numbers for symbol in number.symbols}
    used |= {name for _, terms in rows for _, values in terms for name in values}
    used |= {name for grid in grids.values() for _, terms in grid["live"] for _, values in terms for name in values}
    return {
        "domains": {d.path: _domain(graph, d.path) for d in graph.decisions.values() if d.path in used},
        "grids": grids,
        "lasts": {
            symbol: (cases.cases[0][0].decision, tuple(atom.value for atom, _ in cases.cases))
            for symbol, cases in graph.cases.items()
            if symbol in used
        },
        "kernels": _kernels(rows),
    }


def _kernels(rows: Iterable[tuple[tuple[tuple[Run, int], ...], tuple[Term, ...]]]) -> tuple[dict[str, Any], ...]:
    """Rows that differ in their symbols only as places of one."""
    places: dict[tuple[tuple[int, str, tuple[str, ...]], ...], list[tuple[Any, ...]]] = {}
    for runs, when in rows:
        order: dict[str, str] = {}
        formal = tuple(
            (count, template, tuple(_formal(number, order) for number in numbers))
            for (template, numbers), count in runs
        )
        places.setdefault(formal, []).append((tuple(order), *when))
    return tuple({"runs": runs, "places": tuple(found)} for runs, found in places.items())


def _formal(number: Number, order: dict[str, str]) -> str:
    """A number as it is printed, its symbols by their place in an order, which grows by those that are new."""
    for symbol in (name for monomial, _ in number.terms for name in monomial):
        order.setdefault(symbol, f"{{{len(order)}}}")
    return str(Number(tuple((tuple(order[name] for name in monomial), c) for monomial, c in number.terms)))


def _by_condition(
    graph: Graph, latency: Mapping[str, float]
) -> dict[tuple[tuple[Conjunction, int], ...], Counter[Run]]:
    """What runs under each condition, a sum of conjunctions with coefficients, and how often."""
    found: dict[tuple[tuple[Conjunction, int], ...], Counter[Run]] = {}
    for kernel in units(graph, latency):
        for run, terms in _rows(graph, kernel).items():
            found.setdefault(tuple(terms.items()), Counter())[run] += 1
    return found


def _rows(graph: Graph, kernel: Kernel) -> dict[Run, Counter[Conjunction]]:
    """What a kernel can be: several things where its numbers depend on a route's last cell or on the live condition."""
    symbols = [symbol for symbol in kernel.symbols if symbol in graph.cases]
    rows: dict[Run, Counter[Conjunction]] = {}
    for choice in product(*(graph.cases[symbol].cases for symbol in symbols)):
        replaced = {symbol: number for symbol, (_, number) in zip(symbols, choice, strict=True)}
        lasts = tuple((symbol, atom.value) for symbol, (atom, _) in zip(symbols, choice, strict=True))
        numbers = tuple(_replaced(number, replaced) for number in kernel.numbers)
        for literals, coefficient in kernel.live.terms:
            if _soft(graph, literals):
                continue
            known = {atom.decision: atom.value for atom in literals if isinstance(atom.value, int)}
            known = {name: value for name, value in known.items() if graph.decisions[name].kind is not Kind.PICK}
            run = _folded(kernel.template, tuple(number.substitute(known) for number in numbers))
            rows.setdefault(run, Counter())[_conjunction(literals) + lasts] += coefficient
    return rows


def _merged(graph: Graph, terms: Mapping[Conjunction, int]) -> tuple[Term, ...]:
    """A sum of conjunctions; those that differ in the value of one decision become one: "d is 2 or 3"."""
    found = Counter(
        {
            tuple((name, tuple(value for _, value in pairs)) for name, pairs in groupby(conjunction, itemgetter(0))): c
            for conjunction, c in terms.items()
        }
    )
    for name in sorted({name for conjunction in terms for name, _ in conjunction}):
        if name in graph.decisions and graph.decisions[name].kind is not Kind.PICK:
            found = _without_cases(found, name, graph.decisions[name].domain)
    return tuple(
        (coefficient, {name: _plain(values) for name, values in conjunction})
        for conjunction, coefficient in found.items()
        if coefficient
    )


def _plain(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 and not isinstance(values[0], tuple) else values


def _without_cases(terms: Mapping[Any, int], name: str, domain: tuple[int | str, ...]) -> Counter[Any]:
    """Terms, those that differ in the value of one decision as one; it is left out where every value will do."""
    alike: dict[tuple[Any, int], set[Any]] = {}
    for conjunction, coefficient in terms.items():
        rest = tuple((other, None if other == name else values) for other, values in conjunction)
        alike.setdefault((rest, coefficient), set()).update(dict(conjunction).get(name, ()))
    found: Counter[Any] = Counter()
    for (rest, coefficient), having in alike.items():
        values = tuple(value for value in domain if value in having)
        kept = tuple((other, values if other == name else its) for other, its in rest)
        found[tuple(pair for pair in kept if pair[0] != name or values != domain)] += coefficient
    return found


def _domain(graph: Graph, path: str) -> tuple[Any, ...]:
    decision = graph.decisions[path]
    if decision.kind is Kind.PICK:
        return tuple(combinations(decision.domain, decision.count))
    return decision.domain


def _grid(graph: Graph, path: str) -> dict[str, Any]:
    grid, live = graph.grids[path], liveness(graph)
    routes = {route.path: route.end for route in graph.routes(path)}
    together = []
    for size in range(1, len(routes) + 1):
        for chosen in combinations(routes, size):
            condition = ALWAYS
            for route in chosen:
                condition = live.conditions.both(condition, live.routes[route])
            if condition.terms:
                terms = {_conjunction(literals): coefficient for literals, coefficient in condition.terms}
                together.append((chosen, _merged(graph, terms)))
    return {
        "source": grid.source,
        "cells": tuple(grid.cells),
        "links": tuple((link.source, link.target) for link in grid.links),
        "routes": routes,
        "live": tuple(together),
    }


def _soft(graph: Graph, literals: Literals) -> bool:
    """Whether this is live in relaxations only: it has no cost, since no architecture has it."""
    return any(a.decision in graph.decisions and a.value in graph.decisions[a.decision].soft for a in literals)


def _folded(template: str, numbers: tuple[Number, ...]) -> Run:
    """The template with the numbers that have become constants put in."""
    parts = ["{}" if number.constant is None else str(number.constant) for number in numbers]
    return filled(template, parts), tuple(number for number in numbers if number.constant is None)


def _replaced(number: Number, by: dict[str, Number]) -> Number:
    total = Number.of(0)
    for monomial, coefficient in number.terms:
        term = Number((((), coefficient),))
        for name in monomial:
            term = term * by.get(name, Number.symbol(name))
        total = total + term
    return total


def _conjunction(literals: Literals) -> Conjunction:
    def key(atom: Atom) -> tuple[str, str]:
        return atom.decision, repr(atom.value)

    return tuple((atom.decision, atom.value) for atom in sorted(literals, key=key))

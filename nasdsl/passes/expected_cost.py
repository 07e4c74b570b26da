"""The data from which the expected cost of a relaxation is computed: what `nasdsl.runtime.expected_cost` reads.

Generated files hold it as a literal, so it is made of dicts, tuples, strings and integers only.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

from nasdsl.ir.graph import Atom, Graph, Kind
from nasdsl.number import Number
from nasdsl.passes.kernels import Kernel, kernels
from nasdsl.passes.liveness import ALWAYS, Condition, Literals, liveness

Term = tuple[int, tuple[tuple[str, Any], ...]]
"""A coefficient and a conjunction of (name, value)."""


def expected_cost_data(graph: Graph) -> dict[str, Any]:
    """The kernels of a space with the conditions under which they run, as plain data.

    Returns:
        A dict of

        * `domains`: {decision: values in the order of its probabilities}; for a pick its subsets, each a tuple, in the
          order of `itertools.combinations`. Only decisions that a kernel depends on.
        * `grids`: {grid: {"source": cell, "cells": (...), "links": ((from, to), ...), "routes": {route: end cell},
          "live": ((routes, terms), ...)}}, links in the order of `Grid.links`; `live` (never empty) says for each set
          of routes that can be live together when they are.
        * `lasts`: {symbol: (route, cells)}, the cells of one rate, where the symbol `branch[32].last(16)` stands for
          the one that the route visits last.
        * `kernels`: one row each: (where, template, numbers, terms). Where: names of scopes and node, joined by dots.
          Template: the signature with `{}` for each number. Numbers: `Number` as text, such as "8 * trunk[1,8].w".
          Terms: the live condition ((coefficient, ((name, value), ...)), ...), where a name is a decision and its value
          the alternative (of a pick: a member), or a grid and its value a link (from, to), or a symbol of `lasts` and
          its value a cell. No pair at all: always.
    """
    found = kernels(graph)
    rows = [row for kernel in found for row in _rows(graph, kernel)]
    grids = {path: grid for path in graph.grids if (grid := _grid(graph, path))["live"]}
    used = {name for _, _, numbers, terms in rows for name in _names(numbers, terms)}
    used |= {name for grid in grids.values() for _, terms in grid["live"] for name in _names((), terms)}
    lasts = {
        symbol: (cases.cases[0][0].decision, tuple(atom.value for atom, _ in cases.cases))
        for symbol, cases in graph.cases.items()
        if symbol in used
    }
    return {
        "domains": {d.path: _domain(graph, d.path) for d in graph.decisions.values() if d.path in used},
        "grids": grids,
        "lasts": lasts,
        "kernels": tuple(
            (where, template, tuple(map(str, numbers)), terms) for where, template, numbers, terms in rows
        ),
    }


def _names(numbers: tuple[Number, ...], terms: tuple[Term, ...]) -> set[str]:
    return {s for number in numbers for s in number.symbols} | {name for _, atoms in terms for name, _ in atoms}


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
                together.append((chosen, _terms(condition)))
    return {
        "source": grid.source,
        "cells": tuple(grid.cells),
        "links": tuple((link.source, link.target) for link in grid.links),
        "routes": routes,
        "live": tuple(together),
    }


def _rows(graph: Graph, kernel: Kernel) -> list[tuple[str, str, tuple[Number, ...], tuple[Term, ...]]]:
    """The rows of a kernel: several where its numbers depend on a route's last cell or on the live condition."""
    symbols = [symbol for symbol in kernel.symbols if symbol in graph.cases]
    where = _where(graph, kernel.nodes[0])
    rows: dict[tuple[str, tuple[Number, ...]], list[Term]] = {}
    for choice in product(*(graph.cases[symbol].cases for symbol in symbols)):
        replaced = {symbol: number for symbol, (_, number) in zip(symbols, choice, strict=True)}
        lasts = tuple((symbol, atom.value) for symbol, (atom, _) in zip(symbols, choice, strict=True))
        numbers = tuple(_replaced(number, replaced) for number in kernel.numbers)
        for literals, coefficient in kernel.live.terms:
            if _soft(graph, literals):
                continue
            known = {atom.decision: atom.value for atom in literals if isinstance(atom.value, int)}
            known = {name: value for name, value in known.items() if graph.decisions[name].kind is not Kind.PICK}
            fixed = tuple(number.substitute(known) for number in numbers)
            term = (coefficient, _atoms(literals) + lasts)
            rows.setdefault((kernel.template, fixed), []).append(term)
    return [(where, *_folded(template, fixed), tuple(terms)) for (template, fixed), terms in rows.items()]


def _soft(graph: Graph, literals: Literals) -> bool:
    """Whether this is live in relaxations only: it has no cost, since no architecture has it."""
    return any(a.decision in graph.decisions and a.value in graph.decisions[a.decision].soft for a in literals)


def _folded(template: str, numbers: tuple[Number, ...]) -> tuple[str, tuple[Number, ...]]:
    """The template with the numbers that have become constants put in."""
    parts = ["{}" if number.constant is None else str(number.constant) for number in numbers]
    return template.format(*parts), tuple(number for number in numbers if number.constant is None)


def _replaced(number: Number, by: dict[str, Number]) -> Number:
    total = Number.of(0)
    for monomial, coefficient in number.terms:
        term = Number((((), coefficient),))
        for name in monomial:
            term = term * by.get(name, Number.symbol(name))
        total = total + term
    return total


def _terms(condition: Condition) -> tuple[Term, ...]:
    return tuple((coefficient, _atoms(literals)) for literals, coefficient in condition.terms)


def _atoms(literals: Literals) -> tuple[tuple[str, Any], ...]:
    def key(atom: Atom) -> tuple[str, str]:
        return atom.decision, repr(atom.value)

    return tuple((atom.decision, atom.value) for atom in sorted(literals, key=key))


def _where(graph: Graph, node: int) -> str:
    names = [graph.nodes[node].name]
    scope = graph.scopes[graph.nodes[node].scope]
    while scope.parent is not None:
        names.append(scope.name)
        scope = graph.scopes[scope.parent]
    return ".".join(reversed(names))

"""The expected latency of a relaxation, exact and differentiable.

Decisions are independent of one another, so the expectation of a sum of kernels is the sum, over kernels, of the
probability that each runs times its expected cost. Kernels in a grid run once for every distinct prefix of live routes
that leads to them (`nasdsl.runtime.prefixes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor, nn

from nasdsl.diagnostics.errors import NasError
from nasdsl.passes.kernels import filled
from nasdsl.runtime.prefixes import Prefixes

Event = tuple[str, str, Any]
"""What has an expectation: ("is", decision, index in its domain), ("in", decision, values), ("has", pick, members),
("leave", grid, links) or ("last", route, (symbol, cell) pairs)."""

Term = tuple[int, tuple[Event, ...]]
"""A sign and events whose expectations are multiplied."""


class ExpectedCost(nn.Module):
    """The expected latency of the network that a distribution over architectures derives.

    Args:
        data: What `nasdsl.passes.expected_cost.expected_cost_data` returns.
        latency_ms: Latency by signature, in ms.

    Attributes:
        data: The data.
        parts: What the expectation is the sum of: a term, the decisions that its cost depends on, and its cost in ms at
            all their joint values, the last decision's changing fastest.
        events: The expectations of the events in terms.

    Raises:
        NasError: A signature has no entry.
    """

    def __init__(self, data: Mapping[str, Any], latency_ms: Mapping[str, float]) -> None:
        super().__init__()
        rows = [(_terms(data, terms), symbols, costs) for terms, symbols, costs in _rows(data, latency_ms)]
        self.data = data
        self.parts = tuple((term, symbols, costs) for terms, symbols, costs in rows for term in terms)
        self.events = Events(data, (event for (_, events), _, _ in self.parts for event in events))
        groups: dict[tuple[int, ...], list[tuple[Term, list[str], list[float]]]] = {}
        for part in self.parts:
            shape = tuple(len(data["domains"][symbol]) for symbol in part[1])
            groups.setdefault(shape, []).append(part)
        self._shapes = tuple(groups)
        for index, (shape, members) in enumerate(groups.items()):
            most = max(len(events) for (_, events), _, _ in members)
            places = [[self.events.index[event] for event in events] for (_, events), _, _ in members]
            self._keep(f"sign{index}", torch.tensor([float(sign) for (sign, _), _, _ in members]))
            self._keep(f"factor{index}", torch.tensor([p + [0] * (most - len(p)) for p in places], dtype=torch.long))
            self._keep(f"cost{index}", torch.tensor([c for _, _, c in members]).reshape(len(members), *shape))
            for axis in range(len(shape)):
                chances = [[self.events.index["is", s[axis], i] for i in range(shape[axis])] for _, s, _ in members]
                self._keep(f"axis{index}_{axis}", torch.tensor(chances))

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.register_buffer(name, tensor, persistent=False)

    def forward(self, probabilities: Mapping[str, Tensor]) -> Tensor:
        """The expected latency in ms, a scalar.

        Args:
            probabilities: By decision. choose and width: [n] over the domain; pick: [subsets]; route: [links], for each
                link the probability that the route comes along it, given that it comes to its target.
        """
        expectations: Tensor = self.events(probabilities)
        total = expectations.new_zeros(())
        for index, shape in enumerate(self._shapes):
            weight = self.get_buffer(f"sign{index}").to(expectations)
            for factor in expectations[self.get_buffer(f"factor{index}")].unbind(dim=1):
                weight = weight * factor
            cost = self.get_buffer(f"cost{index}").to(expectations)
            for axis in reversed(range(len(shape))):
                chance = expectations[self.get_buffer(f"axis{index}_{axis}")]
                cost = (cost * chance.reshape(len(chance), *[1] * axis, -1)).sum(dim=-1)
            total = total + (weight * cost).sum()
        return total


class Events(nn.Module):
    """The expectations of events as a vector.

    Args:
        data: What `nasdsl.passes.expected_cost.expected_cost_data` returns.
        asked: The events; others that they follow from are added.

    Attributes:
        index: Which event's expectation stands where; 1 stands at 0.
        live: For each grid, for each group of its `live`, when these routes are live together.
        grids: For each grid its `Prefixes`.
    """

    def __init__(self, data: Mapping[str, Any], asked: Iterable[Event]) -> None:
        super().__init__()
        live = {name: [_terms(data, terms) for _, terms in g["live"]] for name, g in data["grids"].items()}
        events = dict.fromkeys(asked) | dict.fromkeys(
            event for groups in live.values() for terms in groups for _, events in terms for event in events
        )
        self._domains: dict[str, int] = {name: len(domain) for name, domain in data["domains"].items()}
        order: list[Event] = [("is", name, i) for name, n in self._domains.items() for i in range(n)]
        self._sums: list[str] = []
        for name, domain in data["domains"].items():
            sums = [(kind, of, values) for kind, of, values in events if kind in ("in", "has") and of == name]
            if sums:
                order += sums
                rows = [[float(_covers(kind, values, value)) for value in domain] for kind, _, values in sums]
                self.register_buffer(f"sum{len(self._sums)}", torch.tensor(rows), persistent=False)
                self._sums.append(name)
        self.live = live
        self.grids = nn.ModuleList()
        for name, grid in data["grids"].items():
            leave = [links for kind, of, links in events if kind == "leave" and of == name]
            last = [(of, visits) for kind, of, visits in events if kind == "last" and of in grid["routes"]]
            cells = {symbol: of for symbol, (_, of) in data["lasts"].items()}
            asked_last = [(of, [(cells[symbol], cell) for symbol, cell in visits]) for of, visits in last]
            self.grids.append(Prefixes(grid, leave, asked_last))
            order += [("leave", name, links) for links in leave] + [("last", of, visits) for of, visits in last]
        self.index = {event: place + 1 for place, event in enumerate(order)}

    def forward(self, probabilities: Mapping[str, Tensor]) -> Tensor:
        """[events], given probabilities as `ExpectedCost` takes them."""
        parts = [probabilities[name] for name in self._domains]
        some = next(iter(probabilities.values()))
        parts.insert(0, some.new_ones(1))
        for place, name in enumerate(self._sums):
            parts.append(self.get_buffer(f"sum{place}").to(some) @ probabilities[name])
        known = torch.cat(parts)
        for grid, groups in zip(self.grids, self.live.values(), strict=True):
            assert isinstance(grid, Prefixes)
            chance = torch.stack([probabilities[route] for route in grid.routes])
            live = torch.stack([self._sum(known, terms) for terms in groups])
            known = torch.cat([known, *grid(chance, live)])
        return known

    def _sum(self, known: Tensor, terms: Sequence[Term]) -> Tensor:
        total = known.new_zeros(())
        for sign, events in terms:
            part = known.new_full((), float(sign))
            for event in events:
                part = part * known[self.index[event]]
            total = total + part
        return total


def _covers(kind: str, values: frozenset[Any], value: Any) -> bool:
    """Whether a value of a decision is one of these, or a subset that is picked has all of them."""
    return value in values if kind == "in" else values <= set(value)


def _terms(data: Mapping[str, Any], terms: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Term]:
    """The expectation of a sum of conjunctions as a sum of products."""
    found: list[Term] = []
    for coefficient, conjunction in terms:
        listed = {name: values if isinstance(values, tuple) else (values,) for name, values in conjunction.items()}
        found += _products(data, coefficient, listed)
    return found


def _products(data: Mapping[str, Any], coefficient: int, conjunction: Mapping[str, Sequence[Any]]) -> list[Term]:
    lasts: dict[str, list[Any]] = {}
    products: list[Term] = [(coefficient, ())]
    for name, values in conjunction.items():
        factors: list[tuple[int, Event]]
        if name in data["lasts"]:
            lasts.setdefault(data["lasts"][name][0], []).append((name, *values))
            continue
        if name in data["grids"]:
            # That a prefix goes on along all of the links, from what is known for "along one of them".
            subsets = [s for size in range(1, len(values) + 1) for s in combinations(values, size)]
            factors = [((-1) ** (len(s) + 1), ("leave", name, frozenset(s))) for s in subsets]
        elif isinstance(data["domains"][name][0], tuple):
            factors = [(1, ("has", name, frozenset(values)))]
        elif len(values) == 1:
            factors = [(1, ("is", name, data["domains"][name].index(values[0])))]
        else:
            factors = [(1, ("in", name, frozenset(values)))]
        products = [(sign * s, (*known, event)) for sign, known in products for s, event in factors]
    last: list[Event] = [("last", route, frozenset(visits)) for route, visits in lasts.items()]
    return [(sign, (*known, *last)) for sign, known in products]


def _rows(
    data: Mapping[str, Any], latency_ms: Mapping[str, float]
) -> list[tuple[Sequence[tuple[int, Mapping[str, Any]]], list[str], list[float]]]:
    """What runs together, in parts: when, the symbols that its cost depends on, the cost at all their joint values."""
    missing: dict[str, None] = {}
    rows = []
    for kernels, (names, *when) in ((group, place) for group in data["kernels"] for place in group["places"]):
        costs: dict[tuple[str, ...], list[float]] = {}
        for count, template, numbers in kernels["runs"]:
            parsed = [_parsed(text, names) for text in numbers]
            symbols = tuple(sorted({symbol for number in parsed for _, monomial in number for symbol in monomial}))
            points = list(product(*(data["domains"][symbol] for symbol in symbols)))
            known = costs.setdefault(symbols, [0.0] * len(points))
            for place, values in enumerate(points):
                point = dict(zip(symbols, values, strict=True))
                signature = filled(template, (_evaluated(number, point) for number in parsed))
                if signature not in latency_ms:
                    missing[signature] = None
                known[place] += count * latency_ms.get(signature, 0.0)
        rows += [(when, list(symbols), known) for symbols, known in costs.items()]
    if missing:
        raise NasError(
            f"the lookup table lacks {len(missing)} operations of this space, such as `{next(iter(missing))}`",
            help="measure what is missing: nasdsl profile SPACE.nas",
        )
    return rows


Polynomial = list[tuple[int | Fraction, list[str]]]


def _parsed(text: str, names: Sequence[str]) -> Polynomial:
    """A number as `nasdsl.number.Number` prints it, with places for symbols: "32 + 1/2 * {0}"."""
    terms: Polynomial = []
    for part in text.split(" + "):
        factors = part.split(" * ")
        numeric = factors[0].lstrip("-")[0].isdigit()
        coefficient = Fraction(factors[0]) if numeric else Fraction(1)
        exact = coefficient.numerator if coefficient.denominator == 1 else coefficient
        places = factors[1:] if numeric else factors
        terms.append((exact, [names[int(place.strip("{}"))] for place in places]))
    return terms


def _evaluated(number: Polynomial, point: Mapping[str, Any]) -> int | Fraction:
    total: int | Fraction = 0
    for coefficient, monomial in number:
        for symbol in monomial:
            coefficient = coefficient * point[symbol]
        total += coefficient
    return total

"""With what chances a walk down a circuit takes its terms: known exactly, whatever was rounded on the way to them.

An architecture is wanted with a weight of 2^-(rate * cost). At each node a term is drawn from 32 random bits: its
chance is a whole number of 2^-32, close to what its share of the weights is. So the chance of an architecture is a
product of integers, and `least` is a number that no chance times 2^(rate * cost) is below.

The alias method (Walker, 1977; Vose, IEEE Trans. Software Eng. 1991) draws a term in constant time. Slots are a power
of two in number here, so that they, too, hold whole chances.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import exp2, log2
from operator import mul

from nasdsl.algebra.elimination.circuit import Circuit, Label, Term

BITS = 32
"""Random bits of a step."""

WHOLE = 1 << BITS


class Chances:
    """With what chance a walk takes each term.

    Args:
        circuit: The circuit.
        rates: For each metric how often a cost of one unit halves the weight.

    Attributes:
        terms: Those of each node.
        parts: For each term of each node its chance, in units of 2^-BITS.
        least: log2 of a number that is not above the product of an architecture's chances, times 2^(rate * cost) for
            each metric, up to rounding.
    """

    def __init__(self, circuit: Circuit, rates: Sequence[float]) -> None:
        self.terms: Sequence[Sequence[Term]] = circuit.nodes
        self.parts: list[list[int]] = []
        weights: list[float] = []
        least: list[float] = []
        known: dict[int, float] = {}
        for terms in circuit.nodes:
            logs, worth = [], []
            for cost, children, _ in terms:
                bits = known.get(cost)
                if bits is None:
                    costs = circuit.costs(cost)
                    bits = known[cost] = sum(rate * own for rate, own in zip(rates, costs, strict=True))
                worth.append(bits)
                logs.append(sum([weights[child] for child in children]) - bits)
            most = max(logs)
            shares = [exp2(log - most) for log in logs]
            weights.append(most + log2(sum(shares)))
            parts = whole_parts(shares)
            self.parts.append(parts)
            least.append(
                min(
                    [
                        log2(part) - BITS + bits + sum([least[child] for child in children])
                        for part, bits, (_, children, _) in zip(parts, worth, terms, strict=True)
                    ]
                )
            )
        self.least = least[-1]
        self._ends: dict[int, list[int]] = {}

    def walk(self, generator: random.Random) -> tuple[dict[int, int], int, list[int]]:
        """One walk: what it decides, what it costs (as terms say it), and the chances of its terms."""
        decided: list[Label] = []
        cost, parts = 0, []
        waiting = [len(self.terms) - 1]
        while waiting:
            node = waiting.pop()
            if node not in self._ends:
                self._ends[node] = list(accumulate(self.parts[node]))
            place = bisect_right(self._ends[node], generator.getrandbits(BITS))
            own, children, labels = self.terms[node][place]
            parts.append(self.parts[node][place])
            cost += own
            decided += labels
            waiting += children
        return dict(decided), cost, parts


def worth(circuit: Circuit, rates: Sequence[float]) -> float:
    """log2 of the weight of all architectures together, 2^-(rate * cost) each, up to rounding."""
    shares = []
    for weights in circuit.weights:
        bits = [sum(map(mul, rates, circuit.costs(cost))) for cost in weights]
        least = min(bits)
        shares.append(log2(sum(n * exp2(least - own) for own, n in zip(bits, weights.values(), strict=True))) - least)
    found: list[float] = []
    for node in circuit.merged:
        logs = [shares[n] + sum([found[child] for child in children]) for children, n in node.items()]
        most = max(logs)
        found.append(most + log2(sum([exp2(log - most) for log in logs])))
    return found[-1]


def whole_parts(shares: Sequence[float]) -> list[int]:
    """Positive integers that add up to `WHOLE`, close to what the shares are of it."""
    scale = (WHOLE - 1 - len(shares)) / sum(shares)
    parts = [int(share * scale) + 1 for share in shares]
    parts[parts.index(max(parts))] += WHOLE - sum(parts)
    return parts


def slots(parts: Sequence[int]) -> tuple[int, list[int], list[int], list[int]]:
    """The alias table of some chances: log2 of the number of slots, at least 1; for each slot how much of it belongs to
    a first term, at least 1, that term, and the term that has the rest.
    """
    bits = max((len(parts) - 1).bit_length(), 1)
    room = WHOLE >> bits
    left = list(parts) + [0] * ((1 << bits) - len(parts))
    border, own, other = [room] * len(left), list(range(len(left))), list(range(len(left)))
    small = [n for n, part in enumerate(left) if part < room]
    large = [n for n, part in enumerate(left) if part > room]
    while small:
        n = small.pop()
        giver = large[-1]
        if left[n]:
            border[n], other[n] = left[n], giver
        else:
            own[n] = other[n] = giver
        left[giver] -= room - left[n]
        if left[giver] <= room:
            large.pop()
            if left[giver] < room:
                small.append(giver)
    return bits, border, own, other

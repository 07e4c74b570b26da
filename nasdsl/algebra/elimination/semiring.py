"""Semirings: what is added over alternatives and multiplied along an architecture.

One elimination (`nasdsl.algebra.elimination.elimination`) answers every question about a space; the semiring says
which. An architecture contributes the product of its parts, the space is the sum of its architectures, and a part
that costs `c` contributes `of_cost(c)`:

| semiring | sum | product | a part that costs c | the space's total |
|---|---|---|---|---|
| `COUNT` | + | x | 1 | how many architectures there are |
| `EXISTS` | or | and | true | whether there is one |
| `SUMMARY` | (+, min, max) | (x, +, +) | (1, c, c) | how many there are, the least and the greatest cost |
| polynomials (`nasdsl.algebra.elimination.polynomial`) | + | x | x^c | how many architectures have each cost |
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Semiring(Generic[T]):
    """Addition and multiplication with their neutral elements.

    `zero` is what no alternative at all adds up to: tables leave out what is zero.

    >>> SUMMARY.plus(SUMMARY.of_cost(3), SUMMARY.times(SUMMARY.of_cost(1), SUMMARY.of_cost(1)))
    (2, 2, 3)
    """

    zero: T
    one: T
    plus: Callable[[T, T], T]
    times: Callable[[T, T], T]
    of_cost: Callable[[int], T]


def _one(cost: int) -> int:
    return 1


def _true(cost: int) -> bool:
    return True


COUNT: Semiring[int] = Semiring(0, 1, operator.add, operator.mul, _one)
EXISTS: Semiring[bool] = Semiring(False, True, operator.or_, operator.and_, _true)

Summary = tuple[int, int, int]
"""How many there are, the least cost and the greatest."""


def _summary_plus(a: Summary, b: Summary) -> Summary:
    return a[0] + b[0], min(a[1], b[1]), max(a[2], b[2])


def _summary_times(a: Summary, b: Summary) -> Summary:
    return a[0] * b[0], a[1] + b[1], a[2] + b[2]


def _summary_of(cost: int) -> Summary:
    return 1, cost, cost


SUMMARY: Semiring[Summary] = Semiring((0, 0, 0), (1, 0, 0), _summary_plus, _summary_times, _summary_of)

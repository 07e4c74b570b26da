"""Exact numbers that may depend on decisions.

A `Number` is a polynomial with rational coefficients over *symbols*. A symbol is the path of a decision whose value is
a number (a width, a choice among numbers) or the name of a case distinction that the graph defines. Channels, kernel
sizes and expansions of a space are such numbers; arithmetic on them never rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

Monomial = tuple[str, ...]
"""Symbols multiplied with one another, sorted; the empty one stands for 1."""


@dataclass(frozen=True, slots=True)
class Number:
    """A polynomial, as its terms in sorted order; equal polynomials are equal values.

    >>> w = Number.symbol("trunk.w")
    >>> c = 8 * 12 * w / 12
    >>> str(c), c == w * 8, c.evaluate({"trunk.w": 6}.__getitem__)
    ('8 * trunk.w', True, Fraction(48, 1))
    """

    terms: tuple[tuple[Monomial, Fraction], ...]

    @staticmethod
    def of(value: int | Fraction | Number) -> Number:
        """The number itself, or the constant."""
        if isinstance(value, Number):
            return value
        return Number((((), Fraction(value)),)) if value else Number(())

    @staticmethod
    def symbol(name: str) -> Number:
        """The number whose value a symbol gives."""
        return Number((((name,), Fraction(1)),))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols it depends on, sorted."""
        return tuple(sorted({name for monomial, _ in self.terms for name in monomial}))

    @property
    def constant(self) -> Fraction | None:
        """Its value if it depends on nothing, else None."""
        if not self.terms:
            return Fraction(0)
        if len(self.terms) == 1 and not self.terms[0][0]:
            return self.terms[0][1]
        return None

    def evaluate(self, value_of: Callable[[str], int | Fraction]) -> Fraction:
        """Its value, given the value of each symbol."""
        total = Fraction(0)
        for monomial, coefficient in self.terms:
            for name in monomial:
                coefficient = coefficient * value_of(name)
            total += coefficient
        return total

    def substitute(self, values: Mapping[str, int | Fraction]) -> Number:
        """The number with some symbols replaced by their values."""
        total: dict[Monomial, Fraction] = {}
        for monomial, coefficient in self.terms:
            rest = []
            for name in monomial:
                if name in values:
                    coefficient = coefficient * values[name]
                else:
                    rest.append(name)
            key = tuple(rest)
            total[key] = total.get(key, Fraction(0)) + coefficient
        return _from_dict(total)

    def ratio(self, divisor: Number) -> Fraction | None:
        """The constant q with number = q * divisor, whatever the symbols are; None if there is none.

        >>> w = Number.symbol("w")
        >>> (3 * w).ratio(w / 2), (w + 1).ratio(w)
        (Fraction(6, 1), None)
        """
        if not self.terms or not divisor.terms:
            return None
        q = self.terms[0][1] / divisor.terms[0][1]
        return q if self == divisor * q else None

    def values(self, domain: Callable[[str], Sequence[int | Fraction]]) -> tuple[Fraction, ...]:
        """Every value it can take when each symbol takes the values of its domain, sorted."""
        names = self.symbols
        return tuple(sorted({self.evaluate(point.__getitem__) for point in points(names, domain)}))

    def __add__(self, other: int | Fraction | Number) -> Number:
        total = dict(self.terms)
        for monomial, coefficient in Number.of(other).terms:
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
        return _from_dict(total)

    def __mul__(self, other: int | Fraction | Number) -> Number:
        total: dict[Monomial, Fraction] = {}
        for left, a in self.terms:
            for right, b in Number.of(other).terms:
                key = tuple(sorted(left + right))
                total[key] = total.get(key, Fraction(0)) + a * b
        return _from_dict(total)

    def __truediv__(self, divisor: int | Fraction) -> Number:
        return self * (1 / Fraction(divisor))

    def __neg__(self) -> Number:
        return self * -1

    def __sub__(self, other: int | Fraction | Number) -> Number:
        return self + -Number.of(other)

    def __radd__(self, other: int | Fraction) -> Number:
        return self + other

    def __rmul__(self, other: int | Fraction) -> Number:
        return self * other

    def __rsub__(self, other: int | Fraction) -> Number:
        return -self + other

    def __str__(self) -> str:
        parts = []
        for monomial, coefficient in self.terms:
            factors = [] if coefficient == 1 and monomial else [str(coefficient)]
            parts.append(" * ".join([*factors, *monomial]))
        return " + ".join(parts) or "0"


def points(
    names: Sequence[str], domain: Callable[[str], Sequence[int | Fraction]]
) -> Iterator[dict[str, int | Fraction]]:
    """Every joint assignment of some symbols, in the order of their domains."""
    for values in product(*(domain(name) for name in names)):
        yield dict(zip(names, values, strict=True))


def _from_dict(total: Mapping[Monomial, Fraction]) -> Number:
    return Number(tuple(sorted((m, c) for m, c in total.items() if c)))


def quotient(number: Number, divisor: Number) -> tuple[tuple[str, ...], Fraction] | None:
    """The symbols and the factor with number = symbols * factor * divisor, for numbers of one term.

    >>> w, e = Number.symbol("w"), Number.symbol("e")
    >>> quotient(2 * e * w, 4 * w), quotient(e, w)
    ((('e',), Fraction(1, 2)), None)
    """
    if len(number.terms) != 1 or len(divisor.terms) != 1:
        return None
    left = Counter(number.terms[0][0])
    left.subtract(divisor.terms[0][0])
    if any(count < 0 for count in left.values()):
        return None
    return tuple(left.elements()), number.terms[0][1] / divisor.terms[0][1]

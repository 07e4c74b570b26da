"""Polynomials with natural coefficients, as a semiring: the coefficient of x^c counts the architectures that cost c.

Costs of parts are monomials, so most products are shifts. A polynomial with few terms is a dict; one with many is a
single Python integer in which each coefficient has a field of its own (Kronecker substitution: the value at 2^bits).
Then adding is one addition and a product with few terms some shifts, both exact and as fast as memory; no coefficient
can overflow its field if `bits` bounds them all, which the count of the same elimination says beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nasdsl.algebra.elimination.semiring import Semiring

FEW = 24
"""Most terms that are kept in a dict."""

Polynomial = dict[int, int] | int
"""Coefficients by exponent, or packed into one integer; zero is the integer 0."""


ONE: Polynomial = {0: 1}


@dataclass(frozen=True, slots=True)
class Polynomials:
    """Arithmetic of polynomials up to a degree.

    Attributes:
        bits: The size of a field; every coefficient of every result must be less than 2^bits.
        degree: Terms of a higher degree are dropped; None: none are.

    >>> p = Polynomials(bits=8, degree=3)
    >>> x = p.monomial(1)
    >>> dict(p.terms(p.times(p.plus(x, p.monomial(0)), p.plus(x, x))))
    {1: 2, 2: 2}
    """

    bits: int
    degree: int | None = None
    _mask: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        if self.degree is not None:
            object.__setattr__(self, "_mask", (1 << ((self.degree + 1) * self.bits)) - 1)

    @property
    def semiring(self) -> Semiring[Polynomial]:
        """For elimination: a part that costs c contributes x^c."""
        return Semiring(0, ONE, self.plus, self.times, self.monomial)

    def monomial(self, exponent: int) -> Polynomial:
        """x^exponent."""
        return 0 if self.degree is not None and exponent > self.degree else {exponent: 1}

    def plus(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """The sum."""
        if isinstance(a, dict) and isinstance(b, dict):
            total = dict(a)
            for exponent, coefficient in b.items():
                total[exponent] = total.get(exponent, 0) + coefficient
            return total if len(total) <= FEW else self.packed(total)
        return self.packed(a) + self.packed(b)

    def times(self, a: Polynomial, b: Polynomial) -> Polynomial:
        """The product."""
        if isinstance(a, dict) and isinstance(b, dict):
            total: dict[int, int] = {}
            for e, m in a.items():
                for f, n in b.items():
                    if self.degree is None or e + f <= self.degree:
                        total[e + f] = total.get(e + f, 0) + m * n
            return (total if len(total) <= FEW else self.packed(total)) if total else 0
        if isinstance(a, int) and isinstance(b, int):
            return self._cut(a * b)
        few, many = (a, b) if isinstance(a, dict) else (b, a)
        assert isinstance(few, dict)
        assert isinstance(many, int)
        result = 0
        for exponent, coefficient in few.items():
            shifted = many << (exponent * self.bits)
            result += shifted if coefficient == 1 else shifted * coefficient
        return self._cut(result)

    def packed(self, a: Polynomial) -> int:
        """The polynomial as one integer."""
        if isinstance(a, int):
            return a
        total = 0
        for exponent, coefficient in a.items():
            total += coefficient << (exponent * self.bits)
        return total

    def terms(self, a: Polynomial) -> Iterator[tuple[int, int]]:
        """Exponents with their coefficients, ascending, without zeros."""
        if isinstance(a, dict):
            yield from sorted(a.items())
            return
        if self.bits % 8:
            raise AssertionError("fields are whole bytes")
        size = self.bits // 8
        data = a.to_bytes((a.bit_length() + 7) // 8 + size, "little")
        for exponent in range(len(data) // size):
            coefficient = int.from_bytes(data[exponent * size : (exponent + 1) * size], "little")
            if coefficient:
                yield exponent, coefficient

    def _cut(self, a: int) -> int:
        return a & self._mask if self._mask and a > self._mask else a

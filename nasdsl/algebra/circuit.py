"""What an elimination computes, written down: sums of products over the rows of factors.

Elimination with expressions instead of numbers gives a circuit that stands for any semiring, and that can be gone
through backwards. A semiring whose elements are large (`nasdsl.algebra.pareto`) is evaluated over the circuit: what
elimination only looks up is paid once, products that nothing needs are left out, and how a result came about is
known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasdsl.algebra.elimination import Table, eliminate
from nasdsl.algebra.factors import Factor
from nasdsl.algebra.semiring import Semiring

Atom = int
"""A row of a factor that is of interest, by number from 0."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product of atoms and of at most two sums, these by number."""

    atoms: tuple[Atom, ...]
    sums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Circuit:
    """Sums of products.

    Attributes:
        sums: Each as its products, which use only sums before it. The last one is the total; none: it is zero.
    """

    sums: tuple[tuple[Product, ...], ...]


def circuit(rules: Sequence[Factor], tables: Sequence[Table[Atom]], order: Sequence[int]) -> Circuit:
    """The circuit of an elimination.

    Args:
        rules: Factors that say what is possible and contribute nothing.
        tables: Factors whose rows are atoms.
        order: Every variable of them, each once.
    """
    trace = _Trace()
    known = [Table(rule.scope, dict.fromkeys(rule.rows, _ONE)) for rule in rules]
    known += [Table(table.scope, {row: trace.atom(n) for row, n in table.rows.items()}) for table in tables]
    semiring = Semiring(_ZERO, _ONE, trace.plus, trace.times, int)
    return _Compiler(trace).run(eliminate(known, order, semiring, keep=False).total)


_ZERO, _ONE = -1, 0
_PLUS, _TIMES = -1, -2


class _Trace:
    """Records every addition and multiplication of an elimination; an expression is its number."""

    def __init__(self) -> None:
        self.kinds = [_TIMES]
        self.left, self.right = [_ONE], [_ONE]

    def atom(self, atom: Atom) -> int:
        return self._add(atom, _ONE, _ONE)

    def plus(self, a: int, b: int) -> int:
        return self._add(_PLUS, a, b)

    def times(self, a: int, b: int) -> int:
        return _ZERO if _ZERO in (a, b) else self._add(_TIMES, a, b)

    def _add(self, kind: int, a: int, b: int) -> int:
        self.kinds.append(kind)
        self.left.append(a)
        self.right.append(b)
        return len(self.kinds) - 1


class _Compiler:
    """Brings the expressions that a total needs into the form of a circuit: longer sums, shorter products."""

    def __init__(self, trace: _Trace) -> None:
        self._kinds, self._left, self._right = trace.kinds, trace.left, trace.right
        self._sums: list[tuple[Product, ...]] = []
        self._forms: dict[int, Product] = {_ONE: Product((), ())}
        self._open: dict[int, list[Product]] = {}

    def run(self, total: int) -> Circuit:
        if total == _ZERO:
            return Circuit(())
        uses, summed = self._uses(total)
        for n in range(1, total + 1):
            if n != total and not uses[n]:
                continue
            kind = self._kinds[n]
            if kind == _PLUS:
                terms = [*self._terms(self._left[n]), *self._terms(self._right[n])]
                if n != total and uses[n] == 1 and summed[n]:
                    self._open[n] = terms
                else:
                    self._forms[n] = self._named(terms)
            elif kind == _TIMES:
                form = self._times(self._forms[self._left[n]], self._forms[self._right[n]])
                self._forms[n] = self._named([form]) if uses[n] > 1 and len(form.sums) > 1 else form
            else:
                self._forms[n] = Product((kind,), ())
        if self._forms[total] != Product((), (len(self._sums) - 1,)):
            self._named([self._forms[total]])
        return Circuit(tuple(self._sums))

    def _uses(self, total: int) -> tuple[list[int], list[bool]]:
        """How often each expression is used for the total, and whether by a sum."""
        uses, summed = [0] * (total + 1), [False] * (total + 1)
        for n in range(total, 0, -1):
            if n == total or uses[n]:
                for part in (self._left[n], self._right[n]) if self._kinds[n] in (_PLUS, _TIMES) else ():
                    uses[part] += 1
                    summed[part] |= self._kinds[n] == _PLUS
        return uses, summed

    def _terms(self, n: int) -> list[Product]:
        return self._open.pop(n) if n in self._open else [self._forms[n]]

    def _times(self, a: Product, b: Product) -> Product:
        if len(a.sums) + len(b.sums) > 2:
            a, b = (self._named([form]) if len(form.sums) > 1 else form for form in (a, b))
        return Product(a.atoms + b.atoms, a.sums + b.sums)

    def _named(self, terms: list[Product]) -> Product:
        self._sums.append(tuple(terms))
        return Product((), (len(self._sums) - 1,))

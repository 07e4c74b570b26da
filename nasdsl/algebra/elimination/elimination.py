"""Variable elimination: the sum over all assignments of the product of all factors, one variable at a time.

To eliminate a variable, the factors that mention it are joined and the variable is summed out; what remains is a
factor over its neighbours. This is the generalised distributive law (Aji and McEliece, IEEE Trans. Inf. Theory 2000),
also known as bucket elimination (Dechter, Artificial Intelligence 1999). Two things make it fit spaces:

* Tables are sparse. That the two branches of a network do not touch is true given their routes, and no static graph
  shows it; a table that holds only what is possible does. What a table of a later bucket makes zero is left out at
  once, in every message that has its variables.
* The order. First go the decisions that have fewer neighbours than all decisions they meet (operators: what remains
  says what an operation can cost between two widths), then a sweep from the last of the space to the first, so that one
  front moves through the network as data do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Generic, TypeVar

from nasdsl.algebra.elimination.factors import FactorGraph, Row
from nasdsl.algebra.elimination.forecast import forecast
from nasdsl.algebra.elimination.semiring import Semiring
from nasdsl.diagnostics.errors import NasError

T = TypeVar("T")

MAX_ROWS = 5_000_000
"""How many rows a table may have."""

ROW_BYTES = 200
"""About what a row takes, beside 8 bytes for each of its variables: a tuple, its value, its place in a dictionary."""


@dataclass(frozen=True, slots=True)
class Table(Generic[T]):
    """A function of some variables: rows that are missing are zero."""

    scope: tuple[int, ...]
    rows: Mapping[Row, T]


@dataclass(frozen=True, slots=True)
class Bucket(Generic[T]):
    """What was done to eliminate a variable.

    Attributes:
        variable: Which.
        tables: The tables that mention it.
        sources: For each of them the bucket whose message it is, by place; None for a factor.
        message: Their product, summed over the variable.
    """

    variable: int
    tables: tuple[Table[T], ...]
    sources: tuple[int | None, ...]
    message: Table[T]


@dataclass(frozen=True, slots=True)
class Elimination(Generic[T]):
    """The outcome.

    Attributes:
        total: The sum over all assignments.
        buckets: In the order of elimination; none if they were not kept.
        width: The most variables that any message depends on: the induced width of the order.
        rows: The rows of all messages together.
        most_rows: The most rows of messages that are in use at one time.
    """

    total: T
    buckets: tuple[Bucket[T], ...]
    width: int
    rows: int
    most_rows: int


def eliminate(
    tables: Sequence[Table[T]],
    order: Sequence[int],
    semiring: Semiring[T],
    *,
    keep: bool = True,
    notice: Callable[[Table[T]], None] | None = None,
) -> Elimination[T]:
    """Eliminate all variables.

    Args:
        tables: The factors.
        order: Every variable that occurs in them, each once.
        semiring: What sum and product are.
        keep: Whether to keep all tables, for going back through them.
        notice: Called with every message, if given.

    Raises:
        NasError: A table will have more than `MAX_ROWS` rows, or grows beyond that.
    """
    _foresee(tables, order)
    place = {variable: n for n, variable in enumerate(order)}
    waiting: list[list[tuple[Table[T], int | None]]] = [[] for _ in order]
    constants: list[Table[T]] = []

    def wait(table: Table[T], source: int | None) -> None:
        if table.scope:
            waiting[min(place[variable] for variable in table.scope)].append((table, source))
        else:
            constants.append(table)

    for table in tables:
        wait(table, None)
    buckets: list[Bucket[T]] = []
    width = rows = in_use = most = made = 0
    for n, variable in enumerate(order):
        if not waiting[n]:
            continue
        joined = tuple(table for table, _ in waiting[n])
        sources = tuple(source for _, source in waiting[n])
        waiting[n] = []
        around = {other for table in joined for other in table.scope} - {variable}
        later = _unchecked(
            [table for table, source in zip(joined, sources, strict=True) if source is not None],
            [own for other in sorted(around) for own in waiting[place[other]]],
        )
        message = summed(joined, variable, semiring, later)
        if notice is not None:
            notice(message)
        wait(message, made)
        made += 1
        if keep:
            buckets.append(Bucket(variable, joined, sources, message))
        width, rows = max(width, len(message.scope)), rows + len(message.rows)
        in_use += len(message.rows)
        most = max(most, in_use)
        in_use -= sum(len(table.rows) for table, source in zip(joined, sources, strict=True) if source is not None)
    total = semiring.one
    for table in constants:
        total = semiring.times(total, table.rows.get((), semiring.zero))
    return Elimination(total, tuple(buckets), width, rows, most)


def summed(
    tables: Sequence[Table[T]], variable: int, semiring: Semiring[T], later: Sequence[Table[T]] = ()
) -> Table[T]:
    """The product of some tables, summed over a variable that they all have.

    Args:
        tables: At least one.
        variable: The variable.
        semiring: What sum and product are.
        later: Tables without the variable that will be multiplied to the result: what is zero there is left out now.
    """
    product, *rest = _in_order(tables)
    for table in rest[:-1]:
        product = _joined(product, table, semiring, later)
    return _summed_out(product, rest[-1] if rest else None, variable, semiring, later)


def _unchecked(messages: Sequence[Table[T]], later: Sequence[tuple[Table[T], int | None]]) -> list[Table[T]]:
    """The tables that can still exclude something: messages were checked against all factors within their scope."""
    scopes = [set(message.scope) for message in messages]
    return [
        table
        for table, source in later
        if source is not None or not any(scope.issuperset(table.scope) for scope in scopes)
    ]


def _in_order(tables: Sequence[Table[T]]) -> list[Table[T]]:
    """The largest first; then each time the one that adds the fewest new variables."""
    left = sorted(tables, key=lambda table: len(table.rows))
    ordered = [left.pop()]
    known = set(ordered[0].scope)
    while left:
        best = min(left, key=lambda table: (len(set(table.scope) - known), len(table.rows)))
        left.remove(best)
        ordered.append(best)
        known.update(best.scope)
    return ordered


def _joined(a: Table[T], b: Table[T], semiring: Semiring[T], later: Sequence[Table[T]]) -> Table[T]:
    matches, key, new = _matching(a, b)
    one, times = semiring.one, semiring.times
    scope = (*a.scope, *new)
    allowed = _allowed(scope, [table for table in later if not set(new).isdisjoint(table.scope)])
    rows: dict[Row, T] = {}
    for row, weight in a.rows.items():
        for more, other in matches.get(key(row), ()):
            whole = row + more
            if allowed(whole):
                rows[whole] = weight if other is one else other if weight is one else times(weight, other)
    _check(rows, scope)
    return Table(scope, rows)


def _summed_out(
    a: Table[T], b: Table[T] | None, variable: int, semiring: Semiring[T], later: Sequence[Table[T]]
) -> Table[T]:
    """The product of two tables (or one), summed over a variable, without writing the product down."""
    one, times, plus = semiring.one, semiring.times, semiring.plus
    matches, key, new = _matching(a, b) if b is not None else ({(): [((), one)]}, picker(()), ())
    scope = (*a.scope, *new)
    rest = tuple(v for v in scope if v != variable)
    kept, allowed = picker([n for n, v in enumerate(scope) if v != variable]), _allowed(rest, later)
    rows: dict[Row, T] = {}
    for row, weight in a.rows.items():
        for more, other in matches.get(key(row), ()):
            target = kept(row + more)
            known = rows.get(target)
            if known is None and not allowed(target):
                continue
            value = weight if other is one else other if weight is one else times(weight, other)
            rows[target] = value if known is None else plus(known, value)
    _check(rows, rest)
    zero = semiring.zero
    return Table(rest, {row: weight for row, weight in rows.items() if weight != zero})


def _allowed(scope: Sequence[int], later: Sequence[Table[T]]) -> Callable[[Row], bool]:
    """Whether no table that speaks of the variables of a scope only is zero in a row."""
    at = {variable: n for n, variable in enumerate(scope)}
    checks = [
        (picker([at[v] for v in table.scope]), table.rows) for table in later if all(v in at for v in table.scope)
    ]
    checks.sort(key=lambda check: len(check[1]))

    def allowed(row: Row) -> bool:
        for pick, rows in checks:  # noqa: SIM110 - millions of rows: `all` takes twice as long
            if pick(row) not in rows:
                return False
        return True

    return allowed


def _matching(a: Table[T], b: Table[T]) -> tuple[dict[Any, list[tuple[Row, T]]], Any, tuple[int, ...]]:
    """The rows of `b` by what they share with `a`, how to find that in a row of `a`, and the variables new in `b`."""
    common = [v for v in b.scope if v in a.scope]
    new = [n for n, v in enumerate(b.scope) if v not in a.scope]
    own, rest = picker([b.scope.index(v) for v in common]), picker(new)
    matches: dict[Any, list[tuple[Row, T]]] = {}
    for row, weight in b.rows.items():
        matches.setdefault(own(row), []).append((rest(row), weight))
    return matches, picker([a.scope.index(v) for v in common]), tuple(b.scope[n] for n in new)


def picker(places: Sequence[int]) -> Any:
    """What takes the elements at some places out of a row, as a row."""
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        return lambda row, place=places[0]: (row[place],)
    return lambda row: ()


def _check(rows: Mapping[Row, Any], scope: Sequence[int]) -> None:
    if len(rows) > MAX_ROWS:
        raise _too_large(len(scope), f"more than {MAX_ROWS:,} rows; this was seen on the way there")


def _foresee(tables: Sequence[Table[Any]], order: Sequence[int]) -> None:
    """Refuse what cannot be done before it starts, as far as that can be known."""
    found = forecast([(table.scope, table.rows.keys()) for table in tables], order)
    if found.rows > MAX_ROWS:
        memory = found.rows * (ROW_BYTES + 8 * found.width) / 1e9
        raise _too_large(found.width, f"at least {found.rows:,} rows, about {memory:,.0f} GB")


def _too_large(width: int, rows: str) -> NasError:
    return NasError(
        f"too many decisions of this space depend on one another: a table of {width} variables would have {rows}",
        help="ask about a preset that narrows some of them",
        status=3,
    )


def tables(graph: FactorGraph, semiring: Semiring[T]) -> list[Table[T]]:
    """The factors of a graph, their costs as elements of a semiring."""
    one, of_cost = semiring.one, semiring.of_cost
    return [
        Table(f.scope, {row: one if cost == 0 else of_cost(cost) for row, cost in f.rows.items()})
        for f in graph.factors
    ]


def elimination_order(graph: FactorGraph, variables: Iterable[int] | None = None) -> list[int]:
    """A good order: see the module. With `variables`: of these alone, the others remain."""
    near: dict[int, set[int]] = {}
    for factor in graph.factors:
        for variable in factor.scope:
            near.setdefault(variable, set()).update(factor.scope)
    wanted = set(near) if variables is None else set(variables) & set(near)

    def rank(variable: int) -> tuple[int, int, int]:
        return len(near[variable]), *late(variable)

    def late(variable: int) -> tuple[int, int]:
        return -graph.variables[variable].position, -variable

    free = {v for v in near if graph.variables[v].decision}
    leaves = {v for v in wanted & free if all(rank(v) <= rank(other) for other in near[v] & free)}
    return sorted(leaves, key=late) + sorted(wanted - leaves, key=late)

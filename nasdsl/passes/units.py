"""How a space, or a network, is cut into what a table prices.

What is cut is a sum: of any architecture the units that are live in the space are those of its derived network, and the
sum of their latencies is that of the network. Kernels are cut by `nasdsl.passes.kernels`; here they are put together
where a table prices whole blocks, or left aside where it prices decisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Atom, Graph, Kind, Value
from nasdsl.number import Number, points
from nasdsl.passes.kernels import Kernel, kernels
from nasdsl.passes.liveness import ALWAYS, NEVER, Condition, liveness
from nasdsl.passes.prices import CALL, Prices, missing, of_values


@dataclass(frozen=True, slots=True)
class Charge:
    """Decisions of a space whose joint values have a price.

    Attributes:
        decisions: Their paths.
        nodes: They are live where one of these nodes is; none: always.
        live: When that is.
    """

    decisions: tuple[str, ...]
    nodes: tuple[int, ...]
    live: Condition


def latency_ms(network: Graph, table: Mapping[str, float]) -> float:
    """The latency of a network by a table, in ms: the sum of what the table prices.

    Args:
        network: A graph without decisions, made from a space.
        table: Latency in ms by signature.

    Raises:
        NasError: The table lacks an entry, or prices the decisions of another space.
    """
    texts = [unit.template for unit in units(network, table)]
    absent = sorted({text for text in texts if text not in table})
    if absent:
        raise missing(absent, table, "network")
    return float(sum(table[text] for text in texts))


def units(graph: Graph, table: Mapping[str, float]) -> tuple[Kernel, ...]:
    """What a table prices in a space or a network, each with the condition under which it is there.

    Raises:
        NasError: The table prices decisions that the graph does not have, or blocks of which a part can be dead.
    """
    call = (Kernel((), CALL, (), ALWAYS, (), ()),) if CALL in table else ()
    if isinstance(table, Prices) and table.decisions:
        return (*_valued(graph, table), *call)
    if isinstance(table, Prices) and (table.blocks or table.free):
        return (*_blocks(graph, table), *call)
    return (*kernels(graph), *call)


def texts(graph: Graph, table: Mapping[str, float]) -> dict[str, None]:
    """The texts of all entries that a table needs for a space, in order of appearance."""
    return dict.fromkeys(
        unit.signature(point.__getitem__)
        for unit in units(graph, table)
        for point in points(unit.symbols, graph.domain)
    )


def charges(space: Graph, prices: Prices) -> tuple[Charge, ...]:
    """The decisions of a space that a table prices.

    Raises:
        NasError: It is a table of another space, or of decisions that are not there or whose cost is no sum.
    """
    _same_space(space, prices)
    live = liveness(space)
    asking: dict[str, list[int]] = {}
    for node in space.nodes:
        numbers = [node.type.channels, *(value for value in node.attrs.values() if isinstance(value, Number))]
        asked = {item.when.decision for item in node.inputs if item.when is not None}
        for path in asked.union(*(number.symbols for number in numbers)):
            asking.setdefault(path, []).append(node.id)
    found = []
    for group in prices.decisions:
        when = ALWAYS
        for path in group:
            _priceable(space, path, asking.get(path, []))
            own = NEVER
            for number in asking[path]:
                own = live.conditions.either(own, live.nodes[number])
            when = live.conditions.both(when, own)
        if when != ALWAYS and len(group) > 1:
            raise NasError(
                f"the table prices {', '.join(f'`{path}`' for path in group)} together, and one of them can be dead",
                help="price decisions that can be dead one by one",
            )
        found.append(Charge(group, () if when == ALWAYS else tuple(asking[group[0]]), when))
    return tuple(found)


def _same_space(graph: Graph, prices: Prices) -> None:
    if prices.space and graph.name != prices.space:
        raise NasError(
            f"the lookup table prices the decisions of the space `{prices.space}`, this is `{graph.name}`",
            help="give a table of this space, or one of its operations",
        )


def _priceable(space: Graph, path: str, asking: list[int]) -> None:
    decision = space.decisions.get(path)
    if decision is None:
        raise NasError(
            f"the lookup table prices `{path}`, which `{space.name}` does not decide",
            help="leave out the preset or the parameters that the table is not for",
        )
    if decision.kind in (Kind.PICK, Kind.ROUTE):
        raise NasError(
            f"the lookup table prices `{path}`, a {decision.kind.value}: only choices, widths and depths have prices"
        )
    if any(space.scopes[space.nodes[node].scope].cell is not None for node in asking):
        raise NasError(f"the lookup table prices `{path}`, which is decided in a grid, once for every way through it")


def _valued(graph: Graph, prices: Prices) -> Iterator[Kernel]:
    """One unit for each joint value of decisions, there where they have it."""
    if graph.decided is not None:
        _same_space(graph, prices)
        for group in prices.decisions:
            if all(path in graph.decided for path in group):
                values: list[Value] = [graph.decided[path] for path in group]
                yield Kernel((), of_values(group, values), (), ALWAYS, (), ())
        return
    conditions = liveness(graph).conditions
    for charge in charges(graph, prices):
        for joint in product(*(graph.decisions[path].real for path in charge.decisions)):
            atoms = [Atom(path, value) for path, value in zip(charge.decisions, joint, strict=True)]
            live = conditions.both(charge.live, Condition.of(atoms))
            yield Kernel((), of_values(charge.decisions, joint), (), live, (), ())


def _blocks(graph: Graph, prices: Prices) -> Iterator[Kernel]:
    """The kernels, those of one priced block together; what is free is left out."""
    together: dict[tuple[str, int], list[Kernel]] = {}
    for kernel in kernels(graph):
        scope = _outermost(graph, kernel, prices.blocks)
        if scope is not None:
            together.setdefault(("block", scope), []).append(kernel)
        elif graph.nodes[kernel.nodes[0]].op not in prices.free:
            together.setdefault(("kernel", len(together)), []).append(kernel)
    for (_, scope), some in together.items():
        if len({kernel.live for kernel in some}) > 1:
            raise NasError(
                f"the lookup table prices the block `{graph.scopes[scope].block}` as a whole, of which a part can be "
                f"dead ({graph.scopes[scope].span})",
                help="give a table of single operations: nasdsl profile SPACE.nas",
            )
        yield Kernel(
            tuple(node for kernel in some for node in kernel.nodes),
            "; ".join(kernel.template for kernel in some),
            tuple(number for kernel in some for number in kernel.numbers),
            some[0].live,
            (),
            (),
        )


def _outermost(graph: Graph, kernel: Kernel, blocks: frozenset[str]) -> int | None:
    """The outermost instance of a priced block around a kernel."""
    scope: int | None = graph.nodes[kernel.nodes[0]].scope
    found = None
    while scope is not None:
        if graph.scopes[scope].block in blocks:
            found = scope
        scope = graph.scopes[scope].parent
    return found

"""What costs what: the parts of a space that add up to the cost of an architecture.

A part counts where one of its nodes is live (in a grid: once for each group of routes that demands one of them). It
costs an integer in the metric's own unit: parameters, MACs, nanoseconds, nanojoules. So the cost of an architecture is
exact, and equal to what `nasdsl.passes.kernels` says of its network; latencies and energies are the entries of the
table, each rounded to nanoseconds and nanojoules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.requirements import ON_DEVICE
from nasdsl.ir.graph import Graph
from nasdsl.number import Number
from nasdsl.ops.catalogue import OPERATIONS
from nasdsl.passes.kernels import Kernel
from nasdsl.passes.prices import CALL, Prices, energies, missing, of_values
from nasdsl.passes.shared import Sharing
from nasdsl.passes.units import charges, units

ValueOf = Callable[[str], int | Fraction]
"""The value of a symbol in an architecture."""

NS_PER_MS = 1_000_000
"""Nanoseconds in a millisecond; so many nanojoules are in a millijoule, too."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that costs where it is live.

    Attributes:
        nodes: It is live where one of them is; without any: always.
        symbols: What its cost depends on, beside that.
        cost: The cost, given the values of the symbols.
    """

    nodes: tuple[int, ...]
    symbols: tuple[str, ...]
    cost: Callable[[ValueOf], int]


SCALE = {"macs": 1, "params": 1, "latency": NS_PER_MS, "energy": NS_PER_MS}
"""How many of a metric's integer units make one of its base units (1, 1, ms, mJ)."""


def parts(space: Graph, metric: str, latency_ms: Mapping[str, float] | None = None) -> Iterator[Part]:
    """The parts that add up to a metric.

    Args:
        space: The space.
        metric: "macs", "params", "latency" or "energy".
        latency_ms: For latency and energy: the device's, in ms by signature; for energy it must have energies.

    Raises:
        NasError: There is no such metric, or it is not a sum over parts.
    """
    if metric == "macs":
        return macs(space)
    if metric == "params":
        return params(space)
    if metric in ON_DEVICE:
        if latency_ms is None:
            raise NasError(
                "there is no lookup table of the device", help="give one: latency_ms={DEVICE: {SIGNATURE: MS}}"
            )
        return of_table(space, energies(latency_ms) if metric == "energy" else latency_ms)
    if metric == "memory":
        raise NasError(
            "peak memory is no sum over operations: limits on it cannot be counted yet",
            help="`nasdsl cost --arch` says that of one architecture, and a search keeps `require memory`",
        )
    raise NasError(f"`{metric}` is no metric", help=f"there are {', '.join(SCALE)}", status=2)


def macs(space: Graph) -> Iterator[Part]:
    """Multiply-accumulates of convolutions and linear layers for one image."""
    for node in space.nodes:
        if node.op in OPERATIONS:
            inputs = [space.nodes[item.node].type for item in node.inputs]
            yield from _numbered((node.id,), OPERATIONS[node.op].macs(inputs, node.type, node.attrs))


def params(space: Graph) -> Iterator[Part]:
    """Trainable numbers; those of a shared block count once."""
    owners: dict[int, list[int]] = {}
    for number, owner in enumerate(Sharing(space).nodes):
        owners.setdefault(owner, []).append(number)
    for owner, nodes in owners.items():
        node = space.nodes[owner]
        if node.op in OPERATIONS:
            inputs = [space.nodes[item.node].type for item in node.inputs]
            yield from _numbered(tuple(nodes), OPERATIONS[node.op].params(inputs, node.type, node.attrs))


def _numbered(nodes: tuple[int, ...], number: Number) -> Iterator[Part]:
    if number.terms:
        yield Part(nodes, number.symbols, lambda value_of: _integer(number.evaluate(value_of)))


def _integer(value: Fraction) -> int:
    assert value.denominator == 1, "counts of parameters and MACs are integers"
    return value.numerator


def of_table(space: Graph, table: Mapping[str, float]) -> Iterator[Part]:
    """Nanoseconds on a device, or nanojoules.

    What an operation fuses runs with it where it is live: of a chain of nodes, each costs what the kernel that ends
    with it costs more than the one that ends before it.

    Args:
        space: The space.
        table: Latency in ms by signature, or energy in mJ.

    Raises:
        NasError: When a part is priced: the table lacks an entry.
    """
    if isinstance(table, Prices) and table.decisions:
        yield from _of_decisions(space, table)
    else:
        yield from _of_operations(space, table)
    if CALL in table:
        yield Part((), (), lambda _: integer_price(CALL, table))


def _of_decisions(space: Graph, prices: Prices) -> Iterator[Part]:
    for charge in charges(space, prices):

        def cost(value_of: ValueOf, paths: tuple[str, ...] = charge.decisions) -> int:
            return integer_price(of_values(paths, [value_of(path) for path in paths]), prices)

        yield Part(charge.nodes, charge.decisions, cost)


def _of_operations(space: Graph, table: Mapping[str, float]) -> Iterator[Part]:
    before: Kernel | None = None
    for kernel in units(space, table):
        if not kernel.nodes:
            continue
        longer = before if before is not None and before.nodes[0] == kernel.nodes[0] else None
        symbols = {*kernel.symbols, *(longer.symbols if longer else ())}
        yield Part(kernel.nodes[-1:], tuple(sorted(symbols)), _more(kernel, longer, table))
        before = kernel


def _more(kernel: Kernel, than: Kernel | None, table: Mapping[str, float]) -> Callable[[ValueOf], int]:
    def cost(value_of: ValueOf) -> int:
        own = integer_price(kernel.signature(value_of), table)
        return own if than is None else own - integer_price(than.signature(value_of), table)

    return cost


def integer_price(signature: str, table: Mapping[str, float]) -> int:
    """The latency of a kernel in a table, or its energy in nanojoules, as an integer.

    Raises:
        NasError: The table has no such entry.
    """
    if signature not in table:
        raise missing([signature], table, "space")
    return round(table[signature] * NS_PER_MS)

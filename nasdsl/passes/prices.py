"""Latencies and energies by what they are those of: what a lookup table is to everything that reads one.

A plain mapping from signatures to milliseconds prices kernels. `Prices` is such a mapping that says what else its texts
stand for, so that published tables, which rarely know kernels, are read like measured ones:

| it prices | an entry's text | in |
|---|---|---|
| kernels | `conv k=3 relu 8x32x32 -> 16x32x32` | what is measured here |
| blocks | the kernels of one block instance, joined by `; ` | tables of operators: FasterSeg, TF-NAS |
| decisions | `op = conv3`, several decisions joined by ` & ` | costs of alternatives: FBNet, NAS-Bench-201 |
| the call itself | `call` | what every network pays once |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nasdsl.diagnostics.errors import NasError

CALL = "call"
"""The entry for what every network pays once, whatever is in it: a call, and what is the same in all architectures."""


@dataclass(frozen=True, slots=True, eq=False)
class Prices(Mapping[str, float]):
    """Latencies in ms by text, or energies in mJ.

    Attributes:
        prices: The latencies, or energies.
        blocks: Instances of these blocks are priced as a whole, the outermost one where they lie in one another.
        decisions: If there are any, then joint values of these decisions are priced, and nothing else is.
        free: Operations outside of such blocks that the table says nothing of and that count nothing.
        space: The space whose decisions these are.
        help: What to do where an entry is missing.
        note: What is to be said beside numbers made with it: that it is calibrated, or where it comes from.
        metric: "latency" or "energy".
        energy: Of latencies: the energies of the same table, of none or not of all texts.
    """

    prices: Mapping[str, float]
    blocks: frozenset[str] = frozenset()
    decisions: tuple[tuple[str, ...], ...] = ()
    free: frozenset[str] = frozenset()
    space: str = ""
    help: str = field(default="measure what is missing: nasdsl profile SPACE.nas")
    note: str = ""
    metric: str = "latency"
    energy: Prices | None = None

    def __getitem__(self, text: str) -> float:
        return self.prices[text]

    def __iter__(self) -> Iterator[str]:
        return iter(self.prices)

    def __len__(self) -> int:
        return len(self.prices)


def energies(prices: Mapping[str, float]) -> Prices:
    """The energies in mJ of a table, given its latencies.

    Raises:
        NasError: It has none.
    """
    found = prices.energy if isinstance(prices, Prices) else None
    if not found:
        raise NasError(
            "the lookup table has latencies and no energies",
            help=found.help if found is not None else "measure them: nasdsl profile SPACE.nas --energy",
        )
    return found


def of_values(decisions: Sequence[str], values: Sequence[object]) -> str:
    """The text of an entry for joint values of decisions.

    >>> of_values(["a.op", "b.op"], ["skip", 3])
    'a.op = skip & b.op = 3'
    """
    return " & ".join(f"{path} = {value}" for path, value in zip(decisions, values, strict=True))


def missing(texts: Sequence[str], prices: Mapping[str, float], what: str) -> NasError:
    """The error of a table that lacks entries: it names one, and the command that fills it."""
    lacks = "energy" if isinstance(prices, Prices) and prices.metric == "energy" else "entry"
    return NasError(
        f"the lookup table has no {lacks} for {len(texts)} operation{'s' * (len(texts) != 1)} of this {what}, "
        f"such as `{texts[0]}`",
        help=prices.help if isinstance(prices, Prices) else "measure what is missing: nasdsl profile SPACE.nas",
    )

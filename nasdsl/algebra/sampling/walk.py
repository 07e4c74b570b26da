"""Random walks down a circuit, many at once: architectures drawn with chances that are known exactly.

All walks go on by one step at a time: each draws a term of the node it is at, and goes on at the node that the term
leads to. What a term decides is a label of it, so a walk that has come to its end has decided everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nasdsl.algebra.elimination.chances import BITS, WHOLE, Chances, slots
from nasdsl.algebra.elimination.circuit import Circuit, Label, Term
from nasdsl.algebra.elimination.windows import extremes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A limit from above on a cost of a walk.

    Attributes:
        metric: The number of the metric.
        sign: What its costs are multiplied by.
        most: The limit.
    """

    metric: int
    sign: int
    most: int


@dataclass(frozen=True, slots=True)
class Walks:
    """Walks that keep all limits.

    Attributes:
        logs: log2 of the chance of each, up to rounding.
        terms: For each step the numbers of the terms that were drawn.
    """

    logs: NDArray[np.float64]
    terms: NDArray[np.int32]


class Walker:
    """Many walks at once.

    A walk ends early where what it has cost and the least that may follow exceed a limit.

    Args:
        circuit: The circuit.
        chances: The chances of its terms.
        ceilings: The limits.
    """

    def __init__(self, circuit: Circuit, chances: Chances, ceilings: Sequence[Ceiling]) -> None:
        import numpy as np

        terms = [term for node in circuit.nodes for term in node]
        self._sink, self._end = len(circuit.nodes), len(terms)
        self._parts = np.array([*(part for parts in chances.parts for part in parts), WHOLE], np.int64)
        self._logs = np.log2(self._parts) - BITS
        self._next = _children(terms, self._sink)
        self._over, self._room = _over(circuit, ceilings)
        self._labels = _Labels([labels for _, _, labels in terms])
        self._depth = _depth(circuit)
        self._tables(chances)

    def _tables(self, chances: Chances) -> None:
        """The alias tables of all nodes, and of one more where walks that have ended stay."""
        import numpy as np

        first = term = 0
        bits: list[int] = []
        borders: list[int] = []
        owns: list[int] = []
        others: list[int] = []
        starts: list[int] = []
        for parts in [*chances.parts, [WHOLE]]:
            width, border, own, other = slots(parts)
            starts.append(first)
            bits.append(BITS - width)
            borders += border
            owns += [term + n for n in own]
            others += [term + n for n in other]
            first, term = first + len(border), term + len(parts)
        self._start = np.array(starts, np.int64)
        self._shift = np.array(bits, np.uint32)
        self._mask = (np.uint32(1) << self._shift) - np.uint32(1)
        self._last = np.array(borders, np.uint32) - np.uint32(1)
        self._drawn = np.array([others, owns], np.int32).T.copy().ravel()

    def walks(self, size: int, source: Any) -> Walks:
        """Those of some walks that keep the limits, with the bits of a numpy bit generator."""
        import numpy as np

        ids = np.arange(size)
        node = np.full(size, self._sink - 1, np.int32)
        over = np.zeros((len(self._room), size), np.int64)
        stack, height = np.zeros((self._depth, size), np.int32), np.zeros(size, np.int64)
        history, ended = [], []
        while len(ids):
            term = self._step(node, source)
            history.append(np.full(size, self._end, np.int32))
            history[-1][ids] = term
            for sums, own in zip(over, self._over, strict=True):
                sums += own.take(term)
            node = self._next[0].take(term)
            if self._depth:
                self._pending(ids, term, node, stack, height)
            keeps = (over <= self._room).all(axis=0)
            going = keeps & (node != self._sink)
            if np.count_nonzero(going) < 0.75 * len(ids) or not going.any():
                done = keeps & ~going
                ended.append(ids[done])
                ids, node, over = ids[going], node[going], over[:, going]
        kept = np.sort(np.concatenate(ended))  # in the order of their first steps: not the shortest ones first
        terms = np.stack(history)[:, kept]
        return Walks(self._logs.take(terms).sum(axis=0), terms)

    def _step(self, node: Any, source: Any) -> Any:
        """The term each walk takes from its node."""
        import numpy as np

        bits = source.random_raw((len(node) + 1) // 2).view(np.uint32)[: len(node)]
        slot = self._start.take(node)
        slot += bits >> self._shift.take(node)
        own = (bits & self._mask.take(node)) <= self._last.take(slot)
        slot *= 2
        slot += own
        return self._drawn.take(slot)

    def _pending(self, ids: Any, term: Any, node: Any, stack: Any, height: Any) -> None:
        """Put the further nodes of a product aside; where a walk has come to an end, go on with one put aside."""
        import numpy as np

        for more in self._next[1:]:
            child = more.take(term)
            places = np.flatnonzero(child != self._sink)
            own = ids[places]
            stack[height[own], own] = child[places]
            height[own] += 1
        places = np.flatnonzero(node == self._sink)
        places = places[height[ids[places]] > 0]
        own = ids[places]
        height[own] -= 1
        node[places] = stack[height[own], own]

    def parts(self, walks: Walks, place: int) -> list[int]:
        """The chances of the terms of a walk, in units of 2^-BITS; whole ones after its end."""
        return self._parts[walks.terms[:, place]].tolist()  # type: ignore[no-any-return]

    def columns(self, walks: Walks, places: Any) -> dict[int, Any]:
        """What some of the walks decide: for each variable the numbers of its values."""
        return self._labels.columns(walks.terms[:, places])


def _children(terms: Sequence[Term], sink: int) -> list[Any]:
    """The first node that each term goes on with, the second, ...; `sink` where there is none."""
    import numpy as np

    most = max(1, *(len(children) for _, children, _ in terms))
    found = [[children[n] if n < len(children) else sink for _, children, _ in terms] for n in range(most)]
    return [np.array([*column, sink], np.int32) for column in found]


def _depth(circuit: Circuit) -> int:
    """How many nodes a walk may have to put aside."""
    found: list[int] = []
    for terms in circuit.nodes:
        own = 0
        for _, children, _ in terms:
            # The last put aside goes first: all those before it still wait.
            if len(children) > 1:
                waiting = [len(children) - 1, *range(len(children) - 1)]
                own = max(own, *(found[child] + n for child, n in zip(children, waiting, strict=True)))
            elif children:
                own = max(own, found[children[0]])
        found.append(own)
    return found[-1]


def _over(circuit: Circuit, ceilings: Sequence[Ceiling]) -> tuple[Any, Any]:
    """For each limit what a term costs beyond the least from its node on, and how much a walk may cost beyond."""
    import numpy as np

    over, room = [], []
    for ceiling in ceilings:
        units = [[ceiling.sign * circuit.costs(cost)[ceiling.metric] for cost in own] for own in circuit.weights]
        value = {
            c: v for own, values in zip(circuit.weights, units, strict=True) for c, v in zip(own, values, strict=True)
        }
        low = extremes(circuit, units, min)
        over.append(
            [
                *(
                    value[cost] + sum([low[child] for child in children]) - least
                    for terms, least in zip(circuit.nodes, low, strict=True)
                    for cost, children, _ in terms
                ),
                0,
            ]
        )
        room.append(ceiling.most - low[-1])
    terms = sum(map(len, circuit.nodes)) + 1
    return np.array(over, np.int64).reshape(len(over), terms), np.array(room, np.int64).reshape(len(room), 1)


class _Labels:
    """What terms decide, one after the other.

    Args:
        labels: Of each term but the last, which has none.
    """

    def __init__(self, labels: Sequence[Sequence[Label]]) -> None:
        import numpy as np

        self._number = np.array([*map(len, labels), 0], np.int64)
        self._start = np.concatenate([[0], np.cumsum(self._number)[:-1]])
        flat = [label for some in labels for label in some]
        self._variables = sorted({variable for variable, _ in flat})
        place = {variable: n for n, variable in enumerate(self._variables)}
        self._variable = np.array([place[variable] for variable, _ in flat], np.int64)
        self._value = np.array([value for _, value in flat], np.int32)

    def columns(self, terms: Any) -> dict[int, Any]:
        """For each variable its value in each walk; [steps, walks] of terms."""
        import numpy as np

        size = terms.shape[1]
        deciding = np.flatnonzero(self._number.take(terms).any(axis=1))
        terms = terms[deciding]
        number = self._number.take(terms).ravel()
        walk = np.repeat(np.tile(np.arange(size, dtype=np.int32), len(terms)), number)
        ends = np.cumsum(number)
        label = np.repeat(self._start.take(terms).ravel() - ends + number, number)
        label += np.arange(len(label))
        found = np.zeros((len(self._variables), size), np.int32)
        place = self._variable.take(label) * size
        place += walk
        found.ravel()[place] = self._value.take(label)
        return dict(zip(self._variables, found, strict=True))

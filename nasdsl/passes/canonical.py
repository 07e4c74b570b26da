"""The canonical form of a network: equal for two networks exactly if they are isomorphic.

An isomorphism is a one-to-one map between the vertices that keeps labels, roots, operands (with their order, unless the
operation is commutative; with their multiplicity always) and which vertices share weights. Finding out is as hard as
isomorphism of arbitrary graphs: take copies of a convolution of one map for points and sums of two copies for edges.
In practice almost every network is rigid from below.

**Form.** A list of lines, each an operation with its operands. A line marked `&` is one vertex, however often it is
read; any other line stands for a new vertex at each reading. So `2 = conv(&1), 3 = sum(2, 2)` has two convolutions and
`&2 = conv(&1), 3 = sum(&2, &2)` has one. A vertex is marked if it is read more than once; sets of weights that several
vertices share are vertices, too, of which those that share them have a mark `with`.

**Equal forms, isomorphic networks.** A form can be read: a vertex for each marked line, for each other line one at each
reading. Thus it determines the network up to isomorphism. No hash takes part in that.

**Isomorphic networks, equal forms.** Lines are ordered by depth, then by a digest of what the vertex computes, built
from labels and the digests of operands (sorted where order makes no difference), so by nothing but structure. If no two
marked vertices have the same digest, the order is determined: lines with equal digests have equal content. Otherwise
colours refine the digests by what reads a vertex; where vertices still tie, one after the other is set apart, and the
least of all forms found is the form. Vertices that an automorphism exchanges give the same forms, so one of them is
enough; without that n equal branches would take n! trials.

The digests are SHA-256: the order of a form relies on the absence of collisions, the equality of forms does not.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from nasdsl.passes.network import WEIGHTS, Labels, Network

Line = tuple[int, bool, int, tuple[int, ...]]
"""The number of a label, whether the line is one vertex, the line of the weights it shares or -1, its operands."""

_NO_DEPTH = bytes(4)


class _Deeper(dict[bytes, bytes]):
    """From a depth to the next one, in four bytes each: they sort as numbers do."""

    def __missing__(self, depth: bytes) -> bytes:
        self[depth] = (int.from_bytes(depth) + 1).to_bytes(4)
        return self[depth]


_DEEPER = _Deeper()


@dataclass(frozen=True, eq=False)
class CanonicalForm:
    """The canonical form of a network. Forms are equal exactly if their networks are isomorphic.

    Attributes:
        labels: The labels by number.
        lines: Operands come before what reads them; the roots come last.
    """

    labels: Labels
    lines: tuple[Line, ...]

    @cached_property
    def text(self) -> str:
        """The form as text: the same on every machine."""
        names = [f"&{n}" if line[1] else str(n) for n, line in enumerate(self.lines)]
        return "".join(f"{names[n]} = {self._content(line, names)}\n" for n, line in enumerate(self.lines))

    def _content(self, line: Line, names: Sequence[str]) -> str:
        number, _, weights, operands = line
        shared = f" with {names[weights]}" if weights >= 0 else ""
        return f"{self.labels.all[number].text} <- {', '.join(names[v] for v in operands)}{shared}".rstrip(" <-")

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @cached_property
    def key(self) -> bytes:
        """The form in few bytes: equal for equal forms with the same `labels`, different for different ones."""
        numbers = array("l")
        for number, one, weights, operands in self.lines:
            numbers.extend((number, one, weights, len(operands), *operands))
        return numbers.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CanonicalForm) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def canonical_form(network: Network) -> CanonicalForm:
    """The canonical form of a network."""
    return CanonicalForm(network.labels, _Canonical(network).form())


class _Canonical:
    """A network without what no root reads, and the search for its form."""

    def __init__(self, network: Network) -> None:
        self._commutes = network.labels.commutes
        self._digest_of_label = network.labels.digests
        self.label: list[int] = []
        self.operands: list[tuple[int, ...]] = []
        self.weights: dict[int, int] = {}
        self._keep(network)
        self.roots = len(network.roots)
        uses = Counter(chain.from_iterable(self.operands))
        uses.update(self.weights.values())
        self.shared = frozenset([v for v, many in uses.items() if many > 1])

    def _keep(self, network: Network) -> None:
        """Take over what roots read, roots last, and a vertex for each set of weights that several of those share."""
        live = _reached(network)
        if all(live) and not network.weights and network.roots == range(len(live) - len(network.roots), len(live)):
            self.label, self.operands = list(network.label), list(network.operands)
            return
        groups = Counter([group for v, group in network.weights.items() if live[v]])
        sets: dict[Hashable, int] = {}
        for group, many in groups.items():
            if many > 1:
                sets[group] = self._add(WEIGHTS, ())
        now: dict[int, int] = {}
        roots = set(network.roots)
        order = [v for v in range(len(live)) if live[v] and v not in roots]
        for v in [*order, *network.roots]:
            now[v] = self._add(network.label[v], tuple([now[source] for source in network.operands[v]]))
            if v in network.weights and network.weights[v] in sets:
                self.weights[now[v]] = sets[network.weights[v]]

    def _add(self, label: int, operands: tuple[int, ...]) -> int:
        self.label.append(label)
        self.operands.append(operands)
        return len(self.label) - 1

    def form(self) -> tuple[Line, ...]:
        digests = self._digests({})
        if _distinct(digests, self.shared):
            return self._lines(digests)
        return self._least(self._refined([b""] * len(self.label)))

    def _digests(self, colours: dict[int, bytes]) -> list[bytes]:
        """For each vertex its depth and a digest of what it computes; shared ones are told apart by their colours."""
        found: list[bytes] = []
        sha, deeper = hashlib.sha256, _DEEPER
        names, commutes, weights, shared = self._digest_of_label, self._commutes, self.weights, self.shared
        for v, (number, sources) in enumerate(zip(self.label, self.operands, strict=True)):
            if len(sources) == 1:
                last = content = found[sources[0]]
            else:
                below = [found[source] for source in sources]
                last = max(below, default=_NO_DEPTH)
                if commutes[number]:
                    below.sort()
                content = b"".join(below)
            content += names[number]
            if v in weights:
                content += b"with" + found[weights[v]]
            if v in shared:
                content += b"shared" + colours.get(v, b"")
            found.append(deeper[last[:4]] + sha(content).digest())
        return found

    def _lines(self, digests: Sequence[bytes]) -> tuple[Line, ...]:
        """The form, if the digests tell shared vertices apart."""
        lines: list[Line] = []
        known: dict[Line, int] = {}
        now = [0] * len(digests)
        order = sorted(range(len(digests) - self.roots), key=digests.__getitem__)
        for v in [*order, *range(len(order), len(digests))]:
            number = self.label[v]
            operands = [now[source] for source in self.operands[v]]
            if len(operands) > 1 and self._commutes[number]:
                operands.sort()
            one = v in self.shared
            line = (number, one, now[self.weights[v]] if v in self.weights else -1, tuple(operands))
            place = len(lines) if one else known.setdefault(line, len(lines))
            if place == len(lines):
                lines.append(line)
            now[v] = place
        return tuple(lines)

    def _refined(self, colours: list[bytes]) -> list[bytes]:
        """Colours that also say what vertices compute and what reads them, as far as colours can."""
        while True:
            before = len(set(colours))
            below = self._digests(dict(enumerate(colours)))
            above: list[list[bytes]] = [[] for _ in colours]
            for v in range(len(colours) - 1, -1, -1):
                mine = hashlib.sha256(colours[v] + below[v] + b"".join(sorted(above[v]))).digest()
                colours[v] = mine
                commutes = self._commutes[self.label[v]]
                for n, source in enumerate(self.operands[v]):
                    above[source].append(mine + (0 if commutes else n).to_bytes(4))
                if v in self.weights:
                    above[self.weights[v]].append(mine)
            if len(set(colours)) == before:
                return colours

    def _tied(self, colours: Sequence[bytes]) -> list[int]:
        """The shared vertices of the first colour that several have, in no order; none if there is no such colour."""
        classes: dict[bytes, list[int]] = {}
        for v in self.shared:
            classes.setdefault(colours[v], []).append(v)
        return min(((colour, tied) for colour, tied in classes.items() if len(tied) > 1), default=(b"", []))[1]

    def _apart(self, colours: Sequence[bytes], v: int) -> list[bytes]:
        changed = list(colours)
        changed[v] += b"apart"
        return self._refined(changed)

    def _least(self, colours: list[bytes]) -> tuple[Line, ...]:
        """The least form that setting tied vertices apart leads to."""
        tied = self._tied(colours)
        if not tied:
            return self._lines(self._digests(dict(enumerate(colours))))
        tried: list[list[bytes]] = []
        for v in tied:
            now = self._apart(colours, v)
            if not any(self._alike(now, other) for other in tried):
                tried.append(now)
        return min((self._least(colours) for colours in tried), key=self._order)

    def _order(self, lines: tuple[Line, ...]) -> list[tuple[bytes, bool, int, tuple[int, ...]]]:
        """What forms are compared by: the same on every machine."""
        return [(self._digest_of_label[n], one, weights, operands) for n, one, weights, operands in lines]

    def _marked(
        self, colours: Sequence[bytes], marks: Mapping[int, bytes]
    ) -> tuple[list[bytes], tuple[Line, ...]] | None:
        """The digests and the form with some vertices told apart by marks; None if others tie still.

        Where both are equal for two colourings with the same marks, an automorphism brings one to the other: it leads
        from line to line, keeps the marked vertices, and digests have the colours in them.
        """
        digests = self._digests({v: colours[v] + marks.get(v, b"") for v in self.shared})
        return (sorted(digests), self._lines(digests)) if _distinct(digests, self.shared) else None

    def _alike(self, left: list[bytes], right: list[bytes]) -> bool:
        """Whether some automorphism brings one colouring to the other."""
        if sorted(left) != sorted(right):
            return False
        tied = self._tied(left)
        marks = {v: v.to_bytes(4) for v in self.shared if left[v] == right[v]} if tied else {}
        first, second = (self._marked(colours, marks) for colours in (left, right))
        if first is not None and first == second:
            return True
        if not tied:
            return False
        one = self._apart(left, tied[0])
        return any(self._alike(one, self._apart(right, v)) for v in self._tied(right))


def _reached(network: Network) -> list[bool]:
    """Which vertices the roots read, directly or not."""
    live = [False] * len(network.label)
    for root in network.roots:
        live[root] = True
    for v in range(len(live) - 1, -1, -1):
        if live[v]:
            for source in network.operands[v]:
                live[source] = True
    return live


def _distinct(digests: Sequence[bytes], vertices: frozenset[int]) -> bool:
    return len({digests[v] for v in vertices}) == len(vertices)

"""When are two networks the same though their graphs differ? Rules, each a rewriting of networks to a normal form.

Two networks are the same under some rules if their normal forms are isomorphic (`nasdsl.passes.canonical`). What each
operation is to the rules (an identity, commutative, zero when its operand is zero) the operation says itself.

| rule | says | the same function |
|---|---|---|
| `identities` | an operation that makes its operand again is that operand; so is a sum of one | always |
| `sums` | a sum of sums is one sum; so it is with concatenations | up to rounding |
| `zeros` | zeros add nothing to a sum; an operation without shifts makes zeros of zeros | always |
| `repeats` | operations without weights on the same maps are one | always |
| `norms` | a normalisation makes zeros of zeros, as it does before its shift is trained | before training |
| `copies` | operations on the same maps are one, whosever their weights are: expressions | where weights agree |
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from nasdsl.diagnostics.errors import NasError
from nasdsl.ops.operation import ZeroWhen
from nasdsl.passes.network import Label, Labels, Network

RULES = ("identities", "sums", "zeros", "repeats", "norms", "copies")

EXACT = frozenset(RULES[:4])
"""The rules that never change what a network computes."""


def read_rules(text: str) -> frozenset[str]:
    """The rules that a text names, separated by commas; `exact` stands for all that never change the function.

    >>> sorted(read_rules("exact, copies"))
    ['copies', 'identities', 'repeats', 'sums', 'zeros']

    Raises:
        NasError: It names something else.
    """
    found: set[str] = set()
    for name in (part.strip() for part in text.split(",") if part.strip()):
        if name != "exact" and name not in RULES:
            raise NasError(f"`{name}` is no rule of equivalence", help=f"there are {', '.join(RULES)}; exact", status=2)
        found |= EXACT if name == "exact" else {name}
    return frozenset(found)


class Equivalence:
    """Brings networks to the normal form under some rules.

    Args:
        rules: Of `RULES`. `norms` implies `zeros`, `copies` implies `repeats`.
        labels: Where the labels of the networks are numbered.
    """

    def __init__(self, rules: Iterable[str], labels: Labels) -> None:
        chosen = frozenset(rules)
        self.labels = labels
        self.identities, self.sums, self.copies = (name in chosen for name in ("identities", "sums", "copies"))
        self.norms = "norms" in chosen
        self.zeros = self.norms or "zeros" in chosen
        self.repeats = self.copies or "repeats" in chosen
        self._any = bool(chosen)

    def normal_form(self, network: Network) -> Network:
        """The network after all rewriting."""
        return _Rewriting(self, network).result() if self._any else network


class _Rewriting:
    """The rewriting of one network: one pass, since what a vertex reads is in its normal form before it."""

    def __init__(self, rules: Equivalence, network: Network) -> None:
        self._rules, self._old = rules, network
        self._label: list[int] = []
        self._operands: list[tuple[int, ...]] = []
        self._weights: dict[int, Hashable] = {}
        self._zeros: dict[str, int] = {}
        self._zero_vertices: set[int] = set()
        self._known: dict[tuple[int, tuple[int, ...]], int] = {}

    def result(self) -> Network:
        labels, weights = self._rules.labels.all, {} if self._rules.copies else self._old.weights
        now: list[int] = []
        for old, (number, sources) in enumerate(zip(self._old.label, self._old.operands, strict=True)):
            operands = tuple([now[source] for source in sources])
            if old in weights:
                self._weights[len(self._label)] = weights[old]
                now.append(self._add(number, operands))
            else:
                now.append(self._vertex(number, labels[number], operands))
        return Network(
            self._rules.labels, self._label, self._operands, self._weights, [now[root] for root in self._old.roots]
        )

    def _vertex(self, number: int, label: Label, operands: tuple[int, ...]) -> int:
        """What stands for an operation on vertices of the normal form."""
        rules = self._rules
        if rules.zeros:
            if self._is_zero(label, operands):
                return self._zero(label.map_type)
            if label.zero_neutral and self._zero_vertices:
                operands = tuple([v for v in operands if v not in self._zero_vertices])
        if label.associative and rules.sums:
            operands = tuple([x for v in operands for x in self._parts(v, label.operation)])
        if rules.identities and (label.identity or (label.associative and len(operands) == 1)):
            return operands[0]
        if not (rules.copies or (rules.repeats and label.pure)):
            return self._add(number, operands)
        key = (number, tuple(sorted(operands)) if label.commutative else operands)
        if key not in self._known:
            self._known[key] = self._add(*key)
        return self._known[key]

    def _is_zero(self, label: Label, operands: tuple[int, ...]) -> bool:
        when = label.zero_at_start if self._rules.norms else label.zero
        if when is ZeroWhen.FIRST:
            return operands[0] in self._zero_vertices
        return when is ZeroWhen.ALWAYS or (when is ZeroWhen.ALL and self._zero_vertices.issuperset(operands))

    def _zero(self, map_type: str) -> int:
        """The map of zeros of a type: one is enough."""
        if map_type not in self._zeros:
            number = self._rules.labels.number(Label(f"zeros {map_type}", "zeros", map_type=map_type))
            self._zeros[map_type] = self._add(number, ())
            self._zero_vertices.add(self._zeros[map_type])
        return self._zeros[map_type]

    def _parts(self, vertex: int, operation: str) -> tuple[int, ...]:
        """The operands of a vertex of that operation; of another one the vertex itself."""
        merges = self._rules.labels.all[self._label[vertex]].operation == operation
        return self._operands[vertex] if merges else (vertex,)

    def _add(self, number: int, operands: tuple[int, ...]) -> int:
        self._label.append(number)
        self._operands.append(operands)
        return len(self._label) - 1

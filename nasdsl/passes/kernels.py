"""Kernels: what an inference engine runs as one, an operation with what it fuses.

The partition of a derived network is that of its space: two nodes form one kernel when the second reads only the first,
stands right behind it in the space (`Node.origin`), lies in the same block instance or one around it, and is fused by
the first one's operation. Nothing is fused across a selecting node, since that would stand between the two. Where the
second may be dead while the first is live, the space has a kernel for either case. So the kernels of a derived network
are exactly those of the space that are live, and sums of costs agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Attribute, Graph, Node
from nasdsl.number import Number, points
from nasdsl.ops.catalogue import OPERATIONS, SELECTING
from nasdsl.passes.liveness import Condition, Conditions, liveness
from nasdsl.passes.shared import Sharing
from nasdsl.types import MapType

FREE = SELECTING | {"input", "identity", "dropout"}
"""Operations of which nothing is left at inference."""

MAX_POINTS = 100_000
"""How many joint values of decisions one kernel may depend on."""

Step = tuple[str, Mapping[str, Attribute]]
"""An operation with its attributes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """All that the cost of a kernel depends on.

    Attributes:
        text: The readable key of lookup tables: `conv k=3 stride=2 relu 32x128x256 -> 64x64x128`.
        steps: The operation and those fused into it.
        inputs: The types of the maps it reads; channels are constants.
    """

    text: str
    steps: tuple[Step, ...]
    inputs: tuple[MapType, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An operation of the graph with what it fuses.

    Attributes:
        nodes: Their ids, in order.
        template: The signature with `{}` for every number that depends on decisions.
        numbers: Those numbers, in order.
        live: When it runs (see `nasdsl.passes.liveness`); in a derived network always.
        steps: The operations with their attributes.
        inputs: The types of the maps it reads.
    """

    nodes: tuple[int, ...]
    template: str
    numbers: tuple[Number, ...]
    live: Condition
    steps: tuple[Step, ...]
    inputs: tuple[MapType, ...]

    def signature(self, value_of: Callable[[str], int | Fraction]) -> str:
        """The key in lookup tables, given the values of the symbols."""
        return filled(self.template, (number.evaluate(value_of) for number in self.numbers))

    def at(self, value_of: Callable[[str], int | Fraction]) -> Signature:
        """The signature with all it stands for, given the values of the symbols."""

        def fixed(value: Any) -> Any:
            return Number.of(value.evaluate(value_of)) if isinstance(value, Number) else value

        steps = tuple((op, {name: fixed(value) for name, value in attrs.items()}) for op, attrs in self.steps)
        inputs = tuple(MapType(fixed(x.channels), x.size, x.rate) for x in self.inputs)
        return Signature(self.signature(value_of), steps, inputs)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols its numbers depend on, sorted."""
        return tuple(sorted({symbol for number in self.numbers for symbol in number.symbols}))


@dataclass(frozen=True, slots=True)
class Costs:
    """What a network holds and computes.

    Attributes:
        params: Trainable numbers; those of a shared block count once.
        macs: Multiply-accumulates of convolutions and linear layers for one image.
    """

    params: int
    macs: int


def kernels(graph: Graph) -> tuple[Kernel, ...]:
    """The kernels of a space or of a network, in the order of their first nodes; those of `aux` tasks are left out.

    Raises:
        NasError: An operation is an `extern`, of which nothing is known but its type.
    """
    live = liveness(graph)
    after = following(graph)
    heads = set(after.values())
    found: list[Kernel] = []
    for node in graph.nodes:
        if node.op in FREE or node.id in heads:
            continue
        if node.op == "extern":
            if live.nodes[node.id].terms:
                raise _unknown(node)
            continue
        inputs = _reads(graph, node)
        if node.op in ("sum", "concat") and len(inputs) == 1:
            continue
        chain = [node]
        while (successor := after.get(chain[-1].id)) is not None:
            chain.append(graph.nodes[successor])
        for length in range(1, len(chain) + 1):
            when = live.nodes[chain[length - 1].id]
            if length < len(chain):
                when = live.conditions.without(when, live.nodes[chain[length].id])
            if when.terms:
                found.append(_kernel(chain[:length], inputs, when))
    return tuple(found)


def filled(template: str, numbers: Iterable[int | Fraction | str]) -> str:
    """A signature with its numbers; a single group goes unsaid, as where no decision decides the groups.

    >>> filled("conv k=3 groups={} {}x8x8 -> 8x8x8", (1, 4))
    'conv k=3 4x8x8 -> 8x8x8'
    """
    if " groups={}" not in template:
        return template.format(*numbers)
    text, *rest = template.split("{}")
    for number, after in zip(numbers, rest, strict=True):
        alone = number in (1, "1") and text.endswith(" groups=")
        text = (text.removesuffix(" groups=") if alone else f"{text}{number}") + after
    return text


def signatures(graph: Graph) -> dict[str, Signature]:
    """Every distinct signature that an architecture of the space can reach, by its text, in order of appearance.

    Raises:
        NasError: A kernel depends on more than `MAX_POINTS` joint values of decisions.
    """
    found: dict[str, Signature] = {}
    algebra = Conditions(graph)
    seen: set[tuple[str, tuple[Number, ...]]] = set()
    for kernel in kernels(graph):
        if (kernel.template, kernel.numbers) in seen or not algebra.real(kernel.live).terms:
            continue
        seen.add((kernel.template, kernel.numbers))
        if prod(len(graph.domain(symbol)) for symbol in kernel.symbols) > MAX_POINTS:
            node = graph.nodes[kernel.nodes[0]]
            raise NasError(
                f"{node.span}: the cost of `{node.name}` depends on more than {MAX_POINTS} joint values of decisions: "
                + ", ".join(kernel.symbols),
                help="let fewer widths meet in one operation, for example by summing instead of concatenating",
            )
        for point in points(kernel.symbols, graph.domain):
            text = kernel.signature(point.__getitem__)
            if text not in found:
                found[text] = kernel.at(point.__getitem__)
    return found


def _unknown(node: Node) -> NasError:
    target = node.attrs["target"]
    return NasError(
        f"{node.span}: `{target}` is an extern: its latency cannot be measured by itself, so none is known",
        help="leave the extern out of the space, or search without a latency",
    )


def costs(network: Graph) -> Costs:
    """Parameters and MACs of a network (a graph without decisions), `aux` tasks left out; an extern counts nothing."""
    alive, owner = demanded(network), Sharing(network).nodes
    params, macs = dict[int, Fraction](), Fraction(0)
    for node in network.nodes:
        if node.id in alive and node.op in OPERATIONS:
            inputs = [network.nodes[item.node].type for item in node.inputs]
            params[owner[node.id]] = _constant(OPERATIONS[node.op].params(inputs, node.type, node.attrs))
            macs += _constant(OPERATIONS[node.op].macs(inputs, node.type, node.attrs))
    return Costs(int(sum(params.values())), int(macs))


def _constant(number: Number) -> Fraction:
    value = number.constant
    assert value is not None, "a network has no decisions"
    return value


def demanded(network: Graph) -> set[int]:
    """The nodes that a network's tasks need; `aux` tasks need nothing."""
    alive = {task.output for task in network.tasks if not task.aux}
    for node in reversed(network.nodes):
        if node.id in alive:
            alive.update(item.node for item in node.inputs)
    return alive


def following(graph: Graph) -> dict[int, int]:
    """For each node into which the next is fused, that next one; others may read it too."""

    def place(node: Node) -> int:
        return node.id if node.origin is None else node.origin

    found: dict[int, int] = {}
    fused_into: dict[int, tuple[int, int]] = {}
    for node in graph.nodes:
        if node.op in FREE or len(node.inputs) != 1:
            continue
        before = graph.nodes[node.inputs[0].node]
        if before.op in FREE or before.op == "extern" or place(node) != place(before) + 1:
            continue
        head, place_in_fuses = fused_into.get(before.id, (before.id, -1))
        fuses = OPERATIONS[graph.nodes[head].op].fuses
        if _around(graph, node.scope, before.scope) and node.op in fuses[place_in_fuses + 1 :]:
            found[before.id] = node.id
            fused_into[node.id] = (head, fuses.index(node.op))
    return found


def _around(graph: Graph, outer: int, inner: int) -> bool:
    """Whether a scope is, or encloses, another one of the same grid cell."""
    if graph.scopes[outer].cell != graph.scopes[inner].cell:
        return False
    scope: int | None = inner
    while scope is not None and scope != outer:
        scope = graph.scopes[scope].parent
    return scope is not None


def _reads(graph: Graph, node: Node) -> list[MapType]:
    """The types of the maps a node reads in an architecture; members of a pick are alike, so any will do."""
    kept = []
    left = {path: decision.count for path, decision in graph.decisions.items()}
    for item in node.inputs:
        if item.when is not None:
            left[item.when.decision] -= 1
            if left[item.when.decision] < 0:
                continue
        kept.append(graph.nodes[item.node].type)
    return kept


def _kernel(chain: Sequence[Node], inputs: Sequence[MapType], live: Condition) -> Kernel:
    steps = tuple((node.op, node.attrs) for node in chain)
    output = chain[-1].type
    (name, attrs), *fused = steps
    reads = tuple(inputs)
    if name in ("resize", "resize_like"):
        # Of the map whose size it takes, a network reads nothing: neither its channels nor its values matter.
        name, attrs, reads = "resize", {}, reads[:1]
        inputs = [inputs[0], *(MapType(Number.of(1), like.size, like.rate) for like in inputs[1:])]
    words, numbers = [name], list[Number]()

    def shown(number: Number) -> str:
        if number.constant is not None:
            return str(number.constant)
        numbers.append(number)
        return "{}"

    def typed(x: MapType) -> str:
        return shown(x.channels) + ("" if x.size is None else f"x{x.size[0]}x{x.size[1]}")

    defaults = {parameter.name: parameter.default for parameter in OPERATIONS[chain[0].op].parameters}
    for key, value in attrs.items():
        if key in ("c", "bias", "affine") or not isinstance(value, Number) or value == _number(defaults.get(key)):
            continue
        words.append(f"{key}={shown(value)}")
    words += [op for op, _ in fused if op != "bn"]
    text = f"{' '.join(words)} {' + '.join(typed(x) for x in reads)} -> {typed(output)}"
    return Kernel(tuple(node.id for node in chain), text, tuple(numbers), live, steps, tuple(inputs))


def _number(default: int | bool | Fraction | None) -> Number | None:
    return None if default is None or isinstance(default, bool) else Number.of(default)

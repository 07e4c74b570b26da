"""What stands in the boxes of a diagram: operations, types, tasks and decisions in a few letters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nasdsl.ir.graph import Atom, Decision, Kind, Node, Task, Value
from nasdsl.number import Number
from nasdsl.report.patterns import domain_words, name_of, value_words


def node_label(node: Node) -> str:
    """A single operation in a few letters: `conv 3×3 /2`."""
    if node.op in ("route_end", "route_last", "input"):
        return node.name
    words = [node.op]
    for name, form in (("k", "{0}×{0}"), ("stride", "/{0}"), ("scale", "×{0}")):
        value = node.attrs.get(name)
        shown = _plain(value) if isinstance(value, Number) else value
        if shown is not None and not (name == "stride" and shown == 1):
            words.append(form.format(shown))
    return " ".join(words)


def _plain(number: Number) -> Fraction | str | None:
    """A number in a few letters: a constant, or the name of the decision that it is; None: it is more than that."""
    if len(number.symbols) == 1 and number == Number.symbol(number.symbols[0]):
        return name_of(number.symbols[0])
    return number.constant


def block_label(name: str, block: str) -> str:
    """What an instance is called in a picture: its block, with the index it has: `refine[16]`."""
    last = name_of(name)
    return last if last.startswith(f"{block}[") else block


def type_words(channels: tuple[Fraction, Fraction], size: tuple[int, int] | None) -> str:
    """A type in a few letters, given bounds of its channels.

    >>> type_words((Fraction(24), Fraction(96)), (32, 64))
    '24–96 · 32×64'
    """
    words = f"{channels[0]}" if channels[0] == channels[1] else f"{channels[0]}–{channels[1]}"
    return words if size is None else f"{words} · {size[0]}×{size[1]}"


def task_words(task: Task) -> tuple[str, ...]:
    """Loss and metrics of a task."""
    return (task.loss.name, *(metric.name for metric in task.metrics))


def decided_words(decision: Decision, value: Value | None) -> str:
    """`w ∈ {4, 6, 8}` for a space, `w = 6` for an architecture."""
    name = name_of(decision.path)
    if value is not None:
        return f"{name} = {value_words(value)}"
    values = decision.domain
    if decision.kind is Kind.DEPTH and len(values) > 3 and values == tuple(range(int(values[0]), int(values[-1]) + 1)):
        return f"{name} ∈ {values[0]}..={values[-1]}"
    words = domain_words(decision)
    return f"{name}: {words}" if decision.count else f"{name} ∈ {words}"


def count_words(decision: Decision) -> str:
    """How many members a pick takes: `2 of 4`; of other decisions all that there is to say."""
    return f"{decision.count} of {len(decision.domain)}" if decision.count else decided_words(decision, None)


def condition_words(atoms: Sequence[Atom], decision: Decision) -> str:
    """For which values of a decision something is read: `2`, `3–5`, `conv, sep3`."""
    values = [atom.value for atom in atoms]
    numbers = [v for v in values if isinstance(v, int)]
    if len(numbers) == len(values) and len(values) > 2 and max(numbers) - min(numbers) == len(values) - 1:
        return f"{min(numbers)}–{max(numbers)}"
    if len(values) > 3:
        values = [*values[:2], "…"]
    return ", ".join(map(str, values))


def few(lines: Sequence[str], most: int = 5) -> tuple[str, ...]:
    """The lines, without some in the middle where there are many."""
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 2], f"… {len(lines) - most + 1} more", lines[-1])

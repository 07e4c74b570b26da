"""A block instance as a diagram: vertices and arrows, before anything is placed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Look(Enum):
    """How a vertex is drawn."""

    INPUT = "input"
    VALUE = "value"
    OUTPUT = "output"
    BOX = "box"
    HEADED = "headed"
    BLOCK = "block"
    PILL = "pill"
    STACK = "stack"
    EXIT = "exit"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Option:
    """An alternative: its label, whether it lives in the supernet only."""

    label: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Vertex:
    """A vertex of a diagram.

    Attributes:
        look: How it is drawn.
        label: Its first line; for `c_{k-1}` the part before the underscore.
        below: The subscript of the label.
        lines: Further lines of the same weight.
        notes: Smaller lines.
        options: The alternatives of a choice; the one that is taken in an architecture.
        title: All about it, for those who ask.
        figure: The figure that shows its inside, as an index; -1 for none.
        faint: It is part of the training only.
    """

    look: Look
    label: str = ""
    below: str = ""
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    title: str = ""
    figure: int = -1
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A map that flows from one vertex to another; `candidate` if only some architectures read it."""

    source: int
    target: int
    candidate: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Vertices in topological order and arrows between them."""

    vertices: tuple[Vertex, ...]
    arrows: tuple[Arrow, ...]


def in_order(vertices: list[Vertex], arrows: list[Arrow]) -> Diagram:
    """The diagram with its vertices in topological order, as near to the given order as that allows."""
    open_inputs = [0] * len(vertices)
    for arrow in arrows:
        open_inputs[arrow.target] += 1
    order: list[int] = []
    waiting = list(range(len(vertices)))
    while waiting:
        ready = next((v for v in waiting if open_inputs[v] == 0), None)
        assert ready is not None, "clusters of a graph without circles"
        waiting.remove(ready)
        order.append(ready)
        for arrow in arrows:
            if arrow.source == ready:
                open_inputs[arrow.target] -= 1
    place = {old: new for new, old in enumerate(order)}
    moved = (Arrow(place[a.source], place[a.target], a.candidate) for a in arrows)
    return Diagram(tuple(vertices[v] for v in order), tuple(moved))

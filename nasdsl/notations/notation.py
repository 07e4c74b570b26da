"""What a notation is, and what reading any of them needs."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.architecture import Architecture
from nasdsl.ir.graph import Decision, Graph, Value

MAX_LENGTH = 100_000
"""Longest text that is read, in characters."""


class Notation(ABC):
    """A way to write architectures of one space down. Instances have no state."""

    name: ClassVar[str]
    form: ClassVar[str]
    """What a text looks like, for messages."""
    unique_rules: ClassVar[tuple[str, ...]] = ()
    """Names of published rules for which architectures are the same."""

    @abstractmethod
    def read(self, text: str, graph: Graph) -> Mapping[str, Value]:
        """The decisions that a text makes, by path.

        Raises:
            NasError: The text is not in this notation, or names what the space has not.
        """

    @abstractmethod
    def write(self, architecture: Architecture, graph: Graph) -> str:
        """The text of an architecture of the space.

        Raises:
            NasError: The space is not of the form that the notation describes.
        """

    def unique(self, rule: str, architecture: Architecture, graph: Graph) -> str:
        """A text that is equal for architectures that a published rule, of `unique_rules`, takes for the same.

        Raises:
            NasError: The space is not of the form that the notation describes.
        """
        raise NotImplementedError(f"{self.name} has no rule {rule}")

    def wrong(self, message: str) -> NasError:
        """The error for a text that is not in this notation."""
        return NasError(f"{self.name}: {message}", help=f"expected: {self.form}")


def decision(graph: Graph, path: str) -> Decision:
    """A decision of the space.

    Raises:
        NasError: There is none at this path.
    """
    if path not in graph.decisions:
        raise NasError(
            f"the space `{graph.name}` has no decision `{path}`{f' under {graph.preset}' if graph.preset else ''}",
            help="take the space and the preset in which the architecture lies; `nasdsl show` lists decisions",
        )
    return graph.decisions[path]


def operation(graph: Graph, path: str, published: str, names: Mapping[str, str]) -> str:
    """The label that a published operation has in a choice of the space.

    Args:
        graph: The space.
        path: The choice.
        published: The operation's published name.
        names: Labels by published names.

    Raises:
        NasError: The choice has no such alternative.
    """
    real = decision(graph, path).real
    label = names.get(published)
    if label not in real:
        known = [name for name, own in names.items() if own in real]
        raise NasError(
            f"the space `{graph.name}` has no operation `{published}` (wanted for `{path}`)",
            help=f"it has: {', '.join(dict.fromkeys(known))}",
        )
    assert label is not None, "None is in no domain"
    return label


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of a Python text, which is not executed; None if it is none."""
    if len(text) > MAX_LENGTH:
        raise NasError(f"the text has {len(text)} characters, over the limit of {MAX_LENGTH}")
    try:
        return ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def literal(text: str) -> Any:
    """The value of a text of lists, dictionaries, numbers and strings, in JSON or as Python prints them; None if it is
    none.

    >>> literal("[1, ('a', 2.5)]")
    [1, ('a', 2.5)]
    """
    tree = parsed(text)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    return value(tree.body[0].value)


def value(node: ast.expr) -> Any:
    """The value of an expression without names and calls but `range(a, b)`; None if it is something else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and not node.keywords:
        bounds = [value(argument) for argument in node.args]
        if bounds and all(type(bound) is int and abs(bound) <= MAX_LENGTH for bound in bounds) and len(bounds) <= 2:
            return list(range(*bounds))
        return None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None

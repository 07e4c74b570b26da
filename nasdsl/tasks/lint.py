"""Warnings about what networks are for: a space compiles with any loss, but is searched and trained with known ones."""

from __future__ import annotations

from collections.abc import Iterable

from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.ir.graph import Graph
from nasdsl.tasks.catalogue import mistakes


def lint_tasks(graphs: Iterable[Graph]) -> list[Diagnostic]:
    """The warnings about losses and metrics of a space without mistakes, each once.

    Args:
        graphs: The graph under each preset.
    """
    found: dict[Diagnostic, None] = {}
    for graph in graphs:
        for task in graph.tasks:
            for mistake in mistakes(task):
                note = f"task `{task.name}` can be neither searched nor trained"
                found[Diagnostic("W0605", mistake.message, mistake.term.span, note, (), mistake.help, "warning")] = None
    return list(found)

"""Modules from the texts that the compiler writes."""

from __future__ import annotations

from types import ModuleType


def module_from(source: str, name: str) -> ModuleType:
    """The module of a text that `nasdsl.codegen` has just written.

    Only for texts made in this process: a file is never run.
    """
    module = ModuleType(name)
    exec(compile(source, f"<generated {name}>", "exec"), module.__dict__)  # noqa: S102
    return module

"""A diagnostic: what is wrong with a text, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.errors import NasError
from nasdsl.source import Span


@dataclass(frozen=True, slots=True)
class Label:
    """A further place involved, and what it has to do with the mistake."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A mistake (or something to warn about) in a .nas text.

    Attributes:
        code: Key of `nasdsl.diagnostics.codes.TITLES`, such as "E0201".
        message: What was found, and what was expected.
        span: Where.
        note: A few words under the marked text.
        labels: Further places.
        help: What to do.
        severity: Whether it stops the compilation.
    """

    code: str
    message: str
    span: Span
    note: str = ""
    labels: tuple[Label, ...] = ()
    help: str | None = None
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        assert self.code in TITLES, self.code


class InvalidSpace(NasError):
    """A text with mistakes; `str` shows them all."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        from nasdsl.diagnostics.render import render

        super().__init__("\n".join(render(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = tuple(diagnostics)

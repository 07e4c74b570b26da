"""Diagnostics on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from nasdsl.diagnostics.diagnostic import Diagnostic
from nasdsl.diagnostics.render import render


def print_diagnostics(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics to stderr: in colour if that is a terminal, unless `NO_COLOR` is set."""
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    print("\n".join(render(diagnostic, colour=colour) for diagnostic in diagnostics), file=sys.stderr)

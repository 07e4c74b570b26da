"""The one exception that a user sees as a message and never as a traceback."""

from __future__ import annotations


class NasError(Exception):
    """A mistake in the input (status 1), on the command line (2), or something this machine cannot do (3).

    Args:
        message: What was found, where, and what was expected.
        help: What to do about it.
        status: The exit status of the command line.
    """

    def __init__(self, message: str, *, help: str | None = None, status: int = 1) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help
        self.status = status

    def __str__(self) -> str:
        return f"{self.message}\nhelp: {self.help}" if self.help else self.message

"""The colours of a picture."""

from __future__ import annotations

from collections.abc import Iterable

INK = "#1f2328"
GREY = "#59636e"
FAINT = "#d0d7de"
LINE = "#7d8894"

OPERATIONS = (
    "#4477aa", "#ee7733", "#228833", "#cc3355", "#8860b0", "#33a7b5", "#c7a100", "#e07ba8", "#8c5a3c", "#6c757d",
)  # fmt: skip
"""One for each operation; they differ in lightness too, and every use has its name beside it or in the legend."""

FIGURES = ("#dbe9f9", "#fbe3cc", "#dcefdc", "#eee0f5", "#fbdde3", "#d9f0f0", "#f5eeca", "#ece4dd")
"""Fills of the boxes that have a figure of their own."""

ROUTES = ("#0b62c4", "#d1420a", "#1b8a3a", "#8a3ab9", "#b08900", "#0a8f9c")


class Palette:
    """Gives every operation its colour, in the order in which they are first named."""

    def __init__(self, labels: Iterable[str] = ()) -> None:
        self._colours: dict[str, str] = {}
        for label in labels:
            self.of(label)

    def of(self, label: str) -> str:
        """The colour of an operation."""
        return self._colours.setdefault(label, OPERATIONS[len(self._colours) % len(OPERATIONS)])

"""The forms of published tables, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published import fasterseg, fbnet, nasbench201, tfnas
from nasdsl.hardware.table import Table
from nasdsl.ir.graph import Graph

Reader = Callable[[Path, str | None, Graph | None], Table]
"""Reads a file: the device of those in it (None if it has one only), and the space that it prices decisions of."""

KINDS: Mapping[str, Reader] = {
    "fasterseg": fasterseg.read,
    "fasterseg-as-coded": fasterseg.read_as_coded,
    "fbnet": fbnet.read,
    "nasbench201": nasbench201.read,
    "tfnas": tfnas.read,
}
"""What can be read, by name."""


def read_published(kind: str, path: str | Path, device: str | None = None, space: Graph | None = None) -> Table:
    """Read a published table.

    Args:
        kind: Its form, a key of `KINDS`.
        path: The file. Nothing in it is executed or unpickled.
        device: Which of its devices, where it has several.
        space: The space that it prices the decisions of, for the forms that do.

    Raises:
        NasError: There is no such form, the file is not in it, or it has no such device.
    """
    if kind not in KINDS:
        raise NasError(
            f"there is no form `{kind}` of published tables", help=f"there are: {', '.join(KINDS)}", status=2
        )
    if not Path(path).is_file():
        raise NasError(f"{path}: there is no such file")
    try:
        return KINDS[kind](Path(path), device, space)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NasError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None

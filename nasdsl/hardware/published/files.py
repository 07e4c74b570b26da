"""The files of published tables: JSON objects and NumPy archives."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError

MAX_BYTES = 2**28
"""The largest file that is read, and the largest array."""


def json_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        NasError: It cannot be read or is none.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NasError(f"{path} has more than {MAX_BYTES // 2**20} MiB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise NasError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise NasError(f"{path}: expected an object, found {type(content).__name__}")
    return content


def arrays(path: Path, wanted: Collection[str] | None = None) -> Mapping[str, NDArray[Any]]:
    """The arrays of a .npz file, or some of them; pickled ones are refused.

    Raises:
        NasError: It cannot be read, or lacks one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_BYTES:
                raise NasError(f"{path}: its arrays have more than {MAX_BYTES // 2**20} MiB")
        with np.load(path, allow_pickle=False) as content:
            names = content.files if wanted is None else wanted
            absent = sorted(set(names) - set(content.files))
            if absent:
                raise NasError(f"{path}: there is no array `{absent[0]}`; found {', '.join(content.files[:8])}, ...")
            return {name: content[name] for name in names}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NasError(f"{path}: cannot be read as a NumPy archive: {error}") from None


def names(path: Path) -> list[str]:
    """The names of the arrays of a .npz file.

    Raises:
        NasError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [item.filename.removesuffix(".npy") for item in archive.infolist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise NasError(f"{path}: cannot be read as a NumPy archive: {error}") from None


def chosen(path: Path, device: str | None, known: Collection[str]) -> str:
    """The device that is meant.

    Raises:
        NasError: The file has none of this name, or several and none is named.
    """
    if device in known:
        assert device is not None
        return device
    if device is None and len(known) == 1:
        return next(iter(known))
    if not known:
        raise NasError(f"{path} holds no latencies of this form", help="see nasdsl import-table --help: KIND")
    found = f"`{device}` is not in {path}" if device is not None else f"{path} holds several devices"
    raise NasError(found, help=f"name one: --device {' | '.join(sorted(known))}", status=2)


def identifier(device: str, prefix: str = "gpu_") -> str:
    """A name for a device that .nas files can say.

    >>> identifier("1080ti_32"), identifier("raspi4")
    ('gpu_1080ti_32', 'raspi4')
    """
    return f"{prefix}{device}" if device[:1].isdigit() else device

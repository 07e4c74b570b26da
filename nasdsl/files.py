"""Files that are written whole or not at all, and paths as users write them."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

PAGE = 4096
"""Bytes that must fit on a disk that is not full."""


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write a file in a temporary one beside it, then put it in place; folders are made as needed.

    Readers see the old content or the new one, and a failure (full disk, Ctrl-C) leaves the old one. A link stays a
    link: the file it leads to is replaced. What is no file (a pipe, `/dev/stdout`) is written to.

    Raises:
        OSError: The file cannot be written; `filename` is the path as it was given.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _write(resolved(path), data)
    except OSError as error:
        raise _about(error, path) from error


def check_writable(path: str | Path) -> None:
    """See whether a file can be written in a place, before much work is done for what is to stand there.

    The folders are made, as `write_atomically` makes them; the file is neither made nor changed.

    Raises:
        OSError: It cannot; `filename` is the path as it was given.
    """
    try:
        place = resolved(path)
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place.parent) as file:
            file.write(bytes(PAGE))
    except OSError as error:
        raise _about(error, path) from error


def resolved(path: str | Path) -> Path:
    """The path without links.

    Raises:
        OSError: Links lead in a circle.
    """
    try:
        return Path(path).resolve()
    except RuntimeError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def expanded(path: str | Path) -> Path:
    """The path with the user's home for `~`; as it is where nobody has that home."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _about(error: OSError, path: str | Path) -> OSError:
    """The same error, about the path as it was given."""
    if isinstance(error, FileExistsError):
        return NotADirectoryError(errno.ENOTDIR, "a folder is needed where a file is", str(path))
    return OSError(error.errno, error.strerror or str(error), str(path))


def _write(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise

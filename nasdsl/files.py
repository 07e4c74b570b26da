"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write a file in a temporary one beside it, then put it in place; folders are made as needed.

    Readers see the old content or the new one, and a failure (full disk, Ctrl-C) leaves the old one. A link stays a
    link: the file it leads to is replaced. What is no file (a pipe, `/dev/stdout`) is written to.

    Raises:
        OSError: The file cannot be written; `filename` is the path as it was given.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _write(Path(path).resolve(), data)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "a folder is needed where a file is", str(path)) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


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

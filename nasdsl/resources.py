"""The files that nasdsl reads at run time and that are not Python: the grammar and the standard definitions.

They live in ``grammars/``, beside the package in the repository and inside it in an installed wheel.
"""

from __future__ import annotations

from pathlib import Path

from nasdsl.diagnostics.errors import NasError

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "grammars", _PACKAGE.parent / "grammars")


def grammar_path(name: str) -> Path:
    """Where a file of ``grammars/`` lies in this installation.

    Args:
        name: A file name without folders, such as ``nasdsl.lark`` or ``std.nas``.

    Raises:
        NasError: status 3, the installation lacks the file.

    >>> grammar_path("nasdsl.lark").name
    'nasdsl.lark'
    """
    for folder in _FOLDERS:
        path = folder / name
        if path.is_file():
            return path
    looked_in = " and ".join(str(folder) for folder in _FOLDERS)
    raise NasError(
        f"this installation of nasdsl lacks its file {name}; looked in {looked_in}",
        help="install nasdsl again from its repository: pip install --force-reinstall --no-deps PATH",
        status=3,
    )


def grammar_text(name: str) -> str:
    """The text of a file of ``grammars/``, read as UTF-8.

    Args:
        name: A file name without folders, such as ``nasdsl.lark`` or ``std.nas``.

    Raises:
        NasError: status 3, the installation lacks the file.
    """
    return grammar_path(name).read_text(encoding="utf-8")

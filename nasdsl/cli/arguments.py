"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nasdsl.ir.architecture import Architecture
    from nasdsl.space import Space


def add_space(parser: argparse.ArgumentParser) -> None:
    """A .nas file, `--preset` and `--param`."""
    parser.add_argument("file", metavar="FILE", help="a .nas file")
    parser.add_argument("--preset", default="", metavar="NAME", help="a preset of the space")
    parser.add_argument(
        "--param", action="append", default=[], type=assignment, metavar="NAME=VALUE", help="a parameter (repeatable)"
    )


def load_space(args: argparse.Namespace, preset: str | None = None) -> Space:
    """The space that the arguments name."""
    from nasdsl.space import load

    return load(args.file, preset=args.preset if preset is None else preset, params=dict(args.param))


def read_architecture(path: str) -> Architecture:
    """An architecture file.

    Raises:
        NasError: It cannot be read or is none.
    """
    from nasdsl.ir.architecture import Architecture

    try:
        return Architecture.from_json(Path(path).read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file", help="`nasdsl sample FILE` prints an architecture") from None
    except IsADirectoryError:
        raise NasError(f"{path} is a folder", help="give the architecture.json in it") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise NasError(f"{path}: cannot be read: {reason}") from None


def user_table(device: str, threads: int) -> Path:
    """Where the user's lookup table of a device lies, if no other is named."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "nasdsl" / f"{device}-{threads}.json"


def latencies(path: str | None, devices: Mapping[str, int]) -> dict[str, Mapping[str, float]]:
    """Latencies in ms by signature, for each device.

    Args:
        path: A lookup table; None: the user's tables.
        devices: The devices, each with its threads.

    Raises:
        NasError: There is no table, it cannot be read, or it is that of another device.
    """
    from nasdsl.hardware.table import load_table

    for device, threads in devices.items() if path is None else ():
        if not user_table(device, threads).exists():
            raise _unmeasured(device, threads)
    return {
        device: load_table(path or user_table(device, threads), device=device, threads=threads).latency_ms
        for device, threads in devices.items()
    }


def _unmeasured(device: str, threads: int) -> NasError:
    """The message that there is no table yet.

    Raises:
        NasError: There can be none: nothing is called so.
    """
    from nasdsl.hardware.device import split_name

    split_name(device)
    settings = f" --threads {threads}" if threads != 1 else ""
    return NasError(
        f"there is no lookup table of `{device}` with {threads} thread{'s' * (threads != 1)} yet",
        help=f"measure one: nasdsl profile SPACE.nas --device {device}{settings}",
    )


def folder(text: str) -> Path:
    """An argument that names a folder, which need not be there yet."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a file, a folder is needed")
    return path


def assignment(text: str) -> tuple[str, Any]:
    """An argument NAME=VALUE; the value is a number, a set in braces, or text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return name.strip(), _parameter(value.strip())


def _parameter(text: str) -> Any:
    if text.startswith("{") and text.endswith("}"):
        return tuple(_parameter(item.strip()) for item in text[1:-1].split(",") if item.strip())
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return text

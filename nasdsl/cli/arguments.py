"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.diagnostics.errors import NasError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nasdsl.hardware.table import Table
    from nasdsl.ir.architecture import Architecture
    from nasdsl.ir.graph import Graph
    from nasdsl.space import Space


def add_space(parser: argparse.ArgumentParser) -> None:
    """A .nas file, `--preset` and `--param`."""
    parser.add_argument("file", metavar="FILE", help="a .nas file")
    parser.add_argument("--preset", default="", metavar="NAME", help="a preset of the space")
    parser.add_argument(
        "--param", action="append", default=[], type=assignment, metavar="NAME=VALUE", help="a parameter (repeatable)"
    )


def add_table(parser: argparse.ArgumentParser, what: str = "lookup table of the device (default: the user's)") -> None:
    """`--table` and `--other-device`."""
    parser.add_argument("--table", metavar="T.json", help=what)
    parser.add_argument(
        "--other-device",
        action="store_true",
        help="use the --table although it is of another device, threads, batch or precision",
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


def latencies(args: argparse.Namespace, devices: Mapping[str, int]) -> dict[str, Mapping[str, float]]:
    """Latencies in ms by signature, for each device.

    Args:
        args: With what `add_table` adds: a lookup table, or none for the user's tables.
        devices: The devices, each with its threads.

    Raises:
        NasError: There is no table, it cannot be read, or it is that of another device.
    """
    from nasdsl.hardware.device import settings_of
    from nasdsl.hardware.table import load_table

    path: str | None = args.table
    if path is None and args.other_device:
        raise NasError("--other-device is about --table", help="name the table: --table FILE", status=2)
    if path is not None and args.other_device:
        return dict.fromkeys(devices, load_table(path).latency_ms)
    found: dict[str, Mapping[str, float]] = {}
    for device, threads in devices.items():
        if path is None and not user_table(device, threads).exists():
            raise _unmeasured(device, threads)
        batch, precision = settings_of(device)
        where = path or user_table(device, threads)
        table = load_table(where, device=device, threads=threads, batch=batch, precision=precision)
        found[device] = table.latency_ms
    return found


def annotating_table(args: argparse.Namespace, graphs: Iterable[Graph]) -> Table | None:
    """The lookup table of `--table`, to annotate a space with; None if there is none.

    Args:
        args: With what `add_table` adds.
        graphs: The space, perhaps under several presets: where it requires something of devices, the table must be of
            one of them.

    Raises:
        NasError: The table cannot be read, or is that of another device.
    """
    from nasdsl.algebra.costs.satisfiable import metric_text
    from nasdsl.hardware.device import settings_of
    from nasdsl.hardware.table import check_setting, load_table

    if args.table is None:
        if args.other_device:
            raise NasError("--other-device is about --table", help="name the table: --table FILE", status=2)
        return None
    table = load_table(args.table)
    if args.other_device:
        return table
    limits = {metric_text(limit): limit for graph in graphs for limit in graph.limits if limit.device}
    fitting = [x for x in limits.values() if (x.device, x.threads or 1) == (table.device, table.threads)]
    if limits and not fitting:
        raise NasError(
            f"the lookup table {args.table} was measured on {table.device} with {table.threads} "
            f"thread{'s' * (table.threads != 1)}; the space requires {' and '.join(limits)}",
            help="give a table of that device, or read this one all the same: --other-device",
        )
    batch, precision = settings_of(table.device)
    check_setting(table, args.table, batch=batch, precision=precision)
    return table


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

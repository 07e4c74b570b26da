"""Argument types: times, latencies, counts."""

from __future__ import annotations

import argparse
import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def seconds(text: str) -> float:
    """A time.

    >>> seconds("1h30m"), seconds("90s"), seconds("20m")
    (5400.0, 90.0, 1200.0)
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"expected a time such as 20m, 90s or 1h30m, found {text!r}")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if total <= 0:
        raise argparse.ArgumentTypeError(f"a budget must be more than nothing, found {text!r}")
    return total


def milliseconds(text: str) -> float:
    """A latency.

    >>> milliseconds("8.3"), milliseconds("8.3 ms"), milliseconds("900us")
    (8.3, 8.3, 0.9)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|us|s)?", text.strip())
    if found is None or float(found[1]) <= 0:
        raise argparse.ArgumentTypeError(f"expected a latency such as 8.3 or '8.3 ms', found {text!r}")
    return float(found[1]) * {"ms": 1.0, "us": 1e-3, "s": 1e3}[found[2] or "ms"]


def positive(text: str) -> int:
    """An integer from 1."""
    return _from(1, text)


def natural(text: str) -> int:
    """An integer from 0."""
    return _from(0, text)


def steps(text: str) -> tuple[int, int]:
    """Two numbers of steps.

    >>> steps("400,1500")
    (400, 1500)
    """
    search, comma, train = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"expected two numbers of steps, such as 400,1500, found {text!r}")
    return natural(search), positive(train)


def _from(least: int, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected an integer from {least}, found {text!r}")
    return int(text)

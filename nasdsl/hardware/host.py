"""This machine: its processor, and how many cores this process may use."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """The processor, its architecture and the operating system."""
    return f"{_model()}, {platform.machine()}, {platform.system()}"


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )

"""What a result was measured on: named beside every number."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def machine() -> dict[str, str]:
    """The processor, its cores, the system, the versions and the day."""
    found = {"processor": _processor(), "cores": str(os.cpu_count()), "system": platform.platform(terse=True)}
    found["python"] = platform.python_version()
    for package in ("nasdsl", "torch", "onnxruntime", "onnx"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {"date": date.today().isoformat()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"

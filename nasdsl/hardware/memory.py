"""The memory of this machine, as far as this process may use it. Linux only; elsewhere nothing is known."""

from __future__ import annotations

import os
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
PROCESS = Path("/proc/self")


def memory_limit(groups: Path = GROUPS, process: Path = PROCESS) -> int | None:
    """The bytes that this process can have at most: of the machine, or of a control group around it if that is less.

    Args:
        groups: Where control groups are mounted (version 2, or 1 with `memory` in it).
        process: The process's folder in /proc.

    Returns:
        The bytes; None where they are not known.
    """
    if not process.is_dir():
        return None
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder, name in _folders(groups, process):
        text = _read(folder / name)
        if text.isdecimal():
            found.append(int(text))
    return min(found)


def resident_bytes(process: Path = PROCESS) -> int:
    """The bytes of memory that this process has now; 0 where they are not known."""
    fields = _read(process / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def memory_text(size: int) -> str:
    """A number of bytes for people, in the decimal units of `require memory`.

    >>> memory_text(1_240_000_000), memory_text(35_400_000), memory_text(900)
    ('1.2 GB', '35 MB', '0.9 KB')
    """
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6)):
        if size >= bytes_:
            return f"{size / bytes_:.{1 if size < 10 * bytes_ else 0}f} {unit}"
    return f"{size / 1000:.1f} KB"


def _folders(groups: Path, process: Path) -> list[tuple[Path, str]]:
    """The folders of all control groups around a process, each with the name of the file that has the limit."""
    found = [(groups, "memory.max"), (groups / "memory", "memory.limit_in_bytes")]
    for line in _read(process / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, name = (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        for part in Path(path.lstrip("/")).parts:
            if part == "..":
                break
            folder /= part
            found.append((folder, name))
    return found


def _read(path: Path) -> str:
    """The text of a small file; "" if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""

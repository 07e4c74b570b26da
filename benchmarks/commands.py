"""Wall time of commands from a cold shell, and what they import.

    python benchmarks/commands.py

Every command runs in a process of its own, once to warm the disk and then five times; `bare python` is the interpreter
with nothing to do, so that the other rows can be read as ratios. Results go to `benchmarks/results/commands.md`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from machine import machine

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = "import sys; from nasdsl.cli import main; main(); assert 'torch' not in sys.modules"
COMMANDS = {
    "bare python": ["-c", "pass"],
    "check darts.nas": ["-c", RUN, "check", "spaces/darts.nas"],
    "check fasterseg.nas (5 presets)": ["-c", RUN, "check", "spaces/fasterseg.nas"],
    "compile fasterseg.nas (F=12, 16 layers, 3x1024x2048)": ["-c", RUN, "compile", "spaces/fasterseg.nas", "-o"],
    "compile darts.nas": ["-c", RUN, "compile", "spaces/darts.nas", "-o"],
}


def main() -> None:
    lines = ["# Commands from a cold shell", "", "`python benchmarks/commands.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += ["| command | median s | times bare python |", "|---|---|---|"]
    bare = 0.0
    for name, arguments in COMMANDS.items():
        seconds = wall(arguments)
        bare = bare or seconds
        lines.append(f"| {name} | {seconds:.2f} | {seconds / bare:.0f} |")
    (REPOSITORY / "benchmarks/results/commands.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def wall(arguments: list[str]) -> float:
    """Median wall seconds of a command."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *arguments, *([folder] if arguments[-1] == "-o" else [])]
        for _ in range(6):
            start = time.perf_counter()
            subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
    return median(times[1:])


if __name__ == "__main__":
    main()

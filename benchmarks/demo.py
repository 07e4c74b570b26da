"""`make demo` from nothing: seconds and memory, set-up included.

    python benchmarks/demo.py

Clones the committed state into an empty directory, runs `make demo` there and writes `benchmarks/results/demo.md`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from machine import machine

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "nasdsl"
        subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(clone)], check=True)
        start = time.monotonic()
        subprocess.run(["make", ".venv/.ready-run"], cwd=clone, check=True, stdin=subprocess.DEVNULL)
        ready = time.monotonic()
        subprocess.run(["make", "demo"], cwd=clone, check=True, stdin=subprocess.DEVNULL)
        end = time.monotonic()
        metrics = json.loads((clone / "runs/demo/metrics.json").read_text())
        size = sum(file.stat().st_size for file in (clone / ".venv").rglob("*") if file.is_file())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    lines = ["# `make demo` from nothing", "", "`python benchmarks/demo.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += [f"* set-up {ready - start:.0f} s, the demo itself {end - ready:.0f} s, together {end - start:.0f} s"]
    lines += [f"* largest process {peak:.2f} GB; the environment takes {size / 1e9:.2f} GB of disk"]
    latency = metrics["latency_ms"]
    lines += [f"* test mIoU on streets {100 * metrics['test']['miou']:.1f}, latency {latency['measured']:.2f} ms"]
    (REPOSITORY / "benchmarks/results/demo.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

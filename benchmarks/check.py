"""How long `nasdsl check` takes from a cold shell, and how time and memory grow with a space.

    python benchmarks/check.py [--note TEXT]

Every row is a process of its own, once to warm the disk and write Python's bytecode, then nine times; wall time and the
processor time of the process, both as the median and the smallest. The files are written here: lines that each hold a
choice, a width or a map of their own (a third of them with a comment), and FasterSeg's grid with more and more layers.
Results go to `benchmarks/results/check.md`; `--note` says there what else the machine did.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from machine import machine

REPOSITORY = Path(__file__).resolve().parents[1]
RUNS = 9
CHECK = [
    "-c",
    "import sys; from nasdsl.cli import main; status = main(); assert not {'torch', 'pydantic'} & set(sys.modules); "
    "sys.exit(status)",
    "check",
]


@dataclass(frozen=True)
class Measured:
    """Seconds and MiB of one command."""

    wall: list[float]
    processor: list[float]
    memory: float


def dense(lines: int) -> str:
    """A file of so many lines, a decision or a map on nearly each."""
    body: list[str] = []
    count = (lines - 11) // 3
    for i in range(count):
        stride = 2 if i in (0, count // 2) else 1
        body += [
            f"  width w[{i}] in {{4, 6, 8}}                   // eighths of the channels",
            f"  choose op[{i}] in {{ conv3: conv_bn_relu(k = 3), sep3: sep_conv(k = 3) }}",
            f"  y[{i + 1}] = y[{i}] >> op[{i}](c = (C + 8*{i % 7})*w[{i}]/8, stride = {stride})",
        ]
    text = [
        "// Written by benchmarks/check.py.",
        "space dense(C = 16, classes = 10) {",
        "  input image: [3, 64, 64]",
        "  y[0] = image >> conv_bn_relu(C, k = 3, stride = 2)",
        *body,
        f"  last = {count}",
        "  task classify = y[last] >> global_avg_pool() >> linear(classes) {",
        "    loss cross_entropy()",
        "    metric accuracy",
        "  }",
        "  require latency(ort_cpu) <= 20 ms",
        "}",
    ]
    return "\n".join(text) + "\n"


def grid(layers: int) -> str:
    """A grid of so many layers and three rates, two routes through it."""
    return f"""\
space lattice(F = 6, layers = {layers}, classes = 9) {{
  input image: [3, 256, 512]
  rates = {{8, 16, 32}}
  stem = image >> conv_bn_relu(2*F, k = 3, stride = 2) >> conv_bn_relu(4*F, k = 3, stride = 2)
              >> conv_bn_relu(8*F, k = 3, stride = 2)
  grid trunk[l in 0..=layers, r in rates] from stem at [0, 8] {{
    width w in {{4, 6, 8, 10, 12}}
    choose op in {{ conv: conv_bn_relu(k = 3), sep3: sep_conv(k = 3), sep5: sep_conv(k = 5) }}
    c = r*F if l == 0 or l == layers else r*F*w/12
    to [l+1, r]   = here >> op(c = next.c, stride = 1)
    to [l+1, 2*r] = here >> op(c = next.c, stride = 2) when l < layers - 1
  }}
  for e in {{16, 32}} {{ route branch[e] in trunk to [layers, e] }}
  y = concat(branch[16].end >> conv_bn_relu(4*F, k = 1), branch[32].end >> conv_bn_relu(4*F, k = 1) >> resize(2))
  task segment = y >> conv(classes, k = 1, bias = true) >> resize_like(image) {{ loss cross_entropy() metric miou }}
}}
"""


def measure(arguments: list[str]) -> Measured:
    """Run a command again and again; it must succeed."""
    # Bytecode is written once, as in an installation; without it every run would compile the package anew.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    wall, processor, memory = [], [], 0.0
    for run in range(RUNS + 1):
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{arguments} ended with {process.returncode}")
        if run:
            wall.append(seconds)
            processor.append(used.ru_utime + used.ru_stime)
            memory = max(memory, used.ru_maxrss / 1024)
    return Measured(wall, processor, memory)


def row(name: str, found: Measured, *more: str) -> str:
    cells = [
        name,
        f"{median(found.wall):.3f}",
        f"{min(found.wall):.3f}",
        f"{median(found.processor):.3f}",
        f"{min(found.processor):.3f}",
        f"{found.memory:.0f}",
        *more,
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    note = parser.parse_args().note
    head = "| file | wall s, median | wall s, least | processor s, median | processor s, least | memory MiB |"
    lines = ["# nasdsl check from a cold shell", "", "`python benchmarks/check.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += [note, ""] if note else []
    lines += [head, "|---|---|---|---|---|---|", row("bare python", measure(["-c", "pass"]))]
    with tempfile.TemporaryDirectory() as folder:
        for count in (200, 2000):
            file = Path(folder) / f"dense{count}.nas"
            file.write_text(text := dense(count))
            assert text.count("\n") <= count
            lines.append(row(f"{text.count(chr(10))} dense lines", measure([*CHECK, str(file)])))
        lines += ["", f"{head} nodes | ms a layer | KiB a layer |", "|---|---|---|---|---|---|---|---|---|"]
        lines += grids(Path(folder))
    (REPOSITORY / "benchmarks/results/check.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def grids(folder: Path) -> list[str]:
    """Rows of grids, with what each layer adds to the one before."""
    from nasdsl import load

    rows, before = [], None
    for layers in (16, 64, 256):
        file = folder / f"grid{layers}.nas"
        file.write_text(grid(layers))
        found = measure([*CHECK, str(file)])
        grown = ["", ""]
        if before is not None:
            added = layers - before[0]
            grown = [
                f"{(min(found.processor) - min(before[1].processor)) / added * 1000:.2f}",
                f"{(found.memory - before[1].memory) / added * 1024:.0f}",
            ]
        rows.append(row(f"grid of {layers} layers", found, str(len(load(file).graph.nodes)), *grown))
        before = layers, found
    return rows


if __name__ == "__main__":
    main()

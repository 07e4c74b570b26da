"""The main job on CamVid: the searched network beside three random ones of the same space, several seeds.

    python benchmarks/camvid.py DATA --seeds 0 1 2 --workers 2

The search has a budget of 20 minutes for everything (`--budget`), on one thread. A random network comes from the same
space under the same latency limit and trained for exactly as many steps, with the same settings, as the searched one
was. A third row is the searched network once more, with its training begun from the supernet's weights. Runs that are
finished are not repeated; `--workers 2` uses two cores. The results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from machine import machine

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
RANDOM = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of CamVid")
    parser.add_argument("--runs", type=Path, default=Path("runs/camvid"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget", default="20m")
    parser.add_argument("--steps", help="SEARCH,TRAIN: a plan instead of the budget, to repeat a result exactly")
    parser.add_argument("--set", action="append", default=[], help="a setting of the searched runs (repeatable)")
    parser.add_argument("--report", action="store_true", help="run nothing, write down the runs that are finished")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, a core each")
    args = parser.parse_args()
    if not args.report:
        run_all(args)
    rows = []
    for seed in args.seeds:
        names = {"searched": f"searched-{seed}", "searched, from the supernet": f"inherited-{seed}"}
        names |= {f"random {i}": f"random-{seed}-{i}" for i in range(RANDOM)}
        for name, folder in names.items():
            if (REPOSITORY / args.runs / folder / "minutes.txt").exists():
                rows.append(row(name, seed, args.runs / folder))
    write(rows, args)


def run_all(args: argparse.Namespace) -> None:
    with ThreadPoolExecutor(args.workers) as pool:
        searches = {pool.submit(searched_run, args, seed): seed for seed in args.seeds}
        randoms = [
            pool.submit(random_run, args, searches[search], number, search.result())
            for search in as_completed(searches)
            for number in range(RANDOM)
        ]
        inherited = [pool.submit(inherited_run, args, seed, search.result()) for search, seed in searches.items()]
        for job in (*randoms, *inherited):
            job.result()


def searched_run(args: argparse.Namespace, seed: int) -> Path:
    length = ["--steps", args.steps] if args.steps else ["--budget", args.budget]
    settings = [part for text in args.set for part in ("--set", text)]
    options = ["--strategy", "gumbel", "--seed", str(seed), *length, *settings]
    return run(args, args.runs / f"searched-{seed}", options)


def inherited_run(args: argparse.Namespace, seed: int, searched: Path) -> Path:
    """The same search, step by step, and as much training, from the weights that the supernet has learned."""
    plan = json.loads((REPOSITORY / searched / "config.json").read_text())["plan"]
    length = ["--steps", f"{plan['search_steps']},{plan['train_steps']}"]
    settings = [part for text in (*args.set, "train.start=supernet") for part in ("--set", text)]
    options = ["--strategy", "gumbel", "--seed", str(seed), *length, *settings]
    return run(args, args.runs / f"inherited-{seed}", options)


def random_run(args: argparse.Namespace, seed: int, number: int, searched: Path) -> Path:
    steps = json.loads((REPOSITORY / searched / "config.json").read_text())["plan"]["train_steps"]
    own_seed = 1000 + RANDOM * seed + number
    options = ["--strategy", "random", "--seed", str(own_seed), "--steps", f"0,{steps}"]
    return run(args, args.runs / f"random-{seed}-{number}", options)


def run(args: argparse.Namespace, directory: Path, options: list[str]) -> Path:
    """A finished run; one that was stopped goes on."""
    if (REPOSITORY / directory / "minutes.txt").exists():
        return directory
    command = [sys.executable, "-c", "import sys; from nasdsl.cli import main; sys.exit(main())", "search"]
    command += ["spaces/fasterseg.nas", "--run", str(directory)]
    if (REPOSITORY / directory / "config.json").exists():
        command += ["--resume"]
    else:
        command += ["--data", f"camvid:{args.data}", "--preset", "camvid", "--threads", "1", *options]
    start = time.monotonic()
    subprocess.run(command, cwd=REPOSITORY, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    (REPOSITORY / directory / "minutes.txt").write_text(f"{(time.monotonic() - start) / 60:.1f}\n")
    return directory


def row(network: str, seed: int, directory: Path) -> dict[str, Any]:
    metrics = json.loads((REPOSITORY / directory / "metrics.json").read_text())
    plan = json.loads((REPOSITORY / directory / "config.json").read_text())["plan"]
    return {
        "seed": seed,
        "network": network,
        "architecture": metrics["architecture"],
        "test_miou": metrics["test"]["miou"],
        "val_miou": metrics["val"]["miou"],
        "latency_ms": metrics["latency_ms"]["measured"],
        "table_ms": metrics["latency_ms"]["table"],
        "params": metrics["params"],
        "macs": metrics["macs"],
        "search_steps": plan["search_steps"],
        "train_steps": plan["train_steps"],
        "minutes": (REPOSITORY / directory / "minutes.txt").read_text().strip(),
    }


def write(rows: list[dict[str, Any]], args: argparse.Namespace) -> None:
    """The rows as JSON and as a table for people."""
    RESULTS.mkdir(exist_ok=True)
    facts = machine() | {"budget": args.steps or args.budget}
    (RESULTS / "camvid.json").write_text(json.dumps({"machine": facts, "rows": rows}, indent=1) + "\n")
    lines = ["# CamVid: searched and random networks of the same space", ""]
    lines += [
        f"`python benchmarks/camvid.py DATA {f'--steps {args.steps}' if args.steps else f'--budget {args.budget}'}`",
        "",
    ]
    lines += ["; ".join(f"{key}: {value}" for key, value in facts.items()), ""]
    lines += ["| seed | network | test mIoU | val mIoU | ONNX ms | table ms | params | MACs | steps | minutes |"]
    lines += ["|---|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        lines.append(
            f"| {r['seed']} | {r['network']} | {100 * r['test_miou']:.2f} | {100 * r['val_miou']:.2f} | "
            f"{r['latency_ms']:.2f} | {r['table_ms']:.2f} | {r['params']:,} | {r['macs']:,} | "
            f"{r['search_steps']} + {r['train_steps']} | {r['minutes']} |"
        )
    lines += ["", *summary(rows), "", "What this says and why: [docs/search.md](../../docs/search.md)."]
    (RESULTS / "camvid.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def summary(rows: list[dict[str, Any]]) -> list[str]:
    found = []
    for name in ("searched", "searched, from the supernet", "random"):
        of_kind = [r for r in rows if r["network"].rstrip(" 0123456789") == name]
        scores = [100 * r["test_miou"] for r in of_kind]
        latencies = [r["latency_ms"] for r in of_kind]
        spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
        if not scores:
            continue
        found.append(
            f"{name}: test mIoU {mean(scores):.2f}{spread} over {len(scores)} networks, {mean(latencies):.2f} ms"
        )
    return [f"* {line}" for line in found]


if __name__ == "__main__":
    main()

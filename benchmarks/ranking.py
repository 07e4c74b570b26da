"""How well a supernet ranks: its scores of the networks that the CamVid benchmark has trained, beside their own.

    python benchmarks/ranking.py --runs runs/camvid

After `benchmarks/camvid.py`. Every network that was trained there is ranked with the weights of every seed's supernet,
as a search ranks its candidates, and compared with its validation mIoU after training. The result goes to
`benchmarks/results/ranking.{md,json}`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from machine import machine
from safetensors.torch import load_file

from nasdsl.hardware.table import load_table
from nasdsl.ir.architecture import Architecture
from nasdsl.passes.units import latency_ms
from nasdsl.search.config import RunConfig
from nasdsl.search.derivation import rank
from nasdsl.search.gumbel import GumbelSearch
from nasdsl.search.run import TABLE, make_problem
from nasdsl.search.strategy import Candidate
from nasdsl.space import load

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=REPOSITORY / "runs/camvid")
    args = parser.parse_args()
    torch.set_num_threads(1)
    kinds = ("searched-*", "random-*")
    trained = [run for kind in kinds for run in sorted(args.runs.glob(kind)) if (run / "metrics.json").exists()]
    scores = {run.name: scores_of(run, trained) for run in trained if run.name.startswith("searched-")}
    write(scores, [facts_of(run) for run in trained])


def scores_of(searched: Path, trained: list[Path]) -> list[tuple[float, float]]:
    """The mIoU and the loss of all trained networks with the weights of one run's supernet."""
    config = RunConfig.model_validate_json((searched / "config.json").read_text())
    space = load(REPOSITORY / config.space_file, preset=config.preset)
    problem = make_problem(space, load_table(searched / TABLE).latency_ms, config)
    supernet = GumbelSearch(problem).supernet
    (checkpoint,) = (searched / "checkpoints").glob("search-*.safetensors")
    prefix = "supernet."
    tensors = load_file(checkpoint)
    supernet.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    scores = []
    for run in trained:
        architecture = Architecture.from_json((run / "architecture.json").read_text())
        network = space.derive(architecture)
        candidate = Candidate(architecture, network, latency_ms(network, problem.latency_ms))
        scores.append(rank(problem, supernet, candidate))
        print(searched.name, run.name, f"{100 * scores[-1][0]:.2f} {scores[-1][1]:.4f}", flush=True)
    return scores


def facts_of(run: Path) -> dict[str, Any]:
    metrics = json.loads((run / "metrics.json").read_text())
    return {
        "run": run.name,
        "val_miou": metrics["val"]["miou"],
        "test_miou": metrics["test"]["miou"],
        "latency_ms": metrics["latency_ms"]["measured"],
        "params": metrics["params"],
        "macs": metrics["macs"],
    }


def write(scores: dict[str, list[tuple[float, float]]], rows: list[dict[str, Any]]) -> None:
    """The rows, and how well each order agrees with that of the trained networks."""
    goal = [row["val_miou"] for row in rows]
    agreement = {}
    for name, values in scores.items():
        agreement[f"mIoU in {name}"] = spearman([miou for miou, _ in values], goal)
        agreement[f"- loss in {name}"] = spearman([-loss for _, loss in values], goal)
    every = list(zip(*scores.values(), strict=True))
    agreement["mean mIoU"] = spearman([mean(miou for miou, _ in each) for each in every], goal)
    agreement["- mean loss"] = spearman([-mean(loss for _, loss in each) for each in every], goal)
    agreement |= {name: spearman([row[name] for row in rows], goal) for name in ("latency_ms", "macs", "params")}
    agreement["test_miou"] = spearman([row["test_miou"] for row in rows], goal)
    facts = machine()
    body = {"machine": facts, "rows": rows, "supernet_miou_and_loss": scores, "spearman_with_val_miou": agreement}
    (RESULTS / "ranking.json").write_text(json.dumps(body, indent=1) + "\n")
    lines = ["# Does a supernet rank networks as training does?", "", "`python benchmarks/ranking.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in facts.items()), ""]
    columns = " | ".join(f"{name}: mIoU, loss" for name in scores)
    lines += [f"| network | {columns} | val mIoU | test mIoU | ONNX ms | params |"]
    lines += ["|---" * (5 + len(scores)) + "|"]
    for i, row in enumerate(rows):
        inherited = " | ".join(f"{100 * v[i][0]:.2f}, {v[i][1]:.3f}" for v in scores.values())
        lines.append(
            f"| {row['run']} | {inherited} | {100 * row['val_miou']:.2f} | {100 * row['test_miou']:.2f} | "
            f"{row['latency_ms']:.2f} | {row['params']:,} |"
        )
    lines += ["", f"Spearman with the validation mIoU after training, over {len(rows)} networks:", ""]
    lines += [f"* {name}: {value:+.2f}" for name, value in agreement.items()]
    (RESULTS / "ranking.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def spearman(a: list[float], b: list[float]) -> float:
    """Correlation of the ranks."""
    ranks = [torch.tensor(values).argsort().argsort().double() for values in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


if __name__ == "__main__":
    main()

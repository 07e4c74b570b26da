"""How well the memory of training is foretold: what autograd keeps, and the peak of a whole process.

    python benchmarks/memory.py [--note TEXT]

Every row is two processes on one thread. Each makes a supernet with AdamW and does two steps of the weights and one of
the decisions, along the largest path or in a mixture. What autograd keeps is the sum of the distinct storages of saved
tensors, parameters apart, in the step that keeps most. Tensors are all that PyTorch's allocator has given out at the
peak, by its profiler, with weights and optimiser. Both are foretold from the graph alone. The process is the peak of
resident memory without the profiler; its base is taken after a step of a small convolution: what lies between is the
heap's gaps, the code and the caches of the kernels.
Results go to `benchmarks/results/memory.md`; `--note` says there what else the machine did.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from machine import machine

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

CASES = [
    ("darts", "", 8, True),
    ("darts", "", 8, False),
    ("fasterseg", "camvid", 4, True),
    ("fasterseg", "camvid", 4, False),
    ("autortnet", "demo", 4, True),
    ("autortnet", "demo", 4, False),
    ("nasbench201", "", 32, True),
]
"""Space, preset, images, whether mixed."""


def one(name: str, preset: str, batch: int, mixed: bool, profiled: bool) -> dict[str, int]:
    """Foretell and measure one case; in a process of its own."""
    import torch

    from nasdsl.hardware.memory import resident_bytes
    from nasdsl.passes.forward import Pass, forward
    from nasdsl.passes.largest import largest
    from nasdsl.passes.training_memory import supernet_memory
    from nasdsl.space import load
    from tests.generators.saved_bytes import Supernet, saved_by_supernet

    torch.set_num_threads(1)
    space = load(REPOSITORY / "spaces" / f"{name}.nas", preset=preset)
    decided, foretold = largest(space.graph), supernet_memory(space.graph, mixed=mixed)
    kinds = [Pass(mixed), Pass(mixed, weights=False, decisions=True)]
    small = torch.nn.Conv2d(3, 8, 3)
    torch.autograd.backward(small(torch.randn(1, 3, 64, 64)).sum())
    torch.optim.AdamW(small.parameters()).step()
    base = resident_bytes()
    supernet = Supernet(space)
    optimizer = torch.optim.AdamW(supernet.module.parameters())

    def step(kind: Pass) -> None:
        outputs = supernet.forward(decided, kind, batch)
        losses = [torch.nn.functional.cross_entropy(x, torch.zeros(x[:, 0].shape, dtype=torch.int64)) for x in outputs]
        optimizer.zero_grad(set_to_none=kind.weights)
        torch.autograd.backward(sum(losses))
        if kind.weights:
            optimizer.step()

    if profiled:
        tapes = [forward(space.graph, decided, kind)[0] for kind in kinds]
        return {
            "tensors": max(tensors(supernet.module, optimizer, step, kind) for kind in (kinds[0], *kinds)),
            "tensors_foretold": foretold.total(batch),
            "kept": max(saved_by_supernet(space, decided, kind, batch) for kind in kinds),
            "kept_foretold": max(tape.each * batch + tape.once for tape in tapes),
        }
    for kind in (kinds[0], *kinds):
        step(kind)
    return {"base": base, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def tensors(module: Any, optimizer: Any, step: Any, kind: Any) -> int:
    """The bytes of all tensors at the peak of a step."""
    from torch.profiler import ProfilerActivity, profile

    held = [*module.parameters(), *module.buffers(), *(p.grad for p in module.parameters() if p.grad is not None)]
    held += [x for state in optimizer.state.values() for x in state.values()]
    now = most = sum(x.numel() * x.element_size() for x in held)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        step(kind)
    events = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def measured(case: tuple[str, str, int, bool], *, profiled: bool) -> dict[str, int]:
    command = [sys.executable, __file__, "--case", json.dumps([*case, profiled])]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY, env=environment)
    found: dict[str, int] = json.loads(run.stdout.splitlines()[-1])
    return found


def table() -> list[str]:
    """The rows, in MB."""
    lines = [
        "| space | images | | kept: foretold | measured | ratio | tensors: foretold | measured | ratio "
        "| base | process | process less base, of tensors foretold |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        name, preset, batch, mixed = case
        found = measured(case, profiled=True) | measured(case, profiled=False)
        cells = [f"{name} {preset}".strip(), str(batch), "mixture" if mixed else "path"]
        for what in ("kept", "tensors"):
            foretold, real = found[f"{what}_foretold"], found[what]
            cells += [f"{foretold / 1e6:,.1f}", f"{real / 1e6:,.1f}", f"{foretold / real:.3f}"]
        cells += [f"{found[key] / 1e6:,.0f}" for key in ("base", "peak")]
        cells.append(f"{(found['peak'] - found['base']) / found['tensors_foretold']:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", default="", help="what else the machine did")
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(one(*args.case)))
        return
    rows = table()
    where = ", ".join(f"{key} {value}" for key, value in machine().items())
    text = [
        "# Memory of training, foretold and measured",
        "",
        "`python benchmarks/memory.py`; MB are 10^6 bytes. What is compared: the docstring of `benchmarks/memory.py`.",
        "",
        *rows,
        "",
        f"{where}. {args.note}".strip(),
    ]
    (REPOSITORY / "benchmarks" / "results" / "memory.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()

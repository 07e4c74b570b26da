"""What a step of each relaxation computes and keeps.

    python benchmarks/relaxations.py [--note TEXT]

One pass forward and back, gradients to the weights and to what is learned about architectures, over five draws from
the relaxation at its beginning: convolutions that run, memory that the forward pass keeps for the backward one
(distinct storages that autograd saves, without parameters: exact, not measured), and the processor time of both
passes, the median of the five. One thread. Results go to `benchmarks/results/relaxations.md`; `--note` says what else
the machine did. `darts` is there twice: as it is, and with partial channels (its proxy whose operations work on a
quarter of the channels).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from statistics import mean, median

import torch
from machine import machine
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.runtime.relaxations.schedules import Constant
from nasdsl.search.generated import module_from
from nasdsl.search.relaxation import RELAXATIONS
from nasdsl.space import Space, load

REPOSITORY = Path(__file__).resolve().parents[1]
DRAWS = 5
BATCH = 2
CASES = [("darts", "", 1), ("darts", "", 4), ("fasterseg", "demo", 1)]


def relaxations(space: runtime.Space, spaces: Space) -> dict[str, runtime.Relaxation]:
    found: dict[str, runtime.Relaxation] = {"fixed": runtime.Fixed(space, spaces.sample(0))}
    found["uniform"] = runtime.Uniform(space)
    return found | {name: make(space, Constant(1.0)) for name, make in RELAXATIONS.items()}


def passes(supernet: nn.Module, images: Tensor, choices: runtime.Choices) -> tuple[int, float]:
    """Bytes kept between the passes, and the processor time of both."""
    kept: dict[int, int] = {}
    known = {p.untyped_storage().data_ptr() for p in supernet.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    start = time.process_time()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs: dict[str, Tensor] = supernet(images, choices)
    torch.stack([out.square().mean() for out in outputs.values()]).sum().backward()
    return sum(kept.values()), time.process_time() - start


def rows(name: str, preset: str, parts: int) -> list[str]:
    torch.manual_seed(0)
    spaces = load(REPOSITORY / "spaces" / f"{name}.nas", preset=preset)
    if parts > 1:
        spaces = spaces.partial_channels(parts)
    module = module_from(supernet_source(spaces.graph), "supernet")
    supernet: nn.Module = module.Supernet().train()
    runs: Counter[str] = Counter()
    for path, part in supernet.named_modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(lambda *_, path=path: runs.update([path]))
    size = next(spaces.graph.inputs()).type.size
    images = torch.randn(BATCH, 3, *(size or ()))
    lines = []
    for label, relaxation in relaxations(module.SPACE, spaces).items():
        runs.clear()
        found = [passes(supernet, images, relaxation.draw(torch.Generator().manual_seed(i))) for i in range(DRAWS)]
        kept = mean(size for size, _ in found) / 2**20
        taken = median(seconds for _, seconds in found)
        lines.append(f"| {label} | {sum(runs.values()) / DRAWS:.0f} | {kept:.1f} | {taken:.2f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--note", default="")
    args = parser.parse_args()
    torch.set_num_threads(1)
    text = ["# A step of each relaxation", "", "`python benchmarks/relaxations.py`", ""]
    text += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    text += [args.note, ""] if args.note else []
    for name, preset, parts in CASES:
        how = f", preset `{preset}`" if preset else ""
        how += f", operations on 1/{parts} of the channels" if parts > 1 else ""
        text += [f"## `{name}`{how}, batch {BATCH}", ""]
        text += [
            "| relaxation | convolutions run | MiB kept | processor s |",
            "|---|---|---|---|",
            *rows(name, preset, parts),
            "",
        ]
    (REPOSITORY / "benchmarks" / "results" / "relaxations.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()

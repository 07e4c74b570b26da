"""What a step of a supernet costs, beside straightforward implementations of the same equations.

    python benchmarks/supernet.py

A step is forward and backward, on one thread; each variant runs in a process of its own, all of them in turn, several
rounds. Time is CPU time of the fastest step, memory the peak of the process. `--check` compares what the variants
compute (the baseline gets the supernet's weights). Results go to `benchmarks/results/supernet.md`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from baselines.darts import SearchNetwork
from baselines.fasterseg import WalkOnBothInputs
from machine import machine
from torch import Tensor, nn

from nasdsl import runtime
from nasdsl.codegen import supernet_source
from nasdsl.runtime import Choices
from nasdsl.runtime.choices import Draw
from nasdsl.search.generated import module_from
from nasdsl.space import load

REPOSITORY = Path(__file__).resolve().parents[1]
ROUNDS, STEPS = 2, 3

Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=VARIANTS, help="measure one, in this process")
    parser.add_argument("--check", action="store_true", help="compare what the variants compute")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if args.check:
        check()
    elif args.variant:
        print(json.dumps(measured(VARIANTS[args.variant]())))
    else:
        report()


def measured(step: Step) -> dict[str, float]:
    found = []
    for _ in range(STEPS + 1):
        start = time.process_time()
        step()
        found.append(time.process_time() - start)
    return {"seconds": min(found[1:]), "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def report() -> None:
    command = [sys.executable, __file__]
    subprocess.run([*command, "--check"], check=True)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(ROUNDS):
        for name in VARIANTS:
            done = subprocess.run([*command, "--variant", name], check=True, capture_output=True, text=True)
            rounds[name].append(json.loads(done.stdout))
            print(name, rounds[name][-1], flush=True)
    lines = ["# What a step of a supernet costs", "", "`python benchmarks/supernet.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    for title, names in TABLES.items():
        lines += [f"## {title}", "", "| variant | CPU s | of the first | peak MB | of the first |"]
        lines += ["|---|---|---|---|---|"]
        best = {name: [min(row[key] for row in rounds[name]) for key in ("seconds", "mb")] for name in names}
        first = best[next(iter(names))]
        for name, text in names.items():
            seconds, mb = best[name]
            lines += [f"| {text} | {seconds:.2f} | {seconds / first[0]:.2f} | {mb:.0f} | {mb / first[1]:.2f} |"]
        lines += [""]
    (REPOSITORY / "benchmarks/results/supernet.md").write_text("\n".join(lines))
    print("\n".join(lines))


def generated(name: str, **options: Any) -> ModuleType:
    return module_from(supernet_source(load(REPOSITORY / f"spaces/{name}.nas", **options).graph), "supernet")


def learning(model: nn.Module, outputs: Callable[[], Iterator[Tensor]]) -> Step:
    """A step: outputs, one number that depends on all of them, gradients."""

    def step() -> None:
        model.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack([output.square().mean() for output in outputs()]).sum())

    return step


def darts_images() -> Tensor:
    return torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def darts_supernet() -> tuple[nn.Module, runtime.Softmax]:
    module = generated("darts")
    return module.Supernet(), runtime.Softmax(runtime.Logits(module.SPACE))


def darts() -> Step:
    supernet, relaxation = darts_supernet()
    runtime.tune(supernet)
    images = darts_images().to(memory_format=torch.channels_last)
    return learning(supernet, lambda: iter(supernet(images, relaxation.draw()).values()))


def darts_channels_last() -> Step:
    supernet, relaxation = darts_supernet()
    supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = darts_images().to(memory_format=torch.channels_last)
    return learning(supernet, lambda: iter(supernet(images, relaxation.draw()).values()))


def darts_contiguous() -> Step:
    supernet, relaxation = darts_supernet()
    return learning(supernet, lambda: iter(supernet(darts_images(), relaxation.draw()).values()))


def darts_straightforward() -> Step:
    relaxation = darts_supernet()[1]
    network, images = SearchNetwork(), darts_images()
    return learning(network, lambda: iter([network(images, *in_cells(relaxation))]))


def in_cells(relaxation: runtime.Softmax) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """The relaxation's weights, for each cell and node: of the operations of its edges, and of the edges."""
    distribution, weights, shares = relaxation.distribution, [], []
    for cell in ("normal", "reduction"):
        ends = range(2, 6)
        chances = [[distribution.chances(f"{cell}.x[{end}].edge[{j}].op") for j in range(end)] for end in ends]
        weights.append([torch.stack(rows) for rows in chances])
        shares.append([torch.ones(2), *(edge_shares(distribution, f"{cell}.ins[{end}]") for end in ends[1:])])
    return weights, shares


def edge_shares(distribution: runtime.Distribution, pick: str) -> Tensor:
    subsets = distribution.space.decisions[pick].subsets
    chances = distribution.chances(pick)
    members = range(1 + max(map(max, subsets)))
    return torch.stack([chances[[member in subset for subset in subsets]].sum() for member in members])


def fasterseg_supernet() -> tuple[nn.Module, runtime.Logits]:
    module = generated("fasterseg", preset="camvid", params={"H": 128, "W": 256})
    return module.Supernet(), runtime.Logits(module.SPACE)


def fasterseg_images() -> Tensor:
    return torch.randn(2, 3, 128, 256, generator=torch.Generator().manual_seed(1))


def with_widths(choices: Choices, place: Callable[[int], int]) -> Choices:
    """The same, but for each width the value at a place of its domain."""
    space = choices.drawn.space
    draws = {
        path: Draw(place(len(decision.domain))) if isinstance(decision, runtime.Width) else choices.drawn.draws[path]
        for path, decision in space.decisions.items()
        if path in choices.drawn.draws
    }
    return Choices(replace(choices.drawn, draws=draws))


def four_passes(relaxation: runtime.Relaxation, *, pretraining: bool) -> list[Choices]:
    """A step of FasterSeg: in the search widest (as teacher), drawn, widest, narrowest; before it widest, narrowest
    and twice widths at random.
    """
    draw = relaxation.draw
    widest, narrowest = (with_widths(draw(), lambda n, end=end: (n - 1) * end) for end in (1, 0))
    if not pretraining:
        return [widest, draw(), with_widths(draw(), lambda n: n - 1), narrowest]
    return [widest, narrowest, *(with_widths(draw(), lambda n: int(torch.randint(n, ()))) for _ in range(2))]


def fasterseg(
    relaxation: Callable[[runtime.Logits], runtime.Relaxation], passes: str, *, both_inputs: bool = False
) -> Callable[[], Step]:
    def prepared() -> Step:
        supernet, logits = fasterseg_supernet()
        images, rule = fasterseg_images(), relaxation(logits)
        if both_inputs:
            runtime.Walk = WalkOnBothInputs  # type: ignore[misc]
        else:
            runtime.tune(supernet)
            images = images.to(memory_format=torch.channels_last)

        def outputs() -> Iterator[Tensor]:
            several = four_passes(rule, pretraining=passes == "pretraining") if passes != "one" else [rule.draw()]
            for choices in several:
                yield from supernet(images, choices).values()

        return learning(supernet, outputs)

    return prepared


VARIANTS: dict[str, Callable[[], Step]] = {
    "darts-straightforward": darts_straightforward,
    "darts-contiguous": darts_contiguous,
    "darts-channels-last": darts_channels_last,
    "darts": darts,
    "fasterseg-both-inputs": fasterseg(runtime.GumbelSoftmax, "search", both_inputs=True),
    "fasterseg-four-passes": fasterseg(runtime.GumbelSoftmax, "search"),
    "fasterseg-mixture": fasterseg(runtime.GumbelSoftmax, "one"),
    "fasterseg-path": fasterseg(runtime.SinglePath, "one"),
    "pretraining-both-inputs": fasterseg(runtime.Softmax, "pretraining", both_inputs=True),
    "pretraining-four-passes": fasterseg(runtime.Softmax, "pretraining"),
    "pretraining-four-paths": fasterseg(runtime.SinglePath, "pretraining"),
}

TABLES = {
    "DARTS: C = 16, 8 cells, batch 8 x 3x32x32, all operations mixed": {
        "darts-straightforward": "straightforward: eight operations on every edge",
        "darts-contiguous": "supernet",
        "darts-channels-last": "supernet, channels last",
        "darts": "supernet, tuned (`runtime.tune`)",
    },
    "FasterSeg: 8 layers, F = 6, five widths, batch 2 x 3x128x256; half a search step": {
        "fasterseg-both-inputs": "each cell on both inputs, four passes, as the public code",
        "fasterseg-four-passes": "inputs mixed first (equation 1), four passes",
        "fasterseg-mixture": "inputs mixed first, one pass",
        "fasterseg-path": "one path, one pass: a step of `nasdsl search`",
    },
    "FasterSeg, a step of pretraining": {
        "pretraining-both-inputs": "each cell on both inputs, four passes, as the public code",
        "pretraining-four-passes": "inputs mixed first, four passes",
        "pretraining-four-paths": "one path a pass, four passes",
    },
}


def check() -> None:
    """The baselines compute what the supernets compute: DARTS always, FasterSeg where a cell has one input."""
    supernet, relaxation = darts_supernet()
    network = SearchNetwork()
    copy_in_order(supernet, network)
    runtime.tune(supernet)
    expected = network(darts_images(), *in_cells(relaxation))
    found = supernet(darts_images(), relaxation.draw())["classify"]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for output in (found, expected):
        torch.autograd.backward(output.square().mean())
    for ours, theirs in zip(supernet.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-4)
    supernet, logits = fasterseg_supernet()
    choices = runtime.Softmax(logits).draw(torch.Generator().manual_seed(0))
    one_way = {name: first_links(grid) for name, grid in logits.space.grids.items()}
    choices = Choices(replace(choices.drawn, shares=one_way))
    outputs = supernet(fasterseg_images(), choices)
    runtime.Walk = WalkOnBothInputs  # type: ignore[misc]
    for name, found in supernet(fasterseg_images(), choices).items():
        torch.testing.assert_close(found, outputs[name], rtol=1e-4, atol=1e-5)
    print("baselines and supernets compute the same")


def first_links(grid: runtime.Grid) -> Tensor:
    """Shares of one link into each cell."""
    first = {places[0] for places in grid.into.values() if places}
    return torch.tensor([float(place in first) for place in range(len(grid.links))])


def copy_in_order(source: nn.Module, target: nn.Module) -> None:
    """Copy all weights and statistics: both modules have them in the same order."""
    for old, new in zip(source.state_dict().values(), target.state_dict().values(), strict=True):
        assert old.shape == new.shape
        new.copy_(old)


if __name__ == "__main__":
    main()

"""How long lowering takes, and how fast its models run beside those of PyTorch's own exporter.

    python benchmarks/lowering.py --rounds 15

The student that the authors of FasterSeg released, and a random architecture of each smaller space, with random
weights: lowered by us (graph to bytes, checked by onnx.checker) and by `torch.onnx.export` (dynamo, batch free). The
two models run in turn, one thread, batch 1, all optimisations of ONNX Runtime on. Nodes are counted after ONNX
Runtime's basic optimisations. Results go to `benchmarks/results/lowering.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime as ort
import torch
from machine import machine
from torch import nn

from nasdsl.codegen import module_paths, network_source
from nasdsl.ir.graph import Graph
from nasdsl.lowering.onnx import onnx_model
from nasdsl.notations import read_notation
from nasdsl.search.generated import module_from
from nasdsl.space import load

REPOSITORY = Path(__file__).resolve().parents[1]
STUDENT = {
    "lasts": [2, 1],
    "ops": [[3, 3, 4, 2, 4, 4, 4, 4, 4, 4], [3, 3, 4, 4, 3, 3, 4, 4, 4]],
    "paths": [[0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0, 1, 1, 1]],
    "widths": [[4, 4, 4, 8, 4, 4, 4, 4, 4], [4, 4, 4, 4, 4, 4, 4, 12]],
}
"""What `train_search.py` of the authors' code decodes to (github.com/VITA-Group/FasterSeg)."""
SPACES = [("fasterseg", "demo"), ("darts", ""), ("nasbench201", "")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["# ONNX: lowering, and its models beside those of torch.onnx.export", ""]
    lines += [f"`python benchmarks/lowering.py --rounds {args.rounds}`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    head = "network; lowering s (first, least of 5); CPU s (first, least); exporter s; nodes ours / its; "
    head += "ours ms (least, median); its ms (least, median); ratio (least, median)"
    rows = [head.split("; "), ["---"] * 8, row("FasterSeg student, 1024x2048", student(), args.rounds)]
    for name, preset in SPACES:
        space = load(REPOSITORY / f"spaces/{name}.nas", preset=preset)
        rows.append(row(f"{name} {preset}".strip(), space.derive(space.sample(0)), 40 * args.rounds))
    lines += [
        f"Load of the machine in the last minute: {os.getloadavg()[0]:.1f}. What else ran makes times upper bounds; "
    ]
    lines[-1] += "of the ratios, those of the least times mean most."
    lines += ["", *(f"| {' | '.join(cells)} |" for cells in rows)]
    (REPOSITORY / "benchmarks/results/lowering.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def student() -> Graph:
    space = load(REPOSITORY / "spaces/fasterseg.nas", preset="published")
    return space.derive(read_notation("fasterseg", json.dumps(STUDENT), space.graph))


def row(name: str, graph: Graph, rounds: int) -> list[str]:
    network = module_from(network_source(graph, architecture=None, facts={}), "network").Network().eval()
    times, cpu = [], []
    for _ in range(5):
        start, before = time.perf_counter(), time.process_time()
        weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        ours = onnx_model(graph, weights, paths=module_paths(graph)).SerializeToString(deterministic=True)
        times.append(time.perf_counter() - start)
        cpu.append(time.process_time() - before)
    start = time.perf_counter()
    theirs = exported(graph, network)
    exporter_s = time.perf_counter() - start
    sessions, nodes = zip(*(opened(content) for content in (ours, theirs)), strict=True)
    latencies = interleaved(graph, sessions, rounds)
    least, middle = ([statistic(ms) for ms in latencies] for statistic in (min, median))
    return [
        name,
        f"{times[0]:.3f}, {min(times):.3f}",
        f"{cpu[0]:.3f}, {min(cpu):.3f}",
        f"{exporter_s:.1f}",
        f"{nodes[0]} / {nodes[1]}",
        *(f"{least[place]:.2f}, {middle[place]:.2f}" for place in (0, 1)),
        f"{least[0] / least[1]:.3f}, {middle[0] / middle[1]:.3f}",
    ]


def exported(graph: Graph, network: nn.Module) -> bytes:
    images = torch.zeros(2, *shape(graph))
    free = (({0: torch.export.Dim("N")}),)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network, (images,), path, dynamo=True, dynamic_shapes=free, external_data=False, verbose=False
        )
        return path.read_bytes()


def shape(graph: Graph) -> tuple[int, ...]:
    only = next(graph.inputs()).type
    assert only.size is not None
    return (int(only.channels.constant or 0), *only.size)


def opened(content: bytes) -> tuple[ort.InferenceSession, int]:
    """A session, and the number of nodes after the basic optimisations."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        basic = ort.SessionOptions()
        basic.log_severity_level = 3
        basic.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        basic.optimized_model_filepath = str(Path(folder) / "basic.onnx")
        ort.InferenceSession(content, basic, providers=["CPUExecutionProvider"])
        return session, len(onnx.load(basic.optimized_model_filepath).graph.node)


def interleaved(graph: Graph, sessions: tuple[ort.InferenceSession, ...], rounds: int) -> list[list[float]]:
    """Latencies in ms of each session, run in turn; their outputs are compared first."""
    images = np.random.default_rng(0).standard_normal((1, *shape(graph)), np.float32)
    outputs = [session.run(None, {session.get_inputs()[0].name: images})[0] for session in sessions]
    assert np.abs(outputs[0] - outputs[1]).max() <= 1e-4 * np.abs(outputs[1]).max()
    found: list[list[float]] = [[] for _ in sessions]
    for number in range(rounds):
        order = list(enumerate(sessions))
        for place, session in order if number % 2 else reversed(order):
            start = time.perf_counter()
            session.run(None, {session.get_inputs()[0].name: images})
            found[place].append(1000 * (time.perf_counter() - start))
    return found


if __name__ == "__main__":
    main()

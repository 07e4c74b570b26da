"""`nasdsl compile` and `nasdsl derive`: readable PyTorch for a space, or for one architecture of it."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.cli.arguments import add_space, add_table, annotating_table, folder, load_space, read_architecture
from nasdsl.cli.quantities import positive
from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
from nasdsl.hardware.memory import memory_text

if TYPE_CHECKING:
    from nasdsl.ir.graph import Graph
    from nasdsl.passes.partial import Proxy

BATCH = 8
"""Images of the training step whose memory is told."""


def add(verbs: Any) -> None:
    """Add the verbs."""
    parser = verbs.add_parser("compile", help="write the supernet of a space as readable PyTorch")
    add_space(parser)
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", help="default: generated/SPACE, or generated/SPACE_PRESET"
    )
    add_table(parser, "a lookup table: annotates every operation with its latency")
    parser.add_argument(
        "--partial-channels",
        type=positive,
        metavar="K",
        help="write the proxy of a search with partial channels: operations work on 1/K of them (PC-DARTS)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_compile)
    parser = verbs.add_parser("derive", help="write the network of an architecture as one PyTorch file")
    add_space(parser)
    parser.add_argument("--arch", required=True, metavar="A.json", help="the architecture")
    add_table(parser, "a lookup table: states the latency")
    parser.add_argument("-o", "--output", required=True, metavar="NET.py", help="the file to write")
    parser.set_defaults(func=_derive)


def _compile(args: argparse.Namespace) -> int:
    from nasdsl.codegen import supernet_source

    graph = load_space(args).graph
    proxy = _proxy(graph, args)
    latency, device = _latencies(args, graph)
    parts = [graph.name, args.preset, f"partial_{proxy.parts}" if proxy else ""]
    path = Path(args.output or f"generated/{'_'.join(filter(None, parts))}") / "supernet.py"
    graph = proxy.graph if proxy else graph
    source = supernet_source(graph, latency=latency, device=device, note=proxy.note if proxy else "")
    write_atomically(path, source)
    lines, decisions = source.count("\n"), len(graph.decisions)
    memory = _training_bytes(graph)
    if args.json:
        facts: dict[str, Any] = {"file": str(path), "lines": lines, "nodes": len(graph.nodes), "decisions": decisions}
        if proxy:
            facts["partial_channels"] = {"places": len(proxy.partial), "whole": len(proxy.whole)}
        print(json.dumps(facts | {"training_bytes": memory | {"batch": BATCH}}))
    else:
        print(f"{path}: {lines} lines, {len(graph.nodes)} operations, {decisions} decisions")
        if proxy:
            print(proxy)
        print(
            f"memory: a training step on {BATCH} images needs about {memory_text(memory['path'])} along one path, "
            f"{memory_text(memory['mixture'])} in a mixture"
        )
    return 0


def _proxy(graph: Graph, args: argparse.Namespace) -> Proxy | None:
    """The proxy that the arguments ask for, or None.

    Raises:
        NasError: There is none, or a table is to be used with it.
    """
    if args.partial_channels is None:
        return None
    if args.table is not None:
        raise NasError(
            "--table says what the operations of the space take, and with --partial-channels others are written",
            help="leave one of them out",
            status=2,
        )
    from nasdsl.passes.partial import partial_channels

    return partial_channels(graph, args.partial_channels)


def _training_bytes(graph: Graph) -> dict[str, int]:
    """What a step of each kind of supernet needs."""
    from nasdsl.passes.training_memory import supernet_memory, weight_bytes

    weights = weight_bytes(graph)
    steps = {kind: supernet_memory(graph, mixed=kind == "mixture", weights=weights) for kind in ("path", "mixture")}
    return {kind: step.total(BATCH) for kind, step in steps.items()}


def _derive(args: argparse.Namespace) -> int:
    from nasdsl.codegen import network_source
    from nasdsl.passes.kernels import costs
    from nasdsl.passes.units import latency_ms

    architecture = read_architecture(args.arch)
    space = load_space(args, args.preset or architecture.preset)
    network = space.derive(architecture)
    found = costs(network)
    facts = {"parameters": f"{found.params:,}", "MACs": f"{found.macs:,}"}
    latency, device = _latencies(args, space.graph)
    if latency is not None:
        facts["latency"] = f"{latency_ms(network, latency):.3f} ms on {device}"
    facts["made by"] = shlex.join(["nasdsl", *sys.argv[1:]])
    write_atomically(args.output, network_source(network, architecture=architecture, facts=facts))
    print(f"{args.output}: {facts['parameters']} parameters, {facts['MACs']} MACs")
    return 0


def _latencies(args: argparse.Namespace, graph: Graph) -> tuple[Mapping[str, float] | None, str]:
    """The latencies in milliseconds of a table by signature, and the device's name."""
    table = annotating_table(args, [graph])
    return (table.latency_ms, table.title) if table is not None else (None, "")

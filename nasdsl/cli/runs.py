"""What `nasdsl search` is to do, from the command line or from a run that exists."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from nasdsl import __version__
from nasdsl.algebra.costs.satisfiable import metric_text
from nasdsl.cli.arguments import assignment, load_space, user_table
from nasdsl.cli.live import following, watching
from nasdsl.data.dataset import open_data
from nasdsl.diagnostics.errors import NasError
from nasdsl.elaborate.space import preset_names
from nasdsl.hardware.device import device_here, open_device
from nasdsl.hardware.memory import memory_limit, resident_bytes
from nasdsl.hardware.profile import profile
from nasdsl.hardware.table import Table, load_table
from nasdsl.ir.graph import Graph
from nasdsl.passes.kernels import signatures
from nasdsl.passes.lowerable import check_lowerable
from nasdsl.passes.prices import energies, missing
from nasdsl.passes.units import latency_ms, texts
from nasdsl.search.config import Plan, RunConfig, SearchSettings, Target, TrainSettings
from nasdsl.search.finish import Outcome
from nasdsl.search.memory import check_memory
from nasdsl.search.objective import Objective
from nasdsl.search.observer import Observer
from nasdsl.search.run import ARCHITECTURE, Job, input_size, search
from nasdsl.search.run_directory import LOG, RunDirectory
from nasdsl.search.searched import proxy_of
from nasdsl.search.strategies import GIVEN, STRATEGIES, strategy_kind
from nasdsl.space import Space
from nasdsl.syntax.parser import parse, read_source

DEFAULT_BUDGET_S = 1200.0
MEDIAN_OF = 101
"""Random architectures whose median latency is the target where none is given."""

FIXED = ("preset", "data", "device", "latency", "budget", "steps", "strategy", "seed", "threads")
"""Arguments that a run keeps; with --resume they need not be given again, and cannot be changed."""


def perform(args: argparse.Namespace, architecture: str = "") -> int:
    """Begin a run or go on with one, to its end, and print what it found.

    Args:
        args: The command line.
        architecture: An architecture as JSON, where it is given and not searched.

    Raises:
        NasError: The run cannot be begun or finished. One that was new and has done no step leaves no directory, so
            that the command can be given again with other arguments.
    """
    start = time.monotonic()
    with watching() as observer:
        directory, config, space = resume(args, architecture) if args.resume else begin(args, architecture, observer)
        try:
            limit, base = memory_limit(), resident_bytes()
            check_memory(space, config, observer, limit=limit, base=base, refuse=not args.ignore_memory)
            _check_energies(args, config, space)
            table = lookup_table(args, config, space, observer)
            if config.target is None and not architecture:
                config = config.model_copy(update={"target": _median(space, table, config, observer)})
                directory.write_config(config)
            outcome = search(Job(directory, space, table, observer, time.monotonic() - start), config)
        except KeyboardInterrupt as interrupt:
            again = shlex.join(["nasdsl", *_again(args, architecture), "--run", str(directory.path), "--resume"])
            raise KeyboardInterrupt(f"{f'{interrupt}. ' if str(interrupt) else ''}To go on: {again}") from None
        except NasError:
            if not args.resume and not _begun(directory, config):
                directory.discard()
            raise
    _print(args, outcome, time.monotonic() - start)
    return 0


def _begun(directory: RunDirectory, config: RunConfig) -> bool:
    """Whether a run has done a step that learns something."""
    learns = config.strategy in STRATEGIES and STRATEGIES[config.strategy].searches
    return directory.has(LOG if learns else ARCHITECTURE)


def _again(args: argparse.Namespace, architecture: str) -> list[str]:
    again = ["train", args.file, "--arch", args.arch] if architecture else ["search", args.file]
    return [*again, "--ignore-memory"] if args.ignore_memory else again


def _print(args: argparse.Namespace, outcome: Outcome, took_s: float) -> None:
    latency = outcome.metrics["latency_ms"]
    if args.json:
        document = {
            "run": str(outcome.run),
            "architecture": json.loads(outcome.architecture.to_json()),
            "metrics": outcome.metrics["test"],
            "latency_ms": latency["measured"],
            "onnx": str(outcome.onnx),
            "seconds": round(took_s, 1),
        }
        sys.stdout.write(json.dumps(document, indent=1) + "\n")
        return
    judged = [
        f"{split} {name} {value:.3f}"
        for split in ("test", "val")
        for name, value in outcome.metrics[split].items()
        if isinstance(value, float)
    ]
    bound = f", target {outcome.target_ms:g} ms" if outcome.target_ms is not None else ""
    lines = [
        f"architecture {outcome.architecture.hash}: {outcome.metrics['params']:,} parameters, "
        f"{outcome.metrics['macs']:,} MACs",
        ", ".join(judged),
        _latency_line(latency, bound),
        f"model {outcome.onnx}",
        f"pictures {Path(outcome.run) / 'predictions.png'}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _latency_line(latency: Mapping[str, Any], bound: str) -> str:
    if latency["measured"] is None:
        return f"latency {latency['table']:.3f} ms on {latency['device']} by the lookup table{bound}"
    return (
        f"latency {latency['measured']:.3f} ms on {latency['device']} (lookup table {latency['table']:.3f} ms{bound})"
    )


def begin(args: argparse.Namespace, architecture: str, observer: Observer) -> tuple[RunDirectory, RunConfig, Space]:
    """A new run: its directory and config, and the space under the preset that was chosen.

    Raises:
        NasError: An argument is wrong, or the directory is taken.
    """
    data = args.data or "streets"
    for name in (args.file, data):
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise NasError(
                f"{name!r} cannot be written into the config of a run: it is no UTF-8 text",
                help="rename it",
                status=2,
            )
    args.preset = args.preset or _preset_for(data, args.file, observer)
    space = load_space(args)
    device = args.device or "ort_cpu"
    target = _target(args.latency, space.graph, device)
    if not architecture:
        observer.say(_target_text(target, space.graph, device))
    strategy = GIVEN if architecture else args.strategy or "gumbel"
    if not architecture:
        strategy_kind(strategy)
    seed = args.seed or 0
    settings = _settings(args.set)
    config = RunConfig(
        nasdsl=__version__,
        torch=torch.__version__,
        space=space.graph.name,
        space_file=args.file,
        space_sha256=_digest(space),
        preset=args.preset,
        params={name: _text(value) for name, value in args.param},
        data=data,
        device=device,
        target=target,
        strategy=strategy,
        architecture=architecture,
        seed=seed,
        threads=args.threads or os.cpu_count() or 1,
        budget_s=None if args.steps else args.budget or DEFAULT_BUDGET_S,
        plan=Plan(search_steps=args.steps[0], train_steps=args.steps[1]) if args.steps else None,
        **settings,
    )
    proxy = proxy_of(space, config)
    if proxy is not None:
        observer.say(f"partial channels: {proxy}")
    if args.table is None:
        open_device(device, threads=config.device_threads)
    check_lowerable(space.graph)
    Objective.of(space.graph, open_data(data, size=input_size(space.graph)).classes.names)
    default = f"runs/{space.graph.name}-{data.partition(':')[0]}-{strategy}-{seed}"
    return RunDirectory.create(Path(args.run or default), config), config, space


def resume(args: argparse.Namespace, architecture: str) -> tuple[RunDirectory, RunConfig, Space]:
    """A run that exists, to go on with.

    Raises:
        NasError: There is none, or the space or an argument is not what the run began with.
    """
    if not args.run:
        raise NasError("--resume needs the run to go on with", help="add --run DIR", status=2)
    directory, config = RunDirectory.open(Path(args.run))
    plan = (config.plan.search_steps, config.plan.train_steps) if config.plan else None
    kept: dict[str, Any] = config.model_dump() | {"budget": config.budget_s, "steps": plan}
    kept["latency"] = config.target.latency_ms if config.target else None
    for name in FIXED:
        given = getattr(args, name)
        if given not in (None, "") and given != kept[name]:
            raise NasError(
                f"the run in {args.run} began with --{name} {kept[name]}, found --{name} {given}",
                help="leave the argument out to go on, or start a new run in another --run DIR",
                status=2,
            )
    if config.architecture != architecture:
        raise NasError(f"the run in {args.run} did not begin with this architecture", status=2)
    if args.param or args.set:
        raise NasError("--param and --set cannot be changed when a run goes on", help="leave them out", status=2)
    args.preset = config.preset
    args.param = [assignment(f"{name}={value}") for name, value in config.params.items()]
    space = load_space(args)
    if _digest(space) != config.space_sha256:
        raise NasError(
            f"{args.file} is not the text that the run in {args.run} began with",
            help="start a new run in another --run DIR",
        )
    if torch.__version__ != config.torch or __version__ != config.nasdsl:
        raise NasError(
            f"the run began with nasdsl {config.nasdsl} and torch {config.torch}, here are {__version__} and "
            f"{torch.__version__}: it would not end as it would have",
            help="start a new run in another --run DIR",
        )
    return directory, config, space


def lookup_table(args: argparse.Namespace, config: RunConfig, space: Space, observer: Observer) -> Table:
    """The lookup table of the run's space: the run's own where it has one, else the user's, filled as needed.

    Raises:
        NasError: The device cannot be measured here, or the table is of another one, or lacks an entry and cannot be
            filled.
    """
    here = device_here(config.device, threads=config.device_threads)
    if args.table and here is None:
        return _given(args.table, config, space, observer)
    device = here or open_device(config.device, threads=config.device_threads)
    path = Path(args.table) if args.table else user_table(device.name, device.threads)
    needed = signatures(space.graph)
    table = profile(space.graph, device, path, following(observer, "profile"))
    if table.note:
        observer.say(f"lookup table: {table.note}")
    return table.model_copy(update={"entries": {text: table.entries[text] for text in needed}})


def _check_energies(args: argparse.Namespace, config: RunConfig, space: Space) -> None:
    """See to it that what the space requires of energies can be looked up.

    Raises:
        NasError: There is no such energy, or the space requires it of another device than the one searched for.
    """
    for limit in space.graph.limits:
        if limit.metric != "energy":
            continue
        if (limit.device, limit.threads or 1) != (config.device, config.device_threads):
            raise NasError(
                f"`{space.graph.name}` requires `{metric_text(limit)}`, and the search is for {config.device} with "
                f"{config.device_threads} thread{'s' * (config.device_threads != 1)}",
                help="search for that device (--device, --threads), or take the requirement out of the space",
            )
        path = Path(args.table) if args.table else user_table(config.device, config.device_threads)
        prices = energies(load_table(path).latency_ms if path.exists() else {})
        absent = [text for text in texts(space.graph, prices) if text not in prices]
        if absent:
            raise missing(absent, prices, "space")


def _given(path: str, config: RunConfig, space: Space, observer: Observer) -> Table:
    """The table of a device that is not here, as far as the space needs it."""
    table = load_table(path, device=config.device, threads=config.device_threads)
    prices = table.latency_ms
    needed = texts(space.graph, prices)
    absent = [text for text in needed if text not in prices]
    if absent:
        raise missing(absent, prices, "space")
    observer.say(f"lookup table: {table.note or path}; {config.device} is not here, so no network is measured on it")
    return table.model_copy(update={"entries": {text: e for text, e in table.entries.items() if text in needed}})


def _digest(space: Space) -> str:
    """A hash of the texts that the graph comes from: the file, its imports, the standard library."""
    graph = space.graph
    sources = {span.source for span in (*(n.span for n in graph.nodes), *(s.span for s in graph.scopes))}
    texts = sorted({space.source.text, *(source.text for source in sources)})
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _preset_for(data: str, file: str, observer: Observer) -> str:
    """The preset named after the data set, if the space has one."""
    name = data.partition(":")[0]
    if name not in preset_names(parse(read_source(file))):
        return ""
    observer.say(f"preset {name}: the space has one for this data (--preset chooses another)")
    return name


def _target(latency_ms: float | None, graph: Graph, device: str) -> Target | None:
    if latency_ms is not None:
        return Target(latency_ms=latency_ms, source="command line")
    bounds = [
        float(limit.value)
        for limit in graph.limits
        if (limit.metric, limit.relation, limit.device) == ("latency", "<=", device) and limit.threads in (None, 1)
    ]
    return Target(latency_ms=min(bounds), source="require") if bounds else None


def _target_text(target: Target | None, graph: Graph, device: str) -> str:
    if target is not None:
        of = "required by the space" if target.source == "require" else "asked for"
        return f"target: {target.latency_ms:g} ms on {device}, {of}"
    others = sorted({x.device for x in graph.limits if x.metric == "latency" and x.device and x.device != device})
    hint = f" (the space requires one of {', '.join(others)} only)" if others else ""
    return f"no latency target on {device}{hint}: the median of random architectures will be it; --latency sets another"


def _median(space: Space, table: Table, config: RunConfig, observer: Observer) -> Target:
    """The median latency of random architectures, by the lookup table: a target that fits any machine.

    It is not rounded: where all architectures take about the same time, one below it may not exist.
    """
    latencies = table.latency_ms
    drawn = [latency_ms(space.derive(space.sample(config.seed + i)), latencies) for i in range(MEDIAN_OF)]
    target = Target(latency_ms=sorted(drawn)[MEDIAN_OF // 2], source="median")
    observer.say(f"target: {target.latency_ms:g} ms on {config.device}, the median of {MEDIAN_OF} random architectures")
    return target


def _settings(assignments: list[str]) -> dict[str, Any]:
    """The settings of search and training that `--set` changes.

    Raises:
        NasError: There is no such setting, or the value is not one for it.
    """
    kinds: dict[str, type[SearchSettings] | type[TrainSettings]] = {"search": SearchSettings, "train": TrainSettings}
    values: dict[str, dict[str, Any]] = {part: {} for part in kinds}
    for text in assignments:
        name, equals, value = text.partition("=")
        part, _, field = name.strip().partition(".")
        if not equals or part not in kinds or field not in kinds[part].model_fields:
            known = ", ".join(f"{p}.{f}" for p, kind in kinds.items() for f in kind.model_fields)
            raise NasError(f"--set {text}: there is no setting `{name}`", help=f"one of: {known}", status=2)
        values[part][field] = value.split(",") if "," in value else value.strip()
    settings: dict[str, Any] = {}
    for part, kind in kinds.items():
        try:
            settings[part] = kind.model_validate(values[part])
        except ValidationError as error:
            first = error.errors()[0]
            name = f"{part}.{first['loc'][0]}"
            raise NasError(f"--set {name}: {first['msg'].lower()}, found {first['input']!r}", status=2) from None
    return settings


def _text(value: Fraction | str | tuple[Any, ...]) -> str:
    return "{" + ", ".join(map(_text, value)) + "}" if isinstance(value, tuple) else str(value)

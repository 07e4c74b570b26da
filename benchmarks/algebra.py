"""How fast spaces are counted, drawn from and bounded, and how that grows.

    python benchmarks/algebra.py

One process, one thread. Counts and draws by the commands of the library; as a yardstick the plain way of drawing, in
Python's `random`, without bringing architectures to their canonical form. PyGlove, Optuna and NNI are measured in the
same run where they are installed. Latencies are made up (a number for each signature, from 1 to 50 us), so that the
benchmark needs no device; what they are does not matter for time. Results go to `benchmarks/results/algebra.md`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

from machine import machine
from plot import growth_plot

from nasdsl.algebra.costs.metrics import parts
from nasdsl.algebra.costs.priced import Bound, Priced
from nasdsl.algebra.elimination.elimination import eliminate, elimination_order, tables
from nasdsl.algebra.elimination.semiring import COUNT
from nasdsl.algebra.sampling.limited import Limited
from nasdsl.algebra.sampling.ranking import Ranking
from nasdsl.ir.graph import Kind
from nasdsl.passes.kernels import signatures
from nasdsl.space import Space, load

REPOSITORY = Path(__file__).resolve().parents[1]
SPACES = REPOSITORY / "spaces"

clock = time.process_time
"""Seconds of one thread: what others do on the machine does not count, though they share its caches."""


def main() -> None:
    if len(sys.argv) == 2:
        PARTS[sys.argv[1]]()
        return
    lines = ["# The algebra of a space", "", "`python benchmarks/algebra.py`", ""]
    lines += ["; ".join(f"{key}: {value}" for key, value in machine().items()), ""]
    lines += [
        "Seconds of CPU time, one thread. Other processes shared the machine and its caches: times are upper bounds.",
        "",
    ]
    for part in PARTS:
        done = subprocess.run(
            [sys.executable, __file__, part], cwd=REPOSITORY, check=True, capture_output=True, text=True
        )
        lines += [done.stdout]
        print(done.stdout, flush=True)
    (REPOSITORY / "benchmarks/results/algebra.md").write_text("\n".join(lines))


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The least time of a few runs."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return min(found)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def price(signature: str) -> float:
    return int(hashlib.sha256(signature.encode()).hexdigest()[:6], 16) % 50 / 1000 + 0.001


def counting() -> None:
    print("## Counting\n\n| space | decisions | architectures | model s | count s | width | rows |")
    print("|---|---|---|---|---|---|---|")
    for path in sorted(SPACES.glob("*.nas")):
        space = load(path)
        build = seconds(lambda: Space(space.graph, space.source).model)  # noqa: B023
        graph = space.model.graph
        order = elimination_order(graph)
        found = eliminate(tables(graph, COUNT), order, COUNT)
        count = seconds(lambda: eliminate(tables(graph, COUNT), order, COUNT, keep=False))  # noqa: B023
        row = (path.stem, len(space.graph.decisions), f"{found.total:.4g}", f"{build:.3f}", f"{count:.3f}")
        print(f"| {' | '.join(map(str, row))} | {found.width} | {found.rows} |")


def costs() -> None:
    space = load(SPACES / "fasterseg.nas")
    print("## FasterSeg with costs\n\n| question | s | peak MB | answer |\n|---|---|---|---|")
    table = {text: price(text) for text in signatures(space.graph)}
    for metric in ("macs", "latency"):
        start = clock()
        priced = Priced(space.model, [parts(space.graph, metric, table)])
        low, high = priced.bounds()
        print(f"| {metric}: bounds | {clock() - start:.1f} | {peak_mb():.0f} | {low:,} to {high:,} |")
        start = clock()
        histogram = priced.histogram()
        took, bins = clock() - start, len(histogram.counts)
        print(f"| {metric}: histogram | {took:.1f} | {peak_mb():.0f} | {bins} bins |")
        below, limit = 0, low
        for cost, count in histogram.counts.items():
            below, limit = below + count, cost + histogram.slack // 2
            if below * 10 >= priced.size:
                break
        for steps in (500, 2_000, None):
            start = clock()
            bracket = priced.count([Bound(0, "<=", limit)], steps)
            took, share = (
                clock() - start,
                f"{bracket.lower / priced.size:.4f} to {bracket.upper / priced.size:.4f}",
            )
            bins = f"{steps} bins" if steps else "by default"
            print(f"| {metric} <= {limit:,}: share, {bins} | {took:.1f} | {peak_mb():.0f} | {share} |")


def drawing() -> None:
    print("## Uniform draws\n\n| space | as arrays /s | as objects /s | one by one /s |\n|---|---|---|---|")
    for name in ("darts", "fasterseg", "nasbench201", "fbnet", "autortnet", "panoptic"):
        ranking = load(SPACES / f"{name}.nas").architectures
        print(f"| {name} | {arrays(ranking):,.0f} | {objects(ranking):,.0f} | {one_by_one(ranking):,.0f} |")

    print("\n| space | mutants as arrays /s | mutants one by one /s | crossings one by one /s |\n|---|---|---|---|")
    for name in ("darts", "fasterseg", "nasbench201", "fbnet", "autortnet", "panoptic"):
        ranking = load(SPACES / f"{name}.nas").architectures
        print(f"| {name} | {mutants(ranking):,.0f} | {mutations(ranking):,.0f} | {crossings(ranking):,.0f} |")


def mutants(ranking: Ranking, count: int = 10_000) -> float:
    (parents,) = ranking.batches(count, 1)
    ranking.mutants(parents, 1)
    return count / seconds(lambda: ranking.mutants(parents, 1))


def mutations(ranking: Ranking, count: int = 2_000) -> float:
    """A mutant of each of many architectures, as an evolution makes them."""
    generator = random.Random(1)
    parents = [a for batch in ranking.batches(count, 1) for a in batch.architectures()]
    ranking.mutate(parents[0], generator)
    return count / seconds(lambda: [ranking.mutate(parent, generator) for parent in parents])


def crossings(ranking: Ranking, count: int = 200) -> float:
    generator = random.Random(1)
    parents = [a for batch in ranking.batches(count + 1, 1) for a in batch.architectures()]
    ranking.crossover(*parents[:2], generator)
    return count / seconds(lambda: [ranking.crossover(a, b, generator) for a, b in pairwise(parents)])


def arrays(source: Ranking | Limited, count: int = 200_000) -> float:
    list(source.batches(1, 0))
    return count / seconds(lambda: sum(1 for _ in source.batches(count, 1)))


def objects(source: Ranking | Limited, count: int = 20_000) -> float:
    return count / seconds(lambda: sum(1 for batch in source.batches(count, 1) for _ in batch.architectures()))


def one_by_one(source: Ranking | Limited, count: int = 200) -> float:
    generator = random.Random(1)
    source.sample(generator)
    return count / seconds(lambda: [source.sample(generator) for _ in range(count)])


def budgets() -> None:
    print("## Uniform draws under a budget\n")
    print("| space | budget | share that keeps it | set-up s | as arrays /s | one by one /s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for name, limit in (
        ("darts", "macs <= 30 M"),
        ("darts", "macs <= 22 M"),
        ("fbnet", "macs <= 100 M"),
        ("panoptic", "params <= 2 M"),
        ("fasterseg", "macs <= 46569357312"),  # a tenth of the space
        ("fasterseg", "macs <= 40 G"),
        ("fasterseg", "macs <= 20 G"),
    ):
        space = load(SPACES / f"{name}.nas")
        size = space.count().architectures
        start = clock()
        limited = space.limited(limit)
        next(limited.batches(1, 0))
        took = clock() - start
        rate, single = arrays(limited, 100_000), one_by_one(limited, 100)
        peak, bracket = peak_mb(), space.count_under(limit, bins=2_000)
        share = f"{bracket.lower / size:.2g} to {bracket.upper / size:.2g}"
        print(f"| {name} | {limit} | {share} | {took:.1f} | {rate:,.0f} | {single:,.0f} | {peak:.0f} |")
        del limited


def growth() -> None:
    print("## Growth\n\n| space | decisions | architectures | width | rows | count s | nodes, with costs | bounds s |")
    print("|---|---|---|---|---|---|---|---|")
    sizes = [("fasterseg", {"layers": layers}) for layers in (4, 8, 16, 24, 32)]
    sizes += [("darts", {"nodes": nodes}) for nodes in (4, 6, 8)]
    series: dict[str, list[tuple[float, float]]] = {}
    for name, params in sizes:
        space = load(SPACES / f"{name}.nas", params=params)
        graph, decisions = space.model.graph, len(space.graph.decisions)
        order = elimination_order(graph)
        found = eliminate(tables(graph, COUNT), order, COUNT)
        count = seconds(lambda: eliminate(tables(graph, COUNT), order, COUNT, keep=False))  # noqa: B023
        start = clock()
        priced = Priced(space.model, [parts(space.graph, "macs")])
        took = clock() - start
        series.setdefault(f"{name}: count", []).append((decisions, count))
        series.setdefault(f"{name}: bounds of macs", []).append((decisions, took))
        label = f"{name} {', '.join(f'{key} = {value}' for key, value in params.items())}"
        row = (label, decisions, f"{found.total:.3g}", found.width, found.rows, f"{count:.3f}")
        print(f"| {' | '.join(map(str, row))} | {len(priced.circuit.nodes)} | {took:.1f} |")
    plot = growth_plot(series, "How the time of exact answers grows", "decisions", "seconds of CPU time")
    (REPOSITORY / "benchmarks/results/algebra-growth.svg").write_text(plot)
    print("\n![time against decisions](algebra-growth.svg)")


def others() -> None:
    print("## Other ways to draw from DARTS's space\n\n| way | /s | |\n|---|---|---|")
    space = load(SPACES / "darts.nas")
    print(f"| nasdsl, objects | {objects(space.architectures):,.0f} | uniform |")
    decisions = list(space.graph.decisions.values())
    generator = random.Random(1)

    def plain() -> dict[str, object]:
        return {
            d.path: tuple(sorted(generator.sample(d.domain, d.count)))
            if d.kind is Kind.PICK
            else generator.choice(d.real)
            for d in decisions
        }

    rate = 5_000 / seconds(lambda: [plain() for _ in range(5_000)])
    print(f"| Python's `random`, a dict of raw choices | {rate:,.0f} | dead decisions kept |")
    for name in ("pyglove", "optuna", "nni"):
        print(
            f"| {name} | {OTHERS[name](space):,.0f} | |"
            if importlib.util.find_spec(name)
            else f"| {name} | not installed | |"
        )


def with_pyglove(space: Space) -> float:
    import pyglove as pg

    found = {
        path: pg.manyof(d.count, list(d.domain)) if d.kind is Kind.PICK else pg.oneof(list(d.real))
        for path, d in space.graph.decisions.items()
    }
    return 50 / seconds(lambda: list(islice(pg.random_sample(pg.Dict(found)), 50)))


def with_optuna(space: Space) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        for path, d in space.graph.decisions.items():
            trial.suggest_categorical(path, [str(v) for v in d.real])
        return 0.0

    return 200 / seconds(lambda: optuna.create_study(sampler=optuna.samplers.RandomSampler(1)).optimize(objective, 200))


def with_nni(space: Space) -> float:
    from nni.mutable import Categorical, MutableDict

    found = MutableDict({p: Categorical(list(map(str, d.real)), label=p) for p, d in space.graph.decisions.items()})
    return 500 / seconds(lambda: [found.random() for _ in range(500)])


OTHERS: dict[str, Callable[[Space], float]] = {"pyglove": with_pyglove, "optuna": with_optuna, "nni": with_nni}
PARTS = {
    "counting": counting,
    "costs": costs,
    "drawing": drawing,
    "budgets": budgets,
    "growth": growth,
    "others": others,
}


if __name__ == "__main__":
    main()

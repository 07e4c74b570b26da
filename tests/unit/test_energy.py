"""Energy: the processor's counters, measured kernels, and energy as a cost of a space."""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware import energy
from nasdsl.hardware.devices.ort_cpu import OrtCpu
from nasdsl.hardware.energy import Rapl, watts_above_idle
from nasdsl.hardware.profile import profile
from nasdsl.hardware.table import Entry, Table, load_table
from nasdsl.passes.kernels import signatures
from nasdsl.passes.prices import energies
from nasdsl.passes.units import latency_ms
from nasdsl.source import Source
from nasdsl.space import Space, load

RANGE = 262_143_328_850
TINY = """space tiny {
  input image: [3, 16, 16]
  choose op in {a: conv_bn_relu(k = 3), b: max_pool(k = 3), c: dw_conv(k = 3)}
  width w in {2, 4}
  x = image >> conv(4, k = 1) >> op() >> conv(w, k = 1)
  task t = x >> global_avg_pool() >> linear(2) { loss cross_entropy() }
  require energy(ort_cpu) <= 1 J
}"""


@pytest.fixture
def tiny() -> Space:
    return load(Source("tiny.nas", TINY))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tiny.nas").write_text(TINY)
    return tmp_path / "tiny.nas"


def a_zone(root: Path, zone: str, name: str, microjoules: int) -> Path:
    """A zone as Linux shows it; its counter."""
    folder = root / zone
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


def test_packages_and_their_memory_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl").mkdir()
    zones = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:0:1": "uncore",
        "intel-rapl:0:2": "dram",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
        "intel-rapl-mmio:0": "package-0",
    }
    counters = {zone: a_zone(tmp_path, zone, name, 1000) for zone, name in zones.items()}
    rapl = Rapl(tmp_path)
    assert rapl.describe() == "RAPL (package-0, dram, package-1)"
    assert rapl.joules() == 0
    for place, counter in enumerate(counters.values()):
        counter.write_text(f"{1000 + 10 ** (place + 3)}\n")
    assert rapl.joules() == pytest.approx((10**3 + 10**6 + 10**7) / 1e6)


def test_a_counter_that_begins_anew_is_counted_on(tmp_path: Path) -> None:
    first, second = (a_zone(tmp_path, f"intel-rapl:{n}", f"package-{n}", RANGE - 500) for n in range(2))
    rapl = Rapl(tmp_path)
    first.write_text("1500\n")
    second.write_text(f"{RANGE - 400}\n")
    assert rapl.joules() == pytest.approx((2000 + 100) / 1e6)
    first.write_text("1600\n")
    assert rapl.joules() == pytest.approx((2100 + 100) / 1e6)
    (tmp_path / "intel-rapl:0" / "max_energy_range_uj").unlink()
    first.write_text("0\n")
    with pytest.raises(NasError, match="began anew, and does not say after how much"):
        rapl.joules()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Whoever runs the tests, without the rights of root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_counter_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(NasError, match=r"shows no energy counter.*\nhelp: .*virtual machines") as found:
        Rapl(tmp_path)
    assert found.value.status == 3
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        counter = a_zone(Path(folder), "intel-rapl:0", "package-0", 1)
        counter.chmod(0)
        with as_nobody(), pytest.raises(NasError, match=r"may be read by root only\nhelp: .*sudo chmod a\+r ") as found:
            Rapl(Path(folder))
        assert found.value.status == 3
        counter.chmod(0o644)
        counter.write_text("a lot")
        with pytest.raises(NasError, match=r"energy_uj cannot be read: .*a lot"):
            Rapl(Path(folder))


class Machine:
    """Draws 30 W, and 50 W more while it is busy."""

    def __init__(self) -> None:
        self.start, self.busy_s = time.perf_counter(), 0.0

    def joules(self) -> float:
        return 30 * (time.perf_counter() - self.start) + 50 * self.busy_s

    def describe(self) -> str:
        return "a machine"

    def work(self) -> None:
        start = time.perf_counter()
        while time.perf_counter() - start < 1e-3:
            pass
        self.busy_s += time.perf_counter() - start


def test_what_an_idle_machine_draws_is_taken_off() -> None:
    machine = Machine()
    busy, idle = watts_above_idle([machine.work, lambda: time.sleep(1e-3)], machine)
    # Whatever else runs here: it is busy for some of the time, and for no more than all of it.
    assert 5 < busy < 51
    assert idle < 1


def test_a_counter_that_stands_still_is_no_zero(tmp_path: Path) -> None:
    a_zone(tmp_path, "intel-rapl:0", "package-0", 7)
    with pytest.raises(NasError, match=r"stands still: RAPL \(package-0\)"):
        watts_above_idle([lambda: None], Rapl(tmp_path))


@pytest.fixture
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose processor draws 10 W all the time, as Linux would show it."""
    root = tmp_path / "powercap"
    counter, stop = a_zone(root, "intel-rapl:0", "package-0", 10**9), threading.Event()
    monkeypatch.setattr(energy, "POWERCAP", root)
    monkeypatch.setattr(energy, "RUN_S", 0.02)
    monkeypatch.setattr(energy, "IDLE_S", 0.02)
    start = time.perf_counter()

    def count() -> None:
        with counter.open("r+b", buffering=0) as handle:
            while not stop.wait(1e-3):
                os.pwrite(handle.fileno(), b"%010d\n" % (10**9 + int(1e7 * (time.perf_counter() - start))), 0)

    thread = threading.Thread(target=count)
    thread.start()
    yield root
    stop.set()
    thread.join()


def test_a_table_is_filled_with_energies_once(tiny: Space, tmp_path: Path, powercap: Path) -> None:
    path, needed = tmp_path / "t.json", signatures(tiny.graph)
    plain = profile(tiny.graph, OrtCpu(), path)
    assert {entry.energy_mj for entry in plain.entries.values()} == {None}
    device = OrtCpu(energy=True)
    table = profile(tiny.graph, device, path, energy=True)
    assert set(table.entries) == set(needed)
    # The processor draws as much when nothing runs: no kernel adds more than noise, and none less than nothing.
    assert all(entry.energy_mj is not None and 0 < entry.energy_mj < 10 * entry.ms for entry in table.entries.values())
    assert load_table(path) == table
    before = path.read_bytes()
    assert profile(tiny.graph, device, path, energy=True) == profile(tiny.graph, OrtCpu(), path) == table
    assert path.read_bytes() == before


def test_profile_measures_energy_from_the_command_line(
    file: Path, powercap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(tmp_path / "t.json")
    assert main(["devices", "--json"]) == 0
    devices = {one["name"]: one for one in json.loads(capsys.readouterr().out)["devices"]}
    assert devices["ort_cpu"]["energy"] == "RAPL (package-0)"
    assert main(["profile", str(file), "--energy", "--table", table]) == 0
    capsys.readouterr()
    assert main(["cost", str(file), "--device", "ort_cpu", "--table", table, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"latency_ms", "energy_mj"}
    assert main(["profile", str(file), "--energy", "--table", table]) == 0
    assert "0 measured now" in capsys.readouterr().out


def test_a_device_that_cannot_tell_energy_says_so(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "absent")
    assert main(["profile", str(file), "--energy", "--table", str(tmp_path / "t.json")]) == 3
    assert "this machine shows no energy counter" in capsys.readouterr().err
    assert not (tmp_path / "t.json").exists()
    assert main(["devices"]) == 0
    assert "no energy of ort_cpu, torch_compile_cpu, torch_cpu: this machine shows no" in capsys.readouterr().out


def random_table(space: Space, seed: int, **changes: Any) -> Table:
    """A table of a space with all entries, latencies and energies drawn."""
    dice = random.Random(seed)
    entries = {
        text: Entry(ms=round(dice.uniform(0.01, 1), 6), energy_mj=round(dice.uniform(0.1, 10), 6), passes=2)
        for text in signatures(space.graph)
    }
    return Table(device="ort_cpu", machine="m", threads=1, entries=entries).model_copy(update=changes)


def test_energy_is_a_cost_like_latency(tiny: Space) -> None:
    """Counted, drawn and bounded as a list of all architectures says."""
    table = random_table(tiny, 0)
    tables = {"ort_cpu": table.latency_ms}
    every = [tiny.architectures[n] for n in range(tiny.count().architectures)]
    costs = {a.hash: sum(energy_of(tiny, a, table)) for a in every}
    spent = {a.hash: latency_ms(tiny.derive(a), energies(table.latency_ms)) for a in every}
    assert spent == pytest.approx(costs)
    for limit in sorted(costs.values()):
        wanted = {h for h, cost in costs.items() if cost <= limit + 1e-7}
        text = f"energy(ort_cpu) <= {limit + 1e-7:.9f} mJ"
        found = tiny.count_under(text, latency_ms=tables)
        assert found.lower == found.upper == len(wanted)
        drawn = tiny.limited(text, latency_ms=tables)
        assert {drawn.sample(random.Random(seed)).hash for seed in range(60)} == wanted
    both = tiny.count_under("energy(ort_cpu) <= 1 J and latency(ort_cpu) <= 1 s", latency_ms=tables)
    assert both.lower == len(every)
    front = tiny.pareto("energy(ort_cpu)", "most params", latency_ms=tables)
    assert front[0].costs[0] == pytest.approx(min(costs.values()))
    assert tiny.graph.limits[0].value == Fraction(1000)


def energy_of(space: Space, architecture: Any, table: Table) -> list[float]:
    """The energies of a network's kernels."""
    from nasdsl.passes.kernels import kernels

    network = space.derive(architecture)
    return [table.entries[kernel.template].energy_mj or 0.0 for kernel in kernels(network)]


def test_a_calibration_is_of_latencies_only(tiny: Space) -> None:
    from nasdsl.hardware.calibration import Calibration

    table = random_table(tiny, 1, calibration=Calibration(scale=2, overhead_ms=1, networks=9))
    plain = table.model_copy(update={"calibration": None})
    assert dict(energies(table.latency_ms)) == dict(energies(plain.latency_ms))


@pytest.mark.parametrize(
    "command",
    [
        ["count", "--under", "energy(ort_cpu) <= 30 mJ"],
        ["sample", "--under", "energy(ort_cpu) <= 30 mJ"],
        ["marginals", "--under", "energy(ort_cpu) <= 30 mJ"],
        ["count", "--histogram", "energy(ort_cpu)"],
        ["cost", "--pareto", "energy(ort_cpu)", "params"],
    ],
)
def test_a_table_without_energies_says_so(
    command: list[str], tiny: Space, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = random_table(tiny, 2)
    bare = {text: entry.model_copy(update={"energy_mj": None}) for text, entry in whole.entries.items()}
    some = bare | {text: whole.entries[text] for text in list(bare)[1:]}
    fill = "nasdsl profile SPACE.nas --device ort_cpu --energy"
    for entries, message in (
        (bare, "error: the lookup table has latencies and no energies"),
        (some, "error: the lookup table has no energy for 1 operation of this space, such as `"),
    ):
        whole.model_copy(update={"entries": entries}).save(tmp_path / "t.json")
        assert main([command[0], str(file), *command[1:], "--table", str(tmp_path / "t.json")]) == 1
        printed = capsys.readouterr()
        assert message in printed.err
        assert fill in printed.err
        assert not printed.out
    whole.save(tmp_path / "t.json")
    assert main([command[0], str(file), *command[1:], "--table", str(tmp_path / "t.json")]) == 0


def test_check_knows_what_a_table_excludes(
    tiny: Space, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random_table(tiny, 3).save(tmp_path / "t.json")
    assert main(["check", str(file), "--table", str(tmp_path / "t.json")]) == 0
    assert "every architecture keeps `energy(ort_cpu) <= 1000 mJ`" in capsys.readouterr().err
    file.write_text(TINY.replace("1 J", "1 uJ"))
    assert main(["check", str(file), "--table", str(tmp_path / "t.json")]) == 0
    assert "no architecture keeps `energy(ort_cpu) <= 0.001 mJ`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "message"), [("0", "greater than 0"), ("-1", "greater than 0"), ("NaN", "finite number")]
)
def test_an_energy_is_more_than_nothing(value: str, message: str, tiny: Space, tmp_path: Path) -> None:
    text = random_table(tiny, 0).model_dump_json()
    first = json.loads(text)["entries"]
    energy_mj = next(iter(first.values()))["energy_mj"]
    (tmp_path / "t.json").write_text(text.replace(f'"energy_mj":{energy_mj}', f'"energy_mj":{value}', 1))
    with pytest.raises(NasError, match=rf"entries\..*energy_mj: .*{message}"):
        load_table(tmp_path / "t.json")


@pytest.mark.parametrize("limit", ["energy <= 5 mJ", "energy(ort_cpu) <= 5", "energy(ort_cpu) <= 5 ms", "macs <= 5 mJ"])
def test_a_wrong_energy_limit_is_refused_in_texts_and_on_the_command_line(
    limit: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["count", str(file), "--under", limit]) == 2
    file.write_text(TINY.replace("energy(ort_cpu) <= 1 J", limit))
    assert main(["check", str(file)]) == 1
    assert "error[E060" in capsys.readouterr().err


SEGMENTS = """space small(classes = 9) {
  input image: [3, 32, 64]
  choose op in {a: conv_bn_relu(4, k = 3, stride = 2), b: conv_bn_relu(4, k = 5, stride = 2)}
  task segment = image >> op() >> conv(classes, k = 1) >> resize_like(image) { loss cross_entropy() metric miou }
  require energy(ort_cpu) <= 20 mJ
}"""


def test_a_search_keeps_a_limit_on_energy(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SEGMENTS)
    space = load(Source("small.nas", SEGMENTS))
    entries = {text: Entry(ms=1, energy_mj=100 if "k=3" in text else 1, passes=2) for text in signatures(space.graph)}
    table, run = str(tmp_path / "t.json"), tmp_path / "run"
    Table(device="ort_cpu", machine="m", threads=1, entries=entries).save(table)
    command = ["search", str(file), "--strategy", "random", "--steps", "1,1", "--run", str(run), "--table", table]
    command += ["--set", "search.batch=1", "--set", "train.batch=1", "--latency", "1s"]
    assert main(command) == 0
    assert json.loads((run / "architecture.json").read_text())["decisions"] == {"op": "b"}
    capsys.readouterr()
    assert main([*command[:6], "--run", str(tmp_path / "other"), "--device", "torch_cpu"]) == 1
    assert "requires `energy(ort_cpu)`, and the search is for torch_cpu" in capsys.readouterr().err
    Table(device="ort_cpu", machine="m", threads=1).save(table)
    assert main([*command[:6], "--run", str(tmp_path / "other"), "--table", table]) == 1
    assert "nasdsl profile SPACE.nas --device ort_cpu --energy" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()

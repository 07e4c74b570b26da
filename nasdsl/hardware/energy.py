"""Energy: what a processor counts itself (RAPL), and the power that models draw while they run.

Linux shows the counters of Intel's and AMD's processors as folders with files, in microjoules (`powercap`). They count
all that the processor does, whoever asked for it, about a thousand times a second: so a model runs for much longer,
over and over, and what the machine draws without it is taken off. What is left is what the model adds to an idle
machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from nasdsl.diagnostics.errors import NasError

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the counters."""
IDLE_S = 0.3
"""How long nothing runs, to see what the machine draws then."""
RUN_S = 0.2
"""How long a model runs: some two hundred steps of the counter, so that those at the ends matter little."""


class EnergyCounter(Protocol):
    """Something that counts energy."""

    def joules(self) -> float:
        """What was spent since the counter was opened, in J; never falls."""

    def describe(self) -> str:
        """What is counted, for people."""


class Rapl:
    """The processors of this machine, with their memory where that is counted apart.

    Counted are the zones `package-N` and `dram`. `core` and `uncore` are parts of a package, `psys` has packages in it.

    Args:
        root: The folder with the zones; None: where Linux has it.

    Raises:
        NasError: There are no counters, or this user must not read them (status 3).
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or POWERCAP
        self._zones = sorted(
            (zone, name)
            for zone in self._root.glob("intel-rapl:*")
            if (name := _text(zone / "name")).startswith(("package", "dram"))
        )
        if not self._zones:
            raise NasError(
                f"this machine shows no energy counter: there is no processor in {self._root}",
                help="Linux on a processor of Intel or AMD has one; virtual machines rarely do",
                status=3,
            )
        self._last = [self._microjoules(zone) for zone, _ in self._zones]
        self._spent = 0

    def joules(self) -> float:
        """What all zones spent; a counter that began anew since it was read last is counted on, if it did so once."""
        for place, (zone, _) in enumerate(self._zones):
            now, before = self._microjoules(zone), self._last[place]
            self._spent += now - before if now >= before else now - before + self._range(zone)
            self._last[place] = now
        return self._spent / 1e6

    def describe(self) -> str:
        """The zones."""
        return f"RAPL ({', '.join(name for _, name in self._zones)})"

    def _microjoules(self, zone: Path) -> int:
        file = zone / "energy_uj"
        try:
            return int(file.read_text(encoding="ascii"))
        except PermissionError:
            raise NasError(
                f"the energy counter {file} may be read by root only",
                help=f"until the next start: sudo chmod a+r {self._root}/intel-rapl:*/energy_uj; then every user sees "
                "how much the machine works",
                status=3,
            ) from None
        except (OSError, ValueError) as error:
            raise NasError(f"the energy counter {file} cannot be read: {error}", status=3) from None

    def _range(self, zone: Path) -> int:
        """After how many microjoules a counter begins anew."""
        text = _text(zone / "max_energy_range_uj")
        if not text.isdecimal():
            raise NasError(f"the energy counter {zone} began anew, and does not say after how much", status=3)
        return int(text)


def watts_above_idle(
    runs: Sequence[Callable[[], object]], counter: EnergyCounter, beat: Callable[[], None] = lambda: None
) -> list[float]:
    """The power of the machine while each of some models runs over and over, less what it draws while nothing does.

    Args:
        runs: The models; each computes once when it is called.
        counter: What counts.
        beat: Called after every run.

    Returns:
        Watts, 0 where the machine drew no more than idle.

    Raises:
        NasError: The counter stands still.
    """
    start, before = time.perf_counter(), counter.joules()
    time.sleep(IDLE_S)
    idle_w = (counter.joules() - before) / (time.perf_counter() - start)
    found = []
    for run in runs:
        start, before = time.perf_counter(), counter.joules()
        while (took := time.perf_counter() - start) < RUN_S:
            run()
            beat()
        found.append((counter.joules() - before) / took)
    if not any(found):
        raise NasError(f"the energy counter stands still: {counter.describe()}", status=3)
    return [max(0.0, watts - idle_w) for watts in found]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""

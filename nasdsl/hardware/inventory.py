"""Whether a device runs here: it is opened, and the answer is what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Device, open_device
from nasdsl.hardware.engine import Engine


@dataclass(frozen=True, slots=True)
class State:
    """A device and whether it runs here.

    Attributes:
        name: What .nas files call it.
        runs: Whether it can be measured here.
        machine: Where it runs, if it does.
        precisions: What it can compute in.
        libraries: What does the computing, with versions.
        reason: Why it does not run.
        help: What to do about it.
        energy: What counts its energy; "" if nothing does.
        no_energy: Why nothing does, where it runs.
    """

    name: str
    runs: bool
    machine: str = ""
    precisions: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    help: str | None = None
    energy: str = ""
    no_energy: str = ""


def look(name: str) -> State:
    """Open a device with one thread and ask what it is."""
    try:
        device = open_device(name)
    except NasError as error:
        return State(name, False, reason=error.message, help=error.help)
    except Exception as error:  # of another package's device: the others are still to be listed
        return State(name, False, reason=f"it cannot be opened: {type(error).__name__}: {error}")
    precisions = tuple(getattr(device, "precisions", (device.precision,)))
    energy, no_energy = _energy(device)
    found = dict(device.libraries())
    return State(name, True, device.describe(), precisions, found, energy=energy, no_energy=no_energy)


def _energy(device: Device) -> tuple[str, str]:
    """What counts the energy of a device, or why nothing does."""
    if not isinstance(device, Engine):
        return "", f"`{device.name}` cannot tell energy"
    try:
        return device.energy_counter().describe(), ""
    except NasError as error:
        return "", f"{error.message} (help: {error.help})" if error.help else error.message

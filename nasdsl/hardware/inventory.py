"""Whether a device runs here: it is opened, and the answer is what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import open_device


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
    """

    name: str
    runs: bool
    machine: str = ""
    precisions: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    help: str | None = None


def look(name: str) -> State:
    """Open a device with one thread and ask what it is."""
    try:
        device = open_device(name)
    except NasError as error:
        return State(name, False, reason=error.message, help=error.help)
    except Exception as error:  # of another package's device: the others are still to be listed
        return State(name, False, reason=f"it cannot be opened: {type(error).__name__}: {error}")
    precisions = tuple(getattr(device, "precisions", (device.precision,)))
    return State(name, True, device.describe(), precisions, dict(device.libraries()))

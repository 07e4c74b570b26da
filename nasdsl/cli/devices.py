"""`nasdsl devices`: what can be measured here, and why the rest cannot."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("devices", help="what latency can be measured on here, and why not on the rest")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(func=_devices)


def _devices(args: argparse.Namespace) -> int:
    from nasdsl.hardware.device import device_names
    from nasdsl.hardware.inventory import look

    found = [look(name) for name in device_names()]
    if args.json:
        print(json.dumps({"devices": [asdict(state) for state in found]}, indent=1))
        return 0
    width = max(len(state.name) for state in found)
    for state in sorted(found, key=lambda state: not state.runs):
        versions = ", ".join(f"{name} {version}" for name, version in state.libraries.items())
        energy = f"energy by {state.energy}" if state.energy else ""
        runs = "; ".join(part for part in (state.machine, versions, energy) if part)
        print(f"{state.name:<{width}}  {runs if state.runs else f'no: {state.reason}'}")
        if state.help:
            print(f"{'':<{width}}  help: {state.help}")
    for reason in dict.fromkeys(state.no_energy for state in found if state.no_energy):
        names = ", ".join(state.name for state in found if state.no_energy == reason)
        print(f"no energy of {names}: {reason}")
    return 0

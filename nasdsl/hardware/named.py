"""Devices that the user has named: a remote machine with its address, a device with a time-out, MACs with a scale."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError, field_validator

from nasdsl.diagnostics.errors import NasError


class NamedDevice(BaseModel):
    """What a name stands for: the device, and options of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    options: dict[str, str | float] = {}


class _File(RootModel[dict[str, NamedDevice]]):
    @field_validator("root")
    @classmethod
    def _are_names(cls, found: dict[str, NamedDevice]) -> dict[str, NamedDevice]:
        for name in found:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
                raise ValueError(f"{name!r} is no name: small letters, digits and _ are allowed")
        return found


def named_file() -> Path:
    """Where they are written: `NASDSL_DEVICES`, or `devices.json` in the user's configuration of nasdsl."""
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(os.environ.get("NASDSL_DEVICES") or configuration / "nasdsl" / "devices.json")


def named_devices() -> dict[str, NamedDevice]:
    """The devices that the user has named; none where there is no file.

    Raises:
        NasError: The file cannot be read, or is not what it should be.
    """
    path = named_file()
    try:
        return _File.model_validate_json(path.read_bytes()).root
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise NasError(f"cannot read the named devices in {path}: {error.strerror}", status=3) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise NasError(
            f"{path}: {where}: {first['msg']}",
            help='it is: {"pi4": {"device": "remote", "options": {"url": "http://pi4:8517", "token_file": "pi.key"}}}',
        ) from None


def how_to_name(name: str, device: str, **options: str | float) -> str:
    """The help that says how a device is given a name and options."""
    entry = json.dumps({name: {"device": device, "options": options}})
    return f"name it in {named_file()}, such as {entry}, and use that name"

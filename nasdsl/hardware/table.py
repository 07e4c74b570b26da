"""Lookup tables of latencies, as JSON files that say on what and with what they were measured."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically

SCHEMA: Literal[1] = 1


class Entry(BaseModel):
    """The latency of one kernel: `ms` is what it adds to a network, `alone_ms` what it takes by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ms: float = Field(ge=0, allow_inf_nan=False)
    alone_ms: float = Field(ge=0, allow_inf_nan=False)
    rounds: int = Field(ge=1)


class Table(BaseModel):
    """Latencies by signature, on one device with one number of threads."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = SCHEMA
    device: str
    machine: str
    threads: int
    libraries: dict[str, str]
    date: str
    unit: Literal["ms"] = "ms"
    entries: dict[str, Entry] = {}

    @property
    def latency_ms(self) -> dict[str, float]:
        """Latency in ms by signature."""
        return {signature: entry.ms for signature, entry in self.entries.items()}

    def save(self, path: str | Path) -> None:
        """Write the table, entries in sorted order; an existing file is replaced at once or not at all.

        Raises:
            NasError: The file cannot be written.
        """
        ordered = self.model_copy(update={"entries": dict(sorted(self.entries.items()))})
        try:
            write_atomically(path, ordered.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise NasError(f"cannot write the lookup table {path}: {error.strerror}", status=3) from None


def load_table(path: str | Path, *, device: str | None = None, threads: int | None = None) -> Table:
    """Read a lookup table.

    Args:
        path: The file.
        device: What it must have been measured on, if that matters.
        threads: With how many threads, if that matters.

    Raises:
        NasError: It cannot be read, is no table of this version, or was measured on or with something else.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise NasError(
            f"cannot read the lookup table {path}: {reason}", help="make one: nasdsl profile SPACE.nas"
        ) from None
    try:
        table = Table.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise NasError(
            f"{path} is not a lookup table of version {SCHEMA}: {where}: {first['msg']}",
            help="measure anew: nasdsl profile SPACE.nas",
        ) from None
    for what, found, wanted in (("device", table.device, device), ("threads", table.threads, threads)):
        if wanted is not None and found != wanted:
            raise NasError(
                f"the lookup table {path} was measured with {what} = {found}, expected {wanted}",
                help="give another file: latencies of different settings do not mix",
            )
    return table

"""Lookup tables of latencies, as JSON files that say on what and with what they were measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
from nasdsl.hardware.calibration import Calibration
from nasdsl.hardware.locks import locked
from nasdsl.passes.prices import CALL, Prices

SCHEMA: Literal[2] = 2

MAX_BYTES = 2**28
"""The largest file that is read as a table."""

LEAST_MS = 1e-6
"""What nothing measured takes less than: a nanosecond, the unit in which latencies are added up."""

LEAST_MJ = 1e-6
"""The same of energy: a nanojoule."""


class Setting(TypedDict):
    """What latencies depend on beside the operations; those of different settings do not mix."""

    device: str
    threads: int
    batch: int
    precision: str


class Entry(BaseModel):
    """The latency of one thing that a table prices.

    Attributes:
        ms: What it adds to a network; where it was measured several times, the median.
        alone_ms: What it takes by itself; None where nobody measured that.
        rounds: How often it was run; 0 if that is not known.
        passes: How often it was measured, each time with many rounds of which the minimum counts.
        spread_ms: How far these measurements lie apart; None for a single one.
        energy_mj: The energy that it adds to that of a network, in mJ; None where nobody measured that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ms: float = Field(allow_inf_nan=False)
    alone_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    rounds: int = Field(default=0, ge=0)
    passes: int = Field(default=1, ge=1)
    spread_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    energy_mj: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    def beside(self, other: Entry) -> Entry:
        """What is known of the same thing when there is another entry of it: the one with more measurements, this one
        if they have as many; and an energy if one of them has it.
        """
        better, rest = (other, self) if other.passes > self.passes else (self, other)
        if better.energy_mj is not None or rest.energy_mj is None:
            return better
        return better.model_copy(update={"energy_mj": rest.energy_mj})


class Table(BaseModel):
    """Latencies by what they are the latency of, on one device with one setting.

    Attributes:
        device: What .nas files call it.
        machine: The machine, for people.
        threads: Threads that one operation may use.
        batch: Images at a time; latencies are of all of them together.
        precision: Of weights and maps.
        source: Where a published table comes from and what was decided about it; "" if it was measured here.
        blocks: Instances of these blocks are priced as a whole (see `nasdsl.passes.prices`), likewise the next three.
        decisions: Joint values of these decisions are priced.
        free: Operations that count nothing.
        space: Whose decisions these are.
        entries: By text.
        calibration: How the latencies become those of whole networks; None: they are added up as they are.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[2] = SCHEMA
    device: str
    machine: str
    threads: int = Field(ge=1)
    batch: int = Field(default=1, ge=1)
    precision: str = "fp32"
    libraries: dict[str, str] = {}
    date: str = ""
    unit: Literal["ms"] = "ms"
    source: str = ""
    blocks: tuple[str, ...] = ()
    decisions: tuple[tuple[str, ...], ...] = ()
    free: tuple[str, ...] = ()
    space: str = ""
    entries: dict[str, Entry] = {}
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _operations_take_time(self) -> Table:
        for text, entry in self.entries.items():
            # What all networks have in common may be below zero, as the intercept of a line is; decisions may be free.
            if text != CALL and (entry.ms < 0 or (entry.ms == 0 and not self.decisions)):
                raise ValueError(f"entries.{text}.ms: a latency is greater than {entry.ms:g} ms")
        return self

    @property
    def latency_ms(self) -> Prices:
        """Latency in ms by text, calibrated if the table is. The one place that every reader gets latencies from."""
        ms = {text: entry.ms for text, entry in self.entries.items()}
        if self.calibration is not None:
            ms = {text: max(LEAST_MS, round(self.calibration.scale * own, 6)) for text, own in ms.items()}
            ms[CALL] = round(ms.get(CALL, 0.0) + self.calibration.overhead_ms, 6)
        energy_mj = {text: entry.energy_mj for text, entry in self.entries.items() if entry.energy_mj is not None}
        prices = Prices(
            ms,
            frozenset(self.blocks),
            self.decisions,
            frozenset(self.free),
            self.space,
            self._how_to_fill(),
            self.note,
        )
        energy = replace(prices, prices=energy_mj, help=self._how_to_fill(" --energy"), metric="energy")
        return replace(prices, energy=energy)

    def _how_to_fill(self, option: str = "") -> str:
        """What to do where an entry is missing."""
        if self.source:
            return (
                f"it was published so ({self.source}); measure a device of your own: nasdsl profile SPACE.nas{option}"
            )
        threads = f" --threads {self.threads}" if self.threads != 1 else ""
        return f"measure what is missing: nasdsl profile SPACE.nas --device {self.device}{threads}{option}"

    @property
    def uncalibrated_ms(self) -> Prices:
        """The latencies as they were measured."""
        return self.model_copy(update={"calibration": None}).latency_ms

    @property
    def setting(self) -> Setting:
        """What must agree where tables are to be one."""
        return {"device": self.device, "threads": self.threads, "batch": self.batch, "precision": self.precision}

    @property
    def note(self) -> str:
        """What is to be said beside numbers made with the table; "" if nothing."""
        batch = f"batch {self.batch}" if self.batch != 1 else ""
        return ", ".join(filter(None, [str(self.calibration or ""), self.source, batch]))

    @property
    def title(self) -> str:
        """The device, with what is to be said of the table."""
        return f"{self.device} ({self.note})" if self.note else self.device

    def save(self, path: str | Path) -> None:
        """Write the table, entries in sorted order; an existing file is replaced at once or not at all.

        Raises:
            NasError: The file cannot be written.
        """
        ordered = self.model_copy(update={"entries": dict(sorted(self.entries.items()))})
        try:
            write_atomically(path, ordered.model_dump_json(indent=1, exclude_defaults=False) + "\n")
        except OSError as error:
            raise unwritable(path, error) from None

    def merge_into(self, path: str | Path) -> Table:
        """Write the table with what the file has beside it, which another process may have put there just now.

        Of an entry that both have, the one with more measurements is kept, with its energy if one of them has it.

        Returns:
            What the file holds now.

        Raises:
            NasError: The file is a table of something else, or cannot be written.
        """
        try:
            with locked(path):
                return self._merged_with(path)
        except OSError as error:
            raise unwritable(path, error) from None

    def _merged_with(self, path: str | Path) -> Table:
        if not Path(path).exists():
            self.save(path)
            return self
        there = load_table(path, **self.setting)
        entries = dict(there.entries)
        for text, entry in self.entries.items():
            entries[text] = entry.beside(entries[text]) if text in entries else entry
        calibration = self.calibration or there.calibration
        merged = self.model_copy(update={"entries": entries, "calibration": calibration})
        if merged != there:
            merged.save(path)
        return merged


def unwritable(path: str | Path, error: OSError) -> NasError:
    """The message that a table cannot be written."""
    return NasError(
        f"cannot write the lookup table {path}: {error.strerror}",
        help="free some space or name another file: --table FILE",
        status=3,
    )


def load_table(
    path: str | Path,
    *,
    device: str | None = None,
    threads: int | None = None,
    batch: int | None = None,
    precision: str | None = None,
) -> Table:
    """Read a lookup table, of this version or an older one.

    Args:
        path: The file.
        device: What it must have been measured on, if that matters.
        threads: With how many threads, if that matters.
        batch: At how many images at a time, if that matters.
        precision: With numbers of which precision, if that matters.

    Raises:
        NasError: It cannot be read, is no table of a known version, has an entry that is no latency, or was measured on
            or with something else.
    """
    content = _current(_content(path), path)
    try:
        table = Table.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in (".".join(map(str, first["loc"])),) if part)
        message = first["msg"].removeprefix("Value error, ")
        raise NasError(
            f"{path} is not a lookup table of version {SCHEMA}: {where}{message}",
            help="correct or remove it; measure anew: nasdsl profile SPACE.nas",
        ) from None
    check_setting(table, path, device=device, threads=threads, batch=batch, precision=precision)
    return table


def check_setting(table: Table, path: str | Path, **wanted: str | int | None) -> None:
    """See to it that a table was measured on and with what is wanted; None is not looked at.

    Raises:
        NasError: It was not.
    """
    for what, value in wanted.items():
        if value is not None and getattr(table, what) != value:
            raise NasError(
                f"the lookup table {path} was measured with {what} = {getattr(table, what)}, expected {value}",
                help="give another file: latencies of different settings do not mix",
            )


def _content(path: str | Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        if Path(path).is_file() and Path(path).stat().st_size > MAX_BYTES:
            raise NasError(f"{path} has more than {MAX_BYTES // 2**20} MiB: it is no lookup table")
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        absent = isinstance(error, FileNotFoundError)
        help_ = "make one: nasdsl profile SPACE.nas" if absent else "name a lookup table: --table FILE"
        raise NasError(f"cannot read the lookup table {path}: {reason}", help=help_) from None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NasError(
            f"{path} is not a lookup table: it is cut off or damaged ({error})",
            help="remove it and measure anew: nasdsl profile SPACE.nas",
        ) from None
    if not isinstance(content, dict):
        raise NasError(f"{path} is JSON, but not a lookup table", help="make one: nasdsl profile SPACE.nas")
    return content


def _current(content: dict[str, Any], path: str | Path) -> dict[str, Any]:
    """A table's content in the form of this version."""
    version = content.get("schema_version")
    if type(version) is not int or version < 1:
        raise NasError(
            f"{path} is not a lookup table: schema_version is {version!r}, expected {SCHEMA}",
            help="make one: nasdsl profile SPACE.nas",
        )
    if version > SCHEMA:
        raise NasError(
            f"{path} is a lookup table of version {version}, this nasdsl reads up to {SCHEMA}",
            help="install a newer nasdsl, or measure into another file: nasdsl profile SPACE.nas --table FILE",
        )
    return _from_1(content) if version == 1 else content


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    """From version 1, which had no batch, precision or passes. Its zeros were too short to measure: they are left out,
    so that they are measured anew.
    """
    entries = content.get("entries")
    if isinstance(entries, dict):
        entries = {text: e for text, e in entries.items() if not (isinstance(e, dict) and e.get("ms") == 0)}
        entries = {
            text: {k: v for k, v in e.items() if (k, v) != ("alone_ms", 0)} if isinstance(e, dict) else e
            for text, e in entries.items()
        }
    return content | {"schema_version": SCHEMA, "entries": entries}

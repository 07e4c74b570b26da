"""The directory a run leaves behind: written so that a run stopped at any moment can go on where it was.

Every file is written whole under another name and then renamed; only the log grows in place, and a checkpoint holds how
long it was, so that lines of steps that are done again are cut off first.
"""

from __future__ import annotations

import errno
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save
from torch import Tensor

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
from nasdsl.search.config import RunConfig

CONFIG, LOG, STATE, CHECKPOINTS = "config.json", "log.jsonl", "state.pt", "checkpoints"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a phase stood after a step.

    Attributes:
        phase: Name of the phase.
        step: How many of its steps are done.
        tensors: Weights, by name.
        state: What optimisers hold: nested dicts, lists, numbers and tensors.
    """

    phase: str
    step: int
    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]


class RunDirectory:
    """The files of one run.

    Args:
        path: The directory; use `create` for a new one and `open` for one that exists.
        made: Whether the directory itself was made for the run, and not only what is in it.
    """

    def __init__(self, path: Path, *, made: bool = False) -> None:
        self.path = path
        self._made = made

    @staticmethod
    def create(path: Path, config: RunConfig) -> RunDirectory:
        """Make a run's directory and write its config.

        Raises:
            NasError: Something is there already, or it cannot be written.
        """
        if path.exists() and not path.is_dir():
            raise NasError(f"{path} is a file, a run needs a directory", help="give another --run DIR", status=2)
        if path.is_dir() and any(path.iterdir()):
            what = "holds a run already" if (path / CONFIG).exists() else "is not empty"
            also = "add --resume to go on with it, or " if (path / CONFIG).exists() else ""
            raise NasError(f"the directory {path} {what}", help=f"{also}give another --run DIR", status=2)
        run = RunDirectory(path, made=not path.exists())
        try:
            with disk(path):
                (path / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
            run.write_config(config)
        except NasError:
            run.discard()
            raise
        return run

    @staticmethod
    def open(path: Path) -> tuple[RunDirectory, RunConfig]:
        """A run that exists, and its config.

        Raises:
            NasError: There is none, or its config cannot be read.
        """
        try:
            text = (path / CONFIG).read_bytes()
        except OSError:
            raise NasError(
                f"there is no run in {path}: it has no {CONFIG}",
                help="give the directory of a run, or start one without --resume",
                status=2,
            ) from None
        try:
            config = RunConfig.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise NasError(
                f"{path / CONFIG}: {place or 'the file'}: {first['msg']}",
                help="it was changed by hand or written by another version: start a new run",
            ) from None
        with disk(path):
            (path / CHECKPOINTS).mkdir(exist_ok=True)
        return RunDirectory(path), config

    def discard(self) -> None:
        """Remove a run that `create` has just begun, so that the same place can be used again.

        Everything in the directory goes, for `create` found it empty; the directory itself only if it was made then.
        What cannot be removed stays.
        """
        with suppress(OSError):
            for path in self.path.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            if self._made:
                self.path.rmdir()

    def write_config(self, config: RunConfig) -> None:
        """Replace the config."""
        self.write(CONFIG, config.model_dump_json(indent=1) + "\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the run, whole or not at all; returns its path."""
        return write_whole(self.path / name, content)

    def has(self, name: str) -> bool:
        """Whether the run has a file of this name."""
        return (self.path / name).exists()

    def read(self, name: str) -> str:
        """The text of a file of the run."""
        return (self.path / name).read_text(encoding="utf-8")

    def log(self, record: Mapping[str, Any]) -> None:
        """Append a line to the log; records hold no times, so that equal runs have equal logs."""
        with disk(self.path / LOG), (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(_rounded(record), ensure_ascii=False) + "\n")

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint; killed while writing, the one before stays valid."""
        weights = f"{CHECKPOINTS}/{checkpoint.phase}-{checkpoint.step:06}.safetensors"
        tensors = {name: tensor.detach().contiguous() for name, tensor in checkpoint.tensors.items()}
        self.write(weights, save(tensors))
        log = self.path / LOG
        body = {
            "phase": checkpoint.phase,
            "step": checkpoint.step,
            "weights": weights,
            "state": checkpoint.state,
            "log_bytes": log.stat().st_size if log.exists() else 0,
        }
        buffer = io.BytesIO()
        torch.save(body, buffer)
        self.write(f"{CHECKPOINTS}/{STATE}", buffer.getvalue())
        for path in (self.path / CHECKPOINTS).glob(f"{checkpoint.phase}-*.safetensors"):
            if path != self.path / weights:
                path.unlink(missing_ok=True)

    def load_checkpoint(self) -> Checkpoint | None:
        """The last checkpoint, with the log cut back to where it was then; None where none was made.

        Raises:
            NasError: The checkpoint cannot be read.
        """
        target = self.path / CHECKPOINTS / STATE
        if not target.exists():
            self._cut_log(0)
            return None
        try:
            body = torch.load(target, weights_only=True)
            tensors = load_file(self.path / body["weights"])
        except Exception as error:
            raise NasError(
                f"the checkpoint {target} cannot be read: {type(error).__name__}",
                help="start a new run; this one cannot go on",
            ) from error
        self._cut_log(body["log_bytes"])
        return Checkpoint(body["phase"], body["step"], tensors, body["state"])

    def _cut_log(self, size: int) -> None:
        log = self.path / LOG
        if log.exists() and log.stat().st_size > size:
            with disk(log), log.open("r+b") as file:
                file.truncate(size)


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file, whole or not at all; returns its path.

    Raises:
        NasError: The disk is full, or the place cannot be written (status 3).
    """
    with disk(path):
        write_atomically(path, content)
    return path


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turns what the file system refuses while writing `path` into a `NasError` of status 3."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NasError(
                f"the disk is full: {path} could not be written",
                help="make room; what was written before is whole",
                status=3,
            ) from error
        reason = (error.strerror or str(error)).lower()
        raise NasError(f"{path} cannot be written: {reason}", help="choose another place", status=3) from error


def _rounded(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in record.items()}

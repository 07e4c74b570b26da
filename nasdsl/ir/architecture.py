"""An architecture: a value for every live decision of a space."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.graph import Value


@dataclass(frozen=True)
class Architecture:
    """A value for every live decision, by path, of a space under a preset ("" for none).

    Equal architectures have equal text and equal hash.

    >>> a = Architecture("tiny", {"op": "conv", "w": 8})
    >>> a == Architecture.from_json(a.to_json())
    True
    """

    space: str
    decisions: Mapping[str, Value]
    preset: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisions", MappingProxyType(dict(sorted(self.decisions.items()))))

    def __hash__(self) -> int:
        return hash((self.space, self.preset, tuple(self.decisions.items())))

    def to_json(self) -> str:
        """The canonical text: a line for each decision, sorted by path."""
        head = {"space": self.space} | ({"preset": self.preset} if self.preset else {})
        lines = [f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}," for key, value in head.items()]
        decisions = [f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in self.decisions.items()]
        return "\n".join(["{", *lines, ' "decisions": {', ",\n".join(decisions), " }", "}"]) + "\n"

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the canonical text."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    @staticmethod
    def from_json(text: str, name: str = "architecture") -> Architecture:
        """Read the text that `to_json` writes.

        Raises:
            NasError: The text is not JSON or not of this form.
        """
        form = 'expected {"space": NAME, "preset": NAME (if there is one), "decisions": {PATH: VALUE, ...}}'
        try:
            body = json.loads(text)
        except ValueError as error:
            raise NasError(f"{name} is not JSON: {error}", help=form) from None
        if (
            not isinstance(body, dict)
            or set(body) | {"preset"} != {"space", "preset", "decisions"}
            or not isinstance(body["decisions"], dict)
        ):
            raise NasError(f"{name} is JSON, but not an architecture", help=form)
        decisions = {str(path): _frozen(value, name) for path, value in body["decisions"].items()}
        return Architecture(str(body["space"]), decisions, str(body.get("preset", "")))


def _frozen(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item, name) for item in value)
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    raise NasError(
        f"{name}: {value!r} is no value of a decision", help="values are integers, strings and lists of them"
    )

"""The explanation of each code: what the rule is, a wrong program, a right one. The texts lie in `explanations/`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nasdsl.diagnostics.codes import TITLES
from nasdsl.diagnostics.errors import NasError

_TEXTS = Path(__file__).parent / "explanations"
_PROGRAM = re.compile(r"^```nas (?P<kind>\S+)(?: (?P<encoding>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means.

    Attributes:
        code: Such as "E0207".
        title: A few words.
        text: What the rule is and why there is one; paragraphs of one line each.
        wrong: A program that has this diagnostic and no other.
        right: The program as it should be: no diagnostics.
        files: Texts of the files that the programs import, by name.
        encoding: How the bytes of the wrong program are made from its text.
    """

    code: str
    title: str
    text: str
    wrong: str
    right: str
    files: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"

    @property
    def severity(self) -> str:
        """Whether it stops the compilation: "error" or "warning"."""
        return "error" if self.code.startswith("E") else "warning"


def explain(code: str) -> Explanation:
    """The explanation of a code; case does not matter, and neither do missing zeros.

    Raises:
        NasError: There is no such code; the nearest one is named.

    >>> explain("e207").title
    'a call that needs a label'
    """
    known = _normal(code)
    if known not in TITLES:
        near = difflib.get_close_matches(known, TITLES, 3, 0.7)
        meant = " or ".join(f"{code} ({TITLES[code]})" for code in near)
        hint = f"did you mean {meant}?" if near else "`nasdsl explain` lists all codes"
        raise NasError(f"there is no diagnostic {code}", help=hint, status=2)
    text = (_TEXTS / f"{known}.md").read_text(encoding="utf-8")
    programs = list(_PROGRAM.finditer(text))
    texts = {match["kind"]: match["text"] for match in programs}
    encoding = next(match["encoding"] for match in programs if match["kind"] == "wrong") or "utf-8"
    paragraphs = [" ".join(part.split()) for part in text[: programs[0].start()].strip().split("\n\n")]
    wrong, right = texts.pop("wrong"), texts.pop("right")
    return Explanation(known, TITLES[known], "\n\n".join(paragraphs), wrong, right, texts, encoding)


def _normal(code: str) -> str:
    match = re.fullmatch(r"([A-Za-z])(\d{1,4})", code.strip())
    return f"{match[1].upper()}{match[2]:0>4}" if match else code.strip().upper()

"""Any text whatever gives a space or diagnostics: never another exception."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.diagnostics.errors import NasError
from nasdsl.ir.verify import verify
from nasdsl.source import Source
from nasdsl.space import load

SPACES = Path(__file__).parents[2] / "spaces"
FASTERSEG = (SPACES / "fasterseg.nas").read_text()
DARTS = (SPACES / "darts.nas").read_text()
WORDS = sorted(set(FASTERSEG.split()) | set(DARTS.split()) | {"", "\n", "\t", "{", "}", "é", '"', "0", "-1", "10^9"})


def accept_or_diagnose(text: str, preset: str = "") -> None:
    found = None
    try:
        verify(load(Source("any.nas", text), preset=preset).graph)
    except NasError as error:
        found = error
    if isinstance(found, InvalidSpace):
        assert found.diagnostics
        for diagnostic in found.diagnostics:
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(diagnostic.span.source.text)
    elif found is not None:
        assert "preset" in str(found), "the preset may have been cut away; nothing else may be wrong without a span"


@given(st.text(max_size=200))
def test_any_characters(text: str) -> None:
    accept_or_diagnose(text)


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_any_words_of_the_language(words: list[str]) -> None:
    accept_or_diagnose(" ".join(words))


@pytest.mark.parametrize(("text", "preset"), [(FASTERSEG, "demo"), (DARTS, "")])
@given(data=st.data())
def test_near_misses(text: str, preset: str, data: st.DataObject) -> None:
    words = text.split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(st.sampled_from(WORDS))
    accept_or_diagnose(" ".join(words), preset)


@given(st.integers(0, len(FASTERSEG)))
def test_a_file_cut_off_anywhere(end: int) -> None:
    accept_or_diagnose(FASTERSEG[:end], "demo")

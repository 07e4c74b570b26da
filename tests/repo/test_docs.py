"""Every example of the reference and of the tutorials is run."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasdsl.diagnostics.diagnostic import InvalidSpace
from nasdsl.ir.verify import verify
from nasdsl.source import Source
from nasdsl.space import load

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "grammars/REFERENCE.md", *sorted((REPOSITORY / "docs/tutorials").glob("*.md"))]


@dataclass(frozen=True)
class Example:
    """A fenced block of a page: the words after the fence, and the text."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}:{self.line}"


def examples(page: Path) -> list[Example]:
    text = page.read_text()
    found = re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    return [Example(page, text.count("\n", 0, m.start()) + 1, tuple(m[1].split()), m[2]) for m in found]


ALL = [example for page in PAGES for example in examples(page)]
SPACES = [example for example in ALL if example.words[:1] == ("nas",)]


def whole(text: str) -> str:
    """The file that an example is, or that it stands in."""
    if re.search(r"^\s*space ", text, re.MULTILINE):
        return text
    task = "" if "task " in text else "task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }"
    return f"space example {{ input image: [3, 32, 32]\n{text}\n{task} }}"


@pytest.mark.parametrize("example", SPACES, ids=str)
def test_example(example: Example) -> None:
    source = Source(str(example), whole(example.text))
    if example.words[1:2] == ("error",):
        with pytest.raises(InvalidSpace) as found:
            load(source)
        assert [d.code for d in found.value.diagnostics] == [example.words[2]]
        return
    graph = load(source).graph
    verify(graph)
    presets = re.findall(r"^\s*preset (\w+)", example.text, re.MULTILINE)
    for preset in presets:
        verify(load(source, preset=preset).graph)


@pytest.mark.parametrize("page", [page for page in PAGES if "```console" in page.read_text()], ids=lambda p: p.stem)
def test_commands(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands of a tutorial, in order, in a folder with its files; `...` stands for any text."""
    from nasdsl.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    for example in examples(page):
        for word in example.words:
            if word.startswith("file="):
                Path(word.removeprefix("file=")).write_text(example.text)
        if example.words[:1] != ("console",):
            continue
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", example.text, re.MULTILINE):
            command, _, file = command.partition(" > ")
            words = shlex.split(command, comments=True)
            assert words[0] == "nasdsl"
            try:
                status = main(words[1:])
            except SystemExit as stop:
                status = stop.code  # type: ignore[assignment]
            printed, complaints = capsys.readouterr()
            assert status == 0, f"$ {command}\n{printed}{complaints}"
            if file:
                Path(file).write_text(printed)
                printed = ""
            out = "\n".join(line.rstrip() for line in printed.splitlines())
            pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
            assert re.fullmatch(pattern, out.strip(), re.DOTALL), f"$ {command}\n{out}"


def test_the_reference_names_every_word_operation_and_function() -> None:
    from nasdsl.elaborate.imports import _standard_library
    from nasdsl.ops.catalogue import OPERATIONS

    text = (REPOSITORY / "grammars/REFERENCE.md").read_text()
    grammar = (REPOSITORY / "grammars/nasdsl.lark").read_text()
    reserved = re.search(r"\(\?!\(\?:([a-z|]+)\)", grammar)
    assert reserved
    listed = re.search(r"## Reserved words\n\n`([^`]*)`", text)
    assert listed
    assert listed[1].split() == reserved[1].split("|")
    blocks = {item.name for item in _standard_library().items}  # type: ignore[union-attr]
    missing = {name for name in {*OPERATIONS, *blocks} if f"`{name}(" not in text}
    assert not missing

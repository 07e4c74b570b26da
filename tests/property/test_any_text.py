"""Any text whatever gives a space or diagnostics: never another exception, and no more diagnostics than mistakes."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nasdsl.diagnostics.diagnostic import Diagnostic, InvalidSpace
from nasdsl.diagnostics.render import as_data, render
from nasdsl.elaborate.space import elaborate, preset_names
from nasdsl.ir.verify import verify
from nasdsl.passes.lint import lint
from nasdsl.source import Source
from nasdsl.syntax.encoding import decoded
from nasdsl.syntax.parser import parse
from nasdsl.syntax.words import words_of
from tests.generators.spaces import spaces

SPACES = {path.stem: path.read_text() for path in sorted((Path(__file__).parents[2] / "spaces").glob("*.nas"))}
SMALLEST = {name: min(preset_names(parse(Source(name, text))) or [""], key=len) for name, text in SPACES.items()}
SMALLEST |= {"fasterseg": "demo"}
WORDS = sorted({word.text for text in SPACES.values() for word in words_of(text)})
STRANGE = [
    *[
        "",
        "\n",
        "\t",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "é",
        '"',
        "'",
        "#",
        ";",
        "\0",
        "\x1b",
        "\u202e",
        "\ud7ff",
        "0",
        "-1",
    ],
    *["1/3", "10^9", "..", ">>", "==", "None", "def", "depth", "shared", "from", "extern", "predict"],
]


def accept_or_diagnose(source: Source, preset: str = "") -> list[Diagnostic]:
    """The diagnostics of a text, each of which can be shown."""
    try:
        file = parse(source)
        preset = preset if preset in preset_names(file) else ""
        found = lint(file, {preset: verify(elaborate(file, preset=preset))})
    except InvalidSpace as error:
        found = list(error.diagnostics)
    shown(found)
    return found


def shown(found: list[Diagnostic]) -> None:
    for diagnostic in found:
        for span in (diagnostic.span, *(label.span for label in diagnostic.labels)):
            assert 0 <= span.start <= span.end <= len(span.source.text)
        assert as_data(diagnostic)["line"] >= 1
        text = render(diagnostic)
        assert re.sub(r"\x1b\[[\d;]*m", "", render(diagnostic, colour=True)) == text
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text), "nothing that steers a terminal"


@given(st.text(max_size=200))
def test_any_characters(text: str) -> None:
    accept_or_diagnose(Source("any.nas", text))


@given(st.binary(max_size=200) | st.text(max_size=60).map(lambda text: text.encode("utf-16", errors="replace")))
@example(b"\xff\xfe")
@example(b"\xff\xfe\x00")
@example(b"\xff\xfe\x00\xd8")
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\xff")
def test_any_bytes(data: bytes) -> None:
    try:
        source = decoded("any.nas", data)
    except InvalidSpace as error:
        found = list(error.diagnostics)
    else:
        found = accept_or_diagnose(source)
    shown(found)


@given(st.lists(st.sampled_from(WORDS + STRANGE), max_size=60))
def test_any_words_of_the_language(words: list[str]) -> None:
    accept_or_diagnose(Source("any.nas", " ".join(words)))


@st.composite
def near_misses(draw: st.DrawFn, text: str) -> str:
    """The text with one to three words deleted, doubled, swapped with another or replaced."""
    for _ in range(draw(st.integers(1, 3))):
        words = words_of(text)
        assume(words)
        word = words[draw(st.integers(0, len(words) - 1))]
        other = words[draw(st.integers(0, len(words) - 1))]
        match draw(st.sampled_from(["delete", "double", "swap", "replace", "insert"])):
            case "delete":
                text = text[: word.start] + text[word.end :]
            case "double":
                text = f"{text[: word.end]} {word.text} {text[word.end :]}"
            case "swap":
                first, second = sorted((word, other), key=lambda item: item.start)
                if first.end <= second.start:
                    between = text[first.end : second.start]
                    text = text[: first.start] + second.text + between + first.text + text[second.end :]
            case "replace":
                text = text[: word.start] + draw(st.sampled_from(WORDS + STRANGE)) + text[word.end :]
            case "insert":
                text = f"{text[: word.start]} {draw(st.sampled_from(WORDS + STRANGE))} {text[word.start :]}"
    return text


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_near_misses_of_shipped_spaces(name: str, data: st.DataObject) -> None:
    accept_or_diagnose(Source("any.nas", data.draw(near_misses(SPACES[name]))), SMALLEST[name])


@given(spaces().flatmap(near_misses))
def test_near_misses_of_generated_spaces(text: str) -> None:
    accept_or_diagnose(Source("any.nas", text))


@given(st.sampled_from(sorted(SPACES)), st.data())
def test_a_file_cut_off_anywhere(name: str, data: st.DataObject) -> None:
    text = SPACES[name][: data.draw(st.integers(0, len(SPACES[name])))]
    accept_or_diagnose(Source("any.nas", text), SMALLEST[name])


LINES = [
    "a{0} = image >> conv_bn_relu(8, k = 3)",
    "choose b{0} in {{ conv3: conv_bn_relu(k = 3), skip }}",
    "block c{0}(x, k = 3) {{\n    y = x >> conv_bn_relu(8, k = k)\n    return y\n  }}",
    "for i in 0..3 {{ d{0}[i] = image >> relu() }}",
    "width e{0} in {{4, 8}}",
    "f{0} = sum(\n    image,\n    image >> relu()\n  )",
    "preset g{0} {{ w[*] = 4 }}",
    "block h{0}(x) = x >> relu()  // the last one",
]
BREAKS = [
    ("=", "= ="), ("=", "=="), (" in ", " n "), ("block ", "blok "), ("choose ", "chose "), ("width ", "widht "),
    ("for ", "fro "), ("preset ", "presets "), (">>", ">> >>"), ("(", "(("), (")", ""), ("relu", "re lu"),
    ("image", "image]"), ("return", "retrun"), (",", ", ,"), ("{", ""), ("3", "3x"), ("8", "%"), ("8", "None 8"),
]  # fmt: skip


def space_of(statements: list[str]) -> str:
    return "space s {\n  input image: [3, 8, 8]\n  " + "\n  ".join(statements) + "\n  require params <= 4 M\n}\n"


def syntax_errors(text: str) -> list[Diagnostic]:
    try:
        parse(Source("any.nas", text))
    except InvalidSpace as error:
        return list(error.diagnostics)
    return []


@given(st.data())
def test_as_many_diagnostics_as_broken_statements(data: st.DataObject) -> None:
    """Statements, some of them broken in one place each: one diagnostic for each, in it, and no others."""
    count = data.draw(st.integers(1, 8))
    statements = [data.draw(st.sampled_from(LINES)).format(i) for i in range(count)]
    broken = set()
    for place in range(count):
        if data.draw(st.booleans()):
            found, instead = data.draw(st.sampled_from([pair for pair in BREAKS if pair[0] in statements[place]]))
            statements[place] = statements[place].replace(found, instead, 1)
            if syntax_errors(space_of(statements[place : place + 1])):
                broken.add(place)
    text = space_of(statements)
    starts = [text.index(statement) for statement in statements]
    diagnostics = syntax_errors(text)
    where = [max(i for i in range(count) if starts[i] <= d.span.start) for d in diagnostics]
    assert where == sorted(broken), "\n".join(render(d) for d in diagnostics)

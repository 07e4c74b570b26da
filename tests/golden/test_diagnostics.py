"""What a newcomer's mistakes are answered with, to the letter.

`NASDSL_UPDATE_GOLDEN=1 pytest tests/golden` writes the expected answers anew; read the difference before committing.
"""

import os
from pathlib import Path

import pytest

from nasdsl.diagnostics.errors import NasError
from nasdsl.source import Source
from nasdsl.space import load

EXPECTED = Path(__file__).parent / "diagnostics"
TASK = "  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }\n"

MISTAKES = {
    "semicolon": "y = image;",
    "unknown_operation": "y = image >> sep_cnv(4, k = 3)",
    "reserved_word": "depth = 3\n  y = image",
    "keyword_typo": "coose op in {conv_bn(k = 3)}\n  y = image >> op()",
    "missing_brace": "block f(x) { return x >> relu()\n  y = f(image)",
    "channels_differ_in_a_sum": "width w in {2, 4}\n  a = image >> conv_bn(w, k = 1)\n  y = sum(a, image)",
    "sizes_differ_in_a_sum": "y = sum(image, image >> max_pool(k = 3, stride = 2))",
    "size_not_divisible": "y = image >> resize(3/4) >> conv_bn(4, k = 3, stride = 16)",
    "even_kernel": "y = image >> conv(4, k = 2)",
    "missing_argument": "y = image >> conv_bn(4)",
    "unknown_argument": "y = image >> conv_bn(4, k = 3, strid = 2)",
    "too_many_arguments": "y = image >> relu(3)",
    "fractional_channels": "width w in {3, 4}\n  y = image >> conv_bn(w/2, k = 1)",
    "map_called": "a = image\n  y = a(3)",
    "alternatives_differ": "choose op in {conv_bn(4, k = 3), skip}\n  y = image >> op()",
    "alternative_twice": "choose op in {conv_bn(k = 3), conv_bn(k = 5)}\n  y = image >> op()",
    "pick_too_many": "pick p in 3 of 0..2\n  y = sum(image for i in p)",
    "condition_on_a_width": "width w in {2, 4}\n  y = image >> conv_bn(4 if w > 2 else 8, k = 1)",
    "name_twice": "a = 3\n  a = 4\n  y = image",
    "loop_without_index": "for i in 0..2 { a = i }\n  y = image >> conv_bn(a, k = 1)",
    "missing_element": "x[0] = image\n  y = x[1]",
    "recursion": "block f(x) = f(x)\n  y = f(image)",
    "decisions_without_labels": "block f(x) { choose op in {conv_bn(k = 3), skip} return x >> op() }\n"
    "  y = sum(f(image), f(image))",
    "two_mistakes_no_cascade": "a = image >> nothing()\n  b = a >> relu()\n  y = image >> conv(4)",
    "endless_range": "for i in 0..10000000 { x[i] = image }\n  y = image",
    "unreachable_end": "grid g[l in 0..3, r in {1}] from image at [0, 1] {\n"
    "    to [l+1, r] = here >> relu() when l < 1\n  }\n"
    "  route b in g to [2, 1]\n  y = b.end",
    "no_unit": "y = image\n  require latency(ort_cpu) <= 8",
    "wrong_unit": "y = image\n  require params <= 4 ms",
    "preset_fits_nothing": "y = image\n  preset p { trunk[*].w = 4 }",
    "block_returns_nothing": "block f(x) { z = x >> relu() }\n  y = f(image)",
    "two_losses": "y = image\n  task u = y { loss ohem() loss ohem() }",
}


def answer(text: str, name: str, **kwargs: object) -> str:
    with pytest.raises(NasError) as caught:
        load(Source(f"{name}.nas", text), **kwargs)  # type: ignore[arg-type]
    return str(caught.value)


def compare(name: str, found: str) -> None:
    path = EXPECTED / f"{name}.txt"
    if os.environ.get("NASDSL_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str) -> None:
    text = f"space s {{\n  input image: [3, 32, 32]\n  {MISTAKES[name]}\n{TASK}}}\n"
    compare(name, answer(text, name, preset="p" if name.startswith("preset") else ""))


def test_a_space_without_a_task() -> None:
    compare("no_task", answer("space lonely {\n  input image: [3, 32, 32]\n}\n", "no_task"))


def test_a_file_without_a_space() -> None:
    compare("no_space", answer("block f(x) = x >> relu()\n", "no_space"))


def test_nesting_has_a_limit() -> None:
    compare("nesting", answer("space s { x = " + "(" * 300 + "1" + ")" * 300 + " }", "nesting")[:200])

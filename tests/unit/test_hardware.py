"""Lookup tables, and measuring with ONNX Runtime on this machine; how long something takes is never asserted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.device import Measurement, open_device
from nasdsl.hardware.devices.ort_cpu import OrtCpu
from nasdsl.hardware.neighbours import surroundings
from nasdsl.hardware.profile import MOST_PASSES, PASSES, profile
from nasdsl.hardware.table import Entry, Table, load_table
from nasdsl.passes.kernels import Signature, signatures
from nasdsl.passes.units import latency_ms
from nasdsl.source import Source
from nasdsl.space import Space, load

TINY = """space tiny {
  input image: [3, 16, 16]
  choose op in {a: conv_bn_relu(k = 3), b: max_pool(k = 3)}
  width w in {2, 4}
  x = image >> conv(3, k = 1) >> op() >> conv(w, k = 1)
  y = x >> resize(1/2) >> resize_like(x) >> relu()
  task t = concat(x, y) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""


@pytest.fixture
def tiny() -> Space:
    return load(Source("tiny.nas", TINY))


def a_table(**changes: object) -> Table:
    entries = {"relu 4x8x8 -> 4x8x8": Entry(ms=0.001, alone_ms=0.002, rounds=12)}
    table = Table(device="ort_cpu", machine="m", threads=1, libraries={"onnxruntime": "1"}, date="", entries=entries)
    return table.model_copy(update=changes)


def test_a_table_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    a_table().save(tmp_path / "deep" / "t.json")
    assert load_table(tmp_path / "deep" / "t.json", device="ort_cpu", threads=1) == a_table()
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["t.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a lookup table: it is cut off or damaged"),
        (a_table().model_dump_json()[:-40], "is not a lookup table: it is cut off or damaged .*column"),
        ("[]", "is JSON, but not a lookup table"),
        ("{}", "schema_version is None, expected 2"),
        (a_table(schema_version=3).model_dump_json(warnings=False), "of version 3, this nasdsl reads up to 2"),
        (a_table(unit="s").model_dump_json(warnings=False), "unit: Input should be 'ms'"),
        (
            a_table().model_dump_json().replace("0.001", "-1"),
            "-> 4x8x8.ms: a latency is greater than -1 ms",
        ),
        (a_table().model_dump_json().replace("0.001", "NaN"), r"entries.relu 4x8x8 -> 4x8x8.ms: Input should be a fin"),
        (
            a_table().model_dump_json().replace("0.001", "0.0"),
            "-> 4x8x8.ms: a latency is greater than 0 ms",
        ),
        (a_table(device="ort_gpu").model_dump_json(), "measured with device = ort_gpu, expected ort_cpu"),
        (a_table(threads=2).model_dump_json(), "measured with threads = 2, expected 1"),
    ],
)
def test_a_table_of_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(NasError, match=message):
        load_table(tmp_path / "t.json", device="ort_cpu", threads=1)


def test_a_missing_table_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NasError, match=r"cannot read .*absent.json.*\nhelp: .*nasdsl profile"):
        load_table(tmp_path / "absent.json")


def test_an_unknown_device_lists_the_known() -> None:
    with pytest.raises(
        NasError, match=r"`tensorrt_fp32` cannot be measured here; devices that can be named: .*ort_cpu"
    ):
        open_device("tensorrt_fp32")


class Interrupted(OrtCpu):
    """Stops like a killed process after some kernels."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after
        self.measured: list[str] = []

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        for text, measurement in super().measure(signatures, footprint):
            if len(self.measured) == self.after:
                raise KeyboardInterrupt
            self.measured.append(text)
            yield text, measurement


def test_profiling_goes_on_where_it_was_interrupted(tiny: Space, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    first, second = Interrupted(after=3), Interrupted(after=999)
    with pytest.raises(KeyboardInterrupt):
        profile(tiny.graph, first, path)
    assert {text: entry.passes for text, entry in load_table(path).entries.items()} == dict.fromkeys(first.measured, 1)
    seen: list[tuple[int, int]] = []
    table = profile(tiny.graph, second, path, lambda done, total: seen.append((done, total)))
    measured = Counter(first.measured + second.measured)
    assert sorted(measured) == sorted(signatures(tiny.graph)) == sorted(table.entries)
    assert {text: entry.passes for text, entry in table.entries.items()} == measured
    assert set(measured.values()) <= set(range(PASSES, MOST_PASSES + 1))
    assert [done for done, _ in seen] == list(range(1, len(second.measured) + 1))
    assert seen[-1][0] == seen[-1][1]
    assert load_table(path) == table
    assert table.libraries == {"onnxruntime": ort.__version__}
    for seed in range(8):
        assert latency_ms(tiny.derive(tiny.sample(seed)), table.latency_ms) >= 0
    before = path.read_bytes()
    assert profile(tiny.graph, Interrupted(after=0), path) == table
    assert path.read_bytes() == before


def test_every_kernel_of_the_shipped_spaces_stands_between_neighbours(repository: Path) -> None:
    known = signatures(load(repository / "spaces/darts.nas").graph)
    known |= signatures(load(repository / "spaces/fasterseg.nas", preset="demo").graph)
    of_each_kind = {text.split(" ")[0] + str("relu" in text): signature for text, signature in known.items()}
    for signature in of_each_kind.values():
        models = surroundings(signature)
        loaded = [onnx.load_from_string(m) for m in (models.alone, models.before, models.after, models.between)]
        alone, before, after, between = loaded
        assert len(between.graph.node) == sum(len(model.graph.node) for model in (alone, before, after))
        session = ort.InferenceSession(models.between, providers=["CPUExecutionProvider"])
        feed = {x.name: np.zeros((2, *x.shape[1:]), np.float32) for x in session.get_inputs()}
        channels, *size = (int(side) for side in signature.text.rpartition(" ")[2].split("x"))
        assert session.run(None, feed)[0].shape == (2, channels, *size)


def test_what_standing_together_saves_is_shared() -> None:
    models = surroundings(next(iter(signatures(load(Source("tiny.nas", TINY)).graph).values())))
    assert models.latency_ms(alone=5, before=2, after=2, between=7) == 4
    assert models.latency_ms(alone=5, before=2, after=2, between=10) == 5
    assert models.latency_ms(alone=1, before=9, after=9, between=2) == 0


def test_a_file_that_is_no_model_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(NasError, match=r"x\.onnx is not an ONNX model"):
        OrtCpu().measure_model(tmp_path / "x.onnx")
    with pytest.raises(NasError, match="cannot read"):
        OrtCpu().measure_model(tmp_path / "absent.onnx")


def test_tables_are_sorted_json_with_their_circumstances(tmp_path: Path) -> None:
    table = a_table()
    table.entries["add"] = Entry(ms=1, alone_ms=1, rounds=1)
    table.save(tmp_path / "t.json")
    content = json.loads((tmp_path / "t.json").read_text())
    assert list(content["entries"]) == ["add", "relu 4x8x8 -> 4x8x8"]
    assert {"schema_version", "device", "machine", "threads", "libraries", "date", "unit"} < set(content)

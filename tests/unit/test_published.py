"""Published latency tables, read from the files as they were published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.published import read_published
from nasdsl.hardware.table import load_table
from nasdsl.notations import read_notation
from nasdsl.passes.prices import CALL, of_values
from nasdsl.passes.units import latency_ms, texts
from nasdsl.source import Source
from nasdsl.space import Space, load
from tests.unit.test_spaces import STUDENT


@pytest.fixture(scope="module")
def fbnet(repository: Path) -> Space:
    return load(repository / "spaces/fbnet.nas")


@pytest.fixture(scope="module")
def cells(repository: Path) -> Space:
    return load(repository / "spaces/nasbench201.nas")


@pytest.mark.parametrize("device", ["raspi4", "pixel3", "eyeriss", "fpga"])
def test_fbnet_costs_give_all_published_latencies(shared_data: Path, fbnet: Space, device: str) -> None:
    prices = read_published("fbnet", shared_data / "fbnet/additive_costs.npz", device, fbnet.graph).latency_ms
    published = np.load(shared_data / "fbnet/latency_5000.npz")
    lists, wanted = published["op_idx_list"].tolist(), published[f"lat_ms/{device}"]
    blocks = [read_notation("fbnet", str([n] * 22), fbnet.graph).decisions for n in range(9)]
    paths = list(fbnet.graph.decisions)
    by_entries = [
        prices[CALL] + sum(prices[of_values([path], [blocks[n][path]])] for path, n in zip(paths, numbers, strict=True))
        for numbers in lists
    ]
    assert np.abs(np.array(by_entries) - wanted).max() < 1e-9
    for place in range(0, 5000, 500):
        architecture = read_notation("fbnet", str(lists[place]), fbnet.graph)
        assert latency_ms(fbnet.derive(architecture), prices) == pytest.approx(wanted[place], abs=1e-9)


def test_a_space_is_searched_on_a_published_device(
    shared_data: Path, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, space = str(tmp_path / "t.json"), str(repository / "spaces/fbnet.nas")
    data = str(shared_data / "fbnet/additive_costs.npz")
    assert main(["import-table", "fbnet", data, space, "--device", "pixel3", "-o", table, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "pixel3"
    assert main(["sample", space, "--under", "latency(pixel3) <= 8 ms", "--table", table]) == 0
    (tmp_path / "a.json").write_text(capsys.readouterr().out)
    cost = ["cost", space, "--arch", str(tmp_path / "a.json"), "--device", "pixel3", "--table", table, "--json"]
    assert main(cost) == 0
    assert json.loads(capsys.readouterr().out)["latency_ms"] <= 8
    assert main(["cost", space, "--device", "raspi4", "--table", table]) == 1
    assert "measured with device = pixel3, expected raspi4" in capsys.readouterr().err
    assert main(["cost", space, "--device", "raspi4", "--table", table, "--other-device"]) == 0


@pytest.mark.parametrize(("kind", "wanted"), [("fasterseg", 5.702), ("fasterseg-as-coded", 6.414)])
def test_the_student_of_fasterseg(shared_data: Path, repository: Path, kind: str, wanted: float) -> None:
    space = load(repository / "spaces/fasterseg.nas", preset="published")
    table = read_published(kind, shared_data / "latency/fasterseg_1080ti_tensorrt.json")
    student = read_notation("fasterseg", STUDENT, space.graph)
    assert round(latency_ms(space.derive(student), table.latency_ms), 3) == wanted


@pytest.mark.parametrize("preset", ["", "student", "teacher", "published"])
def test_the_table_of_fasterseg_prices_the_whole_space(shared_data: Path, repository: Path, preset: str) -> None:
    space = load(repository / "spaces/fasterseg.nas", preset=preset)
    prices = read_published("fasterseg", shared_data / "latency/fasterseg_1080ti_tensorrt.json").latency_ms
    assert not texts(space.graph, prices).keys() - prices.keys()


@pytest.mark.parametrize(("device", "entries"), [("eyeriss", 31), ("1080ti_1", 15625)])
def test_nasbench201_gives_all_published_latencies(shared_data: Path, cells: Space, device: str, entries: int) -> None:
    path = shared_data / "nasbench201/latency.npz"
    table = read_published("nasbench201", path, device, cells.graph)
    assert len(table.entries) == entries
    published = np.load(path)
    for place in range(0, 15625, 1500):
        architecture = read_notation("nasbench201", str(published["arch"][place]), cells.graph)
        found = latency_ms(cells.derive(architecture), table.latency_ms)
        assert found == pytest.approx(published[f"lat_ms/{device}"][place], rel=1e-9)


def test_counts_and_bounds_with_one_entry_an_architecture(shared_data: Path, cells: Space) -> None:
    path = shared_data / "nasbench201/latency.npz"
    prices = read_published("nasbench201", path, "1080ti_1", cells.graph).latency_ms
    found = cells.count_under("latency(gpu_1080ti_1) <= 8 ms", latency_ms={"gpu_1080ti_1": prices})
    assert found.lower == found.upper == int((np.load(path)["lat_ms/1080ti_1"] <= 8).sum())


TFNAS_STAGE = """space stage {
  input image: [3, 224, 224]
  x = image >> conv_bn_relu(32, k = 3, stride = 2) >> conv_bn_relu(16, k = 3)
  width mid in {48, 64}
  choose k in {k3: inverted_residual(k = 3), k5: inverted_residual(k = 5)}
  y = x >> k(24, mid = mid, stride = 2)
  z = y >> inverted_residual(24, mid = 72, k = 3)
  task t = z >> global_avg_pool() >> linear(1000) { loss cross_entropy() }
}"""


def test_tfnas_blocks_by_their_middle_channels(shared_data: Path) -> None:
    path = shared_data / "latency/tfnas_latency.npz"
    table, published = read_published("tfnas", path, "xeon_6130"), np.load(path)
    space = load(Source("stage.nas", TFNAS_STAGE))
    for seed in range(4):
        architecture = space.sample(seed)
        mid, k = int(str(architecture.decisions["mid"])), architecture.decisions["k"]
        first = published[f"cpu__MBInvertedResBlock_112_16_0_24_{k}_s2_relu"][mid - 1]
        second = published["cpu__MBInvertedResBlock_56_24_0_24_k3_s1_relu"][71]
        wanted = float(published["cpu__base"]) + float(first) + float(second)
        assert latency_ms(space.derive(architecture), table.latency_ms) == pytest.approx(wanted, rel=1e-6)


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected an object, found list"),
        ({"Pool_H1_W1_C3": 1.0}, "`Pool_H1_W1_C3` is no operator of FasterSeg"),
        ({"ff_H128_W256_C64": "fast"}, "`ff_H128_W256_C64`: expected milliseconds, found 'fast'"),
        ({"ff_H128_W256_C64": -1.0}, "a latency is greater than -1 ms"),
        ({"ff_H128_W256_C64": float("nan")}, "finite number"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(NasError, match=message):
        read_published("fasterseg", write(tmp_path / "t.json", content))


def test_archives_are_not_unpickled(tmp_path: Path, fbnet: Space) -> None:
    np.savez(tmp_path / "x.npz", a_delta_ms=np.array([object()]), a_base_all_op0_ms=np.array(1.0))
    with pytest.raises(NasError, match=r"cannot be read as a NumPy archive.*allow_pickle"):
        read_published("fbnet", tmp_path / "x.npz", None, fbnet.graph)
    (tmp_path / "y.npz").write_bytes(b"PK")
    with pytest.raises(NasError, match="cannot be read as a NumPy archive"):
        read_published("fbnet", tmp_path / "y.npz", None, fbnet.graph)


@pytest.mark.parametrize(
    ("device", "message"),
    [(None, "holds several devices\nhelp: name one: --device a | b"), ("c", "`c` is not in")],
)
def test_the_device_has_to_be_there(tmp_path: Path, fbnet: Space, device: str | None, message: str) -> None:
    np.savez(tmp_path / "x.npz", a_delta_ms=np.zeros((22, 9)), b_delta_ms=np.zeros((22, 9)))
    with pytest.raises(NasError) as caught:
        read_published("fbnet", tmp_path / "x.npz", device, fbnet.graph)
    assert message in str(caught.value)


def test_costs_of_an_unpublished_form_of_fbnet(tmp_path: Path, fbnet: Space) -> None:
    costs = np.arange(22 * 9, dtype=float).reshape(22, 9) / 1000
    np.savez(tmp_path / "x.npz", a_delta_ms=costs, a_base_all_op0_ms=np.array(5.0))
    table = read_published("fbnet", tmp_path / "x.npz", "a", fbnet.graph)
    table.save(tmp_path / "t.json")
    prices = load_table(tmp_path / "t.json", device="a").latency_ms
    architecture = read_notation("fbnet", str([3] * 22), fbnet.graph)
    assert latency_ms(fbnet.derive(architecture), prices) == pytest.approx(5 + costs[:, 3].sum(), abs=1e-12)

"""Devices and how they are named, opened, watched and served; how long something takes is never asserted."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from nasdsl.cli import main
from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware import engine, wire
from nasdsl.hardware.device import DEVICES, Measurement, device_names, open_device
from nasdsl.hardware.devices.macs import macs, macs_of
from nasdsl.hardware.devices.ort_cpu import OrtCpu
from nasdsl.hardware.devices.remote import Remote
from nasdsl.hardware.engine import Run
from nasdsl.hardware.host import cores
from nasdsl.hardware.neighbours import surroundings
from nasdsl.hardware.passage import MOST_BYTES
from nasdsl.hardware.profile import profile
from nasdsl.hardware.serve import DeviceServer
from nasdsl.hardware.table import Entry, Table, load_table
from nasdsl.passes.kernels import Signature, signatures
from nasdsl.source import Source
from nasdsl.space import load

TINY = """space tiny {
  input image: [3, 16, 16]
  choose op in {a: conv_bn_relu(k = 3), b: max_pool(k = 3), c: dw_conv(k = 3)}
  x = image >> conv(4, k = 1) >> op()
  y = x >> resize(1/2) >> resize_like(x) >> relu()
  task t = concat(x, y) >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}"""
TOKEN = "a-token-of-sufficient-length"
GRAPH = load(Source("tiny.nas", TINY)).graph
KERNELS = list(signatures(GRAPH).values())


@pytest.fixture(autouse=True)
def nothing_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without named devices; the file where they would be."""
    path = tmp_path / "devices.json"
    monkeypatch.setenv("NASDSL_DEVICES", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small ONNX model of ours."""
    path = tmp_path / "model.onnx"
    path.write_bytes(surroundings(KERNELS[1]).between)
    return path


@pytest.mark.parametrize("name", ["torch_cpu", "torch_cpu_b2", "ort_cpu_b2", "openvino_cpu", "ncnn_cpu"])
def test_a_device_measures_kernels_and_models(name: str, model: Path) -> None:
    try:
        device = open_device(name, timeout_s=300.0)
    except NasError as error:
        pytest.skip(str(error))
    assert device.name == name
    assert device.threads == 1
    found = dict(device.measure(KERNELS))
    assert list(found) == [signature.text for signature in KERNELS]
    assert all(0 <= m.ms <= m.alone_ms and m.alone_ms > 0 and m.rounds >= 12 for m in found.values())
    assert device.measure_model(model) > 0
    assert device.describe()
    assert all(device.libraries().values())


def test_compiled_models_measure_too(model: Path) -> None:
    try:
        device = open_device("torch_compile_cpu", timeout_s=300.0)
    except NasError as error:
        pytest.skip(str(error))
    assert device.measure_model(model) > 0


def test_a_batch_is_computed_at_once() -> None:
    """A device that forgot its batch would give the model one image."""
    for name, batch in (("ort_cpu_b5", 5), ("torch_cpu_b5", 5), ("torch_cpu", 1)):
        run = open_device(name).prepare(surroundings(KERNELS[0]).alone)  # type: ignore[attr-defined]
        last = run()[-1]
        assert (last.shape() if callable(last.shape) else list(last.shape))[0] == batch


def test_threads_of_pytorch_are_put_back() -> None:
    before = torch.get_num_threads()
    device = open_device("torch_cpu", threads=cores())
    with device.settings():  # type: ignore[attr-defined]
        assert torch.get_num_threads() == cores()
    list(device.measure(KERNELS[:1]))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("name", "threads", "options", "message", "status"),
    [
        ("gpu", 1, {}, "`gpu` cannot be measured here; devices that can be named: cuda, macs", 2),
        ("ort_cpu_b0", 1, {}, "`ort_cpu_b0` cannot be measured here", 2),
        ("ort_cpu; rm", 1, {}, "cannot be measured here", 2),
        ("ort_cpu", 10_000, {}, "cannot be measured with 10000 threads: it has 1 to", 2),
        ("torch_cpu", 0, {}, "cannot be measured with 0 threads", 2),
        ("ort_cpu_bf16", 1, {}, "`ort_cpu` cannot compute in bf16 here; it can in fp32", 2),
        ("ort_cpu_b9999", 1, {}, "computes 1 to 4096 images at once", 2),
        ("ort_cpu", 1, {"url": "x"}, "`ort_cpu` has no option `url`", 2),
        ("ort_cpu", 1, {"timeout_s": float("nan")}, "a number of seconds above 0 is needed", 2),
        ("ort_cpu", 1, {"timeout_s": "soon"}, "timeout_s = soon: a number of seconds above 0 is needed", 2),
        (
            "remote",
            1,
            {"url": "http://["},
            "`remote` needs the address of its machine, such as http://pi4:8517, found 'http://['",
            2,
        ),
        ("remote", 1, {"timeout_s": "soon", "url": "http://h"}, "timeout_s = soon: a number of seconds above 0", 2),
        ("macs", 1, {}, "`macs` needs its scale", 2),
        ("macs", 1, {"ns_per_mac": "fast"}, "a number of nanoseconds above 0 is needed", 2),
        ("macs_bf16", 1, {"ns_per_mac": 1.0}, "knows no precision", 2),
        ("remote", 1, {}, "needs the address of its machine", 2),
        ("remote", 1, {"url": "http://127.0.0.1:1"}, "`remote` needs a token", 2),
        ("remote", 1, {"url": "http://127.0.0.1:x", "token_file": __file__}, "the token", 2),
    ],
)
def test_what_cannot_be_opened_says_why(
    name: str, threads: int, options: dict[str, Any], message: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NASDSL_TOKEN", raising=False)
    with pytest.raises(NasError) as found:
        open_device(name, threads=threads, **options)
    assert message in found.value.message
    assert found.value.status == status


def test_what_is_not_installed_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    known = DEVICES["ncnn_cpu"]._replace(target="nasdsl_no_such_package.ncnn_cpu:NcnnCpu")
    monkeypatch.setitem(DEVICES, "ncnn_cpu", known)
    with pytest.raises(
        NasError, match=r"needs nasdsl_no_such_package\nhelp: pip install 'nasdsl\[all,ncnn\]'"
    ) as found:
        open_device("ncnn_cpu")
    assert found.value.status == 3


def test_named_devices_are_devices(nothing_named: Path) -> None:
    nothing_named.write_text('{"flat": {"device": "macs", "options": {"ns_per_mac": 0.5}}}')
    assert "flat" in device_names()
    device = open_device("flat_b2", threads=3)
    assert (device.name, device.threads, device.batch, device.precision) == ("flat_b2", 3, 2, "fp32")
    for text, found in device.measure(KERNELS):
        assert found.ms == round(macs_of(text) * 2 * 0.5e-6, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the file: Invalid JSON"),
        ('{"a b": {"device": "macs"}}', "'a b' is no name"),
        ('{"a": {"device": "macs", "ns": 1}}', "a.ns: Extra inputs"),
        ('{"a": {"device": "macs", "options": {"ns": 1}}}', "`macs` has no option `ns`, which `a` has stored"),
        ('{"a": {"device": "a"}}', "`a` cannot be measured here"),
    ],
)
def test_a_wrong_file_of_named_devices_is_a_message(nothing_named: Path, text: str, message: str) -> None:
    nothing_named.write_text(text)
    with pytest.raises(NasError) as found:
        open_device("a")
    assert message in found.value.message


def test_macs_read_from_texts_are_those_of_the_kernels(repository: Path) -> None:
    count = 0
    for name in ("fasterseg", "fbnet", "nasbench201"):
        for text, signature in signatures(load(repository / f"spaces/{name}.nas").graph).items():
            assert macs_of(text) == macs(signature.steps, signature.inputs), text
            count += macs_of(text) > 0
    assert count > 100


def test_the_scale_of_macs_is_that_of_a_table(tmp_path: Path, model: Path) -> None:
    entries = {
        "conv k=3 4x10x10 -> 5x10x10": Entry(ms=0.03, alone_ms=1, rounds=1),  # 18,000 MACs
        "relu 4x10x10 -> 4x10x10": Entry(ms=0.006, alone_ms=1, rounds=1),
    }
    Table(device="ort_cpu", machine="m", threads=1, libraries={}, date="", entries=entries).save(tmp_path / "t.json")
    device = open_device("macs", table=str(tmp_path / "t.json"))
    assert device.describe() == "2 ns for each multiply-accumulate, from 2 kernels on ort_cpu, m"
    # 1x1, 3x3 and 1x1 convolutions over 16 x 16 pixels with 3 or 4 channels, counted by hand.
    parts = KERNELS[1].text
    assert parts == "conv k=3 relu 4x16x16 -> 4x16x16"
    assert device.measure_model(model) == pytest.approx(256 * (16 + 9 * 16 + 16) * 2e-6)
    with pytest.raises(NasError, match="measured with threads = 1, expected 2"):
        open_device("macs", threads=2, table=str(tmp_path / "t.json"))
    entries = {"spam eggs": Entry(ms=1, alone_ms=1, rounds=1)}
    Table(device="ort_cpu", machine="m", threads=1, libraries={}, date="", entries=entries).save(tmp_path / "t.json")
    with pytest.raises(NasError, match="no signature"):
        open_device("macs", table=str(tmp_path / "t.json"))


class Hanging(OrtCpu):
    """Stops for ever at a kernel, as a driver may."""

    kind: ClassVar[str] = "hanging"

    def __init__(self, after: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.left = after
        self.end = threading.Event()

    def prepare(self, model: bytes) -> Run:
        self.left -= 1
        if self.left < 0:
            self.end.wait()
        return super().prepare(model)


class Slowing(OrtCpu):
    """Slower with every run, as a processor that gets hot."""

    runs = 0

    def time(self, run: Run) -> float:
        super().time(run)
        self.runs += 1
        return float(self.runs)


def test_whole_models_take_turns(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal models come out nearly equal where the machine drifts: one after the other, the second would take 31."""
    monkeypatch.setattr(engine, "LEAST_S", 0.0)
    device = Slowing()
    assert device.measure_models([model, model]) == [1.0, 1.0 + engine.VISIT]
    assert device.runs == 2 * engine.LEAST_RUNS


def test_a_device_that_hangs_keeps_what_was_measured(tmp_path: Path) -> None:
    many = load(
        Source(
            "tiny.nas",
            TINY.replace("conv(4, k = 1)", "conv(w, k = 1)").replace("  x =", "  width w in {2, 4, 6}\n  x ="),
        )
    )
    device = Hanging(after=8 * 4, timeout_s=1.0)
    with pytest.raises(
        NasError, match=r"`hanging` hangs: one step took longer than 1 s\nhelp: what was measured"
    ) as found:
        profile(many.graph, device, tmp_path / "t.json")
    device.end.set()
    assert found.value.status == 3
    kept = load_table(tmp_path / "t.json").entries
    assert list(kept) == sorted(list(signatures(many.graph))[:8])
    with pytest.raises(NasError, match="hangs"):
        Hanging(after=0, timeout_s=0.1).measure_model(__file__)


def test_an_error_in_a_watched_measurement_arrives() -> None:
    device = OrtCpu(timeout_s=60.0)
    with pytest.raises(NasError, match="is not an ONNX model that `ort_cpu` can run"):
        device.measure_model(__file__)


class Fixed:
    """A device whose answers are known."""

    name, threads, batch, precision = "fixed", 2, 1, "fp32"

    def __init__(self, dies_at: int = -1) -> None:
        self.seen: list[Signature] = []
        self.dies_at = dies_at

    def describe(self) -> str:
        return "a board"

    def libraries(self) -> Mapping[str, str]:
        return {"engine": "7"}

    def measure(self, signatures: Iterable[Signature], footprint: int = 0) -> Iterator[tuple[str, Measurement]]:
        self.footprint = footprint
        for signature in signatures:
            if len(self.seen) == self.dies_at:
                raise OSError("the board is gone")
            self.seen.append(signature)
            yield signature.text, Measurement(float(len(self.seen)), 0.1 + 0.2, 12)

    def measure_model(self, path: str | Path) -> float:
        return Path(path).stat().st_size / 1000

    def measure_models(self, paths: Sequence[str | Path]) -> list[float]:
        return [self.measure_model(path) for path in paths]


@contextmanager
def serving(device: Any, **options: Any) -> Iterator[DeviceServer]:
    with DeviceServer(device, TOKEN, ("127.0.0.1", 0), **options) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(TOKEN + "\n")
    return tmp_path / "token"


def test_a_remote_device_measures_what_the_other_machine_measures(token_file: Path, model: Path) -> None:
    device = Fixed()
    with serving(device) as server:
        client = Remote(name="pi4", threads=2, url=f"http://127.0.0.1:{server.server_port}", token_file=token_file)
        assert (client.name, client.describe(), client.libraries()) == ("pi4", "a board (fixed)", {"engine": "7"})
        kernels = [*KERNELS, *KERNELS]
        found = list(client.measure(kernels, 12_345))
        assert device.footprint == 12_345
        list(client.measure(KERNELS[:1], 10**12))
        assert device.footprint == MOST_BYTES
        del device.seen[len(kernels) :]
        assert client.measure_model(model) == model.stat().st_size / 1000
    assert found == [(k.text, Measurement(float(i + 1), 0.1 + 0.2, 12)) for i, k in enumerate(kernels)]
    assert [(k.steps, k.inputs) for k in device.seen] == [(k.steps, k.inputs) for k in kernels]


def test_a_real_device_over_the_network(token_file: Path, nothing_named: Path, tmp_path: Path) -> None:
    with serving(open_device("ort_cpu")) as server:
        options = {"url": f"http://127.0.0.1:{server.server_port}", "token_file": str(token_file)}
        nothing_named.write_text(json.dumps({"here": {"device": "remote", "options": options}}))
        (tmp_path / "tiny.nas").write_text(TINY)
        assert main(["profile", str(tmp_path / "tiny.nas"), "--device", "here"]) == 0
        table = load_table(tmp_path / "cache/nasdsl/here-1.json", device="here", threads=1)
    assert sorted(table.entries) == sorted(signatures(GRAPH))
    assert table.machine.endswith("(ort_cpu)")


def test_tls(token_file: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-keyout", str(key), "-out", str(certificate), "-addext"]
    try:
        subprocess.run([*made, "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    with serving(Fixed(), certificate=str(certificate), key=str(key)) as server:
        url = f"https://localhost:{server.server_port}"
        client = Remote(threads=2, url=url, token_file=token_file, ca_file=certificate)
        assert next(client.measure(KERNELS))[0] == KERNELS[0].text
        with pytest.raises(NasError, match=r"does not answer: .*[Cc]ertificate"):
            Remote(threads=2, url=url, token_file=token_file)
        with pytest.raises(NasError, match="does not answer"):
            Remote(threads=2, url=url.replace("https", "http"), token_file=token_file)
    with pytest.raises(NasError, match="is no certificate with its key"):
        DeviceServer(Fixed(), TOKEN, ("127.0.0.1", 0), certificate=str(token_file))


def test_a_device_that_vanishes_keeps_what_was_measured(token_file: Path, tmp_path: Path) -> None:
    with serving(Fixed(dies_at=8)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        client = Remote(name="pi4", threads=2, url=url, token_file=token_file)
        many = load(
            Source("t", TINY.replace("conv(4, k = 1)", "conv(w, k = 1)").replace("  x =", "  width w in {2, 4}\n  x ="))
        )
        with pytest.raises(NasError, match=r"the device at 127\.0.0.1:\d+ does not answer") as found:
            profile(many.graph, client, tmp_path / "t.json")
    assert found.value.status == 3
    assert len(load_table(tmp_path / "t.json").entries) == 8
    with pytest.raises(NasError, match="does not answer"):
        Remote(threads=2, url=url, token_file=token_file)


def test_a_machine_that_says_nothing_is_given_up(token_file: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(NasError, match=r"did not answer within 0\.2 s"):
            Remote(url=url, token_file=token_file, timeout_s=0.2)


def test_remote_settings_must_be_those_that_are_served(token_file: Path) -> None:
    with serving(Fixed()) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(NasError, match="serves `fixed` with threads = 2, wanted is 1"):
            Remote(url=url, token_file=token_file)
        with pytest.raises(NasError, match="serves `fixed` with batch = 1, wanted is 4"):
            Remote(url=url, threads=2, batch=4, token_file=token_file)


def ask(server: DeviceServer, method: str, path: str, body: bytes | str = b"", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.putrequest(method, path)
        for name, value in ({"Authorization": f"Bearer {TOKEN}", "Content-Length": str(len(body))} | headers).items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body.encode() if isinstance(body, str) else body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def kernel(**changes: Any) -> str:
    """A request for one kernel: a convolution, with changes to what is sent."""
    sent = wire.to_wire(KERNELS[0]).model_dump()
    sent["steps"][0]["attrs"] |= changes.pop("attrs", {})
    return json.dumps({"kernels": [sent | changes]})


def number(text: str) -> dict[str, dict[str, str]]:
    return {"number": text}  # type: ignore[dict-item]


A_MAP = {"channels": 3, "height": 16, "width": 16, "rate": "1"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "message"),
    [
        (wire.KERNELS, "{}", {"Authorization": "Bearer wrong"}, 401, "the token is wrong"),
        (wire.KERNELS, "{}", {"Authorization": "Bearer ü"}, 401, "the token is wrong"),
        ("/etc/passwd", "{}", {}, 404, "no such thing"),
        (wire.KERNELS, "{", {}, 400, "Invalid JSON"),
        (wire.KERNELS, "{}", {"Content-Length": "-1"}, 411, "says its length"),
        (wire.KERNELS, "{}", {"Content-Length": "99999999"}, 413, "at most 1,048,576 are allowed"),
        (wire.MODEL, "{}", {"Content-Length": "999999999999"}, 413, "are allowed"),
        (wire.KERNELS, '{"kernels": []}', {}, 400, "at least 1 item"),
        (wire.KERNELS, json.dumps({"kernels": [{}] * 9}), {}, 400, "kernels"),
        (wire.KERNELS, kernel(inputs=[A_MAP | {"channels": 10**9}]), {}, 400, "less than or equal to 65536"),
        (wire.KERNELS, kernel(inputs=[A_MAP | {"channels": True}]), {}, 400, "valid integer"),
        (wire.KERNELS, kernel(inputs=[A_MAP | {"channels": 60000}]), {}, 422, "is too large"),
        (wire.KERNELS, kernel(inputs=[A_MAP | {"rate": "1/0"}]), {}, 400, "pattern"),
        (wire.KERNELS, kernel(inputs=[A_MAP, A_MAP] * 33), {}, 400, "at most 64 items"),
        (wire.KERNELS, kernel(attrs={"k": number("0")}), {}, 422, "kernel 0"),
        (wire.KERNELS, kernel(attrs={"groups": number("0")}), {}, 422, "kernel 0"),
        (wire.KERNELS, kernel(attrs={"k": number("1e9")}), {}, 400, "kernels.0.steps.0.attrs.k"),
        (wire.KERNELS, kernel(attrs={"k": number("99999")}), {}, 422, "numbers, at most"),
        (
            wire.KERNELS,
            kernel(attrs={"k": number("4001")}, inputs=[A_MAP | {"height": 2000}]),
            {},
            422,
            "MACs, at most",
        ),
        (wire.KERNELS, kernel(attrs={"k": "os.system"}), {}, 400, "kernels.0.steps.0.attrs.k"),
        (wire.KERNELS, kernel(steps=[{"op": "extern", "attrs": {}}]), {}, 422, "kernel 0 is no kernel"),
        (wire.KERNELS, kernel(steps=[{"op": "__class__", "attrs": {}}]), {}, 422, "kernel 0 is no kernel"),
        (wire.MODEL, b"cos\nsystem\n", {}, 400, "it is no ONNX model"),
    ],
)
def test_requests_are_bounded(path: str, body: str | bytes, headers: dict[str, str], status: int, message: str) -> None:
    device = Fixed()
    with serving(device) as server:
        found, text = ask(server, "POST", path, body, **headers)
        assert (found, message in text) == (status, True), text
        assert not device.seen
        assert ask(server, "GET", wire.DEVICE)[0] == 200


def test_a_model_cannot_name_files_of_the_machine() -> None:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in "xy")
    weight = numpy_helper.from_array(np.ones(2, np.float32), "w")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="secret")
    hidden = helper.make_node("Constant", [], ["w"], value=weight)
    add = helper.make_node("Add", ["x", "w"], ["y"])
    models = [helper.make_graph([add], "g", [x], [y], [weight]), helper.make_graph([hidden, add], "g", [x], [y])]
    with serving(Fixed()) as server:
        for graph in models:
            status, text = ask(server, "POST", wire.MODEL, helper.make_model(graph).SerializeToString())
            assert (status, "must hold its weights itself" in text) == (400, True)
        plain = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        assert ask(server, "POST", wire.MODEL, helper.make_model(plain).SerializeToString())[0] == 200


def test_one_measures_at_a_time() -> None:
    with serving(Fixed()) as server:
        with server.measuring:
            status, text = ask(server, "POST", wire.KERNELS, kernel())
        assert (status, "measuring for someone else" in text) == (503, True)
        assert ask(server, "POST", wire.KERNELS, kernel())[0] == 200


def test_a_short_token_is_refused() -> None:
    with pytest.raises(NasError, match="at least 16"):
        DeviceServer(Fixed(), "short", ("127.0.0.1", 0))


def test_devices_says_what_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--json"]) == 0
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)["devices"]}
    assert set(DEVICES) <= set(found)
    assert found["ort_cpu"]["runs"]
    assert found["torch_cpu"]["precisions"] == ["fp32", "bf16"]
    for name, item in found.items():
        assert bool(item["reason"]) != item["runs"], name
    assert main(["devices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ort_cpu ") and "onnxruntime" in line for line in lines)
    assert any(line.startswith("remote ") and "no: `remote` needs the address" in line for line in lines)


def test_serve_device_makes_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(DeviceServer, "serve_forever", lambda self: time.sleep(0))
    for _ in range(2):
        assert main(["serve-device", "--port", "0", "--token-file", str(tmp_path / "t"), "--timeout", "60s"]) == 0
        assert "ort_cpu (1 thread) at http://127.0.0.1:" in capsys.readouterr().out
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "t").read_text().strip()) == 43
    assert main(["serve-device", "--port", "0", "--token-file", str(tmp_path / "t"), "--host", "0.0.0.0"]) == 0
    assert "the token can be read on the way" in capsys.readouterr().err
    assert main(["serve-device", "--port", "70000", "--token-file", str(tmp_path / "t")]) == 2
    assert main(["serve-device", "--key", "k", "--token-file", str(tmp_path / "t")]) == 2
    assert main(["serve-device", "--token-file", str(tmp_path)]) == 2

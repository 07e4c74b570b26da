"""What a user builds is reported to nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx

RUN = "import sys, nasdsl, onnxruntime; onnxruntime.InferenceSession(sys.argv[1])"


def test_onnx_runtime_keeps_no_identifier_of_this_machine(tmp_path: Path) -> None:
    """It writes one, and what it will send, into the user's cache."""
    kind = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [kind], [result])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        key: value for key, value in os.environ.items() if key not in ("ORT_DISABLE_TELEMETRY", "CI", "XDG_CACHE_HOME")
    }
    command = [sys.executable, "-c", RUN, str(tmp_path / "m.onnx")]
    subprocess.run(command, check=True, env=environment | {"HOME": str(home)})
    assert not list(home.rglob("*"))

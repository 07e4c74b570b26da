"""ncnn on the processor, models converted by pnnx."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import ClassVar

import ncnn
import numpy as np
import onnx
import pnnx

from nasdsl.hardware.energy import Rapl
from nasdsl.hardware.engine import Engine, Run


class NcnnCpu(Engine):
    """ncnn in fp32, without Vulkan; it computes one image at a time.

    `shift`, and `none` with a stride, have no form in ncnn.
    """

    kind: ClassVar[str] = "ncnn_cpu"
    most_images: ClassVar[int] = 1
    counts_energy = Rapl

    def prepare(self, model: bytes) -> Run:
        """A net that pnnx has converted.

        Raises:
            ValueError: ncnn has no form for an operation.
        """
        graph = onnx.load_from_string(model).graph
        shapes, outputs = ([_shape(item) for item in items] for items in (graph.input, graph.output))
        net = self._converted(model, shapes)
        generator = np.random.default_rng(0)
        # A Mat made of an array borrows its memory, a clone has its own.
        inputs = [ncnn.Mat(generator.standard_normal(shape, dtype=np.float32)).clone() for shape in shapes]

        def run() -> list[ncnn.Mat]:
            extractor = net.create_extractor()
            for place, mat in enumerate(inputs):
                extractor.input(f"in{place}", mat)
            return [extractor.extract(f"out{place}")[1] for place in range(len(outputs))]

        for mat, shape in zip(run(), outputs, strict=True):
            if np.array(mat).size != prod(shape):
                raise ValueError(f"pnnx converts it to something else: {np.array(mat).shape} where {shape} is meant")
        return run

    def _converted(self, model: bytes, shapes: list[list[int]]) -> ncnn.Net:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "m.onnx").write_bytes(model)
            sizes = ",".join(str([1, *shape]).replace(" ", "") for shape in shapes)
            done = subprocess.run(
                [pnnx.EXEC_PATH, "m.onnx", f"inputshape={sizes}", "fp16=0"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.timeout_s,
            )
            parameters, weights = Path(folder, "m.ncnn.param"), Path(folder, "m.ncnn.bin")
            if not parameters.exists():
                raise ValueError(f"pnnx cannot convert it: {done.stderr.strip()[-200:]}")
            text = parameters.read_text()
            # Where nothing but a concatenation tells which axis is the batch, pnnx takes it for an axis of ncnn's.
            parameters.write_text(re.sub(r"^(Concat .*) 0=1$", r"\1 0=0", text, flags=re.MULTILINE))
            net = ncnn.Net()
            net.opt.num_threads = self.threads
            net.opt.use_vulkan_compute = False
            net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
            if net.load_param(str(parameters)) or net.load_model(str(weights)):
                layers = {line.split()[0] for line in text.splitlines()[2:]}
                raise ValueError(f"ncnn does not have all of {', '.join(sorted(layers))}")
        return net

    def libraries(self) -> Mapping[str, str]:
        """The versions of ncnn and pnnx."""
        return {"ncnn": str(ncnn.__version__), "pnnx": version("pnnx")}


def _shape(item: onnx.ValueInfoProto) -> list[int]:
    return [side.dim_value for side in item.type.tensor_type.shape.dim[1:]]

"""OpenVINO on the processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import openvino as ov

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.energy import Rapl
from nasdsl.hardware.engine import Engine, Run

_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenvinoCpu(Engine):
    """OpenVINO's CPU plugin with one stream.

    Args:
        settings: Those of `nasdsl.hardware.engine.Engine`.
    """

    kind: ClassVar[str] = "openvino_cpu"
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    counts_energy = Rapl

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._core = ov.Core()
        if self.precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise NasError(f"`{self.name}`: this processor does not compute in bf16", help="use fp32", status=3)

    def prepare(self, model: bytes) -> Run:
        """A compiled model of static shape."""
        read = self._core.read_model(model)
        read.reshape({x: [self.batch, *list(x.get_partial_shape())[1:]] for x in read.inputs})
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
        }
        request = self._core.compile_model(read, "CPU", settings).create_infer_request()
        generator = np.random.default_rng(0)
        for x in read.inputs:
            array = generator.standard_normal(tuple(x.shape), dtype=np.float32)
            request.set_tensor(x.any_name, ov.Tensor(array))

        def run() -> object:
            return request.infer()

        return run

    def libraries(self) -> Mapping[str, str]:
        """The version of OpenVINO."""
        return {"openvino": str(ov.__version__)}

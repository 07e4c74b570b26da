"""ONNX Runtime on the processor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import onnxruntime as ort

from nasdsl.hardware.energy import Rapl
from nasdsl.hardware.engine import Engine, Run
from nasdsl.hardware.ort import bound


class OrtCpu(Engine):
    """ONNX Runtime with the CPU provider, all graph optimisations on, and threads that sleep while they wait."""

    kind: ClassVar[str] = "ort_cpu"
    counts_energy = Rapl

    def prepare(self, model: bytes) -> Run:
        """A session of the CPU provider."""
        return bound(model, threads=self.threads, batch=self.batch, providers=["CPUExecutionProvider"])

    def libraries(self) -> Mapping[str, str]:
        """The version of ONNX Runtime."""
        return {"onnxruntime": ort.__version__}

"""ONNX Runtime on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import onnxruntime as ort

from nasdsl.diagnostics.errors import NasError
from nasdsl.hardware.engine import Engine, Run
from nasdsl.hardware.ort import bound


class OrtCuda(Engine):
    """ONNX Runtime with the CUDA provider, inputs and outputs on the GPU, TF32 off; a run ends when the GPU is done.

    Args:
        settings: Those of `nasdsl.hardware.engine.Engine`.
    """

    kind: ClassVar[str] = "ort_cuda"
    on_processor: ClassVar[bool] = False

    def __init__(self, **settings: Any) -> None:
        if "CUDAExecutionProvider" not in ort.get_available_providers():
            raise NasError(
                f"`{self.kind}` needs an ONNX Runtime with CUDA; here is {', '.join(ort.get_available_providers())}",
                help="pip uninstall onnxruntime; pip install onnxruntime-gpu",
                status=3,
            )
        super().__init__(**settings)

    def most_threads(self) -> int:
        """One: the threads of the processor do not compute."""
        return 1

    def prepare(self, model: bytes) -> Run:
        """A session of the CUDA provider; what that cannot run is left to the processor."""
        providers = [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]
        return bound(model, threads=1, batch=self.batch, providers=providers, device="cuda")

    def warm_up(self, run: Run) -> None:
        """Libraries choose algorithms, and the clock rises."""
        for _ in range(10):
            run()

    def describe(self) -> str:
        """The first GPU."""
        return "the first CUDA device"

    def libraries(self) -> Mapping[str, str]:
        """The version of ONNX Runtime."""
        return {"onnxruntime": ort.__version__}

"""TensorRT on an NVIDIA GPU; PyTorch holds the memory and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import onnx
import tensorrt as trt
import torch

from nasdsl.hardware.engine import Engine, Run
from nasdsl.hardware.gpu import gpu_ms, needs_gpu


class TensorRT(Engine):
    """TensorRT 10 or later on the first GPU; TF32 off, fp16 where the precision says so.

    Args:
        settings: Those of `nasdsl.hardware.engine.Engine`.
    """

    kind: ClassVar[str] = "tensorrt"
    on_processor: ClassVar[bool] = False
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16")

    def __init__(self, **settings: Any) -> None:
        needs_gpu(self.kind)
        super().__init__(**settings)
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime = trt.Runtime(self._logger)

    def most_threads(self) -> int:
        """One: the threads of the processor do not compute."""
        return 1

    def prepare(self, model: bytes) -> Run:
        """An execution context whose inputs and outputs are tensors of PyTorch."""
        engine = self._engine(_at_batch(model, self.batch))
        context = engine.create_execution_context()
        tensors = {}
        for name in (engine.get_tensor_name(i) for i in range(engine.num_io_tensors)):
            tensors[name] = torch.randn(tuple(engine.get_tensor_shape(name)), device="cuda")
            context.set_tensor_address(name, tensors[name].data_ptr())
        stream = torch.cuda.current_stream()

        def run() -> object:
            if not context.execute_async_v3(stream.cuda_stream):
                raise RuntimeError("TensorRT could not run the model")
            return tensors, engine

        return run

    def _engine(self, model: bytes) -> Any:
        builder = trt.Builder(self._logger)
        network = builder.create_network(0)
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(model):
            raise RuntimeError("; ".join(parser.get_error(i).desc() for i in range(parser.num_errors)))
        config = builder.create_builder_config()
        config.clear_flag(trt.BuilderFlag.TF32)
        if self.precision == "fp16":
            config.set_flag(trt.BuilderFlag.FP16)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise RuntimeError("TensorRT could not build the model")
        return self._runtime.deserialize_cuda_engine(plan)

    def warm_up(self, run: Run) -> None:
        """The clock rises."""
        for _ in range(10):
            run()
        torch.cuda.synchronize()

    def time(self, run: Run) -> float:
        """The time between two events on the GPU, in ms."""
        return gpu_ms(run)

    def describe(self) -> str:
        """The GPU."""
        return str(torch.cuda.get_device_name())

    def libraries(self) -> Mapping[str, str]:
        """The versions of TensorRT and CUDA."""
        return {"tensorrt": str(trt.__version__), "cuda": str(torch.version.cuda)}


def _at_batch(model: bytes, batch: int) -> bytes:
    """The model with the first dimension of inputs and outputs set."""
    loaded = onnx.load_from_string(model)
    for item in (*loaded.graph.input, *loaded.graph.output):
        item.type.tensor_type.shape.dim[0].dim_value = batch
    content: bytes = loaded.SerializeToString()
    return content

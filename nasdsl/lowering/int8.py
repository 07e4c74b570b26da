"""Quantisation after training: weights and activations in 8 bits, their ranges taken from pictures.

Quantize and dequantize operations stand around what computes in int8 (QDQ); ONNX Runtime fuses them. Activations are
uint8, weights int8 with a scale for every channel, as ONNX Runtime recommends for processors with VNNI; older ones may
saturate, which the accuracy that is measured beside it then shows.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError

QUANTISED = ("Conv", "Gemm", "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool", "Relu")
"""What computes in int8; the rest, resizing above all, stays as it is."""


def quantised(content: bytes, images: Iterable[NDArray[np.float32]]) -> bytes:
    """An ONNX model in int8, made of one in float32; the same bytes for the same input.

    Args:
        content: The model, with one input.
        images: Normalised images [N, C, H, W] from which the ranges of activations are taken.

    Raises:
        NasError: ONNX Runtime's tools for this are not installed, or cannot do it.
    """
    try:
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise NasError(f"quantisation needs {error.name}", help="pip install 'nasdsl[all]'", status=3) from None
    model = onnx.load_from_string(content)
    name = model.graph.input[0].name

    class Pictures(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._images: Iterator[NDArray[np.float32]] = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self._images, None)
            return None if image is None else {name: image}

    with tempfile.TemporaryDirectory() as folder, _without_advice():
        path = Path(folder) / "int8.onnx"
        quantize_static(
            model,
            path,
            Pictures(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return path.read_bytes()


@contextmanager
def _without_advice() -> Iterator[None]:
    """The tools advise to fold and simplify first, which the lowering has done."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

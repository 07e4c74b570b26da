"""Sessions of ONNX Runtime whose inputs and outputs lie on the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from nasdsl.lowering.metadata import declared_sizes


def bound(
    model: bytes, *, threads: int, batch: int, providers: Sequence[Any], device: str = "cpu"
) -> Callable[[], object]:
    """A model that is ready to run on random input.

    Args:
        model: The bytes of an ONNX file.
        threads: Threads that one operation may use.
        batch: The first dimension of inputs and outputs.
        providers: The execution providers of ONNX Runtime, with their options.
        device: Where inputs and outputs lie.

    Raises:
        Exception: ONNX Runtime cannot run it, or not with the first of the providers.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait make other sessions slow.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    session = ort.InferenceSession(model, options, providers=providers)
    wanted = providers[0] if isinstance(providers[0], str) else providers[0][0]
    if session.get_providers()[0] != wanted:
        raise RuntimeError(f"{wanted} could not be started; ONNX Runtime would use {session.get_providers()[0]}")
    generator = np.random.default_rng(0)
    binding = session.io_binding()
    held: list[Any] = []
    sizes = declared_sizes(session.get_modelmeta().custom_metadata_map)
    for place, item in enumerate(session.get_inputs()):
        # Where height and width are free, those that the space declares count.
        sides = sizes[place] if place < len(sizes) else item.shape[2:]
        array = generator.standard_normal((batch, item.shape[1], *sides), dtype=np.float32)
        held.append(ort.OrtValue.ortvalue_from_numpy(array, device))
        binding.bind_ortvalue_input(item.name, held[-1])
    for item in session.get_outputs():
        if any(isinstance(side, str) for side in item.shape[1:]):
            binding.bind_output(item.name, device)
            continue
        held.append(ort.OrtValue.ortvalue_from_shape_and_type([batch, *item.shape[1:]], np.float32, device))
        binding.bind_ortvalue_output(item.name, held[-1])

    def run() -> list[Any]:
        session.run_with_iobinding(binding)
        return held

    return run

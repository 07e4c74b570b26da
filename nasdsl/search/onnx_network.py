"""A lowered network in ONNX Runtime, with what its file says about itself: it needs nothing else to judge or predict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasdsl.diagnostics.errors import NasError

Rgb = tuple[int, int, int]

PREFIX = "nasdsl."
"""Of the keys under which the facts stand in the model's metadata."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file says about itself.

    Attributes:
        task: The task it was made for.
        classes: Names of the classes, in the order of its outputs.
        palette: A colour for each.
        mean: Of red, green and blue (0..1), subtracted first.
        std: Of red, green and blue; divided by.
        metrics: Names of the task's metrics.
    """

    task: str
    classes: tuple[str, ...]
    palette: tuple[Rgb, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    metrics: tuple[str, ...]

    def metadata(self) -> dict[str, str]:
        """As the key-value pairs of a model file."""
        facts = {name: getattr(self, name) for name in self.__slots__}
        return {PREFIX + name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}

    @staticmethod
    def of(metadata: Mapping[str, str], name: str) -> ModelFacts:
        """Read what `metadata` writes.

        Raises:
            NasError: Something is missing: the model was not made by `nasdsl`.
        """
        try:
            facts: dict[str, Any] = {slot: json.loads(metadata[PREFIX + slot]) for slot in ModelFacts.__slots__}
            lists = {slot: tuple(facts[slot]) for slot in ("classes", "mean", "std", "metrics")}
            palette = tuple((int(r), int(g), int(b)) for r, g, b in facts["palette"])
        except (KeyError, ValueError, TypeError) as error:
            raise NasError(
                f"{name} does not say which classes it tells apart ({type(error).__name__}: {error})",
                help="give a model that `nasdsl search`, or `nasdsl export` with --data, has written",
            ) from None
        return ModelFacts(task=str(facts["task"]), palette=palette, **lists)


class OnnxNetwork:
    """A model file opened in ONNX Runtime on the CPU.

    Args:
        path: The file.
        threads: How many it computes with.

    Raises:
        NasError: It cannot be read, is no model, or does not carry its facts.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        import onnxruntime

        if not path.is_file():
            raise NasError(f"{path}: there is no such file", help="give a model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = str(error).splitlines()[0][:200]
            raise NasError(f"{path} cannot be opened as an ONNX model: {reason}") from error
        self.facts = ModelFacts.of(self._session.get_modelmeta().custom_metadata_map, str(path))
        only = self._session.get_inputs()[0]
        self._input = only.name
        self.size: tuple[int, int] = (int(only.shape[2]), int(only.shape[3]))

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output, for normalised images [N, 3, H, W] of the model's size."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input: images})
        return outputs[0]

"""A lowered network in ONNX Runtime, with what its file says about itself: enough to judge it and to predict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasdsl.data.batches import PREPROCESSING, Preprocessing
from nasdsl.data.dataset import IGNORE, Classes
from nasdsl.diagnostics.errors import NasError
from nasdsl.lowering.metadata import PREFIX, declared_sizes


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model file says about itself.

    Attributes:
        task: The task it was made for.
        metrics: Names of the task's metrics.
        classes: The classes, in the order of its outputs.
        preprocessing: What happens to a picture before it enters.
    """

    task: str
    metrics: tuple[str, ...]
    classes: Classes
    preprocessing: Preprocessing = PREPROCESSING

    def metadata(self) -> dict[str, str]:
        """As the key-value pairs of a model file."""
        facts = {
            "task": self.task,
            "metrics": self.metrics,
            "classes": self.classes.names,
            "palette": self.classes.palette,
            "things": self.classes.things,
            "mean": self.preprocessing.mean,
            "std": self.preprocessing.std,
        }
        return {PREFIX + name: json.dumps(value, ensure_ascii=False) for name, value in facts.items()}

    @staticmethod
    def of(metadata: Mapping[str, str], name: str) -> ModelFacts:
        """Read what `metadata` writes.

        Raises:
            NasError: Something is missing: the model was not made by `nasdsl`.
        """
        try:
            facts = {key.removeprefix(PREFIX): json.loads(text) for key, text in metadata.items() if PREFIX in key}
            palette = tuple((int(r), int(g), int(b)) for r, g, b in facts["palette"])
            names, things = tuple(map(str, facts["classes"])), tuple(map(bool, facts["things"]))
            mean, std = (tuple(float(value) for value in facts[key]) for key in ("mean", "std"))
            return ModelFacts(
                task=str(facts["task"]),
                metrics=tuple(map(str, facts["metrics"])),
                classes=Classes(names, palette, things, IGNORE),
                preprocessing=Preprocessing((mean[0], mean[1], mean[2]), (std[0], std[1], std[2])),
            )
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise NasError(
                f"{name} does not say which classes it tells apart ({type(error).__name__}: {error})",
                help="give a model that `nasdsl search`, or `nasdsl export` with --data, has written",
            ) from None


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

        if path.is_dir():
            raise NasError(f"{path} is a folder", help="give the model.onnx of a run")
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
            raise NasError(
                f"{path} cannot be opened as an ONNX model: {reason}", help="is this the model.onnx of a run?"
            ) from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.facts = ModelFacts.of(metadata, str(path))
        only = self._session.get_inputs()[0]
        self._input = only.name
        # Where height and width are free, those that the space declares count.
        self.size: tuple[int, int] = next(iter(declared_sizes(metadata)), tuple(only.shape[2:4]))

    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output, for normalised images [N, 3, H, W] of the model's size."""
        outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input: images})
        return outputs[0]

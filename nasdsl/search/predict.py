"""What a lowered network sees in a picture; needs ONNX Runtime, NumPy and Pillow only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically
from nasdsl.search.onnx_network import OnnxNetwork
from nasdsl.search.pictures import overlay, palette_png, png


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture file as [H, W, 3].

    Raises:
        NasError: It is missing, or is none.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except FileNotFoundError:
        raise NasError(f"{path}: there is no such file") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise NasError(f"{path} cannot be read as a picture: {error}", help="give a PNG or JPEG file") from None


def classes_of(model: OnnxNetwork, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class of every pixel [H, W]: logits at the model's size, resized to the picture's."""
    height, width = image.shape[:2]
    picture = Image.fromarray(image).resize((model.size[1], model.size[0]), Image.Resampling.BILINEAR)
    scaled = np.asarray(picture, np.float32) / 255
    normal = (scaled - np.float32(model.facts.mean)) / np.float32(model.facts.std)
    logits = model.logits(np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32))[0]
    best = np.zeros((height, width), np.uint8)
    highest = np.full((height, width), -np.inf, np.float32)
    for index, channel in enumerate(logits):
        resized = np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR))
        higher = resized > highest
        best[higher], highest[higher] = index, resized[higher]
    return best


def predict(model: OnnxNetwork, image: NDArray[np.uint8], folder: Path, name: str) -> tuple[Path, Path]:
    """Write the picture tinted by class, and the classes as a palette PNG; returns the two paths."""
    classes = classes_of(model, image)
    tinted, labels = folder / f"{name}.overlay.png", folder / f"{name}.classes.png"
    write_atomically(tinted, png(overlay(image, classes, model.facts.palette)))
    write_atomically(labels, palette_png(classes, model.facts.palette))
    return tinted, labels

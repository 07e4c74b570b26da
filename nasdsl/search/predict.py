"""What a lowered network sees in a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nasdsl.data.pictures import overlay, palette_png, save_picture
from nasdsl.search.onnx_network import OnnxNetwork


def classes_of(model: OnnxNetwork, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class of every pixel [H, W] of a picture [H, W, 3]: logits at the model's size, resized to the picture's."""
    height, width = image.shape[:2]
    picture = Image.fromarray(image).resize((model.size[1], model.size[0]), Image.Resampling.BILINEAR)
    preprocessing = model.facts.preprocessing
    mean, std = (np.array(numbers, np.float32) for numbers in (preprocessing.mean, preprocessing.std))
    normal = (np.asarray(picture, np.float32) / 255 - mean) / std
    logits = model.logits(np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32))[0]
    best = np.zeros((height, width), np.uint8)
    highest = np.full((height, width), -np.inf, np.float32)
    for index, channel in enumerate(logits):
        resized = np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR))
        higher = resized > highest
        best[higher], highest[higher] = index, resized[higher]
    return best


def predict(model: OnnxNetwork, image: NDArray[np.uint8], folder: Path, name: str) -> tuple[Path, Path]:
    """Write the picture under the colours of its classes, and the classes as a palette PNG; returns the two paths."""
    classes = classes_of(model, image)
    tinted, labels = folder / f"{name}.overlay.png", folder / f"{name}.classes.png"
    save_picture(overlay(image, classes, model.facts.classes), tinted)
    save_picture(palette_png(classes, model.facts.classes), labels)
    return tinted, labels

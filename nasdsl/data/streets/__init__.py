"""`streets`: made-up street scenes with labels, the data set that needs no download.

A scene is drawn in metres (`scene`), painted from far to near as a map of surfaces (`canvas`) and developed into a
photograph (`develop`). Every choice comes from one stream of draws (`dice`), so a sample depends on nothing but the
seed, the split, its index and the size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasdsl.data.dataset import Classes, DataKind, Sample, Split
from nasdsl.data.streets.canvas import Kind
from nasdsl.data.streets.develop import developed
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.scene import painted_scene
from nasdsl.diagnostics.errors import NasError

#: Pictures a split. The scenes are endless; these numbers make an epoch of a short run.
TRAIN_LENGTH = 512
VAL_LENGTH = 64
TEST_LENGTH = 64

#: A car or person of fewer visible pixels than this is void: nobody could say what it is.
SMALLEST_INSTANCE_PX = 6

#: Pixels of the canvas a pixel of the picture, each way.
SUPERSAMPLING = 2

CLASSES = Classes(
    names=("road", "sidewalk", "building", "sky", "tree", "pole", "sign", "car", "person"),
    palette=(
        (110, 84, 128), (222, 140, 190), (150, 96, 72), (126, 190, 232), (92, 146, 60),
        (168, 168, 176), (244, 208, 63), (42, 82, 190), (220, 50, 60),
    ),
    things=(False, False, False, False, False, False, False, True, True),
    ignore=255,
)  # fmt: skip

_SPLIT_KEY: dict[Split, int] = {"train": 0, "val": 1, "test": 2}
_SCENE, _PHOTOGRAPH = 0, 1


@dataclass(frozen=True, slots=True)
class Streets:
    """Street scenes at one size.

    Args:
        size: (height, width) in pixels.
        seed: Another seed gives other scenes.

    >>> sample = Streets((96, 192)).sample("train", 3)
    >>> sample.image.shape, sample.label.shape, sample.instances.dtype
    ((96, 192, 3), (96, 192), dtype('uint16'))
    """

    size: tuple[int, int]
    seed: int = 0

    @property
    def name(self) -> str:
        """The name in ``--data``."""
        return "streets"

    @property
    def classes(self) -> Classes:
        """Nine classes; cars and persons are things."""
        return CLASSES

    def length(self, split: Split) -> int:
        """TRAIN_LENGTH, VAL_LENGTH or TEST_LENGTH."""
        return {"train": TRAIN_LENGTH, "val": VAL_LENGTH, "test": TEST_LENGTH}[split]

    def sample(self, split: Split, index: int) -> Sample:
        """Make one scene; the scene of an index is the same at every size, apart from the noise of the sensor.

        Raises:
            IndexError: index is not within the split.
        """
        if not 0 <= index < self.length(split):
            raise IndexError(f"{split} has {self.length(split)} samples, asked for number {index}")
        key = (self.seed % 2**64, _SPLIT_KEY[split], index)
        height, width = self.size
        canvas = painted_scene(Dice(*key, _SCENE), width * SUPERSAMPLING, height * SUPERSAMPLING)
        image = developed(canvas, Dice(*key, _PHOTOGRAPH), SUPERSAMPLING)
        label = canvas.kinds(SUPERSAMPLING)
        instances = _numbered(label, canvas.instances(SUPERSAMPLING))
        for array in (image, label, instances):
            array.setflags(write=False)
        return Sample(image, label, instances, f"{split}_{index:05d}")


def _numbered(label: NDArray[np.uint8], painted: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Instances as class * 1000 + n, n from 1 in the order of painting; slivers become void in `label`."""
    sizes = np.bincount(painted.ravel())
    numbers = np.zeros(len(sizes), dtype=np.uint16)
    label[(sizes < SMALLEST_INSTANCE_PX)[painted] & (painted > 0)] = CLASSES.ignore
    for kind in (Kind.CAR, Kind.PERSON):
        present = np.bincount(painted[label == kind], minlength=len(sizes)) > 0
        numbers[present] = kind * 1000 + np.arange(1, present.sum() + 1)
    return numbers[painted]


def _open(folder: str, size: tuple[int, int], seed: int) -> Streets:
    del folder
    if min(size) < 16:
        raise NasError(
            f"streets cannot be drawn at {size[0]} x {size[1]} pixels", help="choose a height and width of at least 16"
        )
    return Streets(size, seed)


KIND = DataKind("streets", "made-up street scenes, nothing to download", _open)

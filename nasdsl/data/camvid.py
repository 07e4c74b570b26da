"""CamVid: driving video from Cambridge, 701 labelled frames of 360 x 480 pixels (Brostow et al., 2009).

The folder is laid out as the SegNet tutorial ships it: ``train``, ``val`` and ``test`` hold the pictures,
``trainannot``, ``valannot`` and ``testannot`` the labels under the same file stems; ``traininst``, ``valinst`` and
``testinst`` may hold instance maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nasdsl.data.dataset import SPLITS, Classes, DataKind, Sample, Split
from nasdsl.diagnostics.errors import NasError
from nasdsl.files import expanded

#: Names, colours and order of the SegNet tutorial; 11 is unlabelled.
CLASSES = Classes(
    names=(
        "Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist",
    ),
    palette=(
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    ),
    things=(False,) * 8 + (True,) * 3,
    ignore=11,
)  # fmt: skip

_PICTURES = (".jpg", ".jpeg", ".png")
_LAYOUT = "expected the folders train, val, test with pictures and trainannot, valannot, testannot with labels"


@dataclass(frozen=True, slots=True)
class _Files:
    """Where one sample lies."""

    image: Path
    label: Path
    instances: Path | None


@dataclass(frozen=True, slots=True)
class CamVid:
    """The frames of a CamVid folder, in the order of their names; opened by `open_camvid`."""

    folder: Path
    files: dict[Split, tuple[_Files, ...]]

    @property
    def name(self) -> str:
        """The name in ``--data``."""
        return "camvid"

    @property
    def classes(self) -> Classes:
        """Eleven classes; cars, pedestrians and bicyclists are things."""
        return CLASSES

    def length(self, split: Split) -> int:
        """Number of frames of a split."""
        return len(self.files[split])

    def sample(self, split: Split, index: int) -> Sample:
        """Read a frame at its own size.

        Raises:
            IndexError: index is not within the split.
            NasError: a file cannot be read, the label is of another size, or it holds a value that is no class.
        """
        if not 0 <= index < self.length(split):
            raise IndexError(f"{split} has {self.length(split)} samples, asked for number {index}")
        files = self.files[split][index]
        image = _pixels(files.image, "RGB")
        label = _label(files.label)
        _same_size(files.image, image, files.label, label)
        instances = None
        if files.instances is not None:
            instances = _instances(files.instances)
            _same_size(files.image, image, files.instances, instances)
        for array in (image, label, instances):
            if array is not None:
                array.setflags(write=False)
        return Sample(image, label, instances, files.image.stem)


def open_camvid(folder: Path) -> CamVid:
    """Look a CamVid folder through; the pictures themselves are read later.

    Raises:
        NasError: status 1, the folder is missing or is laid out differently, or a picture has no label.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise NasError(f"camvid: {folder} {what}", help=f"give the folder of CamVid; {_LAYOUT}")
    return CamVid(folder, {split: _split_files(folder, split) for split in SPLITS})


def _split_files(root: Path, split: Split) -> tuple[_Files, ...]:
    for name in (split, f"{split}annot"):
        if not (root / name).is_dir():
            found = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
            listed = (", ".join(found[:10]) + (", ..." if len(found) > 10 else "")) or "nothing"
            raise NasError(f"camvid: {root} has no folder {name}; found {listed}", help=_LAYOUT)
    images = sorted(path for path in (root / split).iterdir() if path.suffix.lower() in _PICTURES)
    if not images:
        raise NasError(f"camvid: {root / split} holds no picture", help=f"expected {', '.join(_PICTURES)} files there")
    labels = {path.stem: path for path in (root / f"{split}annot").iterdir() if path.suffix.lower() == ".png"}
    missing = [path.name for path in images if path.stem not in labels]
    if missing:
        more = f" and {len(missing) - 1} more pictures have" if len(missing) > 1 else " has"
        raise NasError(
            f"camvid: {root / split / missing[0]}{more} no label",
            help=f"put {Path(missing[0]).stem}.png into {root / f'{split}annot'}, or take the picture away",
        )
    inst = root / f"{split}inst"
    instances = {path.stem: path for path in inst.glob("*.png")} if inst.is_dir() else {}
    return tuple(_Files(path, labels[path.stem], instances.get(path.stem)) for path in images)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError:
        raise NasError(f"camvid: {path} is gone", help="it was there when the run began; put it back") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NasError(f"camvid: {path} is not a readable picture ({error})", help="replace the file") from None


def _pixels(path: Path, mode: str) -> NDArray[np.uint8]:
    return np.array(_opened(path).convert(mode))


def _label(path: Path) -> NDArray[np.uint8]:
    image = _opened(path)
    if image.mode not in ("L", "P"):
        raise NasError(
            f"camvid: {path} holds {image.mode} pixels",
            help="labels are pictures of one 8-bit channel that holds the index of the class",
        )
    label: NDArray[np.uint8] = np.array(image)
    legal = len(CLASSES)
    if label.max() > legal:
        wrong = label > legal
        row, column = divmod(int(wrong.argmax()), label.shape[1])
        raise NasError(
            f"camvid: {path} holds the label {label[row, column]} at row {row}, column {column}; "
            f"{wrong.sum()} pixels are above {legal}",
            help=f"legal are 0 to {legal - 1}, the classes, and {legal} for unlabelled",
        )
    return label


def _instances(path: Path) -> NDArray[np.uint16]:
    image = _opened(path)
    if not image.mode.startswith("I") and image.mode != "L":
        raise NasError(f"camvid: {path} holds {image.mode} pixels", help="instance maps have one 16-bit channel")
    return np.array(image).astype(np.uint16)


def _same_size(
    image_path: Path, image: NDArray[np.uint8], other_path: Path, other: NDArray[np.uint8] | NDArray[np.uint16]
) -> None:
    if image.shape[:2] != other.shape:
        raise NasError(
            f"camvid: {other_path} is {other.shape[0]} x {other.shape[1]} pixels (height x width), "
            f"its picture {image_path.name} is {image.shape[0]} x {image.shape[1]}",
            help="a label has the size of its picture",
        )


def _open(folder: str, size: tuple[int, int], seed: int) -> CamVid:
    del size, seed
    return open_camvid(expanded(folder))


KIND = DataKind("camvid:DIR", "CamVid, 701 frames with 11 classes, read from a folder", _open)

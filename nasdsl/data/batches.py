"""From samples to the tensors that a network is trained and judged on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from nasdsl.data.dataset import IGNORE, SegmentationData, Split
from nasdsl.diagnostics.errors import NasError


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What happens to a picture before it enters a network: x / 255, minus mean, divided by std, channel by channel.

    Attributes:
        mean: Of red, green and blue, each between 0 and 1.
        std: Of red, green and blue.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


#: Mean and standard deviation of ImageNet's pictures, as all pretrained networks use them.
PREPROCESSING = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

#: How far augmentation goes: range of the scale, and the half-ranges of brightness, contrast and saturation.
SCALE_RANGE = (0.75, 1.5)
BRIGHTNESS_JITTER = 0.25
CONTRAST_JITTER = 0.25
SATURATION_JITTER = 0.3

_LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)
_SHUFFLE, _AUGMENT, _HALVES = 0, 1, 2


def _rng(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed % 2**64, *key))))


def normalised(images: NDArray[np.uint8]) -> Tensor:
    """Pictures uint8 [N, H, W, 3] as the network wants them: float32 [N, 3, H, W], see PREPROCESSING.

    >>> normalised(np.zeros((1, 2, 2, 3), np.uint8))[0, 0, 0, 0].item()
    -2.117...
    """
    return _coloured(images, np.eye(3, dtype=np.float32)[None], np.zeros((1, 3), dtype=np.float32))


def _coloured(images: NDArray[np.uint8], mixing: NDArray[np.float32], offset: NDArray[np.float32]) -> Tensor:
    """Pictures [N, H, W, 3] through a colour matrix [N, 3, 3] and an offset [N, 3] each, then normalised.

    Colour change and normalisation are both affine, so they are one matrix product.
    """
    std = np.array(PREPROCESSING.std, dtype=np.float32)
    mean = np.array(PREPROCESSING.mean, dtype=np.float32)
    weight = mixing / (255 * std)[None, :, None]
    bias = (offset - mean) / std
    count, height, width, _ = images.shape
    planes = np.ascontiguousarray(images.reshape(count, height * width, 3).transpose(0, 2, 1))
    pixels = torch.from_numpy(planes).to(torch.float32)
    out = torch.baddbmm(torch.from_numpy(bias)[:, :, None], torch.from_numpy(weight).expand(count, 3, 3), pixels)
    return out.view(count, 3, height, width)


class Batches:
    """Endless batches of one split, each a pure function of the seed and its number.

    A run that stops after step s and goes on at s + 1 sees the same batches as one that never stopped. Every epoch
    visits every sample once in an order of its own; a batch may span two epochs.

    Args:
        data: Where the samples come from.
        split: Which of its splits.
        size: (height, width) of the batches.
        batch_size: Pictures a batch.
        seed: Of the order and of the augmentation.
        augment: Whether pictures are flipped, scaled by SCALE_RANGE, cropped or padded, and changed in colour.
        indices: The samples to use, all if None.

    Raises:
        NasError: status 1, there is nothing to make batches of.

    >>> from nasdsl.data.streets import Streets
    >>> batches = Batches(Streets((64, 128)), "train", size=(64, 128), batch_size=2, seed=0, augment=True)
    >>> images, labels = batches.batch(7)
    >>> images.shape, labels.shape, labels.dtype
    (torch.Size([2, 3, 64, 128]), torch.Size([2, 64, 128]), torch.int64)
    """

    def __init__(
        self,
        data: SegmentationData,
        split: Split,
        *,
        size: tuple[int, int],
        batch_size: int,
        seed: int,
        augment: bool,
        indices: Sequence[int] | None = None,
    ) -> None:
        self._data = data
        self._split: Split = split
        self._size = size
        self._seed = seed
        self._augment = augment
        self._indices = range(data.length(split)) if indices is None else tuple(indices)
        if not self._indices or batch_size < 1:
            raise NasError(
                f"no batches of {batch_size} can be made of {len(self._indices)} samples of {data.name}, split {split}",
                help="give at least one sample and a batch size of at least 1",
            )
        self.batch_size = batch_size
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        """Batches that one epoch takes, rounded up."""
        return -(-len(self._indices) // self.batch_size)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch number `step`, from 0.

        Returns:
            Images, float32 [N, 3, H, W], normalised by PREPROCESSING, and labels, int64 [N, H, W], IGNORE where no
            class is asked for.
        """
        height, width = self._size
        images = np.empty((self.batch_size, height, width, 3), dtype=np.uint8)
        labels = np.empty((self.batch_size, height, width), dtype=np.uint8)
        mixing = np.empty((self.batch_size, 3, 3), dtype=np.float32)
        offset = np.zeros((self.batch_size, 3), dtype=np.float32)
        for place in range(self.batch_size):
            position = step * self.batch_size + place
            sample = self._data.sample(self._split, self._index_at(position))
            image, label = Image.fromarray(sample.image), Image.fromarray(sample.label)
            if self._augment:
                rng = _rng(self._seed, _AUGMENT, position)
                images[place], labels[place] = _cropped(image, label, self._size, rng, self._data.classes.ignore)
                mixing[place], offset[place] = _jitter(rng)
            else:
                images[place] = np.asarray(_resized(image, self._size))
                labels[place] = np.asarray(label.resize((width, height), Image.Resampling.NEAREST))
                mixing[place] = np.eye(3, dtype=np.float32)
        labels[labels == self._data.classes.ignore] = IGNORE
        return _coloured(images, mixing, offset), torch.from_numpy(labels).to(torch.int64)

    def _index_at(self, position: int) -> int:
        epoch, place = divmod(position, len(self._indices))
        if self._order[0] != epoch:
            self._order = (epoch, _rng(self._seed, _SHUFFLE, epoch).permutation(len(self._indices)))
        return self._indices[int(self._order[1][place])]


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    height, width = size
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BILINEAR)


def _cropped(
    image: Image.Image, label: Image.Image, size: tuple[int, int], rng: np.random.Generator, ignore: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A window at a random scale and place, flipped or not, as `size`; padded where it reaches outside the picture."""
    height, width = size
    scale = rng.uniform(*SCALE_RANGE)
    window = (image.width / scale, image.height / scale)
    left, top = (
        rng.uniform(min(0.0, full - part), max(0.0, full - part)) for full, part in zip(image.size, window, strict=True)
    )
    inside = (max(left, 0.0), max(top, 0.0), min(left + window[0], image.width), min(top + window[1], image.height))
    # Where the part of the window that lies inside the picture goes, in pixels of the result.
    x0, x1 = (round((x - left) / window[0] * width) for x in (inside[0], inside[2]))
    y0, y1 = (round((y - top) / window[1] * height) for y in (inside[1], inside[3]))
    mean = np.array(PREPROCESSING.mean) * 255
    pixels = np.full((height, width, 3), mean.round(), dtype=np.uint8)
    marks = np.full((height, width), ignore, dtype=np.uint8)
    pixels[y0:y1, x0:x1] = np.asarray(image.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=inside))
    marks[y0:y1, x0:x1] = np.asarray(label.resize((x1 - x0, y1 - y0), Image.Resampling.NEAREST, box=inside))
    if rng.random() < 0.5:
        return pixels[:, ::-1], marks[:, ::-1]
    return pixels, marks


def _jitter(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A random change of brightness, contrast and saturation as a colour matrix [3, 3] and an offset [3]."""
    brightness = 1 + rng.uniform(-BRIGHTNESS_JITTER, BRIGHTNESS_JITTER)
    contrast = 1 + rng.uniform(-CONTRAST_JITTER, CONTRAST_JITTER)
    saturation = 1 + rng.uniform(-SATURATION_JITTER, SATURATION_JITTER)
    matrix = saturation * np.eye(3) + (1 - saturation) * _LUMA[None, :]
    grey = float(_LUMA @ np.array(PREPROCESSING.mean))
    return (
        (matrix * brightness * contrast).astype(np.float32),
        np.full(3, grey * brightness * (1 - contrast), dtype=np.float32),
    )


class EvaluationBatch(NamedTuple):
    """Pictures as the network sees them, with labels as the data set has them.

    Attributes:
        images: float32 [N, 3, H, W] at the network's size, normalised by PREPROCESSING.
        labels: N times int64 [H', W'] at the pictures' own size, IGNORE where no class is asked for.
        names: N names.
    """

    images: Tensor
    labels: list[Tensor]
    names: list[str]


def evaluation_batches(
    data: SegmentationData, split: Split, size: tuple[int, int], batch_size: int
) -> Iterator[EvaluationBatch]:
    """Every sample of a split once, in order; the last batch may be smaller.

    Args:
        data: Where the samples come from.
        split: Which of its splits.
        size: (height, width) of the images; the labels keep their own.
        batch_size: Pictures a batch.
    """
    for start in range(0, data.length(split), batch_size):
        samples = [data.sample(split, index) for index in range(start, min(start + batch_size, data.length(split)))]
        images = np.stack([np.asarray(_resized(Image.fromarray(sample.image), size)) for sample in samples])
        labels = [torch.from_numpy(sample.label.astype(np.int64)) for sample in samples]
        for label in labels:
            label[label == data.classes.ignore] = IGNORE
        yield EvaluationBatch(normalised(images), labels, [sample.name for sample in samples])


def halves(count: int, seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two disjoint halves of range(count), for the two sides of a bilevel search; the first has the odd one.

    >>> halves(5, seed=0)
    ((1, 2, 4), (0, 3))
    """
    order = _rng(seed, _HALVES).permutation(count).tolist()
    middle = (count + 1) // 2
    return tuple(sorted(order[:middle])), tuple(sorted(order[middle:]))

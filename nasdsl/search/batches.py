"""The batches of a run, by purpose and step: the same whatever was asked for before.

The training pictures are divided into halves: the weights of a supernet learn on one, the architecture on the other,
and candidates are ranked on the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from nasdsl.data import batches as data_batches
from nasdsl.data.dataset import Classes, Sample, SegmentationData, Split
from nasdsl.search import chance

Half = Literal["a", "b", "both"]

Augmentation = Literal["none", "flip", "full"]
"""What is done to training pictures: nothing; half of them mirrored; scaled, cropped and coloured anew besides."""


class Batches:
    """Pictures of a data set at the input size of a space.

    Args:
        data: The data set.
        size: Height and width of the network's input.
        seed: Of the run.
        augmentation: What is done to training pictures.
    """

    def __init__(
        self, data: SegmentationData, size: tuple[int, int], seed: int, augmentation: Augmentation = "flip"
    ) -> None:
        self._data, self._size, self._seed, self._augmentation = data, size, seed, augmentation
        a, b = data_batches.halves(data.length("train"), seed)
        self._members: dict[Half, tuple[int, ...]] = {"a": a, "b": b, "both": tuple(range(data.length("train")))}
        self._made: dict[tuple[str, Half, int], data_batches.Batches] = {}

    @property
    def classes(self) -> Classes:
        """The classes of the data."""
        return self._data.classes

    def length(self, split: Split) -> int:
        """Number of pictures of a split."""
        return self._data.length(split)

    def sample(self, split: Split, index: int) -> Sample:
        """A labelled picture at its own size."""
        return self._data.sample(split, index)

    def train(self, purpose: str, step: int, count: int, *, half: Half) -> tuple[Tensor, Tensor]:
        """The batch of a step: images [N, 3, H, W], and classes [N, H, W] with 255 for none.

        Every picture of the half comes once before any comes again, in an order that the purpose decides.
        """
        images, labels = self._batches(purpose, half, count, augment=self._augmentation == "full").batch(step)
        if self._augmentation != "flip":
            return images, labels
        generator = chance.generator(self._seed, f"mirrors of {purpose}", step)
        mirrored = torch.rand(count, generator=generator) < 0.5
        return (
            torch.where(mirrored[:, None, None, None], images.flip(3), images),
            torch.where(mirrored[:, None, None], labels.flip(2), labels),
        )

    def held_out(self, count: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of half b as they are, always the same, with the classes at the network's input size."""
        batches = self._batches("ranking", "b", size, augment=False)
        return (batches.batch(step) for step in range(min(count, len(batches))))

    def calibration(self, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Up to `count` training pictures as they are, one by one, always the same."""
        batches = self._batches("calibration", "both", 1, augment=False)
        return (batches.batch(step) for step in range(min(count, len(batches))))

    def evaluation(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """All pictures of a split one by one, with the classes at the size of the label file."""
        for batch in data_batches.evaluation_batches(self._data, split, self._size, 1):
            yield batch.images, batch.labels[0][None]

    def _batches(self, purpose: str, half: Half, count: int, *, augment: bool) -> data_batches.Batches:
        key = (purpose, half, count)
        if key not in self._made:
            self._made[key] = data_batches.Batches(
                self._data,
                "train",
                size=self._size,
                batch_size=count,
                seed=chance.number(self._seed, purpose),
                augment=augment,
                indices=self._members[half],
            )
        return self._made[key]

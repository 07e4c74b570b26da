"""Batches: reproducible, every sample once an epoch, labels that stay on their pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.data.batches import PREPROCESSING, Batches, evaluation_batches, halves, normalised
from nasdsl.data.dataset import IGNORE, Classes, Sample, Split
from nasdsl.data.streets import VAL_LENGTH, Streets
from nasdsl.diagnostics.errors import NasError


class Flat:
    """Sample i is of the colour (i, i, i) and of class i, with a frame of void; its ignore is not 255."""

    name = "flat"
    classes = Classes(tuple("abcdefg"), ((0, 0, 0),) * 7, (False,) * 7, ignore=7)

    def length(self, split: Split) -> int:
        return 7

    def sample(self, split: Split, index: int) -> Sample:
        image = np.full((40, 60, 3), index, dtype=np.uint8)
        label = np.full((40, 60), 7, dtype=np.uint8)
        label[4:-4, 4:-4] = index
        return Sample(image, label, None, str(index))


class Halved:
    """A picture whose left half is black and of class 0, and whose right half is white and of class 1."""

    name = "halved"
    classes = Classes(("black", "white"), ((0, 0, 0),) * 2, (False,) * 2, ignore=255)

    def length(self, split: Split) -> int:
        return 1

    def sample(self, split: Split, index: int) -> Sample:
        label = np.zeros((60, 80), dtype=np.uint8)
        label[:, 40:] = 1
        return Sample(np.repeat(label[:, :, None] * np.uint8(255), 3, axis=2), label, None, "0")


def seen(batches: Batches, steps: range) -> list[int]:
    """The classes at the middle of every picture, which are the numbers of the samples of Flat."""
    return [int(label[10, 15]) for step in steps for label in batches.batch(step)[1]]


def flat_batches(seed: int = 3, batch_size: int = 3, indices: tuple[int, ...] | None = None) -> Batches:
    return Batches(Flat(), "train", size=(20, 30), batch_size=batch_size, seed=seed, augment=False, indices=indices)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    data = Streets((64, 96))

    def make(seed: int) -> Batches:
        return Batches(data, "train", size=(64, 64), batch_size=2, seed=seed, augment=True)

    running = make(1)
    for step in range(3):
        running.batch(step)
    images, labels = running.batch(300)
    resumed_images, resumed_labels = make(1).batch(300)
    assert torch.equal(images, resumed_images)
    assert torch.equal(labels, resumed_labels)
    assert not torch.equal(images, make(2).batch(300)[0])
    assert not torch.equal(images, make(1).batch(301)[0])


def test_every_epoch_visits_every_sample_once() -> None:
    order = seen(flat_batches(), range(14))
    epochs = [order[start : start + 7] for start in range(0, 42, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 3
    assert seen(flat_batches(), range(9, 14)) == order[27:]


def test_only_the_given_samples_are_used() -> None:
    batches = flat_batches(indices=(1, 4, 5), batch_size=2)
    assert len(batches) == 2
    assert set(seen(batches, range(6))) == {1, 4, 5}


@pytest.mark.parametrize(("indices", "batch_size"), [((), 2), (None, 0)])
def test_nothing_to_make_batches_of(indices: tuple[int, ...] | None, batch_size: int) -> None:
    with pytest.raises(NasError, match="no batches of"):
        flat_batches(indices=indices, batch_size=batch_size)


def test_without_augmentation_a_batch_is_the_normalised_sample() -> None:
    data = Streets((64, 96))
    images, labels = Batches(data, "val", size=(64, 96), batch_size=1, seed=0, augment=False, indices=[5]).batch(0)
    sample = data.sample("val", 5)
    expected = (
        torch.from_numpy(sample.image.copy()).permute(2, 0, 1) / 255 - torch.tensor(PREPROCESSING.mean)[:, None, None]
    ) / torch.tensor(PREPROCESSING.std)[:, None, None]
    assert torch.allclose(images[0], expected, atol=1e-5)
    assert torch.equal(labels[0], torch.from_numpy(sample.label.astype(np.int64)))
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert images.is_contiguous()


def test_void_becomes_ignore() -> None:
    for augment in (False, True):
        batches = Batches(Flat(), "train", size=(20, 30), batch_size=7, seed=0, augment=augment)
        labels = torch.cat([batches.batch(step)[1] for step in range(8)])
        assert (labels == IGNORE).any()
        assert set(labels.unique().tolist()) == {*range(7), IGNORE}


def test_augmented_labels_stay_on_their_pictures() -> None:
    batches = Batches(Halved(), "train", size=(48, 64), batch_size=8, seed=0, augment=True)
    sides, padded, brightness = set(), 0, set()
    for step in range(8):
        images, labels = batches.batch(step)
        pixels = (
            images * torch.tensor(PREPROCESSING.std)[:, None, None] + torch.tensor(PREPROCESSING.mean)[:, None, None]
        )
        for picture, label in zip(pixels.mean(1), labels, strict=True):
            known = label != IGNORE
            bright = picture > (picture[known].min() + picture[known].max()) / 2
            assert ((bright == label.bool()) | ~known).float().mean() > 0.96
            sides.add(int(label[24, 8]))
            padded += int((~known).any())
            brightness.add(round(float(picture.max()), 2))
    assert {0, 1} <= sides, "never flipped"
    assert 0 < padded < 64, "never, or always, scaled below the size"
    assert len(brightness) > 10, "colours never change"


def test_evaluation_batches_keep_the_labels_as_they_are() -> None:
    batches = list(evaluation_batches(Flat(), "test", (20, 30), 3))
    assert [len(batch.names) for batch in batches] == [3, 3, 1]
    assert [name for batch in batches for name in batch.names] == [str(index) for index in range(7)]
    for batch in batches:
        assert batch.images.shape[1:] == (3, 20, 30)
        for name, label in zip(batch.names, batch.labels, strict=True):
            assert label.shape == (40, 60)
            assert sorted(label.unique().tolist()) == [int(name), IGNORE]


def test_evaluation_of_pictures_at_their_own_size() -> None:
    data = Streets((32, 64))
    batch = next(evaluation_batches(data, "val", (32, 64), VAL_LENGTH))
    assert torch.equal(batch.images[1:2], normalised(data.sample("val", 1).image[None]))


@given(st.integers(0, 500), st.integers(-(2**70), 2**70))
def test_halves_divide_evenly(count: int, seed: int) -> None:
    first, second = halves(count, seed)
    assert sorted(first + second) == list(range(count))
    assert len(first) - len(second) == count % 2
    assert halves(count, seed) == (first, second)


def test_halves_are_mixed() -> None:
    first, _ = halves(512, 0)
    assert 80 < sum(index < 256 for index in first) < 176
    assert halves(512, 1)[0] != first

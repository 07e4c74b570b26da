"""`streets`: the same bytes everywhere, labels that agree, and classes that colour alone does not tell apart."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nasdsl.data.dataset import Sample, Split
from nasdsl.data.streets import CLASSES, SMALLEST_INSTANCE_PX, TEST_LENGTH, TRAIN_LENGTH, VAL_LENGTH, Streets

SIZE = (96, 192)
COUNT = 48


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [Streets(SIZE).sample("train", index) for index in range(COUNT)]


def digest(size: tuple[int, int], seed: int, split: Split, index: int) -> str:
    sample = Streets(size, seed).sample(split, index)
    assert sample.instances is not None
    return hashlib.sha256(sample.image.tobytes() + sample.label.tobytes() + sample.instances.tobytes()).hexdigest()


def test_another_process_draws_the_same_bytes() -> None:
    wanted = [("train", 0), ("val", 3), ("test", 7)]
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_data_streets import digest
for split, index in {wanted!r}[::-1]:
    print(digest((64, 128), 5, split, index))
"""
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[::-1] == [digest((64, 128), 5, split, index) for split, index in wanted]


def test_seed_split_and_index_each_change_the_scene() -> None:
    base = digest((64, 128), 0, "train", 1)
    others = {digest((64, 128), *key) for key in ((1, "train", 1), (0, "val", 1), (0, "test", 1), (0, "train", 2))}
    assert len(others) == 4
    assert base not in others
    assert digest((64, 128), -1, "train", 1) not in {base, *others}


def test_a_scene_is_the_same_at_every_size() -> None:
    for index in range(4):
        small = Streets((64, 128)).sample("val", index).label
        large = Streets((128, 256)).sample("val", index).label
        assert (small == large[1::2, 1::2]).mean() > 0.93


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (90, 161), (128, 32), (33, 250)])
def test_any_size(size: tuple[int, int]) -> None:
    for index in range(3):
        sample = Streets(size).sample("train", index)
        assert sample.instances is not None
        assert sample.image.shape == (*size, 3)
        assert sample.image.dtype == sample.label.dtype == np.uint8
        assert sample.label.shape == sample.instances.shape == size
        assert sample.instances.dtype == np.uint16
        assert not sample.image.flags.writeable


def test_every_class_is_common(samples: list[Sample]) -> None:
    present = np.array([[(sample.label == index).any() for index in range(len(CLASSES))] for sample in samples])
    assert (present.mean(0) >= 0.8).all(), dict(zip(CLASSES.names, present.mean(0), strict=True))
    pixels = np.bincount(np.concatenate([sample.label.ravel() for sample in samples]), minlength=256)
    share = dict(zip(CLASSES.names, pixels / pixels.sum(), strict=False))
    assert pixels[len(CLASSES) : CLASSES.ignore].sum() == 0
    assert pixels[CLASSES.ignore] / pixels.sum() < 0.002
    assert min(share.values()) > 0.008, share
    assert max(share.values()) < 0.35, share
    assert max(share["pole"], share["sign"], share["person"]) < 0.05, share


def test_instances_and_labels_tell_the_same(samples: list[Sample]) -> None:
    things = [index for index, thing in enumerate(CLASSES.things) if thing]
    cars, people = [], []
    for sample in samples:
        assert sample.instances is not None
        has_instance = sample.instances > 0
        assert np.array_equal(has_instance, np.isin(sample.label, things))
        assert np.array_equal(sample.instances[has_instance] // 1000, sample.label[has_instance])
        values, sizes = np.unique(sample.instances[has_instance], return_counts=True)
        assert (sizes >= SMALLEST_INSTANCE_PX).all()
        numbers = [(values[values // 1000 == thing] % 1000).tolist() for thing in things]
        assert all(found == list(range(1, len(found) + 1)) for found in numbers)
        cars.append(len(numbers[0]))
        people.append(len(numbers[1]))
    assert 3 < np.mean(cars) < 15
    assert 2 < np.mean(people) < 12


def test_pictures_are_well_exposed_and_differ(samples: list[Sample]) -> None:
    means = np.array([sample.image.mean() for sample in samples])
    assert ((means > 40) & (means < 200)).all()
    assert means.std() > 8
    assert all(sample.image.std() > 12 for sample in samples)


def mean_iou(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    classes = len(CLASSES)
    confusion = np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)
    hits = np.diag(confusion)
    return float((hits / (confusion.sum(0) + confusion.sum(1) - hits)).mean())


def features(samples: list[Sample], *, with_row: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour (and row), squares and products, of every labelled pixel, with its class."""
    colour = np.concatenate([sample.image.reshape(-1, 3) for sample in samples]).astype(np.float32) / 255
    if with_row:
        row = np.tile(np.repeat(np.linspace(0, 1, SIZE[0], dtype=np.float32), SIZE[1]), len(samples))
        colour = np.concatenate([colour, row[:, None]], axis=1)
    label = np.concatenate([sample.label.ravel() for sample in samples])
    known = label < len(CLASSES)
    plain = torch.from_numpy(colour[known])
    left, right = np.triu_indices(plain.shape[1])
    return torch.cat([plain, plain[:, left] * plain[:, right]], 1), torch.from_numpy(label[known].astype(np.int64))


@pytest.mark.parametrize(("with_row", "highest"), [(False, 0.27), (True, 0.42)])
def test_colour_alone_does_not_tell_the_classes_apart(samples: list[Sample], with_row: bool, highest: float) -> None:
    """A logistic regression a pixel on quadratic features, its classes weighted for the mean IoU."""
    inputs, targets = features(samples[:36], with_row=with_row)
    mean, std = inputs.mean(0), inputs.std(0)
    generator = torch.Generator().manual_seed(0)
    model = torch.nn.Linear(inputs.shape[1], len(CLASSES))
    torch.nn.init.zeros_(model.weight)
    rarity = torch.bincount(targets, minlength=len(CLASSES)).float().rsqrt()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(200):
        chosen = torch.randint(len(inputs), (4096,), generator=generator)
        scores = model((inputs[chosen] - mean) / std)
        loss = torch.nn.functional.cross_entropy(scores, targets[chosen], weight=rarity)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    held_out, truth = features(samples[36:], with_row=with_row)
    predicted = model((held_out - mean) / std).argmax(1)
    assert 1 / 9 < mean_iou(predicted.numpy(), truth.numpy()) < highest


def test_nearest_mean_colour_is_hopeless(samples: list[Sample]) -> None:
    colours = np.concatenate([sample.image.reshape(-1, 3) for sample in samples]).astype(np.float32)
    label = np.concatenate([sample.label.ravel() for sample in samples]).astype(np.int64)
    known = label < len(CLASSES)
    means = np.stack([colours[label == index].mean(0) for index in range(len(CLASSES))])
    nearest = ((colours[known, None] - means) ** 2).sum(2).argmin(1)
    assert mean_iou(nearest, label[known]) < 0.2


def test_lengths_and_bounds() -> None:
    data = Streets((32, 64))
    assert [data.length(split) for split in ("train", "val", "test")] == [TRAIN_LENGTH, VAL_LENGTH, TEST_LENGTH]
    assert data.sample("val", VAL_LENGTH - 1).name == f"val_{VAL_LENGTH - 1:05d}"
    for index in (-1, VAL_LENGTH):
        with pytest.raises(IndexError, match=f"val has {VAL_LENGTH} samples"):
            data.sample("val", index)

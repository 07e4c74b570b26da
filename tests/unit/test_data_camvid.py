"""CamVid: the real folder says what its README says; a wrong folder says what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasdsl.data.camvid import CLASSES, CamVid, open_camvid
from nasdsl.data.dataset import SPLITS, Split, open_data
from nasdsl.diagnostics.errors import NasError

# Per cent of the pixels of a class, Sky to Bicyclist and unlabelled, from the README of the data set.
SHARES = {
    "val": (9.177, 25.962, 0.564, 28.953, 8.719, 16.336, 0.892, 3.078, 1.746, 0.651, 2.218, 1.703),
    "test": (17.066, 24.605, 1.177, 25.807, 9.269, 11.253, 1.010, 1.184, 3.972, 0.634, 0.189, 3.833),
}


@pytest.fixture(scope="module")
def camvid(shared_data: Path) -> CamVid:
    folder = shared_data / "camvid"
    if not folder.is_dir():
        pytest.skip(f"no CamVid at {folder}")
    return open_camvid(folder)


def test_lengths(camvid: CamVid) -> None:
    assert [camvid.length(split) for split in ("train", "val", "test")] == [367, 101, 233]


@pytest.mark.parametrize("split", ["val", "test"])
def test_class_frequencies(camvid: CamVid, split: Split) -> None:
    counts = np.zeros(256, dtype=np.int64)
    for index in range(camvid.length(split)):
        counts += np.bincount(camvid.sample(split, index).label.ravel(), minlength=256)
    assert counts[12:].sum() == 0
    assert np.abs(100 * counts[:12] / counts.sum() - SHARES[split]).max() < 0.001


def test_a_sample(camvid: CamVid) -> None:
    sample = camvid.sample("train", 0)
    assert sample.name == "0001TP_006690"
    assert sample.image.shape == (360, 480, 3)
    assert sample.instances is not None
    assert sample.instances.dtype == np.uint16
    values = np.unique(sample.instances[sample.instances > 0])
    assert len(values) > 0
    for value in values:
        assert (sample.label[sample.instances == value] == value // 1000).all()
        assert CLASSES.things[value // 1000]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound CamVid folder of one tiny frame a split."""
    root = tmp_path / "camvid"
    for split in ("train", "val", "test"):
        (root / split).mkdir(parents=True)
        (root / f"{split}annot").mkdir()
        Image.new("RGB", (8, 6), (90, 90, 90)).save(root / split / "a.jpg")
        Image.fromarray(np.full((6, 8), 3, dtype=np.uint8)).save(root / f"{split}annot" / "a.png")
    return root


def read_all(folder: Path) -> None:
    data = open_data(f"camvid:{folder}", size=(64, 64))
    for split in SPLITS:
        for index in range(data.length(split)):
            data.sample(split, index)


def failure(folder: Path) -> NasError:
    """What opening the folder and reading all of it ends with."""
    with pytest.raises(NasError) as caught:
        read_all(folder)
    assert caught.value.status == 1
    assert caught.value.help
    return caught.value


def test_a_sound_folder_without_instances(folder: Path) -> None:
    sample = open_camvid(folder).sample("test", 0)
    assert sample.instances is None
    assert (sample.label == 3).all()
    with pytest.raises(IndexError, match="test has 1 samples"):
        open_camvid(folder).sample("test", 1)


def test_missing_folder(tmp_path: Path) -> None:
    assert failure(tmp_path / "none").message == f"camvid: {tmp_path / 'none'} does not exist"


def test_a_file_for_a_folder(folder: Path) -> None:
    assert failure(folder / "train" / "a.jpg").message.endswith("a.jpg is not a folder")


def test_wrong_layout_names_what_was_expected_and_found(folder: Path) -> None:
    shutil.rmtree(folder / "valannot")
    error = failure(folder)
    assert (
        error.message == f"camvid: {folder} has no folder valannot; found test/, testannot/, train/, trainannot/, val/"
    )
    assert "expected the folders train, val, test" in str(error)


def test_folder_without_pictures(folder: Path) -> None:
    (folder / "test" / "a.jpg").unlink()
    assert failure(folder).message == f"camvid: {folder / 'test'} holds no picture"


def test_picture_without_label(folder: Path) -> None:
    Image.new("RGB", (8, 6)).save(folder / "train" / "b.png")
    error = failure(folder)
    assert error.message == f"camvid: {folder / 'train' / 'b.png'} has no label"
    assert str(folder / "trainannot") in str(error.help)
    Image.new("RGB", (8, 6)).save(folder / "train" / "c.png")
    assert failure(folder).message == f"camvid: {folder / 'train' / 'b.png'} and 1 more pictures have no label"


def test_label_of_another_size(folder: Path) -> None:
    Image.fromarray(np.zeros((5, 8), dtype=np.uint8)).save(folder / "valannot" / "a.png")
    assert failure(folder).message == (
        f"camvid: {folder / 'valannot' / 'a.png'} is 5 x 8 pixels (height x width), its picture a.jpg is 6 x 8"
    )


def test_instances_of_another_size(folder: Path) -> None:
    (folder / "traininst").mkdir()
    Image.fromarray(np.zeros((6, 7), dtype=np.uint16)).save(folder / "traininst" / "a.png")
    assert "traininst/a.png is 6 x 7 pixels" in failure(folder).message


def test_label_out_of_range(folder: Path) -> None:
    label = np.zeros((6, 8), dtype=np.uint8)
    label[2, 5:7] = 12
    Image.fromarray(label).save(folder / "trainannot" / "a.png")
    error = failure(folder)
    assert error.message == (
        f"camvid: {folder / 'trainannot' / 'a.png'} holds the label 12 at row 2, column 5; 2 pixels are above 11"
    )
    assert error.help == "legal are 0 to 10, the classes, and 11 for unlabelled"


def test_coloured_label(folder: Path) -> None:
    Image.new("RGB", (8, 6)).save(folder / "trainannot" / "a.png")
    assert failure(folder).message.endswith("a.png holds RGB pixels")


@pytest.mark.parametrize("name", ["train/a.jpg", "trainannot/a.png"])
@pytest.mark.parametrize("content", [b"", b"this is no picture", None])
def test_unreadable_file(folder: Path, name: str, content: bytes | None) -> None:
    path = folder / name
    if content is None:
        rng = np.random.Generator(np.random.PCG64(0))
        Image.fromarray(rng.integers(0, 255, (200, 200), dtype=np.uint8)).save(path)
        content = path.read_bytes()[:3000]
    path.write_bytes(content)
    assert f"camvid: {path} is not a readable picture" in failure(folder).message


def test_file_that_goes_away(folder: Path) -> None:
    data = open_camvid(folder)
    (folder / "val" / "a.jpg").unlink()
    with pytest.raises(NasError, match=r"a\.jpg is gone"):
        data.sample("val", 0)

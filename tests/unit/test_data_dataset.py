"""Data named on the command line, and samples kept in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasdsl.data.cache import CachedData
from nasdsl.data.dataset import SPLITS, Classes, data_kinds, open_data
from nasdsl.data.streets import Streets
from nasdsl.diagnostics.errors import NasError


@pytest.mark.parametrize(
    ("spec", "message", "help_"),
    [
        ("street", "unknown data 'street'", "did you mean 'streets'? There are: streets, camvid:DIR"),
        ("Camvid:x", "unknown data 'Camvid:x'", "did you mean 'camvid:DIR'? There are: streets, camvid:DIR"),
        ("imagenet", "unknown data 'imagenet'", "There are: streets, camvid:DIR"),
        ("", "unknown data ''", "There are: streets, camvid:DIR"),
        ("camvid", "data 'camvid' does not say where it lies", "write camvid:DIR"),
        ("camvid:", "data 'camvid:' does not say where it lies", "write camvid:DIR"),
        ("streets:somewhere", "data 'streets' takes no folder, found 'somewhere'", "write streets"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(spec: str, message: str, help_: str) -> None:
    with pytest.raises(NasError) as caught:
        open_data(spec, size=(64, 128))
    assert (caught.value.message, caught.value.help, caught.value.status) == (message, help_, 2)


@pytest.mark.parametrize("size", [(0, 64), (8, 64)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(NasError, match=f"{size[0]} x 64 pixels"):
        open_data("streets", size=size)


def test_every_kind_says_what_it_is() -> None:
    for name, kind in data_kinds().items():
        assert kind.usage.partition(":")[0] == name
        assert kind.summary


def test_the_seed_reaches_the_scenes() -> None:
    first, second = (open_data("streets", size=(32, 64), seed=seed).sample("train", 0) for seed in (1, 2))
    assert (first.image != second.image).any()
    assert (first.image == Streets((32, 64), 1).sample("train", 0).image).all()


def test_folders_with_a_colon_in_their_name_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(NasError, match=r"a:b does not exist"):
        open_data(f"camvid:{tmp_path}/a:b", size=(64, 128))


def test_classes_must_fit_together() -> None:
    with pytest.raises(ValueError, match="one entry a class"):
        Classes(("a", "b"), ((0, 0, 0),), (False, False), 255)
    with pytest.raises(ValueError, match="ignore=1 is the index of class b"):
        Classes(("a", "b"), ((0, 0, 0), (1, 1, 1)), (False, False), 1)


def test_cache_keeps_what_fits_and_nothing_more() -> None:
    data = Streets((32, 64))
    one = data.sample("train", 0).nbytes
    cached = CachedData(data, limit_bytes=2 * one)
    kept = [cached.sample("train", index) for index in range(3)]
    assert cached.held_bytes == 2 * one
    again = [cached.sample("train", index) for index in range(3)]
    assert [old is new for old, new in zip(kept, again, strict=True)] == [True, True, False]
    assert (kept[2].image == again[2].image).all()
    assert (cached.name, cached.classes) == (data.name, data.classes)
    assert [cached.length(split) for split in SPLITS] == [data.length(split) for split in SPLITS]

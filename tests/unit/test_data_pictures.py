"""A user's photographs in, pictures of results out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasdsl.data.dataset import Classes
from nasdsl.data.pictures import Row, coloured, contact_sheet, overlay, palette_png, read_image, save_picture
from nasdsl.data.streets import CLASSES, Streets
from nasdsl.diagnostics.errors import NasError

TWO = Classes(("sky", "road"), ((200, 0, 0), (0, 0, 200)), (False, False), 255)


def test_overlay_tints_classes_and_leaves_void() -> None:
    image = np.full((6, 9, 3), 100, dtype=np.uint8)
    label = np.repeat(np.array([[0] * 3 + [1] * 3 + [255] * 3], dtype=np.uint8), 6, axis=0)
    pixels = np.asarray(overlay(image, label, TWO))
    assert pixels.shape == image.shape
    assert pixels[0, 1, 0] > 130 > 100 > pixels[0, 1, 2]
    assert pixels[0, 4, 2] > 130 > 100 > pixels[0, 4, 0]
    assert (pixels[0, 8] == 100).all()
    assert pixels[0, 3].sum() < pixels[0, 4].sum(), "no line between two classes"


def test_palette_png_keeps_the_indices(tmp_path: Path) -> None:
    sample = Streets((64, 96)).sample("val", 0)
    save_picture(palette_png(sample.label, CLASSES), tmp_path / "label.png")
    with Image.open(tmp_path / "label.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), sample.label)
        assert np.array_equal(np.asarray(image.convert("RGB")), coloured(sample.label, CLASSES))


def test_contact_sheet_shows_all_parts_and_every_class() -> None:
    samples = [Streets((64, 96)).sample("val", index) for index in range(2)]
    with_truth = [Row(sample.image, sample.label, sample.label, sample.name) for sample in samples]
    without = [Row(sample.image, None, sample.label, sample.name) for sample in samples]
    full = contact_sheet(with_truth, CLASSES, title="streets", tile_width=96)
    assert full.width > contact_sheet(without, CLASSES, tile_width=96).width
    assert full.height > contact_sheet(with_truth[:1], CLASSES, title="streets", tile_width=96).height
    legend = np.asarray(full)[-90:].reshape(-1, 3)
    for colour in CLASSES.palette:
        assert (legend == colour).all(1).any()
    tiles = np.asarray(full)
    flat = coloured(samples[0].label, CLASSES)
    found = [
        (row, column)
        for row in range(tiles.shape[0] - 64)
        for column in (120, 228)
        if np.array_equal(tiles[row : row + 64, column : column + 96], flat)
    ]
    assert len(found) == 2, "truth and prediction stand there pixel by pixel"


def test_mixed_rows_leave_the_missing_truth_blank() -> None:
    sample = Streets((64, 96)).sample("val", 0)
    rows = [Row(sample.image, sample.label, sample.label, "a"), Row(sample.image, None, sample.label, "b")]
    assert contact_sheet(rows, CLASSES).height > 0


def test_saving_is_whole_or_not_at_all(tmp_path: Path) -> None:
    picture = Image.new("RGB", (4, 4))
    save_picture(picture, tmp_path / "new" / "folder" / "a.png")
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.png"]
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NasError, match="cannot write") as caught:
        save_picture(picture, tmp_path / "file" / "a.png")
    assert caught.value.status == 3
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(NasError, match=r"taken\.png"):
        save_picture(picture, tmp_path / "taken.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "new", "taken.png"]


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_every_mode_becomes_rgb(tmp_path: Path) -> None:
    grey = read_image(saved(Image.new("L", (5, 3), 77), tmp_path / "grey.png"))
    assert grey.shape == (3, 5, 3)
    assert (grey == 77).all()
    deep = read_image(saved(Image.fromarray(np.full((3, 5), 0x8012, dtype=np.uint16)), tmp_path / "deep.png"))
    assert (deep == 0x80).all()
    clear = read_image(saved(Image.new("RGBA", (5, 3), (10, 20, 30, 0)), tmp_path / "clear.png"))
    assert (clear == 255).all()
    indexed = Image.new("P", (5, 3), 1)
    indexed.putpalette([0, 0, 0, 9, 8, 7])
    assert read_image(saved(indexed, tmp_path / "indexed.png"))[0, 0].tolist() == [9, 8, 7]
    cmyk = read_image(saved(Image.new("CMYK", (5, 3)), tmp_path / "cmyk.jpg"))
    assert (cmyk > 250).all()


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(Image.new("RGB", (8, 4)), tmp_path / "turned.jpg", exif=exif)
    assert read_image(path).shape == (8, 4, 3)


def test_unreadable_pictures(tmp_path: Path) -> None:
    with pytest.raises(NasError, match="there is no picture"):
        read_image(tmp_path / "none.png")
    with pytest.raises(NasError, match="is a folder"):
        read_image(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(NasError, match=r"text\.png is not a picture"):
        read_image(tmp_path / "text.png")
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NasError, match=r"cut\.png cannot be read as a picture"):
        read_image(tmp_path / "cut.png")


@pytest.mark.parametrize("side", [10_400, 14_000])
def test_absurdly_large_pictures(tmp_path: Path, side: int) -> None:
    path = saved(Image.new("1", (side, side)), tmp_path / "large.png")
    with pytest.raises(NasError, match="more than 100 million"):
        read_image(path)

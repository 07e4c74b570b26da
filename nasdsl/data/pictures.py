"""Pictures for people: a user's photographs in, overlays, label maps and contact sheets out."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from nasdsl.data.dataset import Classes
from nasdsl.diagnostics.errors import NasError
from nasdsl.files import write_atomically

#: Larger pictures are refused before they are decoded: 100 megapixels are 300 MB in memory.
LARGEST_PICTURE_PX = 100_000_000
_MILLIONS = LARGEST_PICTURE_PX // 10**6

#: Opacity of the class colours over the picture, and how dark the line between two classes is drawn.
OVERLAY_OPACITY = 0.55
_EDGE = 0.45

_VOID = (28, 28, 30)
_PAPER = (250, 249, 246)
_INK = (36, 36, 40)
_FAINT = (112, 112, 118)


def read_image(path: Path) -> NDArray[np.uint8]:
    """A user's picture as red, green, blue, uint8 [H, W, 3], turned upright as its camera noted.

    Grey pictures become coloured ones, 16-bit ones lose their lower byte, transparent ones are laid on white.

    Raises:
        NasError: status 1, the file is missing, is no picture, is damaged, or is larger than LARGEST_PICTURE_PX.
    """
    if path.is_dir():
        raise NasError(f"{path} is a folder", help="name the pictures in it")
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path) as image,
        ):
            if image.width * image.height > LARGEST_PICTURE_PX:
                raise NasError(
                    f"{path} has {image.width} x {image.height} pixels, more than {_MILLIONS} million",
                    help="scale it down first",
                )
            image.load()
            return np.array(_flattened(ImageOps.exif_transpose(image)))
    except FileNotFoundError:
        raise NasError(f"there is no picture {path}", help="check the path") from None
    except Image.DecompressionBombError:
        raise NasError(f"{path} has more than {_MILLIONS} million pixels", help="scale it down first") from None
    except UnidentifiedImageError:
        raise NasError(f"{path} is not a picture", help="JPEG, PNG, WebP, BMP and TIFF can be read") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise NasError(f"{path} cannot be read as a picture: {error}", help="it may be damaged or cut short") from None


def _flattened(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _colours(classes: Classes) -> NDArray[np.uint8]:
    """A colour for every label value [256, 3]; void is nearly black."""
    table = np.full((256, 3), _VOID, dtype=np.uint8)
    table[: len(classes)] = classes.palette
    return table


def coloured(label: NDArray[np.integer], classes: Classes) -> NDArray[np.uint8]:
    """A label map [H, W] in the colours of its classes, uint8 [H, W, 3].

    >>> two = Classes(("sky", "road"), ((1, 2, 3), (4, 5, 6)), (False, False), 255)
    >>> coloured(np.array([[0, 1]]), two).tolist()
    [[[1, 2, 3], [4, 5, 6]]]
    """
    return _colours(classes).take(label, axis=0)


def overlay(image: NDArray[np.uint8], label: NDArray[np.integer], classes: Classes) -> Image.Image:
    """The picture [H, W, 3] under the colours of its label map [H, W], with dark lines between classes.

    Void stays as it is in the picture.
    """
    colours = coloured(label, classes).astype(np.float32)
    known = (label < len(classes))[:, :, None]
    mixed = image + (colours - image.astype(np.float32)) * (np.float32(OVERLAY_OPACITY) * known)
    edge = np.zeros(label.shape, dtype=bool)
    edge[:, 1:] |= label[:, 1:] != label[:, :-1]
    edge[1:] |= label[1:] != label[:-1]
    mixed[edge] *= np.float32(_EDGE)
    return Image.fromarray((mixed + np.float32(0.5)).astype(np.uint8))


def palette_png(label: NDArray[np.integer], classes: Classes) -> Image.Image:
    """A picture whose pixels are the class indices and whose palette shows them in their colours (mode P)."""
    image = Image.fromarray(label.astype(np.uint8), "P")
    image.putpalette(_colours(classes).tobytes(), "RGB")
    return image


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a contact sheet; all parts have the same height and width.

    Attributes:
        image: uint8 [H, W, 3].
        truth: Label map [H, W], None where there is none.
        prediction: Label map [H, W].
        name: Written below the picture.
    """

    image: NDArray[np.uint8]
    truth: NDArray[np.integer] | None
    prediction: NDArray[np.integer]
    name: str


def contact_sheet(rows: Sequence[Row], classes: Classes, *, title: str = "", tile_width: int = 384) -> Image.Image:
    """Picture, truth where there is one, prediction and overlay side by side, with a legend of the classes.

    Args:
        rows: At least one.
        classes: Colours and names.
        title: Written on top.
        tile_width: Width of every part in pixels; the heights follow.
    """
    with_truth = any(row.truth is not None for row in rows)
    heads = ["picture", *(["truth"] if with_truth else []), "prediction", "prediction over picture"]
    gap, small, line = 12, ImageFont.load_default(15), 26
    width = len(heads) * (tile_width + gap) + gap
    tiles = [[_fitted(part, tile_width) for part in _parts(row, classes, with_truth)] for row in rows]
    legend = _legend(classes, width - 2 * gap)
    top = gap + (34 if title else 0) + line
    height = top + sum(row[0].height + line for row in tiles) + legend.height + gap
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((gap, gap), title, fill=_INK, font=ImageFont.load_default(22))
    for column, head in enumerate(heads):
        draw.text((gap + column * (tile_width + gap), top - line + 2), head, fill=_FAINT, font=small)
    for row, parts in zip(rows, tiles, strict=True):
        for column, part in enumerate(parts):
            sheet.paste(part, (gap + column * (tile_width + gap), top))
        top += parts[0].height
        draw.text((gap, top + 2), row.name, fill=_FAINT, font=small)
        top += line
    sheet.paste(legend, (gap, top))
    return sheet


def _parts(row: Row, classes: Classes, with_truth: bool) -> list[Image.Image]:
    parts = [Image.fromarray(row.image)]
    if with_truth:
        unknown = np.full(row.prediction.shape, 255, dtype=np.uint8)
        parts.append(Image.fromarray(coloured(unknown if row.truth is None else row.truth, classes)))
    parts.append(Image.fromarray(coloured(row.prediction, classes)))
    parts.append(overlay(row.image, row.prediction, classes))
    return parts


def _fitted(image: Image.Image, width: int) -> Image.Image:
    """Scaled to a width; small pictures show their pixels, so that a label map stays what it is."""
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS if width < image.width else Image.Resampling.NEAREST)


def _legend(classes: Classes, width: int) -> Image.Image:
    """A patch of colour and a name for every class and for void, in as many lines as they need."""
    font, patch, line, between = ImageFont.load_default(15), 16, 26, 22
    entries = [*zip(classes.names, classes.palette, strict=True), ("void", _VOID)]
    places: list[tuple[int, int]] = []
    x = y = 0
    for name, _ in entries:
        needed = patch + 7 + int(font.getlength(name))
        if x and x + needed > width:
            x, y = 0, y + line
        places.append((x, y))
        x += needed + between
    legend = Image.new("RGB", (width, y + line), _PAPER)
    draw = ImageDraw.Draw(legend)
    for (name, colour), (x, y) in zip(entries, places, strict=True):
        draw.rounded_rectangle((x, y + 4, x + patch, y + 4 + patch), 3, fill=colour)
        draw.text((x + patch + 7, y + 3), name, fill=_INK, font=font)
    return legend


def save_picture(image: Image.Image, path: Path) -> None:
    """Write a PNG whole or not at all; the folder is made if need be.

    Raises:
        NasError: status 3, it cannot be written there.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        raise NasError(
            f"cannot write {path}: {error.strerror or error}", help="free some space or choose another folder", status=3
        ) from None

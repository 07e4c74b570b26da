"""Pictures of predictions: overlay, palette, contact sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]

UNLABELLED: Rgb = (0, 0, 0)
GAP, CAPTION, SWATCH = 6, 18, 12


def paint(labels: NDArray[np.uint8], palette: Sequence[Rgb]) -> NDArray[np.uint8]:
    """The picture [H, W, 3] in which every pixel has the colour of its class; black where it has none.

    >>> paint(np.array([[0, 255]], np.uint8), [(1, 2, 3)]).tolist()
    [[[1, 2, 3], [0, 0, 0]]]
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[:] = UNLABELLED
    colours[: len(palette)] = palette
    return colours[labels]


def overlay(image: NDArray[np.uint8], labels: NDArray[np.uint8], palette: Sequence[Rgb]) -> NDArray[np.uint8]:
    """The image [H, W, 3] tinted half and half with the colours of its classes."""
    return ((image.astype(np.uint16) + paint(labels, palette)) // 2).astype(np.uint8)


def palette_png(labels: NDArray[np.uint8], palette: Sequence[Rgb]) -> bytes:
    """A PNG whose pixel values are the classes themselves and that viewers show in their colours."""
    picture = Image.fromarray(labels, mode="L").convert("P")
    picture.putdata(labels.flatten().tolist())
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    picture.putpalette(colours.flatten().tolist())
    return png(picture)


def png(picture: Image.Image | NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def contact_sheet(
    rows: Sequence[Sequence[NDArray[np.uint8]]], titles: Sequence[str], legend: Sequence[tuple[str, Rgb]]
) -> bytes:
    """A PNG with pictures of one size in rows, a title over each column, and a legend of the classes below."""
    height, width = rows[0][0].shape[:2]
    columns = len(titles)
    full = columns * (width + GAP) + GAP
    legend_lines = _legend_lines(legend, full)
    sheet = Image.new("RGB", (full, CAPTION + len(rows) * (height + GAP) + legend_lines[-1][1] + CAPTION), "white")
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        draw.text((GAP + column * (width + GAP), 3), title, fill="black")
    for line, row in enumerate(rows):
        for column, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (GAP + column * (width + GAP), CAPTION + line * (height + GAP)))
    below = CAPTION + len(rows) * (height + GAP)
    for (name, colour), (left, top) in zip(legend, legend_lines, strict=True):
        draw.rectangle((left, below + top + 2, left + SWATCH, below + top + 2 + SWATCH), fill=colour, outline="black")
        draw.text((left + SWATCH + 4, below + top + 2), name, fill="black")
    return png(sheet)


def _legend_lines(legend: Sequence[tuple[str, Rgb]], width: int) -> list[tuple[int, int]]:
    """Left and top of every entry, flowing into lines."""
    places, left, top = [], GAP, 0
    for name, _ in legend:
        need = SWATCH + 4 + 7 * len(name) + 12
        if left > GAP and left + need > width:
            left, top = GAP, top + CAPTION
        places.append((left, top))
        left += need
    return places or [(GAP, 0)]

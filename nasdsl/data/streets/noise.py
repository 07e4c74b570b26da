"""Periodic noise tiles: clouds, asphalt, leaves and paving are looked up in them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nasdsl.data.streets.dice import Dice

#: Every tile is TILE x TILE and repeats seamlessly.
TILE = 256

FloatMap = NDArray[np.float32]


def _stretched(grid: FloatMap) -> FloatMap:
    """A periodic grid [n, n] interpolated to [TILE, TILE] along smoothsteps.

    Only additions and products: their results are the same on every machine, which those of exp or sin are not.
    """
    cells = grid.shape[0]
    position = np.arange(TILE, dtype=np.float32) * np.float32(cells / TILE)
    low = position.astype(np.int64)
    rest = position - low.astype(np.float32)
    ease = rest * rest * (np.float32(3) - np.float32(2) * rest)
    high = (low + 1) % cells
    rows = grid[low] + (grid[high] - grid[low]) * ease[:, None]
    stretched: FloatMap = rows[:, low] + (rows[:, high] - rows[:, low]) * ease[None, :]
    return stretched


@lru_cache(maxsize=16)
def fractal(name: int, coarsest: int, finest: int, persistence: float) -> FloatMap:
    """A tile [TILE, TILE] of several octaves of value noise, between -1 and 1, mean about 0.

    Args:
        name: Which of the tiles with these figures.
        coarsest: Cells a side of the coarsest octave, a power of two.
        finest: Cells a side of the finest octave, a power of two up to TILE.
        persistence: Amplitude of an octave relative to the next coarser one.
    """
    dice = Dice(name, coarsest, finest)
    tile = np.zeros((TILE, TILE), dtype=np.float32)
    amplitude = np.float32(1)
    cells = coarsest
    while cells <= finest:
        grid = dice.units(cells * cells).reshape(cells, cells) * np.float32(2) - np.float32(1)
        tile += _stretched(grid) * amplitude
        amplitude *= np.float32(persistence)
        cells *= 2
    tile /= np.abs(tile).max()
    tile.setflags(write=False)
    return tile


def clouds() -> FloatMap:
    """Broad billows."""
    return fractal(1, 4, 128, 0.56)


def grain() -> FloatMap:
    """Asphalt and plaster: fine, with faint stains."""
    return fractal(2, 8, 256, 0.8)


def leaves() -> FloatMap:
    """Clumps with a ragged edge."""
    return fractal(3, 4, 256, 0.72)


@lru_cache(maxsize=1)
def paving() -> FloatMap:
    """Slabs of 32 x 16 texels, each with a shade of its own and a dark joint."""
    dice = Dice(4)
    rows, columns = TILE // 16, TILE // 32
    shades = (dice.units(rows * columns).reshape(rows, columns) - np.float32(0.5)) * np.float32(0.9)
    tile = np.repeat(np.repeat(shades, 16, axis=0), 32, axis=1)
    for row in range(1, rows, 2):
        band = slice(row * 16, row * 16 + 16)
        tile[band] = np.roll(tile[band], 16, axis=1)
        tile[band, 16::32] = -1
    for row in range(0, rows, 2):
        tile[row * 16 : row * 16 + 16, 0::32] = -1
    tile[0::16] = -1
    tile += grain() * np.float32(0.3)
    tile.setflags(write=False)
    return tile


def wrapped(tile: FloatMap, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> FloatMap:
    """The values of a tile, repeated in both directions, at rows [H] and columns [W] or, other ones a row, [H, W]."""
    # take() with one index is several times faster than indexing with two.
    return tile.ravel().take((rows % TILE * TILE)[:, None] + columns % TILE)

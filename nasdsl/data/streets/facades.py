"""Fronts of houses as small maps of materials, drawn once in the plane and then seen in perspective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.noise import TILE, grain

#: Side of a texel of a facade in metres.
TEXEL_M = 0.1

MaterialMap = NDArray[np.uint8]


class Material(IntEnum):
    """What a texel of a facade is made of."""

    OPEN = 0
    WALL = 1
    WALL_STAINED = 2
    TRIM = 3
    PLINTH = 4
    GLASS_DARK = 5
    GLASS_SKY = 6
    GLASS_CURTAIN = 7
    GLASS_LIT = 8
    SHOP_GLASS = 9
    DOOR = 10
    ROOF = 11
    ROOF_DARK = 12
    ACCENT = 13
    ACCENT_PALE = 14
    SHUTTER = 15
    RAIL = 16


@dataclass(frozen=True, slots=True)
class Style:
    """The measures of a kind of house in metres.

    Attributes:
        floors: Number of storeys above the ground floor.
        storey_m: Height of a storey.
        bay_m: Distance between windows.
        window_m: Width and height of a window.
        sill_m: Height of the window above its floor.
        roof: "flat", "mansard", "steps", "gable" or "pitched".
        shop: Whether the ground floor is one.
        shutters, balconies, cross_bars: Whether windows have them.
    """

    floors: int
    storey_m: float
    bay_m: float
    window_m: tuple[float, float]
    sill_m: float
    roof: str
    shop: bool = False
    shutters: bool = False
    balconies: bool = False
    cross_bars: bool = True


def _texels(metres: float) -> int:
    return max(1, round(metres / TEXEL_M))


def _pane_of(cell: MaterialMap, style: Style, bottom: int) -> None:
    """Put one window with its frame, sill, bars and what hangs beside it into a cell."""
    wide, high = _texels(style.window_m[0]), _texels(style.window_m[1])
    left = (cell.shape[1] - wide) // 2
    if style.shutters:
        wing = max(2, wide // 2 - 1)
        cell[bottom : bottom + high, max(left - 1 - wing, 0) : left + wide + 1 + wing] = Material.SHUTTER
    cell[bottom - 1 : bottom + high + 1, left - 1 : left + wide + 1] = Material.TRIM
    cell[bottom : bottom + high, left : left + wide] = Material.GLASS_DARK
    if style.cross_bars and wide >= 7:
        cell[bottom : bottom + high, left + wide // 2] = Material.TRIM
        cell[bottom + high * 2 // 3, left : left + wide] = Material.TRIM
    if style.balconies:
        cell[bottom - 2 : bottom + 7 : 8, max(left - 3, 0) : left + wide + 3] = Material.RAIL
        cell[bottom - 1 : bottom + 6, max(left - 3, 0) : left + wide + 3 : 2] = Material.RAIL


def _glazed(wall: MaterialMap, dice: Dice, rows: int, columns: int, cell: tuple[int, int], lamps: float) -> None:
    """Give each pane of a grid of cells the look of the room behind it."""
    draws = dice.units(rows * columns).reshape(rows, columns)
    looks = np.full((rows, columns), Material.GLASS_DARK, dtype=np.uint8)
    looks[draws > 0.45] = Material.GLASS_SKY
    looks[draws > 0.8] = Material.GLASS_CURTAIN
    looks[draws < 0.4 * lamps] = Material.GLASS_LIT
    panes = np.repeat(np.repeat(looks, cell[0], axis=0), cell[1], axis=1)
    np.copyto(wall, panes, where=wall == Material.GLASS_DARK)


def _storeys(style: Style, bays: int, dice: Dice, lamps: float) -> MaterialMap:
    cell = np.full((_texels(style.storey_m), _texels(style.bay_m)), Material.WALL, dtype=np.uint8)
    _pane_of(cell, style, _texels(style.sill_m))
    wall = np.tile(cell, (style.floors, bays))
    _glazed(wall, dice, style.floors, bays, (cell.shape[0], cell.shape[1]), lamps)
    return wall


def _fill_window(pane: MaterialMap, dice: Dice) -> None:
    """Put goods, posters and dummies behind a shop window."""
    goods = (Material.ACCENT, Material.ACCENT_PALE, Material.SHUTTER, Material.TRIM, Material.GLASS_CURTAIN)
    column = 1 + dice.index(4)
    while column < pane.shape[1] - 3:
        wide, high = dice.whole(2, 6), dice.pick((3, 5, 8, 12))
        pane[1 : 1 + high, column : column + wide] = dice.pick(goods)
        column += wide + dice.whole(1, 5)


def _shop_front(width: int, dice: Dice) -> MaterialMap:
    front = np.full((_texels(3.6), width), Material.PLINTH, dtype=np.uint8)
    pane = _texels(dice.between(2.0, 3.4))
    for left in range(3, width - 6, pane + 3):
        right = min(left + pane, width - 3)
        front[4:24, left:right] = Material.SHOP_GLASS
        _fill_window(front[4:24, left:right], dice)
    door = 3 + dice.index(max(1, width - 15))
    front[0:23, door : door + 10] = Material.DOOR
    front[6:21, door + 2 : door + 8] = Material.SHOP_GLASS
    front[28:33, 2 : width - 2] = Material.ACCENT
    if dice.chance(0.6):
        front[23:28, 3 : width - 3] = Material.ACCENT
        front[23:28].reshape(5, width)[:, 3 : width - 3][:, (np.arange(width - 6) // 4) % 2 == 1] = Material.ACCENT_PALE
    return front


def _hall_front(style: Style, bays: int, dice: Dice, lamps: float) -> MaterialMap:
    cell = np.full((_texels(style.storey_m + 0.3), _texels(style.bay_m)), Material.WALL, dtype=np.uint8)
    _pane_of(cell, replace(style, balconies=False), _texels(style.sill_m + 0.1))
    front = np.tile(cell, (1, bays))
    _glazed(front, dice, 1, bays, (cell.shape[0], cell.shape[1]), lamps)
    front[0:6][front[0:6] == Material.WALL] = Material.PLINTH
    wide = cell.shape[1]
    middle = dice.index(bays) * wide + wide // 2
    door = front[0:23, max(middle - 6, 0) : middle + 6]
    door[:] = Material.TRIM
    door[0:22, 1:-1] = Material.DOOR
    if bays > 2 and dice.chance(0.25):
        gate = dice.index(bays) * wide
        front[0:22, gate + 1 : gate + min(wide, 26)] = Material.DOOR
        front[3:22:4, gate + 1 : gate + min(wide, 26)] = Material.TRIM
    return front


def _roof(style: Style, width: int, bay: int, dice: Dice) -> MaterialMap:
    if style.roof == "mansard":
        roof = np.full((_texels(2.4), width), Material.ROOF, dtype=np.uint8)
        roof[::3] = Material.ROOF_DARK
        for left in range(bay // 2 - 5, width - 11, bay):
            roof[2:17, max(left, 0) : left + 11] = Material.TRIM
            roof[4:15, max(left + 2, 0) : left + 9] = Material.GLASS_SKY
        return roof
    if style.roof in ("steps", "gable"):
        high = _texels(3.4)
        roof = np.full((high, width), Material.WALL, dtype=np.uint8)
        middle = abs(np.arange(width) - (width - 1) / 2)
        rise = np.arange(high)
        if style.roof == "steps":
            rise = rise // 6 * 6
        edge = (width / 2) * (1 - rise / high) + 1
        roof[middle[None, :] > edge[:, None]] = Material.OPEN
        roof[(middle[None, :] <= edge[:, None]) & (middle[None, :] > edge[:, None] - 2)] = Material.TRIM
        centre = width // 2
        roof[6:17, centre - 4 : centre + 4] = Material.GLASS_DARK
        return roof
    if style.roof == "pitched":
        high = _texels(dice.between(2.0, 3.2))
        roof = np.full((high + 10, width), Material.OPEN, dtype=np.uint8)
        roof[:high] = Material.ROOF
        roof[:high:3] = Material.ROOF_DARK
        left = dice.index(max(1, width - 9))
        roof[high : high + 8, left : left + 7] = Material.PLINTH
        return roof
    parapet = np.full((_texels(0.6), width), Material.WALL, dtype=np.uint8)
    parapet[-3:] = Material.TRIM
    return parapet


def facade(style: Style, bays: int, dice: Dice, lamps: float) -> MaterialMap:
    """A front of `bays` bays as materials [rows, columns], row 0 at the ground, OPEN where one sees past it.

    Args:
        style: Its measures.
        bays: Number of windows side by side.
        dice: Decides on doors, shops and what is behind the windows.
        lamps: Part of the windows that are lit is proportional to this.
    """
    upper = _storeys(style, bays, dice, lamps)
    width = upper.shape[1]
    ground = _shop_front(width, dice) if style.shop else _hall_front(style, bays, dice, lamps)
    ledge = np.full((2, width), Material.TRIM, dtype=np.uint8)
    roof = _roof(style, width, _texels(style.bay_m), dice)
    front = np.concatenate([ground, ledge, upper, ledge, roof])
    row, column = dice.index(TILE), dice.index(TILE)
    stains = grain()[(np.arange(front.shape[0]) + row) % TILE][:, (np.arange(width) + column) % TILE] > 0.12
    front[(front == Material.WALL) & stains] = Material.WALL_STAINED
    return front


def end_wall(width_m: float, height_m: float, dice: Dice) -> MaterialMap:
    """The blank side of a house with a window here and there, as materials [rows, columns]."""
    wall = np.full((_texels(height_m), _texels(width_m)), Material.WALL, dtype=np.uint8)
    for bottom in range(14, wall.shape[0] - 18, 31):
        for left in range(14, wall.shape[1] - 12, 38):
            if dice.chance(0.45):
                wall[bottom - 1 : bottom + 13, left - 1 : left + 9] = Material.TRIM
                wall[bottom : bottom + 12, left : left + 8] = dice.pick((Material.GLASS_DARK, Material.GLASS_SKY))
    wall[-3:] = Material.TRIM
    return wall


def drawn_style(dice: Dice, character: str) -> Style:
    """The measures of a house that suits a street.

    Args:
        dice: Decides.
        character: "suburb", "town" or "city".
    """
    if character == "suburb":
        roof = dice.pick(("pitched", "pitched", "gable"))
        window = (dice.between(0.9, 1.6), dice.between(1.1, 1.5))
        shutters = dice.chance(0.5)
        return Style(
            dice.whole(0, 1) + (roof == "gable"), 2.8, dice.between(2.4, 3.4), window, 0.9, roof, shutters=shutters
        )
    if character == "town":
        roof = dice.pick(("mansard", "pitched", "steps", "gable", "flat"))
        window = (dice.between(0.9, 1.3), dice.between(1.4, 1.9))
        return Style(
            dice.whole(1, 3), dice.between(2.9, 3.4), dice.between(1.9, 2.7), window, 0.8, roof,
            shop=dice.chance(0.45), shutters=dice.chance(0.25), balconies=dice.chance(0.15),
        )  # fmt: skip
    bay = dice.between(2.2, 3.6)
    if dice.chance(0.45):
        window = (bay - dice.between(0.3, 0.7), dice.between(1.5, 2.3))
        return Style(dice.whole(4, 8), 3.3, bay, window, 0.7, "flat", shop=dice.chance(0.6), cross_bars=False)
    window = (dice.between(1.0, 1.5), dice.between(1.5, 2.0))
    return Style(
        dice.whole(3, 6), dice.between(3.0, 3.5), bay, window, 0.8, dice.pick(("flat", "mansard")),
        shop=dice.chance(0.6), balconies=dice.chance(0.35),
    )  # fmt: skip

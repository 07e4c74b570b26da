"""Rows of houses along both sides of the street, and what closes the view at its end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasdsl.data.streets.camera import NEAR_M
from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.facades import TEXEL_M, Material, MaterialMap, drawn_style, end_wall, facade
from nasdsl.data.streets.light import FACING_LEFT, FACING_RIGHT, TOWARDS_CAMERA, Colour, Light, dimmed, mixed
from nasdsl.data.streets.noise import FloatMap

_WALLS: tuple[Colour, ...] = (
    (0.86, 0.80, 0.68), (0.80, 0.66, 0.47), (0.76, 0.55, 0.44), (0.58, 0.34, 0.27), (0.64, 0.42, 0.32),
    (0.72, 0.72, 0.70), (0.56, 0.56, 0.56), (0.88, 0.86, 0.82), (0.66, 0.72, 0.74), (0.68, 0.72, 0.60),
    (0.84, 0.70, 0.66), (0.46, 0.42, 0.40), (0.80, 0.74, 0.56), (0.60, 0.62, 0.66), (0.40, 0.44, 0.42),
)  # fmt: skip
_ROOFS: tuple[Colour, ...] = (
    (0.58, 0.32, 0.24), (0.48, 0.30, 0.24), (0.34, 0.35, 0.38), (0.42, 0.42, 0.42), (0.30, 0.26, 0.26),
)  # fmt: skip
_ACCENTS: tuple[Colour, ...] = (
    (0.70, 0.16, 0.15), (0.14, 0.34, 0.24), (0.15, 0.26, 0.48), (0.82, 0.62, 0.18), (0.25, 0.22, 0.24),
    (0.52, 0.18, 0.30), (0.20, 0.46, 0.50), (0.86, 0.84, 0.78),
)  # fmt: skip
_DOORS: tuple[Colour, ...] = ((0.30, 0.20, 0.14), (0.16, 0.24, 0.20), (0.22, 0.24, 0.32), (0.45, 0.16, 0.13))

_TEXTURES: FloatMap = np.array([0, 18, 18, 8, 20, 4, 6, 6, 3, 6, 8, 16, 16, 5, 5, 8, 4], dtype=np.float32) * np.float32(
    1 / 255
)


@dataclass(frozen=True, slots=True)
class Building:
    """A block beside the street.

    Attributes:
        side: -1 left of the street, 1 right of it.
        plane_m: x of the front.
        near_m, far_m: z of its ends.
        front: Materials of the front.
        colours: Unlit colour of every material [17, 3].
        end_from_m: From this height up its near end shows, as the next house hides what is below.
    """

    side: int
    plane_m: float
    near_m: float
    far_m: float
    front: MaterialMap
    colours: NDArray[np.float32]
    end_from_m: float

    @property
    def height_m(self) -> float:
        """Up to the top of the roof."""
        return len(self.front) * TEXEL_M

    def cast(self, canvas: Canvas) -> None:
        """Its shadow on the street, if the sun stands behind it."""
        right, ahead = canvas.light.shadow_offset(self.height_m)
        x, near, far = self.plane_m, self.near_m, self.far_m
        canvas.shade([(x, 0, near), (x, 0, far), (x + right, 0, far + ahead), (x + right, 0, near + ahead)])
        back = x + self.side * 12
        canvas.shade([(x, 0, near), (back, 0, near), (back + right, 0, near + ahead), (x + right, 0, near + ahead)])

    def paint(self, canvas: Canvas, dice: Dice, opposite_m: float, street_m: float) -> None:
        """Paint the end that looks at the camera, then the front.

        Args:
            canvas: To paint on.
            dice: Decides on the windows in the end wall.
            opposite_m: Height of the houses across the street, whose shadow falls on this front.
            street_m: Distance to them.
        """
        middle = (max(self.near_m, 2.0) + self.far_m) / 2
        if self.near_m > NEAR_M and self.end_from_m < self.height_m - 0.5:
            wall = end_wall(9.0, max(self.height_m - 2.5, 3.0), dice)
            lit = TOWARDS_CAMERA if canvas.light.sun[2] < 0 else None
            self._paint_end(canvas, wall, _palette(canvas, self.colours, self.near_m, lit))
        normal = FACING_RIGHT if self.side < 0 else FACING_LEFT
        facing = normal[0] * canvas.light.sun[0] > 0 and canvas.light.casts_shadows
        shade = _palette(canvas, self.colours, middle, None)
        sunny = _palette(canvas, self.colours, middle, normal) if facing else shade
        rise = canvas.light.sun[1] / max(abs(canvas.light.sun[0]), 0.05)
        shadow_m = opposite_m - street_m * rise if facing else 0.0
        self._paint_front(canvas, shade, sunny, shadow_m)

    def _paint_front(self, canvas: Canvas, shade: NDArray[np.int32], sunny: NDArray[np.int32], shadow_m: float) -> None:
        camera = canvas.camera
        near, far = max(self.near_m, NEAR_M), self.far_m
        columns = np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.vanishing_x)
        ends = sorted((self.plane_m * camera.focal / near, self.plane_m * camera.focal / far))
        seen = np.flatnonzero((columns >= ends[0]) & (columns < ends[1]))
        if not len(seen):
            return
        z = np.float32(self.plane_m * camera.focal) / columns[seen]
        texels = (z - np.float32(self.near_m)) * np.float32(self.front.shape[1] / (self.far_m - self.near_m))
        lit_from = min(max(round(shadow_m / TEXEL_M), 0), len(self.front))
        _stamp(canvas, self.front, texels, z * np.float32(1 / camera.focal), int(seen[0]), shade, sunny, lit_from)

    def _paint_end(self, canvas: Canvas, wall: MaterialMap, surfaces: NDArray[np.int32]) -> None:
        camera = canvas.camera
        scale = np.float32(self.near_m / camera.focal)
        x = (np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.vanishing_x)) * scale
        inward = (x - np.float32(self.plane_m)) * np.float32(self.side / TEXEL_M)
        seen = np.flatnonzero((inward >= 0) & (inward < wall.shape[1]))
        if len(seen):
            metres_a_row = np.full(len(seen), scale, dtype=np.float32)
            _stamp(canvas, wall, inward[seen], metres_a_row, int(seen[0]), surfaces, surfaces, 0)


def _stamp(
    canvas: Canvas,
    wall: MaterialMap,
    across: FloatMap,
    metres_a_row: FloatMap,
    left: int,
    shade: NDArray[np.int32],
    sunny: NDArray[np.int32],
    lit_from: int,
) -> None:
    """Paint a wall on a run of picture columns.

    Args:
        canvas: To paint on.
        wall: Its materials.
        across: For every picture column the column of the wall that it shows.
        metres_a_row: For every picture column how much of the wall's height one picture row shows.
        left: The first picture column.
        shade: Surface of every material in the shade.
        sunny: Surface of every material in the sun.
        lit_from: The row of the wall above which the sun reaches it.
    """
    camera = canvas.camera
    nearest = float(metres_a_row.min())
    top = max(0, int(camera.horizon - (len(wall) * TEXEL_M - camera.eye_m) / nearest))
    bottom = min(camera.height, int(camera.horizon + camera.eye_m / nearest) + 1)
    if bottom <= top:
        return
    # A row of nothing below and above, so that what falls outside the wall is open.
    width = wall.shape[1]
    padded = np.zeros((len(wall) + 2, width), dtype=np.uint8)
    padded[1:-1] = wall
    below = np.arange(top, bottom, dtype=np.float32) + np.float32(0.5 - camera.horizon)
    texels = below[:, None] * (metres_a_row * np.float32(-1 / TEXEL_M))[None, :]
    texels += np.float32(camera.eye_m / TEXEL_M + 1)
    index = np.clip(texels, 0, len(padded) - 1, out=texels).astype(np.int32)
    sunlit = index > lit_from if shade is not sunny else None
    index *= np.int32(width)
    index += np.clip(across, 0, width - 1).astype(np.int32)[None, :]
    materials = padded.ravel().take(index)
    surfaces = sunny.take(materials)
    if sunlit is not None:
        surfaces = np.where(sunlit, surfaces, shade.take(materials))
    canvas.stamp(surfaces, materials > Material.OPEN, left, top)


def _palette(
    canvas: Canvas, colours: NDArray[np.float32], z: float, normal: tuple[float, float, float] | None
) -> NDArray[np.int32]:
    """The surface of every material of one wall, in the sun or (normal None) in the shade; 0 for OPEN."""
    light = canvas.light
    white = light.on((1.0, 1.0, 1.0), normal or TOWARDS_CAMERA, shaded=normal is None)
    lit: FloatMap = colours * np.array(white, dtype=np.float32)
    glows = np.zeros(len(colours), dtype=np.float32)
    lamps = light.mood.lamps
    if lamps:
        lit[Material.GLASS_LIT] = (1.0, 0.82, 0.5)
        lit[Material.SHOP_GLASS] += np.array((0.75, 0.6, 0.38), dtype=np.float32) * np.float32(lamps)
        glows[Material.GLASS_LIT] = 0.5 * lamps
        glows[Material.SHOP_GLASS] = 0.35 * lamps
    mirrored = np.array(light.mood.horizon, dtype=np.float32)
    lit[Material.SHOP_GLASS] += mirrored * np.float32(0.1)
    lit[Material.GLASS_SKY] = lit[Material.GLASS_SKY] * np.float32(0.5) + mirrored * np.float32(0.42)
    first = canvas.surface_row(lit, Kind.BUILDING, z, _TEXTURES, glows)
    numbers = np.arange(first, first + len(colours), dtype=np.int32)
    numbers[Material.OPEN] = 0
    return numbers


def drawn_colours(dice: Dice) -> NDArray[np.float32]:
    """Unlit colours of the materials of one house, [17, 3]."""
    tone = dice.between(0.72, 1.05)
    wall = dimmed(dice.pick(_WALLS), tone)
    trim = mixed(wall, (0.93, 0.92, 0.88), dice.between(0.25, 0.85))
    roof = dimmed(dice.pick(_ROOFS), dice.between(0.8, 1.15))
    accent = dice.pick(_ACCENTS)
    glass = (0.13, 0.15, 0.18)
    table = [
        (0.0, 0.0, 0.0), wall, dimmed(wall, 0.93), trim, dimmed(wall, dice.between(0.6, 0.85)), glass,
        (0.34, 0.38, 0.43), mixed(glass, (0.82, 0.78, 0.70), 0.7), (0.72, 0.58, 0.36), (0.20, 0.22, 0.25),
        dice.pick(_DOORS), roof, dimmed(roof, 0.88), accent, mixed(accent, (0.95, 0.93, 0.88), 0.8),
        dimmed(dice.pick(_ACCENTS), 0.8), (0.20, 0.20, 0.22),
    ]  # fmt: skip
    return np.array(table, dtype=np.float32)


def drawn_fronts(dice: Dice, light: Light, character: str) -> list[MaterialMap]:
    """The kinds of fronts that the houses of one street share.

    Args:
        dice: Decides.
        light: Its lamps light windows.
        character: "suburb", "town" or "city".
    """
    fronts = []
    for _ in range(dice.whole(5, 7)):
        style = drawn_style(dice, character)
        bays = dice.whole(2, 3) if style.roof in ("steps", "gable") else dice.whole(3, 6)
        fronts.append(facade(style, bays, dice, light.mood.lamps))
    return fronts


def drawn_row(
    dice: Dice, fronts: list[MaterialMap], side: int, edge_m: float, character: str, crossing: tuple[float, float]
) -> list[Building]:
    """The houses along one side of the street, from near to far.

    Args:
        dice: Decides.
        fronts: The fronts to choose from.
        side: -1 left, 1 right.
        edge_m: x of the outer edge of the sidewalk.
        character: "suburb", "town" or "city".
        crossing: z where a street that crosses this one begins and ends; no houses stand there.
    """
    gap = {"suburb": 0.8, "town": 0.12, "city": 0.2}[character]
    setback = {"suburb": (2.0, 6.0), "town": (0.0, 0.6), "city": (0.0, 2.0)}[character]
    row: list[Building] = []
    z = dice.between(-8.0, 1.0)
    hidden_m = 0.0
    while z < 120:
        front = dice.pick(fronts)
        end = z + front.shape[1] * TEXEL_M
        if z < crossing[1] and end > crossing[0]:
            z, hidden_m = crossing[1] + dice.between(0.0, 1.5), 0.0
            continue
        if end > 1.5:
            plane = edge_m + side * dice.between(*setback)
            row.append(Building(side, plane, z, end, front, drawn_colours(dice), hidden_m))
        spaced = dice.chance(gap)
        hidden_m = 0.0 if spaced or character == "suburb" else front.shape[0] * TEXEL_M - 3.5
        z = end + (dice.between(1.0, 6.0) if spaced else 0.0)
    return row


def paint_vista(canvas: Canvas, dice: Dice, character: str) -> None:
    """What closes the view where the street ends: hazy blocks and woods on the horizon."""
    light = canvas.light
    tall = {"suburb": 5.0, "town": 13.0, "city": 30.0}[character]
    x = -120.0
    while x < 120:
        width, depth = dice.between(5, 18), dice.between(160, 260)
        height = dice.between(0.3, 1.0) * tall + 3
        if dice.chance(0.25):
            colour = light.on((0.24, 0.32, 0.18), TOWARDS_CAMERA)
            surface, height = canvas.surface(colour, Kind.TREE, depth, texture=0.12), dice.between(4, 9)
        else:
            colour = light.on(dice.pick(_WALLS), TOWARDS_CAMERA, shaded=dice.chance(0.5))
            surface = canvas.surface(colour, Kind.BUILDING, depth)
        far = x + width
        canvas.outline([(x, 0, depth), (x, height, depth), (far, height, depth), (far, 0, depth)], surface)
        x += width * dice.between(0.6, 1.0)

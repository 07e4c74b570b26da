"""Trees and hedges: crowns with a ragged edge, cut out of noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import FACING_LEFT, FACING_RIGHT, TOWARDS_CAMERA, Colour, dimmed, mixed
from nasdsl.data.streets.noise import FloatMap, clouds, leaves, wrapped

_LEAVES: tuple[Colour, ...] = (
    (0.30, 0.42, 0.18), (0.24, 0.36, 0.20), (0.40, 0.46, 0.20), (0.20, 0.30, 0.22), (0.46, 0.48, 0.26),
    (0.34, 0.44, 0.30),
)  # fmt: skip
_AUTUMN: tuple[Colour, ...] = ((0.72, 0.44, 0.16), (0.66, 0.30, 0.16), (0.76, 0.60, 0.22), (0.50, 0.36, 0.20))
_BLOSSOM: tuple[Colour, ...] = ((0.88, 0.68, 0.74), (0.92, 0.86, 0.86))
_BARK: tuple[Colour, ...] = ((0.30, 0.24, 0.19), (0.40, 0.36, 0.31), (0.24, 0.21, 0.20))
#: Texels of noise from the middle of a crown to its edge, and shades of its leaves.
_TEXELS = 64
_LEVELS = 6
_LEAF_TEXTURE = np.full(_LEVELS, 0.1, dtype=np.float32)
_NO_GLOW = np.zeros(_LEVELS, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Species:
    """What the trees of a street have in common.

    Attributes:
        shape: "round", "tall" or "cone".
        leaf: Colour of a leaf in even light.
        bark: Colour of the trunk.
        raggedness: How far the edge of the crown strays.
        airiness: How much of the crown one sees through.
    """

    shape: str
    leaf: Colour
    bark: Colour
    raggedness: float
    airiness: float


def drawn_species(dice: Dice) -> Species:
    """The trees of one street."""
    shape = dice.weighted(("round", "tall", "cone"), (0.70, 0.2, 0.10))
    season = dice.weighted((_LEAVES, _AUTUMN, _BLOSSOM), (0.8, 0.14, 0.06))
    leaf = dice.pick(_LEAVES if shape == "cone" else season)
    return Species(shape, leaf, dice.pick(_BARK), dice.between(0.5, 1.0), dice.between(0.0, 0.5))


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree.

    Attributes:
        x, z: Where it stands, in metres.
        height_m, crown_m: Its height and the width of its crown.
        trunk_m: Height of the lowest leaves.
        species: What it looks like.
        seed: Which part of the noise its crown is cut out of.
    """

    x: float
    z: float
    height_m: float
    crown_m: float
    trunk_m: float
    species: Species
    seed: int

    def cast(self, canvas: Canvas) -> None:
        """Its shadow: the trunk's strip and a rounded patch."""
        width = max(self.height_m * 0.02, 0.1)
        right, ahead = canvas.light.shadow_offset((self.height_m + self.trunk_m) / 2)
        x, z = self.x, self.z
        canvas.shade(
            [(x - width, 0, z), (x + width, 0, z), (x + right + width, 0, z + ahead), (x + right - width, 0, z + ahead)]
        )
        half, deep = self.crown_m / 2, self.crown_m * 0.6
        ring = ((1, 0.2), (0.75, 0.8), (0.1, 1), (-0.6, 0.7), (-1, 0.1), (-0.8, -0.6), (-0.2, -1), (0.6, -0.75))
        canvas.shade([(x + right + dx * half, 0, z + ahead + dz * deep) for dx, dz in ring])

    def paint(self, canvas: Canvas) -> None:
        """Trunk, then crown."""
        light = canvas.light
        bark = canvas.surface(light.on(self.species.bark, TOWARDS_CAMERA), Kind.TREE, self.z, texture=0.16)
        foot = max(self.height_m * 0.018, 0.09)
        canvas.upright(self.x, self.z, 0, self.trunk_m + 0.6, foot, bark)
        for lean in (-0.28, 0.22):
            tip = self.x + lean * self.crown_m
            base, top = self.trunk_m * 0.75, self.trunk_m + 0.3 * (self.height_m - self.trunk_m)
            canvas.outline(
                [(self.x - foot * 0.6, base, self.z), (self.x + foot * 0.6, base, self.z), (tip, top, self.z)], bark
            )
        self._paint_crown(canvas)

    def _paint_crown(self, canvas: Canvas) -> None:
        camera, light = canvas.camera, canvas.light
        centre, low = camera.project((self.x, self.trunk_m, self.z))
        _, high = camera.project((self.x, self.height_m, self.z))
        half = camera.pixels(self.crown_m / 2, self.z)
        margin = 1.25
        left, right = max(0, int(centre - half * margin)), min(camera.width, int(centre + half * margin) + 1)
        middle, tall = (low + high) / 2, max((low - high) / 2, 1.0)
        top, bottom = max(0, int(middle - tall * margin)), min(camera.height, int(middle + tall * margin) + 1)
        if right <= left or bottom <= top:
            return
        u = (np.arange(left, right, dtype=np.float32) + np.float32(0.5 - centre)) * np.float32(1 / max(half, 1.0))
        v = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5 - middle)) * np.float32(1 / tall)
        rows = (v * np.float32(_TEXELS * tall / max(half, 1.0))).astype(np.int64) + self.seed // 256
        columns = (u * np.float32(_TEXELS)).astype(np.int64) + self.seed % 256
        edge = wrapped(leaves(), rows, columns)
        inside = self._body(u, v) + edge * np.float32(self.species.raggedness)
        mask = inside > 0
        # Towards the edge, where little is left of the crown, gaps open.
        gaps = wrapped(leaves(), rows * 2 + 99, columns * 2)
        mask &= gaps < (inside + np.float32(0.45)) * np.float32(1.05 - self.species.airiness)
        depth = wrapped(clouds(), rows * 2, columns * 2 + 31)
        side = np.float32(0.3 if light.sun[0] > 0 else -0.3) * np.float32(light.casts_shadows)
        tone = edge * np.float32(0.55) + depth * np.float32(0.5) - v[:, None] * np.float32(0.42) + u[None, :] * side
        level = np.clip((tone + np.float32(0.85)) * np.float32(_LEVELS / 1.7), 0, _LEVELS - 1).astype(np.int32)
        canvas.stamp(level + np.int32(self._tones(canvas)), mask, left, top)

    def _body(self, u: FloatMap, v: FloatMap) -> FloatMap:
        """Above 0 inside the crown's bare outline; u and v run from -1 to 1 across it."""
        if self.species.shape == "cone":
            width = (v[:, None] + np.float32(1)) * np.float32(0.5)
            body: FloatMap = np.minimum(
                (width - np.abs(u)[None, :]) * np.float32(1.4), (np.float32(0.9) - v[:, None]) * np.float32(3)
            )
            return body
        return np.float32(0.8) - (u * u)[None, :] - (v * v)[:, None]

    def _tones(self, canvas: Canvas) -> int:
        light = canvas.light
        sunny = FACING_RIGHT if light.sun[0] > 0 else FACING_LEFT
        dark = dimmed(light.on(self.species.leaf, TOWARDS_CAMERA, shaded=True), 0.5)
        bright = light.on(mixed(self.species.leaf, (0.95, 0.95, 0.6), 0.18), sunny)
        bright = dimmed(mixed(bright, light.on(self.species.leaf, (0, 1, 0)), 0.4), 1.12)
        tones = np.array([mixed(dark, bright, level / (_LEVELS - 1)) for level in range(_LEVELS)], dtype=np.float32)
        return canvas.surface_row(tones, Kind.TREE, self.z, _LEAF_TEXTURE, _NO_GLOW)


def drawn_tree(dice: Dice, species: Species, x: float, z: float, size: float) -> Tree:
    """A tree of this species, about `size` metres high."""
    height = size * dice.between(0.75, 1.25)
    slender = {"round": 0.72, "tall": 0.34, "cone": 0.5}[species.shape]
    trunk = height * (0.06 if species.shape == "cone" else dice.between(0.24, 0.36))
    return Tree(x, z, height, height * slender * dice.between(0.85, 1.2), trunk, species, dice.index(65536))


@dataclass(frozen=True, slots=True)
class Hedge:
    """A clipped hedge along the outer edge of the sidewalk.

    Attributes:
        x: Of its front.
        near_m, z: Its ends.
        height_m: Its height.
        leaf: Its colour.
    """

    x: float
    near_m: float
    z: float
    height_m: float
    leaf: Colour

    def cast(self, canvas: Canvas) -> None:
        """Its shadow."""
        right, ahead = canvas.light.shadow_offset(self.height_m)
        x, near, far = self.x, self.near_m, self.z
        canvas.shade([(x, 0, near), (x, 0, far), (x + right, 0, far + ahead), (x + right, 0, near + ahead)])

    def paint(self, canvas: Canvas) -> None:
        """Its end, its front and a lighter top."""
        light, x, near, far, top = canvas.light, self.x, self.near_m, self.z, self.height_m
        outward = 1.2 if x > 0 else -1.2
        normal = FACING_LEFT if x > 0 else FACING_RIGHT
        middle = (max(near, 1.0) + far) / 2
        front = canvas.surface(light.on(self.leaf, normal), Kind.TREE, middle, texture=0.34)
        end = canvas.surface(light.on(dimmed(self.leaf, 0.85), TOWARDS_CAMERA), Kind.TREE, middle, texture=0.34)
        cover = canvas.surface(light.on(dimmed(self.leaf, 1.15), (0, 1, 0)), Kind.TREE, middle, texture=0.34)
        canvas.outline([(x, 0, near), (x + outward, 0, near), (x + outward, top, near), (x, top, near)], end)
        canvas.outline([(x, top, near), (x + outward, top, near), (x + outward, top, far), (x, top, far)], cover)
        canvas.outline([(x, 0, near), (x, 0, far), (x, top, far), (x, top, near)], front)

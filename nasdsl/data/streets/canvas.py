"""Where a scene is painted: a map of surfaces, each with a colour, a class and an instance, and a map of shadows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from nasdsl.data.streets.camera import Camera, Point3
from nasdsl.data.streets.light import Colour, Light
from nasdsl.data.streets.noise import FloatMap


class Kind(IntEnum):
    """The classes of `streets`, in the order of their label values."""

    ROAD = 0
    SIDEWALK = 1
    BUILDING = 2
    SKY = 3
    TREE = 4
    POLE = 5
    SIGN = 6
    CAR = 7
    PERSON = 8


_IS_GROUND = [255 * (kind <= Kind.SIDEWALK) for kind in Kind]
_IS_WALK = [255 * (kind == Kind.SIDEWALK) for kind in Kind]


def _octet(value: float) -> int:
    return 0 if value < 0 else 255 if value > 255 else int(value)


class Canvas:
    """Surfaces are painted over each other from far to near, and coloured in one go at the end.

    The map of surfaces holds a number a pixel. What the numbers mean stands in tables, so that a polygon is drawn
    once and serves the picture, the labels and the instances alike.

    Args:
        camera: Its size is the size of the maps.
        light: Colours the surfaces.
    """

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera = camera
        self.light = light
        self.surfaces = Image.new("I", (camera.width, camera.height), 0)
        self.shadows = Image.new("L", (camera.width, camera.height), 0)
        self.contacts = Image.new("L", (camera.width, camera.height), 0)
        self._draw = ImageDraw.Draw(self.surfaces)
        self._draw_shadow = ImageDraw.Draw(self.shadows)
        self._draw_contact = ImageDraw.Draw(self.contacts)
        # Surface 0 is the sky: no colour of its own and no clearness, so that developing shows the sky there.
        self._colour = bytearray(4)
        self._finish = bytearray(4)
        self._kind = bytearray([Kind.SKY])
        self._instance = [0]
        self._instances = 0
        self._feet_in_shadow: NDArray[np.uint8] | None = None
        self._sheet: NDArray[np.int32] | None = None

    def surface(
        self, colour: Colour, kind: Kind, z: float, *, instance: int = 0, texture: float = 0.06, glow: float = 0.0
    ) -> int:
        """A new surface of one lit colour at about depth z; returns its number.

        Args:
            colour: As the light shows it from near.
            kind: Its class.
            z: Depth in metres; sets how much haze lies before it.
            instance: What `new_instance` gave, 0 for stuff.
            texture: Amplitude of the noise on it, relative to its brightness.
            glow: How much light it gives off by itself, 0 to 1.
        """
        clear = self.light.clearness(z) * 255
        red, green, blue = colour
        self._colour += bytes((_octet(red * clear), _octet(green * clear), _octet(blue * clear), int(clear)))
        self._finish += bytes((_IS_GROUND[kind], int(texture * 255), int(glow * 255), _IS_WALK[kind]))
        self._kind.append(kind)
        self._instance.append(instance)
        return len(self._kind) - 1

    def ground(self, colour: Colour, kind: Kind, *, texture: float = 0.2) -> int:
        """A new surface on the ground; the haze over it follows from the row it is seen in."""
        return self.surface(colour, kind, 0.0, texture=texture)

    def surface_row(self, colours: FloatMap, kind: Kind, z: float, textures: FloatMap, glows: FloatMap) -> int:
        """Several surfaces of one object at once; returns the number of the first.

        Args:
            colours: Lit colours [n, 3].
            kind: Their class.
            z: Depth in metres.
            textures: Amplitudes of the noise [n].
            glows: Light given off [n].
        """
        count, first = len(colours), len(self._kind)
        clear = np.float32(self.light.clearness(z) * 255)
        rows = np.empty((2, count, 4), dtype=np.uint8)
        rows[0, :, :3] = np.clip(colours, 0, 1) * clear
        rows[0, :, 3] = clear
        rows[1] = 0
        rows[1, :, 1] = textures * np.float32(255)
        rows[1, :, 2] = glows * np.float32(255)
        self._colour += rows[0].tobytes()
        self._finish += rows[1].tobytes()
        self._kind += bytes([kind]) * count
        self._instance += [0] * count
        return first

    def new_instance(self) -> int:
        """A number for one car or person."""
        self._instances += 1
        return self._instances

    def outline(self, points: Sequence[Point3], surface: int) -> None:
        """Paint a polygon of the world."""
        outline = self.camera.outline(points)
        if outline:
            self._draw.polygon(outline, fill=surface)

    def upright(self, x: float, z: float, bottom: float, top: float, half_width: float, surface: int) -> None:
        """Paint a post standing at x, z; never thinner than one pixel of the finished picture."""
        camera = self.camera
        left, low = camera.project((x - half_width, bottom, z))
        right, high = camera.project((x + half_width, top, z))
        column, row = round(left), round(high)
        self._draw.rectangle((column, row, max(round(right), column + 1), max(round(low), row)), fill=surface)

    def disc(self, centre: Point3, radius_m: float, surface: int) -> None:
        """Paint a disc that faces the camera."""
        x, y = self.camera.project(centre)
        radius = max(self.camera.pixels(radius_m, centre[2]), 1.0)
        box = (round(x - radius), round(y - radius), round(x + radius), round(y + radius))
        self._draw.ellipse(box, fill=surface)

    def stamp(self, numbers: NDArray[np.int32], mask: NDArray[np.bool_], left: int, top: int) -> None:
        """Paint an array of surface numbers where a mask is set; both lie inside the picture."""
        if self._sheet is not None:
            part = self._sheet[top : top + mask.shape[0], left : left + mask.shape[1]]
            np.copyto(part, numbers, where=mask)
            return
        patch = Image.fromarray(numbers.astype(np.int32, copy=False))
        self.surfaces.paste(patch, (left, top), Image.fromarray(mask.view(np.uint8) * np.uint8(255)))

    @contextmanager
    def only_stamps(self) -> Iterator[None]:
        """While this lasts only `stamp` paints, which makes it a good deal faster."""
        self._sheet = np.array(self.surfaces)
        yield
        self.surfaces.paste(Image.fromarray(self._sheet))
        self._sheet = None

    def shade(self, points: Sequence[Point3]) -> None:
        """Cast the sun's shadow with this outline on the ground."""
        if self.light.casts_shadows:
            self._fill(self._draw_shadow, points)

    def darken(self, points: Sequence[Point3]) -> None:
        """Take the sky's light from this part of the ground too, as below a car."""
        self._fill(self._draw_contact, points)

    def _fill(self, draw: ImageDraw.ImageDraw, points: Sequence[Point3]) -> None:
        outline = self.camera.outline(points)
        if outline:
            draw.polygon(outline, fill=255)

    def close_shadows(self) -> None:
        """All shadows are cast: from now on `in_shadow` answers."""
        self._feet_in_shadow = np.asarray(self.shadows)

    def in_shadow(self, x: float, z: float) -> bool:
        """Whether something standing at x, z has its foot in a shadow."""
        if self._feet_in_shadow is None:
            return False
        column, row = self.camera.project((x, 0.0, z))
        inside = 0 <= column < self.camera.width and 0 <= row < self.camera.height
        return inside and bool(self._feet_in_shadow[int(row), int(column)] > 127)

    def colours(self) -> NDArray[np.uint8]:
        """The picture without sky: red, green, blue, times clearness, and clearness; [H, W, 4]."""
        return self._looked_up(self._colour)

    def finishes(self) -> NDArray[np.uint8]:
        """What developing needs besides: is ground, noise amplitude, glow, is sidewalk; [H, W, 4]."""
        return self._looked_up(self._finish)

    def _looked_up(self, table: bytearray) -> NDArray[np.uint8]:
        packed = np.frombuffer(table, dtype=np.uint32).take(np.asarray(self.surfaces))
        return packed.view(np.uint8).reshape(*packed.shape, 4)

    def kinds(self, step: int) -> NDArray[np.uint8]:
        """The class of every step-th pixel of every step-th row."""
        return np.frombuffer(self._kind, dtype=np.uint8).take(self._sampled(step))

    def instances(self, step: int) -> NDArray[np.uint16]:
        """The instance of every step-th pixel of every step-th row, 0 where there is none."""
        return np.array(self._instance, dtype=np.uint16).take(self._sampled(step))

    def _sampled(self, step: int) -> NDArray[np.int32]:
        return np.asarray(self.surfaces)[step // 2 :: step, step // 2 :: step]

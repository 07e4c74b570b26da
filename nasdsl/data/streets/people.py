"""People: a handful of polygons in proportion to their height, walking or standing."""

from __future__ import annotations

from dataclasses import dataclass

from nasdsl.data.streets.camera import Point2, Point3
from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import TOWARDS_CAMERA, Colour, dimmed

_SKIN: tuple[Colour, ...] = (
    (0.88, 0.70, 0.58),
    (0.78, 0.58, 0.44),
    (0.58, 0.40, 0.29),
    (0.40, 0.27, 0.20),
    (0.92, 0.76, 0.66),
)
_HAIR: tuple[Colour, ...] = (
    (0.12, 0.09, 0.08),
    (0.26, 0.17, 0.11),
    (0.48, 0.34, 0.20),
    (0.70, 0.58, 0.38),
    (0.62, 0.61, 0.60),
)
_CLOTH: tuple[Colour, ...] = (
    (0.14, 0.15, 0.18), (0.20, 0.25, 0.38), (0.46, 0.46, 0.46), (0.72, 0.70, 0.66), (0.60, 0.16, 0.16),
    (0.30, 0.36, 0.26),
    (0.66, 0.50, 0.30), (0.86, 0.84, 0.80), (0.34, 0.46, 0.62), (0.80, 0.62, 0.20), (0.46, 0.26, 0.36),
    (0.26, 0.22, 0.20),
    (0.84, 0.50, 0.46), (0.20, 0.44, 0.42),
)  # fmt: skip
_LEGS: tuple[Colour, ...] = (
    (0.13, 0.14, 0.16), (0.18, 0.22, 0.32), (0.28, 0.34, 0.46), (0.36, 0.34, 0.30), (0.58, 0.52, 0.42),
    (0.42, 0.42, 0.44),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """A person on foot. All shares are of the height.

    Attributes:
        x, z: Where they stand, in metres.
        height_m: Their height.
        build: Width relative to an average adult.
        turned: 0 seen from the front or the back, 1 from the side; `way` says whether to the left (-1) or right (1).
        way: -1 or 1.
        stride: How far apart the feet are.
        skin, hair, top, legs: Colours.
        skirt: Whether the coat or dress reaches the knees.
        back: Whether one sees the back of the head.
        bag: Whether they carry one.
        umbrella: Whether they hold one up.
    """

    x: float
    z: float
    height_m: float
    build: float
    turned: float
    way: int
    stride: float
    skin: Colour
    hair: Colour
    top: Colour
    legs: Colour
    skirt: bool
    back: bool
    bag: bool
    umbrella: bool

    def cast(self, canvas: Canvas) -> None:
        """A dark spot at the feet and a slim shadow."""
        x, z, half = self.x, self.z, 0.2 * self.build
        canvas.darken(
            [(x - half, 0, z - 0.14), (x + half, 0, z - 0.14), (x + half, 0, z + 0.14), (x - half, 0, z + 0.14)]
        )
        right, ahead = canvas.light.shadow_offset(self.height_m)
        for dx, dz in ((half, 0.0), (0.0, 0.15)):
            canvas.shade(
                [
                    (x - dx, 0, z - dz),
                    (x + dx, 0, z + dz),
                    (x + dx + right, 0, z + ahead + dz),
                    (x - dx + right, 0, z + ahead - dz),
                ]
            )

    def paint(self, canvas: Canvas) -> None:
        """From the far limbs to the near ones."""
        _PersonPainter(self, canvas).paint()


class _PersonPainter:
    """Paints one person; x and y of its methods are shares of the height, from between the feet."""

    def __init__(self, person: Person, canvas: Canvas) -> None:
        self.person = person
        self.canvas = canvas
        self.instance = canvas.new_instance()
        self.shaded = canvas.in_shadow(person.x, person.z)
        self.wide = person.build * (1 - 0.35 * person.turned)

    def _surface(self, colour: Colour, factor: float = 1.0) -> int:
        lit = self.canvas.light.on(dimmed(colour, factor), TOWARDS_CAMERA, shaded=self.shaded)
        return self.canvas.surface(lit, Kind.PERSON, self.person.z, instance=self.instance, texture=0.1)

    def _shape(self, points: list[Point2], surface: int) -> None:
        person = self.person
        corners: list[Point3] = [
            (person.x + x * person.height_m * person.way, y * person.height_m, person.z) for x, y in points
        ]
        self.canvas.outline(corners, surface)

    def _limb(self, start: Point2, end: Point2, thick: float, thin: float, surface: int) -> None:
        (x0, y0), (x1, y1) = start, end
        self._shape([(x0 - thick, y0), (x0 + thick, y0), (x1 + thin, y1), (x1 - thin, y1)], surface)

    def paint(self) -> None:
        """Paint all of them."""
        person, wide = self.person, self.wide
        top, sleeve = self._surface(person.top), self._surface(person.top, 0.82)
        trousers, far_leg = self._surface(person.legs), self._surface(person.legs, 0.78)
        skin, hair, shoe = self._surface(person.skin), self._surface(person.hair), self._surface((0.12, 0.10, 0.10))
        step = person.stride * (0.35 + 0.65 * person.turned)
        hip = 0.045 * (1 - person.turned) * person.build
        shoulder = 0.125 * wide
        swing = step * 0.8
        for sign, leg in ((-1, far_leg), (1, trousers)):
            foot = (sign * (hip + step / 2), 0.03)
            self._limb((sign * hip, 0.5), foot, 0.05 * person.build, 0.03 * person.build, leg)
            self._shape(
                [(foot[0] - 0.03, 0), (foot[0] + 0.05, 0), (foot[0] + 0.045, 0.035), (foot[0] - 0.03, 0.035)], shoe
            )
        self._limb((-shoulder * 0.9, 0.80), (-shoulder * 0.95 - swing, 0.47), 0.032, 0.022, sleeve)
        hem = 0.30 if person.skirt else 0.46
        waist = 0.088 * wide
        self._shape(
            [(-0.04, 0.84), (0.04, 0.84), (shoulder, 0.80), (waist * 1.1, 0.60), (waist * 1.25, hem),
            (-waist * 1.25, hem),
             (-waist * 1.1, 0.60), (-shoulder, 0.80)], top,
        )  # fmt: skip
        if person.bag:
            bag = self._surface((0.32, 0.22, 0.16))
            offset = -0.1 if person.turned > 0.5 else shoulder
            self._shape(
                [(offset - 0.05, 0.44), (offset + 0.06, 0.44), (offset + 0.05, 0.60), (offset - 0.04, 0.60)], bag
            )
        self._limb((shoulder * 0.9, 0.80), (shoulder * 0.95 + swing, 0.47), 0.034, 0.024, sleeve)
        self._shape([(-0.024, 0.83), (0.024, 0.83), (0.024, 0.88), (-0.024, 0.88)], skin)
        x, y, z = person.x, 0.925 * person.height_m, person.z
        lean = 0.012 * person.turned * person.way * person.height_m
        self.canvas.disc((x, y, z), 0.066 * person.height_m, hair)
        if not person.back:
            self.canvas.disc((x + lean, y - 0.014 * person.height_m, z), 0.052 * person.height_m, skin)
        if person.umbrella:
            self._open_umbrella()

    def _open_umbrella(self) -> None:
        canopy, stick = self._surface(self.person.top, 0.9), self._surface((0.15, 0.15, 0.15))
        self._limb((0.08, 1.12), (0.08, 0.62), 0.008, 0.008, stick)
        self._shape([(-0.24, 1.02), (-0.17, 1.12), (0.0, 1.18), (0.16, 1.18), (0.33, 1.12), (0.40, 1.02)], canopy)


def drawn_person(dice: Dice, x: float, z: float, *, crossing: bool = False, wet: bool = False) -> Person:
    """A person at x, z.

    Args:
        dice: Decides on all the rest.
        x: Metres to the right of the camera.
        z: Metres ahead of the camera.
        crossing: Whether they walk across the view.
        wet: Whether it rains.
    """
    child = dice.chance(0.12)
    height = dice.between(1.05, 1.4) if child else dice.between(1.55, 1.92)
    turned = 1.0 if crossing else dice.pick((0.0, 0.0, 0.3, 0.7, 1.0))
    return Person(
        x, z, height, dice.between(0.9, 1.25), turned, dice.sign(), dice.between(0.03, 0.24),
        dice.pick(_SKIN), dice.pick(_HAIR), dimmed(dice.pick(_CLOTH), dice.between(0.75, 1.1)),
        dimmed(dice.pick(_LEGS), dice.between(0.75, 1.1)), dice.chance(0.25), dice.chance(0.5), dice.chance(0.3),
        wet and dice.chance(0.5),
    )  # fmt: skip

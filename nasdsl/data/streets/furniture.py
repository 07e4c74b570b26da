"""What stands at the kerb: street lamps, bollards, traffic lights and traffic signs."""

from __future__ import annotations

from dataclasses import dataclass

from nasdsl.data.streets.camera import Point2
from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import TOWARDS_CAMERA, Colour, dimmed

_METAL: tuple[Colour, ...] = (
    (0.42, 0.43, 0.44), (0.22, 0.23, 0.24), (0.58, 0.58, 0.57), (0.20, 0.28, 0.24), (0.48, 0.42, 0.36),
    (0.70, 0.70, 0.68),
)  # fmt: skip

_RED: Colour = (0.76, 0.10, 0.12)
_BLUE: Colour = (0.10, 0.28, 0.62)
_GREEN: Colour = (0.08, 0.40, 0.26)
_YELLOW: Colour = (0.92, 0.72, 0.14)
_WHITE: Colour = (0.92, 0.92, 0.90)
_DARK: Colour = (0.09, 0.09, 0.10)
_GREY: Colour = (0.58, 0.58, 0.57)
_BROWN: Colour = (0.40, 0.24, 0.14)

_CIRCLE: tuple[Point2, ...] = (
    (1.0, 0.0), (0.866, 0.5), (0.5, 0.866), (0.0, 1.0), (-0.5, 0.866), (-0.866, 0.5),
    (-1.0, 0.0), (-0.866, -0.5), (-0.5, -0.866), (0.0, -1.0), (0.5, -0.866), (0.866, -0.5),
)  # fmt: skip
_OCTAGON: tuple[Point2, ...] = (
    (1.0, 0.41), (0.41, 1.0), (-0.41, 1.0), (-1.0, 0.41), (-1.0, -0.41), (-0.41, -1.0), (0.41, -1.0), (1.0, -0.41),
)  # fmt: skip
_WARNING: tuple[Point2, ...] = ((0.0, 1.0), (1.0, -0.75), (-1.0, -0.75))
_YIELD: tuple[Point2, ...] = ((0.0, -1.0), (1.0, 0.75), (-1.0, 0.75))
_DIAMOND: tuple[Point2, ...] = ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0))
_SQUARE: tuple[Point2, ...] = ((0.9, 0.9), (-0.9, 0.9), (-0.9, -0.9), (0.9, -0.9))
_BOARD: tuple[Point2, ...] = ((1.7, 0.8), (-1.7, 0.8), (-1.7, -0.8), (1.7, -0.8))
_TALL_BOARD: tuple[Point2, ...] = ((0.8, 1.3), (-0.8, 1.3), (-0.8, -1.3), (0.8, -1.3))

#: Outline, colours from the rim inwards with the scale of each, and a glyph of bars: (left, right, bottom, top).
_Plate = tuple[
    tuple[Point2, ...], tuple[tuple[float, Colour], ...], Colour, tuple[tuple[float, float, float, float], ...]
]
_PLATES: tuple[_Plate, ...] = (
    (_CIRCLE, ((1.0, _RED), (0.72, _WHITE)), _DARK, ((-0.4, -0.08, -0.35, 0.35), (0.1, 0.42, -0.35, 0.35))),
    (_CIRCLE, ((1.0, _RED),), _WHITE, ((-0.65, 0.65, -0.16, 0.16),)),
    (_CIRCLE, ((1.0, _BLUE),), _WHITE, ((-0.12, 0.12, -0.55, 0.5), (-0.4, 0.4, 0.1, 0.3))),
    (_OCTAGON, ((1.0, _WHITE), (0.88, _RED)), _WHITE, ((-0.65, 0.65, -0.17, 0.17),)),
    (_WARNING, ((1.0, _RED), (0.62, _WHITE)), _DARK, ((-0.08, 0.08, -0.3, 0.25),)),
    (_YIELD, ((1.0, _RED), (0.6, _WHITE)), _WHITE, ()),
    (_DIAMOND, ((1.0, _WHITE), (0.82, _YELLOW)), _DARK, ((-0.08, 0.08, -0.35, 0.35), (-0.3, 0.3, 0.05, 0.2))),
    (_SQUARE, ((1.0, _BLUE),), _WHITE, ((-0.4, -0.12, -0.6, 0.6), (-0.12, 0.4, 0.0, 0.6), (-0.1, 0.15, 0.2, 0.4))),
    (_BOARD, ((1.0, _WHITE), (0.93, _BLUE)), _WHITE, ((-1.3, 0.6, 0.15, 0.4), (-1.3, 0.2, -0.4, -0.15))),
    (_BOARD, ((1.0, _WHITE), (0.93, _GREEN)), _WHITE, ((-1.2, 1.0, 0.1, 0.4), (-1.2, 0.4, -0.45, -0.2))),
    (
        _TALL_BOARD,
        ((1.0, _YELLOW), (0.9, _WHITE)),
        _DARK,
        ((-0.5, 0.5, 0.6, 0.9), (-0.5, 0.3, 0.1, 0.3), (-0.5, 0.4, -0.5, -0.3)),
    ),
    (_BOARD, ((1.0, _WHITE), (0.92, _BROWN)), _WHITE, ((-1.1, 0.9, -0.15, 0.2),)),
    (_CIRCLE, ((1.0, _GREY),), _DARK, ((-0.1, 0.1, -0.6, 0.6),)),
    (_SQUARE, ((1.0, _GREY),), _DARK, ((-0.1, 0.1, -0.7, 0.7),)),
)


def drawn_metal(dice: Dice) -> Colour:
    """A colour for the posts of a street."""
    return dimmed(dice.pick(_METAL), dice.between(0.8, 1.15))


def _post_shadow(canvas: Canvas, x: float, z: float, height_m: float, half_m: float) -> None:
    right, ahead = canvas.light.shadow_offset(height_m)
    canvas.shade(
        [(x - half_m, 0, z), (x + half_m, 0, z), (x + half_m + right, 0, z + ahead), (x - half_m + right, 0, z + ahead)]
    )


@dataclass(frozen=True, slots=True)
class Lamp:
    """A street lamp whose arm reaches `arm_m` over the road (negative: to the left)."""

    x: float
    z: float
    height_m: float
    arm_m: float
    metal: Colour

    def cast(self, canvas: Canvas) -> None:
        """The shadow of the post."""
        _post_shadow(canvas, self.x, self.z, self.height_m, 0.08)

    def paint(self, canvas: Canvas) -> None:
        """Post, arm and lamp; the lamp shines at dusk."""
        light, x, z, top = canvas.light, self.x, self.z, self.height_m
        metal = canvas.surface(light.on(self.metal, TOWARDS_CAMERA), Kind.POLE, z, texture=0.03)
        canvas.upright(x, z, 0, 1.0, 0.13, metal)
        canvas.upright(x, z, 1.0, top, 0.075, metal)
        thick = max(0.09, 1.2 * z / canvas.camera.focal)
        tip = x + self.arm_m
        canvas.outline([(x, top - thick, z), (x, top, z), (tip, top + 0.5, z), (tip, top + 0.5 - thick, z)], metal)
        lamps = light.mood.lamps
        shining = canvas.surface((1.0, 0.88, 0.62), Kind.POLE, z, glow=lamps) if lamps > 0.4 else metal
        head = 0.45 if self.arm_m > 0 else -0.45
        canvas.outline(
            [(tip, top + 0.36, z), (tip, top + 0.56, z), (tip + head, top + 0.56, z), (tip + head, top + 0.4, z)],
            shining,
        )


@dataclass(frozen=True, slots=True)
class Bollard:
    """A low post between the road and the sidewalk."""

    x: float
    z: float
    metal: Colour

    def cast(self, canvas: Canvas) -> None:
        """Its shadow."""
        _post_shadow(canvas, self.x, self.z, 0.9, 0.07)

    def paint(self, canvas: Canvas) -> None:
        """The post with its bright band."""
        light = canvas.light
        metal = canvas.surface(light.on(self.metal, TOWARDS_CAMERA), Kind.POLE, self.z, texture=0.03)
        band = canvas.surface(light.on(_WHITE, TOWARDS_CAMERA), Kind.POLE, self.z, texture=0.03)
        canvas.upright(self.x, self.z, 0, 0.95, 0.07, metal)
        if self.z < 15:
            canvas.upright(self.x, self.z, 0.72, 0.84, 0.07, band)


@dataclass(frozen=True, slots=True)
class TrafficLight:
    """Three lights in a housing on a post, or hanging from an arm over the road.

    Attributes:
        x, z: Where the post stands.
        arm_m: How far the arm reaches to the right, 0 for a housing on the post itself.
        state: 0 red, 1 amber, 2 green.
        metal: Colour of the post.
    """

    x: float
    z: float
    arm_m: float
    state: int
    metal: Colour

    def cast(self, canvas: Canvas) -> None:
        """The shadow of the post."""
        _post_shadow(canvas, self.x, self.z, 3.2, 0.09)

    def paint(self, canvas: Canvas) -> None:
        """Post and arm are a pole; the housing is a sign."""
        light, z = canvas.light, self.z
        metal = canvas.surface(light.on(self.metal, TOWARDS_CAMERA), Kind.POLE, z, texture=0.03)
        top = 5.6 if self.arm_m else 2.5
        canvas.upright(self.x, z, 0, top, 0.08, metal)
        if self.arm_m:
            thick = max(0.12, 1.2 * z / canvas.camera.focal)
            tip = self.x + self.arm_m
            canvas.outline([(self.x, top - thick, z), (self.x, top, z), (tip, top, z), (tip, top - thick, z)], metal)
            self._housing(canvas, tip, top - 1.1)
        self._housing(canvas, self.x, 2.4)

    def _housing(self, canvas: Canvas, x: float, bottom: float) -> None:
        light, z = canvas.light, self.z
        case = canvas.surface(light.on((0.12, 0.13, 0.12), TOWARDS_CAMERA), Kind.SIGN, z, texture=0.02)
        canvas.upright(x, z, bottom, bottom + 1.1, 0.2, case)
        for slot, bright in enumerate(((0.1, 1.0, 0.55), (1.0, 0.72, 0.1), (1.0, 0.16, 0.1))):
            on = 2 - slot == self.state
            colour = bright if on else dimmed(bright, 0.14)
            lens = canvas.surface(colour, Kind.SIGN, z, glow=0.25 + 0.5 * light.mood.lamps if on else 0.0)
            canvas.disc((x, bottom + 0.2 + 0.35 * slot, z), 0.12, lens)


@dataclass(frozen=True, slots=True)
class TrafficSign:
    """A plate on a thin post, or two of them one above the other.

    Attributes:
        x, z: Where the post stands.
        height_m: Of the middle of the upper plate.
        size_m: Half the side of a plate.
        plates: Which plates, from top to bottom.
        metal: Colour of the post.
        faded: What the colours are multiplied by.
    """

    x: float
    z: float
    height_m: float
    size_m: float
    plates: tuple[int, ...]
    metal: Colour
    faded: float

    def cast(self, canvas: Canvas) -> None:
        """The shadow of the post."""
        _post_shadow(canvas, self.x, self.z, self.height_m, 0.05)

    def paint(self, canvas: Canvas) -> None:
        """The post is a pole, the plates are signs."""
        light = canvas.light
        metal = canvas.surface(light.on(self.metal, TOWARDS_CAMERA), Kind.POLE, self.z, texture=0.03)
        canvas.upright(self.x, self.z, 0, self.height_m + self.size_m * 0.8, 0.05, metal)
        middle = self.height_m
        for number in self.plates:
            self._plate(canvas, _PLATES[number], middle)
            middle -= self.size_m * 2.1

    def _plate(self, canvas: Canvas, plate: _Plate, middle: float) -> None:
        outline, rings, ink, bars = plate
        light, size, z = canvas.light, self.size_m, self.z
        for scale, colour in rings:
            lit = light.on(dimmed(colour, self.faded), TOWARDS_CAMERA)
            surface = canvas.surface(lit, Kind.SIGN, z, texture=0.03)
            reach = size * scale
            canvas.outline([(self.x + dx * reach, middle + dy * reach, z) for dx, dy in outline], surface)
        if canvas.camera.pixels(size, z) > 5:
            surface = canvas.surface(light.on(dimmed(ink, self.faded), TOWARDS_CAMERA), Kind.SIGN, z, texture=0.03)
            for left, right, low, high in bars:
                x0, x1, y0, y1 = self.x + left * size, self.x + right * size, middle + low * size, middle + high * size
                canvas.outline([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], surface)


def drawn_sign(dice: Dice, x: float, z: float, metal: Colour) -> TrafficSign:
    """A sign with one or two plates."""
    first = dice.index(len(_PLATES))
    plates = (first, dice.index(len(_PLATES))) if dice.chance(0.25) else (first,)
    return TrafficSign(x, z, dice.between(2.2, 3.0), dice.between(0.32, 0.5), plates, metal, dice.between(0.7, 1.0))

"""The weather and the hour: where the sun stands, what colours it gives, how far one sees."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from nasdsl.data.streets.camera import Point3
from nasdsl.data.streets.dice import Dice

#: Red, green, blue between 0 and 1, as displayed (not linear light).
Colour = tuple[float, float, float]

UP: Point3 = (0.0, 1.0, 0.0)
TOWARDS_CAMERA: Point3 = (0.0, 0.0, -1.0)
FACING_LEFT: Point3 = (-1.0, 0.0, 0.0)
FACING_RIGHT: Point3 = (1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Mood:
    """A kind of weather; ranges are drawn from uniformly.

    Attributes:
        zenith, horizon, cloud: Colours of the sky.
        ambient: Light that reaches every surface.
        direct: Light that a surface facing the sun gets on top.
        visibility_m: Depth at which half of a surface's colour is lost in the haze.
        cloudiness: Range of the part of the sky under clouds.
        sun: Range of the tangent of the sun's elevation.
        wet: Probability of a wet road.
        lamps: Brightness of lamps, headlights and lit windows, 0 in daylight.
    """

    zenith: Colour
    horizon: Colour
    cloud: Colour
    ambient: Colour
    direct: Colour
    visibility_m: tuple[float, float]
    cloudiness: tuple[float, float]
    sun: tuple[float, float]
    wet: float
    lamps: float


_NOON = Mood(
    (0.32, 0.54, 0.85), (0.72, 0.85, 0.95), (1.0, 1.0, 1.0), (0.52, 0.57, 0.66), (0.56, 0.52, 0.45),
    (500, 1200), (0.1, 0.6), (0.7, 2.0), 0.05, 0.0,
)  # fmt: skip
_MORNING = Mood(
    (0.52, 0.66, 0.83), (0.95, 0.91, 0.84), (1.0, 0.97, 0.93), (0.55, 0.55, 0.60), (0.52, 0.46, 0.36),
    (90, 220), (0.1, 0.5), (0.35, 0.7), 0.1, 0.0,
)  # fmt: skip
_EVENING = Mood(
    (0.33, 0.40, 0.64), (1.0, 0.77, 0.52), (1.0, 0.73, 0.58), (0.46, 0.43, 0.50), (0.66, 0.46, 0.26),
    (180, 400), (0.2, 0.7), (0.25, 0.5), 0.15, 0.25,
)  # fmt: skip
_OVERCAST = Mood(
    (0.68, 0.71, 0.76), (0.85, 0.87, 0.89), (0.94, 0.95, 0.96), (0.76, 0.77, 0.79), (0.08, 0.08, 0.08),
    (180, 500), (0.5, 1.0), (0.8, 1.6), 0.25, 0.0,
)  # fmt: skip
_FOG = Mood(
    (0.78, 0.80, 0.82), (0.85, 0.86, 0.87), (0.88, 0.88, 0.89), (0.70, 0.71, 0.73), (0.06, 0.06, 0.05),
    (35, 70), (0.3, 0.8), (0.8, 1.6), 0.4, 0.3,
)  # fmt: skip
_RAIN = Mood(
    (0.42, 0.46, 0.52), (0.66, 0.69, 0.73), (0.60, 0.63, 0.67), (0.55, 0.57, 0.62), (0.05, 0.05, 0.05),
    (90, 220), (0.5, 1.0), (0.8, 1.6), 1.0, 0.45,
)  # fmt: skip
_DUSK = Mood(
    (0.13, 0.18, 0.38), (0.70, 0.50, 0.50), (0.50, 0.34, 0.44), (0.36, 0.36, 0.48), (0.10, 0.07, 0.05),
    (150, 350), (0.2, 0.8), (0.2, 0.4), 0.35, 1.0,
)  # fmt: skip

_MOODS = (_NOON, _MORNING, _EVENING, _OVERCAST, _FOG, _RAIN, _DUSK)
_WEIGHTS = (0.30, 0.14, 0.16, 0.17, 0.05, 0.08, 0.10)


@dataclass(frozen=True, slots=True)
class Light:
    """The light of one picture.

    Attributes:
        mood: The weather that it was drawn from.
        sun: Unit vector towards the sun.
        visibility_m: Depth at which half of a surface's colour is lost in the haze.
        cloudiness: Part of the sky under clouds.
        wet: How strongly the road mirrors, 0 when dry.
    """

    mood: Mood
    sun: Point3
    visibility_m: float
    cloudiness: float
    wet: float

    def on(self, colour: Colour, normal: Point3, *, shaded: bool = False) -> Colour:
        """How a surface of this colour looks that faces along a unit normal, in the sun or in the shade."""
        facing = 0.0 if shaded else max(0.0, sum(n * s for n, s in zip(normal, self.sun, strict=True)))
        lift = 0.92 + 0.08 * normal[1]
        ambient, direct = self.mood.ambient, self.mood.direct
        return (
            colour[0] * (ambient[0] * lift + direct[0] * facing),
            colour[1] * (ambient[1] * lift + direct[1] * facing),
            colour[2] * (ambient[2] * lift + direct[2] * facing),
        )

    def clearness(self, z: float) -> float:
        """The part of a surface's colour that comes through the haze from depth z in metres."""
        return self.visibility_m / (self.visibility_m + z)

    @property
    def casts_shadows(self) -> bool:
        """False under a closed sky."""
        return max(self.mood.direct) > 0.15

    def shadow_offset(self, height_m: float) -> tuple[float, float]:
        """Where on the ground the shadow of a point falls: metres to the right and ahead of the point's foot."""
        return -self.sun[0] / self.sun[1] * height_m, -self.sun[2] / self.sun[1] * height_m

    @property
    def shadow_tint(self) -> Colour:
        """What a cast shadow multiplies the sunlit ground by."""
        ambient, direct, up = self.mood.ambient, self.mood.direct, self.sun[1]
        return (
            ambient[0] / (ambient[0] + direct[0] * up),
            ambient[1] / (ambient[1] + direct[1] * up),
            ambient[2] / (ambient[2] + direct[2] * up),
        )


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour between two, share 0 being the first.

    >>> mixed((0.0, 0.0, 0.0), (1.0, 0.5, 0.0), 0.5)
    (0.5, 0.25, 0.0)
    """
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
        first[2] + (second[2] - first[2]) * share,
    )


def dimmed(colour: Colour, factor: float) -> Colour:
    """A colour made darker or brighter."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def drawn_light(dice: Dice) -> Light:
    """The weather and the hour of one picture."""
    mood = dice.weighted(_MOODS, _WEIGHTS)
    elevation = dice.between(*mood.sun)
    side, ahead = dice.between(-1, 1), dice.between(-1, 1)
    ground = max(sqrt(side * side + ahead * ahead), 0.1)
    length = sqrt(1 + elevation * elevation)
    sun = (side / ground / length, elevation / length, ahead / ground / length)
    wet = dice.between(0.25, 0.6) if dice.chance(mood.wet) else 0.0
    return Light(mood, sun, dice.between(*mood.visibility_m), dice.between(*mood.cloudiness), wet)

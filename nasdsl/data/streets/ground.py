"""The road with its markings, the kerbs and the sidewalks."""

from __future__ import annotations

from dataclasses import dataclass

from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import UP, Colour, dimmed, mixed

#: The ground is painted up to here, in metres.
FAR_M = 400.0
KERB_M = 0.18

_ASPHALT: tuple[Colour, ...] = (
    (0.36, 0.36, 0.37), (0.46, 0.45, 0.44), (0.55, 0.54, 0.52), (0.30, 0.31, 0.34), (0.50, 0.47, 0.43),
    (0.42, 0.43, 0.46),
)  # fmt: skip
_PAVEMENT: tuple[Colour, ...] = (
    (0.62, 0.60, 0.57), (0.54, 0.53, 0.52), (0.68, 0.65, 0.60), (0.58, 0.50, 0.45), (0.46, 0.46, 0.47),
    (0.60, 0.58, 0.60),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The cross-section of the street at the camera, which is x = 0, and what crosses it.

    Attributes:
        lanes: x of the middle of every driving lane, from left to right.
        oncoming: For every lane whether its traffic comes towards the camera.
        lane_m: Width of a lane.
        road: x of the left and right kerb.
        walks: x of the outer edge of the left and right sidewalk.
        parking: Whether cars park at the left and right kerb.
        crossing: z where a crossing street begins and ends; beyond FAR_M if there is none.
        zebra_m: z of a pedestrian crossing, beyond FAR_M if there is none.
    """

    lanes: tuple[float, ...]
    oncoming: tuple[bool, ...]
    lane_m: float
    road: tuple[float, float]
    walks: tuple[float, float]
    parking: tuple[bool, bool]
    crossing: tuple[float, float]
    zebra_m: float


def drawn_layout(dice: Dice) -> Layout:
    """A street with two to four lanes; the camera drives in one of them, on the right or on the left."""
    lane = dice.between(2.9, 3.5)
    ahead, oncoming = dice.weighted(((1, 1), (2, 1), (2, 2), (1, 0), (2, 0)), (0.45, 0.12, 0.18, 0.12, 0.13))
    own = dice.index(ahead)
    drives_right = dice.chance(0.7)
    order = [True] * oncoming + [False] * ahead
    place = oncoming + own
    if not drives_right:
        order.reverse()
        place = len(order) - 1 - place
    sway = dice.between(-0.4, 0.4)
    middles = tuple((index - place) * lane + sway for index in range(len(order)))
    parking = (dice.chance(0.55), dice.chance(0.55))
    road = (middles[0] - lane / 2 - 2.1 * parking[0] - 0.3, middles[-1] + lane / 2 + 2.1 * parking[1] + 0.3)
    walks = (road[0] - dice.between(1.8, 4.5), road[1] + dice.between(1.8, 4.5))
    start = dice.between(12, 60) if dice.chance(0.6) else FAR_M * 2
    crossing = (start, start + dice.between(8, 14))
    zebra = start - 4.5 if start < FAR_M else dice.between(6, 30)
    if dice.chance(0.6):
        zebra = FAR_M * 2
    return Layout(middles, tuple(order), lane, road, walks, parking, crossing, zebra)


@dataclass(frozen=True, slots=True)
class _Paints:
    road: int
    patch: int
    walk: int
    kerb: int
    gutter: int
    line: int


def _paints(canvas: Canvas, dice: Dice) -> _Paints:
    light = canvas.light
    asphalt = dimmed(dice.pick(_ASPHALT), dice.between(0.8, 1.15))
    pavement = dimmed(dice.pick(_PAVEMENT), dice.between(0.8, 1.15))
    worn = dice.between(0.1, 0.55)
    line_colour = (0.92, 0.92, 0.90) if dice.chance(0.8) else (0.88, 0.74, 0.30)
    return _Paints(
        canvas.ground(light.on(asphalt, UP), Kind.ROAD, texture=dice.between(0.1, 0.3)),
        canvas.ground(light.on(dimmed(asphalt, dice.between(0.72, 0.9)), UP), Kind.ROAD, texture=0.12),
        canvas.ground(light.on(pavement, UP), Kind.SIDEWALK, texture=dice.between(0.1, 0.26)),
        canvas.ground(light.on(dimmed(pavement, dice.between(0.75, 1.25)), UP), Kind.SIDEWALK, texture=0.1),
        canvas.ground(light.on(dimmed(asphalt, 0.74), UP), Kind.ROAD),
        canvas.ground(light.on(mixed(line_colour, asphalt, worn), UP), Kind.ROAD, texture=0.2),
    )


def paint_ground(canvas: Canvas, dice: Dice, layout: Layout) -> None:
    """Paint everything that lies flat: sidewalks first, the road and the crossing street over them, then markings."""
    paints = _paints(canvas, dice)
    left, right = layout.road

    def strip(x0: float, x1: float, z0: float, z1: float, surface: int) -> None:
        canvas.outline([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)], surface)

    strip(-FAR_M, FAR_M, 1.0, FAR_M, paints.walk)
    strip(left - KERB_M, right + KERB_M, 1.0, FAR_M, paints.kerb)
    strip(left, right, 1.0, FAR_M, paints.gutter)
    strip(left + 0.25, right - 0.25, 1.0, FAR_M, paints.road)
    for _ in range(dice.whole(0, 4)):
        x, z = dice.between(left + 0.5, right - 2), dice.between(3, 30)
        strip(x, min(x + dice.between(0.7, 2.5), right - 0.3), z, z + dice.between(0.8, 6), paints.patch)
    _mark_lanes(canvas, dice, layout, paints.line)
    if layout.crossing[0] < FAR_M:
        near, far = layout.crossing
        for side, edge in ((-1, left), (1, right)):
            strip(edge, edge + side * 80, near - KERB_M, far + KERB_M, paints.kerb)
            strip(edge, edge + side * 80, near, far, paints.road)
        strip(left, right, near, far, paints.road)
        strip(layout.lanes[0], layout.lanes[-1], near - 1.2, near - 0.8, paints.line)
    if layout.zebra_m < FAR_M:
        strip(left, right, layout.zebra_m - 0.3, layout.zebra_m + 3.3, paints.road)
        x = left + 0.5
        while x < right - 0.7:
            strip(x, x + 0.5, layout.zebra_m, layout.zebra_m + 3, paints.line)
            x += 1.1


def _mark_lanes(canvas: Canvas, dice: Dice, layout: Layout, line: int) -> None:
    """Dashes between lanes of one direction, a full line between the two directions, lines at the edges."""
    if dice.chance(0.12):
        return
    dash, period = dice.pick(((3.0, 6.0), (3.0, 9.0), (1.5, 4.5)))
    for index in range(len(layout.lanes) - 1):
        x = (layout.lanes[index] + layout.lanes[index + 1]) / 2
        parted = layout.oncoming[index] != layout.oncoming[index + 1]
        if parted and dice.chance(0.5):
            canvas.outline([(x - 0.07, 0, 1), (x + 0.07, 0, 1), (x + 0.07, 0, 200), (x - 0.07, 0, 200)], line)
            continue
        z = dice.between(0.5, period)
        while z < 70:
            canvas.outline([(x - 0.07, 0, z), (x + 0.07, 0, z), (x + 0.07, 0, z + dash), (x - 0.07, 0, z + dash)], line)
            z += period
    for side, parks in enumerate(layout.parking):
        if parks or dice.chance(0.4):
            x = (layout.lanes[0] - layout.lane_m / 2, layout.lanes[-1] + layout.lane_m / 2)[side]
            canvas.outline([(x - 0.06, 0, 1), (x + 0.06, 0, 1), (x + 0.06, 0, 200), (x - 0.06, 0, 200)], line)

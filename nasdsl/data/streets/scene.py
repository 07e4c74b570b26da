"""What stands where in a street: drawn in metres, so that a scene is the same at every picture size."""

from __future__ import annotations

from typing import Protocol

from nasdsl.data.streets.buildings import Building, drawn_fronts, drawn_row, paint_vista
from nasdsl.data.streets.camera import Camera
from nasdsl.data.streets.canvas import Canvas
from nasdsl.data.streets.cars import Car, drawn_car
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.furniture import Bollard, Lamp, TrafficLight, drawn_metal, drawn_sign
from nasdsl.data.streets.ground import FAR_M, Layout, drawn_layout, paint_ground
from nasdsl.data.streets.light import Light, dimmed, drawn_light
from nasdsl.data.streets.people import Person, drawn_person
from nasdsl.data.streets.trees import Hedge, drawn_species, drawn_tree

#: No thing reaches farther than this to the side of its foot, and none is painted beyond this depth, in metres.
REACH_M = 5.0
FARTHEST_M = 110.0


class Thing(Protocol):
    """Something that stands on the ground at depth z."""

    @property
    def x(self) -> float:
        """Of its foot in metres."""

    @property
    def z(self) -> float:
        """Depth of its foot in metres; what is farther is painted first."""

    def cast(self, canvas: Canvas) -> None:
        """Cast its shadow."""

    def paint(self, canvas: Canvas) -> None:
        """Paint it."""


def drawn_camera(dice: Dice, width: int, height: int) -> Camera:
    """A camera in a car or on a roof, looking roughly along the street.

    Args:
        dice: Decides.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    focal = dice.between(0.72, 1.05) * max(width, 1.5 * height)
    return Camera(
        width,
        height,
        focal,
        width * dice.between(0.36, 0.64),
        height * dice.between(0.40, 0.55),
        dice.between(1.35, 2.3),
    )


def painted_scene(dice: Dice, width: int, height: int) -> Canvas:
    """A street scene of its own at width x height pixels.

    Args:
        dice: Decides on everything.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
    """
    camera = drawn_camera(dice, width, height)
    light = drawn_light(dice)
    canvas = Canvas(camera, light)
    layout = drawn_layout(dice)
    character = dice.weighted(("suburb", "town", "city"), (0.3, 0.42, 0.28))
    fronts = drawn_fronts(dice, light, character)
    rows = [drawn_row(dice, fronts, side, layout.walks[side > 0], character, layout.crossing) for side in (-1, 1)]
    park = dice.weighted((-1, 0, 1), (0.13, 0.74, 0.13))
    if park:
        rows[park > 0] = []
    things = (
        _greenery(dice, layout, character, park)
        + _furniture(dice, layout)
        + _traffic(dice, layout)
        + _walkers(dice, layout, light)
    )
    things = sorted((thing for thing in things if _in_view(camera, thing)), key=lambda thing: -thing.z)

    paint_vista(canvas, dice, character)
    paint_ground(canvas, dice, layout)
    if light.casts_shadows:
        for building in (building for row in rows for building in row):
            building.cast(canvas)
    for thing in things:
        thing.cast(canvas)
    canvas.close_shadows()
    _paint_rows(canvas, dice, rows, layout)
    for thing in things:
        thing.paint(canvas)
    return canvas


def _in_view(camera: Camera, thing: Thing) -> bool:
    """Whether a thing of at most REACH_M to either side of its foot can be seen."""
    left, right = (camera.project((thing.x + reach, 0, thing.z))[0] for reach in (-REACH_M, REACH_M))
    return thing.z < FARTHEST_M and right > 0 and left < camera.width


def _paint_rows(canvas: Canvas, dice: Dice, rows: list[list[Building]], layout: Layout) -> None:
    street = layout.walks[1] - layout.walks[0]
    heights = [sum(house.height_m for house in row) / len(row) if row else 0.0 for row in rows]
    order = sorted((house for row in rows for house in row), key=lambda house: -house.near_m)
    with canvas.only_stamps():
        for house in order:
            house.paint(canvas, dice, heights[house.side < 0] * dice.between(0.8, 1.1), street)


def _greenery(dice: Dice, layout: Layout, character: str, park: int) -> list[Thing]:
    things: list[Thing] = []
    species = drawn_species(dice)
    size = dice.between(4.5, 10.0)
    for side in (-1, 1):
        kerb, edge = layout.road[side > 0], layout.walks[side > 0]
        green = side == park
        if green:
            others = (species, drawn_species(dice), drawn_species(dice))
            for _ in range(dice.whole(14, 26)):
                x, z = edge + side * dice.between(2.5, 28), dice.between(7, 90)
                things.append(drawn_tree(dice, dice.pick(others), x, z, size * 1.2))
        if green or (character == "suburb" and dice.chance(0.5)):
            leaf = dimmed((0.26, 0.36, 0.17), dice.between(0.7, 1.2))
            z, height = dice.between(1.0, 8.0), dice.between(0.7, 1.7)
            while z < 70:
                end = z + dice.between(5, 16)
                if end < layout.crossing[0] or z > layout.crossing[1]:
                    things.append(Hedge(edge + side * 0.2, z, end, height, leaf))
                z = end + dice.between(0.8, 5)
        spacing = dice.weighted((0.0, 9.0, 22.0), (0.38, 0.30, 0.32))
        if spacing:
            z = dice.between(5, 5 + spacing)
            while z < 80:
                if not layout.crossing[0] - 4 < z < layout.crossing[1] + 2:
                    things.append(drawn_tree(dice, species, kerb + side * dice.between(0.6, 0.9), z, size))
                z += spacing * dice.between(0.8, 1.3)
    return things


def _furniture(dice: Dice, layout: Layout) -> list[Thing]:
    things: list[Thing] = []
    metal, other = drawn_metal(dice), drawn_metal(dice)
    height, arm, spacing = dice.between(4.5, 8.5), dice.between(0.5, 2.2), dice.between(16, 28)
    for side in (-1, 1):
        kerb = layout.road[side > 0]
        if dice.chance(0.68):
            z = dice.between(5, 14)
            while z < 100:
                things.append(Lamp(kerb + side * 0.45, z, height, -side * arm, metal))
                z += spacing * dice.between(0.95, 1.05)
        if dice.chance(0.22):
            z = dice.between(3, 6)
            while z < 32 and z < layout.crossing[0]:
                things.append(Bollard(kerb + side * 0.35, z, other))
                z += 1.9
        depths = [dice.between(5, 24) for _ in range(dice.whole(1, 3))] + [dice.between(24, 50)] * dice.chance(0.5)
        things += [drawn_sign(dice, kerb + side * dice.between(0.35, 1.1), z, other) for z in depths]
    if layout.crossing[0] < FAR_M and dice.chance(0.55):
        state, z = dice.index(3), layout.crossing[0] - 1.5
        reach = dice.between(2.5, 4.5) if dice.chance(0.35) else 0.0
        things.append(TrafficLight(layout.road[1] + 0.5, z, -reach, state, other))
        things.append(TrafficLight(layout.road[0] - 0.5, z, 0.0, state, other))
    return things


def _traffic(dice: Dice, layout: Layout) -> list[Thing]:
    cars: list[Car] = []
    busy = dice.between(0.25, 1.0)
    for x, oncoming in zip(layout.lanes, layout.oncoming, strict=True):
        z = dice.between(7, 22)
        while z < 70:
            if dice.chance(busy * 0.75):
                cars.append(
                    drawn_car(dice, x + dice.between(-0.3, 0.3), z, turn=dice.between(-0.02, 0.02), oncoming=oncoming)
                )
            z += dice.between(8, 26)
    for side in (0, 1):
        if not layout.parking[side]:
            continue
        x = layout.road[side] + (1.15, -1.15)[side]
        z, filled = dice.between(3.5, 9), dice.between(0.35, 0.95)
        backwards = layout.oncoming[-side]
        while z < 60:
            free = z + 3 < layout.crossing[0] or z - 3 > layout.crossing[1]
            if free and dice.chance(filled):
                sway = dice.between(-0.03, 0.03)
                cars.append(
                    drawn_car(dice, x + dice.between(-0.12, 0.12), z, turn=sway, oncoming=backwards != dice.chance(0.1))
                )
            z += dice.between(5.2, 6.4)
    if layout.crossing[0] < 45:
        for lane, turn in ((0.3, -1.0), (0.72, 1.0)):
            if dice.chance(0.4):
                z = layout.crossing[0] + lane * (layout.crossing[1] - layout.crossing[0])
                cars.append(drawn_car(dice, dice.between(-14, 14), z, turn=turn * dice.between(0.8, 1.2)))
    return _apart(cars)


def _apart(cars: list[Car]) -> list[Thing]:
    """The cars without those that would stand in an earlier one."""
    kept: list[Car] = []
    for car in cars:
        if all(abs(car.x - other.x) > 3.2 or abs(car.z - other.z) > 5.5 or _side_by_side(car, other) for other in kept):
            kept.append(car)
    return list(kept)


def _side_by_side(car: Car, other: Car) -> bool:
    return car.along_street and other.along_street and abs(car.x - other.x) > 1.9


def _walkers(dice: Dice, layout: Layout, light: Light) -> list[Thing]:
    people: list[Person] = []
    rainy = light.mood.wet == 1.0
    lively = dice.between(0.4, 1.0)
    for side in (-1, 1):
        kerb, edge = layout.road[side > 0], layout.walks[side > 0]
        for _ in range(dice.whole(1, 1 + int(7 * lively))):
            x, z = kerb + (edge - kerb) * dice.between(0.2, 0.9), 4 + 38 * dice.unit() * dice.between(0.4, 1.0)
            people.append(drawn_person(dice, x, z, wet=rainy))
            if dice.chance(0.35):
                people.append(drawn_person(dice, x + dice.between(0.5, 0.8), z + dice.between(-0.3, 0.3), wet=rainy))
    crossers = dice.whole(1, 4) if layout.zebra_m < FAR_M else dice.weighted((0, 1), (0.75, 0.25))
    for _ in range(crossers):
        z = layout.zebra_m + dice.between(0.4, 2.6) if layout.zebra_m < FAR_M else dice.between(9, 30)
        people.append(drawn_person(dice, dice.between(layout.road[0], layout.road[1]), z, crossing=True, wet=rainy))
    return list(people)

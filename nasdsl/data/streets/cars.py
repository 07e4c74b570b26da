"""Cars: an outline swept across the width of the body, turned and seen in perspective."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from nasdsl.data.streets.camera import NEAR_M, Point2, Point3
from nasdsl.data.streets.canvas import Canvas, Kind
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import Colour, dimmed, mixed

_PAINTS: tuple[Colour, ...] = (
    (0.82, 0.82, 0.81), (0.62, 0.63, 0.65), (0.40, 0.41, 0.43), (0.13, 0.13, 0.15), (0.90, 0.90, 0.88),
    (0.24, 0.25, 0.28),
    (0.58, 0.10, 0.10), (0.13, 0.22, 0.44), (0.30, 0.46, 0.62), (0.16, 0.30, 0.22), (0.72, 0.64, 0.48),
    (0.80, 0.46, 0.14),
    (0.84, 0.72, 0.24), (0.44, 0.24, 0.18), (0.52, 0.62, 0.58), (0.36, 0.16, 0.24),
)  # fmt: skip

_GLASS: Colour = (0.10, 0.12, 0.14)
_TYRE: Colour = (0.07, 0.07, 0.075)
_RIM: Colour = (0.55, 0.56, 0.58)
_TRIM: Colour = (0.12, 0.12, 0.13)

_WHEEL: tuple[Point2, ...] = (
    (1.0, 0.0), (0.866, 0.5), (0.5, 0.866), (0.0, 1.0), (-0.5, 0.866), (-0.866, 0.5),
    (-1.0, 0.0), (-0.866, -0.5), (-0.5, -0.866), (0.0, -1.0), (0.5, -0.866), (0.866, -0.5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """The shape of a kind of car, measured from its rear bumper forward.

    Attributes:
        outline: (along, height, half width) from the rear bottom over the roof to the front bottom, in metres.
        glass: Indices of the stretches of the outline that are windows: rear window and windscreen.
        sides: Side windows as polygons of (along, height).
        wheels: Where the axles are.
        radius_m: Of a wheel.
        lights: Heights of the lower and upper edge of the tail lights, then of the headlights.
    """

    outline: tuple[tuple[float, float, float], ...]
    glass: tuple[int, int]
    sides: tuple[tuple[Point2, ...], ...]
    wheels: tuple[float, float]
    radius_m: float
    lights: tuple[float, float, float, float]

    @property
    def length_m(self) -> float:
        """From bumper to bumper."""
        return self.outline[-1][0]

    @property
    def height_m(self) -> float:
        """Of the roof."""
        return max(point[1] for point in self.outline)


_SEDAN = Body(
    ((0.05, 0.28, 0.84), (0.0, 0.55, 0.88), (0.06, 0.92, 0.86), (0.75, 1.0, 0.82), (1.35, 1.38, 0.62),
    (1.9, 1.44, 0.60),
     (2.5, 1.42, 0.61), (3.3, 0.98, 0.80), (4.2, 0.80, 0.84), (4.45, 0.58, 0.86), (4.42, 0.26, 0.84)),
    (3, 6), (((0.98, 1.0), (1.42, 1.33), (1.95, 1.37), (1.95, 1.0)), ((2.05, 1.0), (2.05, 1.37), (2.46, 1.35),
    (3.05, 1.0))),
    (0.8, 3.55), 0.32, (0.72, 0.88, 0.58, 0.74),
)  # fmt: skip
_HATCHBACK = Body(
    ((0.05, 0.28, 0.82), (0.0, 0.56, 0.85), (0.06, 0.95, 0.83), (0.45, 1.42, 0.64), (1.0, 1.49, 0.61),
    (2.05, 1.46, 0.62),
     (2.85, 1.0, 0.79), (3.6, 0.84, 0.82), (3.85, 0.6, 0.84), (3.82, 0.26, 0.82)),
    (2, 5), (((0.4, 1.02), (0.6, 1.38), (1.25, 1.42), (1.25, 1.02)), ((1.35, 1.02), (1.35, 1.42), (2.0, 1.40),
    (2.6, 1.02))),
    (0.65, 3.1), 0.31, (0.74, 0.96, 0.6, 0.78),
)  # fmt: skip
_SUV = Body(
    ((0.05, 0.36, 0.90), (0.0, 0.7, 0.93), (0.05, 1.1, 0.92), (0.4, 1.66, 0.74), (1.0, 1.74, 0.70), (2.7, 1.72, 0.71),
     (3.35, 1.16, 0.87), (4.3, 1.02, 0.90), (4.55, 0.76, 0.92), (4.52, 0.34, 0.90)),
    (2, 5), (((0.4, 1.2), (0.6, 1.6), (1.55, 1.66), (1.55, 1.2)), ((1.65, 1.2), (1.65, 1.66), (2.62, 1.64),
    (3.1, 1.2))),
    (0.85, 3.65), 0.37, (0.9, 1.1, 0.76, 0.94),
)  # fmt: skip
_VAN = Body(
    ((0.02, 0.36, 0.92), (0.0, 0.7, 0.95), (0.02, 1.15, 0.95), (0.1, 1.95, 0.86), (0.5, 2.06, 0.82), (3.3, 2.02, 0.82),
     (4.1, 1.2, 0.92), (4.75, 1.02, 0.94), (4.95, 0.72, 0.95), (4.92, 0.34, 0.93)),
    (2, 5), (((2.5, 1.25), (2.5, 1.85), (3.25, 1.83), (3.8, 1.25)),),
    (0.95, 4.0), 0.36, (0.85, 1.15, 0.74, 0.92),
)  # fmt: skip
_BODIES = (_SEDAN, _HATCHBACK, _SUV, _VAN)


@dataclass(frozen=True, slots=True)
class Car:
    """A car.

    Attributes:
        x, z: The middle of its footprint, in metres.
        cosine, sine: Of its turn: (1, 0) drives away from the camera, (0, 1) to the right.
        body: Its shape.
        paint_colour: Its colour.
        scale: Its size relative to the body's measures.
        brakes: Whether the brake lights shine.
    """

    x: float
    z: float
    cosine: float
    sine: float
    body: Body
    paint_colour: Colour
    scale: float
    brakes: bool

    @property
    def along_street(self) -> bool:
        """Whether it stands or drives in the direction of the street."""
        return abs(self.sine) < 0.2

    def world(self, along: float, height: float, across: float) -> Point3:
        """A point of the body, measured from the middle of the rear bumper, in the world."""
        forward = (along - self.body.length_m / 2) * self.scale
        sideways = across * self.scale
        return (
            self.x + forward * self.sine + sideways * self.cosine,
            height * self.scale,
            self.z + forward * self.cosine - sideways * self.sine,
        )

    def _footprint(self, grow: float) -> list[Point3]:
        length, half = self.body.length_m, 0.86 + grow
        corners = ((-grow, -half), (-grow, half), (length + grow, half), (length + grow, -half))
        return [self.world(along, 0, across) for along, across in corners]

    def cast(self, canvas: Canvas) -> None:
        """The dark below it, and the shadow of its box."""
        canvas.darken(self._footprint(0.05))
        right, ahead = canvas.light.shadow_offset(self.body.height_m * self.scale * 0.9)
        foot = self._footprint(-0.12)
        for (x0, _, z0), (x1, _, z1) in zip(foot, foot[1:] + foot[:1], strict=True):
            canvas.shade([(x0, 0, z0), (x1, 0, z1), (x1 + right, 0, z1 + ahead), (x0 + right, 0, z0 + ahead)])
        canvas.shade([(x + right, 0, z + ahead) for x, _, z in foot])

    def paint(self, canvas: Canvas) -> None:
        """Wheels on the far side, the swept body, then the side that shows."""
        nearest = min(point[2] for point in self._footprint(0.1))
        if nearest < NEAR_M + 0.5:
            return
        _CarPainter(self, canvas).paint()


class _CarPainter:
    """Paints one car; holds the surfaces that its parts share."""

    def __init__(self, car: Car, canvas: Canvas) -> None:
        self.car = car
        self.canvas = canvas
        self.instance = canvas.new_instance()
        self.shaded = canvas.in_shadow(car.x, car.z)
        self.detailed = canvas.camera.pixels(1.7, car.z) > 24
        self.tyre = self._flat(_TYRE)
        self.trim = self._flat(_TRIM)

    def _surface(self, colour: Colour, texture: float = 0.02, glow: float = 0.0) -> int:
        return self.canvas.surface(colour, Kind.CAR, self.car.z, instance=self.instance, texture=texture, glow=glow)

    def _flat(self, colour: Colour) -> int:
        light = self.canvas.light
        return self._surface(light.on(colour, (0, 0.4, -0.9), shaded=self.shaded))

    def _painted(self, points: list[Point3]) -> int:
        """The body's colour on a face: lit by its normal, and mirroring the sky the more it looks up."""
        light = self.canvas.light
        normal = _normal(points)
        lit = light.on(self.car.paint_colour, normal, shaded=self.shaded)
        sheen = 0.08 + 0.30 * max(0.0, normal[1])
        return self._surface(mixed(lit, light.mood.horizon, sheen))

    def _window(self, normal: Point3) -> int:
        light = self.canvas.light
        glass = light.on(_GLASS, normal, shaded=self.shaded)
        return self._surface(mixed(glass, light.mood.horizon, 0.14 + 0.4 * max(0.0, normal[1])))

    def paint(self) -> None:
        """Paint all that shows."""
        car, body = self.car, self.car.body
        # A side shows if the camera, seen from the car, stands farther out than the side.
        sideways = car.z * car.sine - car.x * car.cosine
        side = 1 if sideways > 0 else -1
        self._underside()
        if self.detailed:
            self._wheels(-side, whole=False)
        faces = []
        for index, (first, second) in enumerate(zip(body.outline, body.outline[1:], strict=False)):
            corners = [
                car.world(first[0], first[1], -first[2]), car.world(first[0], first[1], first[2]),
                car.world(second[0], second[1], second[2]), car.world(second[0], second[1], -second[2]),
            ]  # fmt: skip
            if _faces_camera(corners, self.canvas.camera.eye_m):
                faces.append((sum(corner[2] for corner in corners), index, corners))
        for _, index, corners in sorted(faces, reverse=True):
            self._face(index, corners)
        if abs(sideways) > 0.95 * car.scale:
            self._side(side)

    def _underside(self) -> None:
        body = self.car.body
        low, length = body.outline[0][1] + 0.05, body.length_m
        for along in (0.25, length - 0.25):
            self.canvas.outline(
                [self.car.world(along, y, x) for x, y in ((-0.7, 0.17), (0.7, 0.17), (0.7, low), (-0.7, low))],
                self.trim,
            )
        if not self.detailed:
            return
        for along in (body.wheels[0] - 0.25, body.wheels[1] + 0.25):
            for across in (-0.8, 0.58):
                corners = ((across, 0.02), (across + 0.22, 0.02), (across + 0.22, low), (across, low))
                self.canvas.outline([self.car.world(along, y, x) for x, y in corners], self.tyre)

    def _wheels(self, side: int, *, whole: bool) -> None:
        body, canvas = self.car.body, self.canvas
        rim = self._flat(_RIM) if whole and self.detailed else 0
        for axle in body.wheels:
            for radius, surface in ((body.radius_m, self.tyre), (body.radius_m * 0.58, rim)):
                if surface:
                    ring = [
                        self.car.world(axle + dx * radius, body.radius_m + dy * radius, side * 0.84)
                        for dx, dy in _WHEEL
                    ]
                    canvas.outline(ring, surface)

    def _face(self, index: int, corners: list[Point3]) -> None:
        body, canvas = self.car.body, self.canvas
        canvas.outline(corners, self._painted(corners))
        if index in body.glass:
            canvas.outline(_inset(corners, 0.09, 0.10), self._window(_normal(corners)))
        elif index == 1:
            self._rear(corners)
        elif index == len(body.outline) - 3:
            self._front()

    def _rear(self, corners: list[Point3]) -> None:
        """Tail lights, bumper and number plate."""
        low, high = self.car.body.lights[:2]
        lamps = self.canvas.light.mood.lamps
        bright = self.car.brakes or lamps > 0.4
        red = (0.95, 0.12, 0.08) if bright else self.canvas.light.on((0.5, 0.06, 0.05), (0, 0, -1), shaded=self.shaded)
        glow = 0.35 + 0.4 * lamps if self.car.brakes else 0.5 * lamps
        light = self._surface(red, glow=glow)
        for near, far in ((-0.84, -0.58), (0.58, 0.84)):
            self._panel(-0.01, near, far, low, high, light)
        if self.detailed:
            self._panel(-0.02, -0.26, 0.26, low - 0.12, low + 0.02, self._flat((0.85, 0.84, 0.76)))
            bottom = corners[0][1] / self.car.scale
            self._panel(-0.02, -0.8, 0.8, bottom - 0.2, bottom - 0.06, self.trim)

    def _front(self) -> None:
        """Headlights, grille and number plate."""
        low, high = self.car.body.lights[2:]
        length = self.car.body.length_m
        lamps = self.canvas.light.mood.lamps
        shining = lamps > 0.2
        beam = self._surface((1.0, 0.97, 0.86), glow=0.9 * lamps) if shining else self._flat((0.86, 0.87, 0.90))
        for near, far in ((-0.80, -0.50), (0.50, 0.80)):
            self._panel(length + 0.02, near, far, low, high, beam)
        self._panel(length + 0.02, -0.44, 0.44, low - 0.08, high - 0.06, self.trim)
        if self.detailed:
            self._panel(length + 0.03, -0.26, 0.26, low - 0.26, low - 0.14, self._flat((0.85, 0.84, 0.76)))

    def _panel(self, along: float, left: float, right: float, low: float, high: float, surface: int) -> None:
        corners = ((left, low), (right, low), (right, high), (left, high))
        self.canvas.outline([self.car.world(along, y, x) for x, y in corners], surface)

    def _side(self, side: int) -> None:
        car, body, canvas = self.car, self.car.body, self.canvas
        skin = [car.world(along, height, side * half) for along, height, half in body.outline]
        normal = (side * car.cosine, 0.0, -side * car.sine)
        light = canvas.light
        lit = light.on(car.paint_colour, normal, shaded=self.shaded)
        canvas.outline(skin, self._surface(mixed(lit, light.mood.horizon, 0.06)))
        sill = [
            car.world(along, height, side * 0.87)
            for along, height in ((0.3, 0.25), (0.3, 0.42), (body.length_m - 0.3, 0.42), (body.length_m - 0.3, 0.25))
        ]
        canvas.outline(sill, self._surface(dimmed(lit, 0.7)))
        pane = self._window(normal)
        for window in body.sides:
            canvas.outline(
                [car.world(along, height, side * _half_width(body, height)) for along, height in window], pane
            )
        if self.detailed:
            seam = self._surface(dimmed(lit, 0.62))
            middle = body.length_m * 0.45
            canvas.outline(
                [
                    car.world(a, h, side * 0.88)
                    for a, h in ((middle, 0.4), (middle + 0.03, 0.4), (middle + 0.03, 0.95), (middle, 0.95))
                ],
                seam,
            )
        self._wheels(side, whole=True)


def _half_width(body: Body, height: float) -> float:
    """How far out the side is at a height: the body leans in from the waist up."""
    waist, roof = body.outline[2], max(body.outline, key=lambda point: point[1])
    share = min(max((height - waist[1]) / (roof[1] - waist[1]), 0.0), 1.0)
    return waist[2] + (roof[2] - waist[2]) * share


def _normal(corners: list[Point3]) -> Point3:
    """The unit normal of a quadrilateral whose corners run clockwise seen from outside."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corners[0], corners[1], corners[3]
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    nx, ny, nz = vy * uz - vz * uy, vz * ux - vx * uz, vx * uy - vy * ux
    length = max(sqrt(nx * nx + ny * ny + nz * nz), 1e-9)
    return nx / length, ny / length, nz / length


def _faces_camera(corners: list[Point3], eye_m: float) -> bool:
    nx, ny, nz = _normal(corners)
    x, y, z = corners[0]
    return nx * x + ny * (y - eye_m) + nz * z < 0


def _inset(corners: list[Point3], sideways: float, upwards: float) -> list[Point3]:
    """A quadrilateral inside another, smaller by these shares of its sides."""

    def at(u: float, v: float) -> Point3:
        a, b, c, d = corners
        return tuple(  # type: ignore[return-value]
            (a[i] * (1 - u) + b[i] * u) * (1 - v) + (d[i] * (1 - u) + c[i] * u) * v for i in range(3)
        )

    return [at(sideways, upwards), at(1 - sideways, upwards), at(1 - sideways, 1 - upwards), at(sideways, 1 - upwards)]


def drawn_car(dice: Dice, x: float, z: float, *, turn: float = 0.0, oncoming: bool = False) -> Car:
    """A car of some kind and colour.

    Args:
        dice: Decides on the kind and the colour.
        x: Of its middle in metres.
        z: Of its middle in metres.
        turn: Tangent of half the angle it is turned by: 0 drives away from the camera, 1 to the right, -1 to the left.
        oncoming: Turned by half a circle more.
    """
    away = -1 if oncoming else 1
    cosine, sine = away * (1 - turn * turn) / (1 + turn * turn), away * 2 * turn / (1 + turn * turn)
    body = dice.weighted(_BODIES, (0.32, 0.34, 0.22, 0.12))
    colour = dimmed(dice.pick(_PAINTS), dice.between(0.8, 1.1))
    if body is _VAN and dice.chance(0.5):
        colour = (0.86, 0.86, 0.84)
    return Car(x, z, cosine, sine, body, colour, dice.between(0.95, 1.06), dice.chance(0.35))

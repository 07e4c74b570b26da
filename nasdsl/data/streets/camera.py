"""A pinhole camera above a flat street: metres to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: A point of the world in metres: to the right of the camera, above the ground, ahead of the camera.
Point3 = tuple[float, float, float]
#: A point of the picture in pixels: to the right, down.
Point2 = tuple[float, float]

#: Nothing nearer than this is drawn, in metres.
NEAR_M = 0.7


@dataclass(frozen=True, slots=True)
class Camera:
    """Looks along the street without tilt; a shifted vanishing point stands for turning and tilting a little.

    Attributes:
        width: Of the picture in pixels.
        height: Of the picture in pixels.
        focal: Focal length in pixels.
        vanishing_x: Where lines along the street meet, in pixels.
        horizon: The row of the horizon, in pixels.
        eye_m: Height of the camera above the road, in metres.
    """

    width: int
    height: int
    focal: float
    vanishing_x: float
    horizon: float
    eye_m: float

    def project(self, point: Point3) -> Point2:
        """Where a point ahead of the camera appears.

        >>> Camera(200, 100, 100.0, 100.0, 50.0, 2.0).project((1.0, 0.0, 10.0))
        (110.0, 70.0)
        """
        x, y, z = point
        scale = self.focal / z
        return self.vanishing_x + x * scale, self.horizon + (self.eye_m - y) * scale

    def outline(self, points: Sequence[Point3]) -> list[tuple[int, int]]:
        """A polygon of the world as pixels of the picture, cut off at NEAR_M; empty if nothing of it is ahead."""
        if min(point[2] for point in points) < NEAR_M:
            points = _ahead(points)
        focal, eye = self.focal, self.eye_m
        centre, horizon = self.vanishing_x + 0.5, self.horizon + 0.5
        return [(int(centre + x * focal / z), int(horizon + (eye - y) * focal / z)) for x, y, z in points]

    def pixels(self, length_m: float, z: float) -> float:
        """How long a length across the view appears at depth z."""
        return length_m * self.focal / z


def _ahead(points: Sequence[Point3]) -> list[Point3]:
    """The part of a polygon with z >= NEAR_M (Sutherland and Hodgman, one plane)."""
    kept: list[Point3] = []
    last = points[-1]
    for point in points:
        if (point[2] >= NEAR_M) != (last[2] >= NEAR_M):
            t = (NEAR_M - last[2]) / (point[2] - last[2])
            kept.append((last[0] + (point[0] - last[0]) * t, last[1] + (point[1] - last[1]) * t, NEAR_M))
        if point[2] >= NEAR_M:
            kept.append(point)
        last = point
    return kept

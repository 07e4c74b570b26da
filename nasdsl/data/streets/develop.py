"""From a painted scene to a photograph: sky, haze, textures, shadows, reflections, lens and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from nasdsl.data.streets.camera import Camera
from nasdsl.data.streets.canvas import Canvas
from nasdsl.data.streets.dice import Dice
from nasdsl.data.streets.light import Light
from nasdsl.data.streets.noise import TILE, FloatMap, clouds, grain, paving, wrapped

_BYTE = np.float32(1 / 255)


@dataclass(frozen=True, slots=True)
class Optics:
    """What lens and sensor do to a picture.

    Attributes:
        key: Mean brightness that the exposure aims at.
        cast: Factors on red, green and blue.
        contrast: How far the S-shaped tone curve is followed, 0 to 1.
        saturation: 1 leaves colours as they are.
        vignette: Loss of light in the corners.
        defocus: Radius of the blur, relative to the height of the picture.
        motion: Length of the sideways blur, relative to the width of the picture.
        noise: Amplitude of the sensor noise.
    """

    key: float
    cast: tuple[float, float, float]
    contrast: float
    saturation: float
    vignette: float
    defocus: float
    motion: float
    noise: float


def drawn_optics(dice: Dice) -> Optics:
    """The camera of one picture: most are good, some are out of focus, shaken or badly balanced."""
    warmth, tint = dice.between(-0.09, 0.09), dice.between(-0.03, 0.03)
    return Optics(
        key=dice.between(0.36, 0.54),
        cast=(1 + warmth, 1 + tint, 1 - warmth),
        contrast=dice.between(0.0, 0.55),
        saturation=dice.between(0.6, 1.15),
        vignette=dice.between(0.0, 0.3),
        defocus=dice.between(0.0015, 0.004) if dice.chance(0.18) else 0.0,
        motion=dice.between(0.003, 0.008) if dice.chance(0.15) else 0.0,
        noise=dice.between(0.012, 0.06),
    )


def developed(canvas: Canvas, dice: Dice, step: int) -> NDArray[np.uint8]:
    """The photograph of a scene, [H, W, 3], step times smaller than the canvas in both directions.

    Args:
        canvas: The painted scene.
        dice: Decides on clouds, optics and noise.
        step: Pixels of the canvas a pixel of the photograph, each way.
    """
    light, camera = canvas.light, _reduced(canvas.camera, step)
    seen, finish = _planes(canvas.colours(), step), _planes(canvas.finishes(), step)
    colour, clear = seen[:3], seen[3]
    ground, amplitude, glow, walk = finish
    horizon = min(max(int(camera.horizon), 0), camera.height)
    row, column = dice.index(TILE), dice.index(TILE)
    rows, columns = np.arange(camera.height) + row, np.arange(camera.width) + column

    texture = wrapped(grain(), rows, columns)
    _lay_ground_texture(texture, camera, horizon, ground, walk)
    colour *= 1 + texture * amplitude
    _lay_shadows(colour, canvas, step, ground)
    sky = _sky(camera, light, dice)
    _lay_haze(colour, clear, ground, camera, light, horizon)
    picture = colour + sky * (1 - clear)
    if light.wet and horizon < camera.height - 4:
        _mirror(picture, ground - walk * np.float32(0.6), camera, light, horizon, texture)
    if light.mood.lamps:
        _bloom(picture, glow, camera)
    return _exposed(picture, drawn_optics(dice), dice)


def _reduced(camera: Camera, step: int) -> Camera:
    return Camera(
        camera.width // step, camera.height // step, camera.focal / step, camera.vanishing_x / step,
        camera.horizon / step, camera.eye_m,
    )  # fmt: skip


def _planes(pixels: NDArray[np.uint8], step: int) -> FloatMap:
    """Four interleaved bytes as four planes between 0 and 1, averaged over step x step pixels."""
    height, width, _ = pixels.shape
    # RGBX, not RGBA: the fourth byte is no opacity that averaging should weigh the colours by.
    reduced = np.asarray(Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1).reduce(step))
    return np.ascontiguousarray(reduced.transpose(2, 0, 1)).astype(np.float32) * _BYTE


def _lay_ground_texture(texture: FloatMap, camera: Camera, horizon: int, ground: FloatMap, walk: FloatMap) -> None:
    """Replace the texture below the horizon, on the ground, by one that lies flat and fades with distance."""
    below = slice(horizon, camera.height)
    depth = np.float32(camera.focal * camera.eye_m) / (
        np.arange(horizon, camera.height, dtype=np.float32) + np.float32(1.0 - (camera.horizon - horizon))
    )
    along = (depth * np.float32(40)).astype(np.int64) % TILE
    across = np.arange(camera.width, dtype=np.float32) - np.float32(camera.vanishing_x)
    columns = (across[None, :] * (depth * np.float32(40 / camera.focal))[:, None]).astype(np.int32) % np.int32(TILE)
    index = columns + (along.astype(np.int32) * np.int32(TILE))[:, None]
    near = (np.float32(9) / (np.float32(9) + depth))[:, None]
    asphalt = grain().ravel().take(index) * (np.float32(0.35) + near)
    slabs = paving().ravel().take(index) * near * np.float32(1.3)
    share = ground[below]
    flat = asphalt + (slabs - asphalt) * walk[below]
    texture[below] += (flat - texture[below]) * share


def _lay_shadows(colour: FloatMap, canvas: Canvas, step: int, ground: FloatMap) -> None:
    """Darken the ground where the sun, and below cars the sky too, does not reach it."""
    soft = max(canvas.camera.height // step // 96, 1)
    if canvas.light.casts_shadows:
        shade = np.asarray(canvas.shadows.reduce(step).filter(ImageFilter.BoxBlur(soft))).astype(np.float32) * _BYTE
        shade *= ground
        for plane, tint in zip(colour, canvas.light.shadow_tint, strict=True):
            plane *= 1 - shade * np.float32(1 - tint)
    contact = np.asarray(canvas.contacts.reduce(step).filter(ImageFilter.BoxBlur(soft))).astype(np.float32) * _BYTE
    colour *= 1 - contact * ground * np.float32(0.62)


def _lay_haze(colour: FloatMap, clear: FloatMap, ground: FloatMap, camera: Camera, light: Light, horizon: int) -> None:
    """Let the ground fade row by row; everything else was given its haze when it was painted."""
    below = slice(horizon, camera.height)
    depth = np.float32(camera.focal * camera.eye_m) / (
        np.arange(camera.height - horizon, dtype=np.float32) + np.float32(0.6)
    )
    visibility = np.float32(light.visibility_m)
    lost = (np.float32(1) - visibility / (visibility + depth))[:, None]
    kept = 1 - ground[below] * lost
    colour[:, below] *= kept
    clear[below] *= kept


def _sky(camera: Camera, light: Light, dice: Dice) -> FloatMap:
    """The sky as it would be seen everywhere, [3, H, W]: gradient, clouds and the glare of the sun."""
    mood = light.mood
    height = np.clip(
        (np.float32(camera.horizon) - np.arange(camera.height, dtype=np.float32)) / np.float32(0.55 * camera.height),
        0,
        1,
    )
    rise = height * (np.float32(2) - height)
    shift, drift = dice.index(TILE), dice.index(TILE)
    # Clouds are a flat ceiling: the nearer to the horizon, the flatter they look.
    ceiling = np.float32(1) / (height + np.float32(0.16))
    scale = np.float32(90) / np.float32(camera.width)
    rows = (ceiling * np.float32(26)).astype(np.int64) + shift
    across = (np.arange(camera.width, dtype=np.float32) - np.float32(camera.vanishing_x)) * scale
    columns = (across[None, :] * (ceiling * np.float32(0.55) + np.float32(0.5))[:, None]).astype(np.int64) + drift
    billow = _softened(wrapped(clouds(), rows, columns), camera.height // 80)
    cover = np.clip((billow - np.float32(0.42 - 0.8 * light.cloudiness)) * np.float32(2.2), 0, 1)
    cover *= np.clip(height * np.float32(4), 0, 1)[:, None]
    cover *= np.float32(0.85)
    body = np.float32(1) - np.clip(billow, 0, 1) * np.float32(0.16)
    sky = np.empty((3, camera.height, camera.width), dtype=np.float32)
    for plane, low, high, cloud in zip(sky, mood.horizon, mood.zenith, mood.cloud, strict=True):
        gradient = (np.float32(low) + np.float32(high - low) * rise)[:, None]
        plane[:] = gradient + (np.float32(cloud) * body - gradient) * cover
    if light.sun[2] > 0.15 and light.casts_shadows:
        _lay_glare(sky, camera, light)
    return sky


def _softened(plane: FloatMap, radius: int) -> FloatMap:
    """A plane between -1 and 1 without the steps of the tile it was looked up in."""
    octets = Image.fromarray(((plane + np.float32(1)) * np.float32(127.5)).astype(np.uint8))
    soft = np.asarray(octets.filter(ImageFilter.BoxBlur(max(radius, 1)))).astype(np.float32)
    return soft * np.float32(1 / 127.5) - np.float32(1)


def _lay_glare(sky: FloatMap, camera: Camera, light: Light) -> None:
    x = camera.vanishing_x + camera.focal * light.sun[0] / light.sun[2]
    y = camera.horizon - camera.focal * light.sun[1] / light.sun[2]
    right = (np.arange(camera.width, dtype=np.float32) - np.float32(x)) * np.float32(1 / camera.height)
    down = (np.arange(camera.height, dtype=np.float32) - np.float32(y)) * np.float32(1 / camera.height)
    away = (right * right)[None, :] + (down * down)[:, None]
    glare = np.float32(0.025) / (np.float32(0.025) + away)
    for plane, tint in zip(sky, light.mood.direct, strict=True):
        plane += glare * np.float32(tint * 0.9)


def _mirror(picture: FloatMap, smooth: FloatMap, camera: Camera, light: Light, horizon: int, texture: FloatMap) -> None:
    """Let the ground, where it is smooth, mirror what stands above it, smeared downwards and broken by its texture."""
    rows = np.clip(2 * horizon - 1 - np.arange(horizon, camera.height), 0, None)
    above = picture[:, rows]
    smeared = above.copy()
    reach = max(camera.height // 24, 2)
    for shift in (reach // 2, reach):
        smeared[:, shift:] += above[:, :-shift]
        smeared[:, :shift] += above[:, :1]
    below = slice(horizon, camera.height)
    strength = smooth[below] * np.float32(light.wet) * np.clip(np.float32(0.9) + texture[below] * np.float32(0.8), 0, 1)
    picture[:, below] += (smeared * np.float32(1 / 3) - picture[:, below]) * strength


def _bloom(picture: FloatMap, glow: FloatMap, camera: Camera) -> None:
    """A halo around lamps and lit windows."""
    spots = Image.fromarray((np.clip(glow, 0, 1) * np.float32(255)).astype(np.uint8))
    radius = max(camera.height // 28, 2)
    wide = np.asarray(spots.filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius))).astype(np.float32)
    close = np.asarray(spots.filter(ImageFilter.BoxBlur(1))).astype(np.float32)
    halo = wide * np.float32(1.3 / 255) + close * np.float32(0.25 / 255)
    for plane, tint in zip(picture, (1.0, 0.78, 0.48), strict=True):
        plane += halo * np.float32(tint)


def _exposed(picture: FloatMap, optics: Optics, dice: Dice) -> NDArray[np.uint8]:
    """Lens, tone curve and sensor; [3, H, W] light to [H, W, 3] bytes."""
    _, height, width = picture.shape
    right = (np.arange(width, dtype=np.float32) * np.float32(2 / width) - np.float32(1)) ** 2
    down = (np.arange(height, dtype=np.float32) * np.float32(2 / height) - np.float32(1)) ** 2
    lens = np.float32(1) - np.float32(optics.vignette / 2) * (right[None, :] + down[:, None])
    np.clip(picture, 0, 1.5, out=picture)
    grey = picture[0] * np.float32(0.3) + picture[1] * np.float32(0.59) + picture[2] * np.float32(0.11)
    # Summed as integers: a sum of floats depends on the order that the machine likes.
    mean = int((grey * np.float32(170)).astype(np.uint8).sum(dtype=np.int64)) / (170 * grey.size)
    exposure = min(max(optics.key / max(mean, 0.01), 0.8), 1.7)
    for plane, cast in zip(picture, optics.cast, strict=True):
        plane += (plane - grey) * np.float32(optics.saturation - 1)
        plane *= lens * np.float32(exposure * cast)
    np.clip(picture, 0, 1, out=picture)
    curved = picture * picture * (np.float32(3) - np.float32(2) * picture)
    picture += (curved - picture) * np.float32(optics.contrast)
    if optics.motion:
        _shake(picture, max(round(optics.motion * width), 1))
    still = np.ascontiguousarray((picture * np.float32(255) + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0))
    if optics.defocus:
        still = np.asarray(Image.fromarray(still).filter(ImageFilter.GaussianBlur(optics.defocus * height)))
    # The sum of two uniform bytes is close enough to the bell of a sensor's noise.
    draws = dice.octets(still.size * 2).astype(np.int16)
    bell = (draws[: still.size] + draws[still.size :] - 255).reshape(still.shape)
    noisy = still.astype(np.int16) + ((bell * np.int16(round(optics.noise * 256))) >> 8)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _shake(picture: FloatMap, length: int) -> None:
    """Average every pixel with the `length` pixels to its right."""
    still = picture.copy()
    for shift in range(1, length + 1):
        picture[:, :, :-shift] += still[:, :, shift:]
        picture[:, :, -shift:] += still[:, :, -1:]
    picture *= np.float32(1 / (length + 1))

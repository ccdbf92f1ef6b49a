"""Bodies drawn for composites: a head with hair, arms with hands, legs and feet, around a garment's place."""

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model_build.cutout.garments import cloth_colour

Colour = tuple[int, int, int]
Point = tuple[float, float]

_SKIN: Final = ((255, 224, 196), (241, 194, 155), (224, 172, 125), (198, 134, 92), (141, 85, 54), (90, 56, 40))
_HAIR: Final = (
    (15, 12, 10),
    (40, 28, 20),
    (75, 48, 30),
    (140, 95, 55),
    (205, 170, 110),
    (120, 50, 30),
    (150, 150, 150),
)
_SLEEVE: Final = 0.14  # of the width: where a sleeve ends at the side of a top
_SHORT_SLEEVE: Final = 0.68  # of the height: sleeves that end above leave the arms bare


@dataclass(frozen=True)
class Body:
    """What the drawing needs to know of a garment's place, and the person's colours."""

    left: float
    top: float
    right: float
    bottom: float
    skin: Colour
    hair: Colour
    long_hair: bool
    lean: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def body_around(cutout: Image.Image, place: tuple[int, int], rng: random.Random) -> Body:
    tone = rng.random() * (len(_SKIN) - 1)
    low, share = int(tone), tone - int(tone)
    skin = np.array(_SKIN[low]) * (1 - share) + np.array(_SKIN[low + 1]) * share
    hair = np.array(rng.choice(_HAIR)) * rng.uniform(0.7, 1.2)
    left, top = place
    return Body(
        left,
        top,
        left + cutout.width,
        top + cutout.height,
        rgb(skin),
        rgb(hair),
        long_hair=rng.random() < 0.4,
        lean=rng.gauss(0, 0.03),
    )


def draw_legs(picture: Image.Image, body: Body, shoulders: float, rng: random.Random, *, bare: bool) -> None:
    draw, side = ImageDraw.Draw(picture), picture.height
    hips, start = shoulders * rng.uniform(0.75, 1.05), body.bottom - shoulders * rng.uniform(0.1, 0.45)
    knee, gap = start + shoulders * rng.uniform(0.9, 1.3), rng.uniform(0, 0.12) * shoulders
    foot = start + shoulders * rng.uniform(2.0, 2.6)
    colour = body.skin if bare else rgb(cloth_colour(rng))
    skirt = not bare and rng.random() < 0.15
    for sign in (-1, 1):
        outer, inner = body.middle + sign * hips / 2, body.middle + sign * gap / 2
        slim = 0.55 if bare else rng.uniform(0.65, 1)
        low_outer = body.middle + sign * (gap / 2 + hips / 2 * slim)
        draw.polygon([(outer, start), (inner, start), (inner, foot), (low_outer, foot), (outer, knee)], colour)
        ellipse(draw, ((inner + low_outer) / 2, foot), (hips * 0.3, hips * 0.16), rgb(cloth_colour(rng) * 0.6))
    if skirt:
        draw.polygon([(body.middle - hips / 2, start), (body.middle + hips / 2, start),
                      (body.middle + hips * 0.7, knee), (body.middle - hips * 0.7, knee)], colour)  # fmt: skip
    if not bare:
        _crease(picture, (body.middle - hips / 2, start, body.middle + hips / 2, min(foot, side)), rng)


def _crease(picture: Image.Image, box: tuple[float, float, float, float], rng: random.Random) -> None:
    """Lighter and darker stripes of cloth."""
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(rng.randint(0, 5)):
        x, shade = rng.uniform(box[0], box[2]), rng.choice([0, 255])
        draw.line([(x, box[1]), (x + rng.uniform(-5, 5), box[3])], (shade, shade, shade, 40), rng.randint(1, 5))


def draw_arms(draw: ImageDraw.ImageDraw, body: Body, cutout: Image.Image, rng: random.Random) -> None:
    """From each shoulder through the end of its sleeve to a hand; bare, or hidden by a long sleeve."""
    alpha = np.asarray(cutout.getchannel("A")) > 128
    band = max(1, round(_SLEEVE * cutout.width))
    for sign, columns in ((-1, alpha[:, :band]), (1, alpha[:, -band:])):
        rows = np.flatnonzero(columns.any(axis=1))
        end = body.top + (rows[-1] if len(rows) else 0.3 * cutout.height)
        outer = body.left if sign < 0 else body.right
        cuff = (outer - sign * band * rng.uniform(0.3, 0.7), end - 0.03 * cutout.height)
        shoulder = (body.middle + sign * 0.36 * body.width, body.top + 0.12 * body.width)
        thick = max(2.0, body.width * rng.uniform(0.075, 0.125))
        if end > body.top + _SHORT_SLEEVE * cutout.height:
            ellipse(draw, (cuff[0], end + 0.3 * thick), (thick * 0.6, thick * 0.9), body.skin)
            continue
        length = body.width * rng.uniform(0.45, 0.8)
        if rng.random() < 0.75:
            hand = (cuff[0] + sign * rng.uniform(-0.6, 0.6) * thick, end + length)
            _limb(draw, [shoulder, cuff, hand], thick, body.skin)
        else:
            elbow = (outer + sign * rng.uniform(0, 0.12) * body.width, end + length * 0.45)
            hand = (body.middle + sign * rng.uniform(0.1, 0.4) * body.width, end + length * rng.uniform(0.5, 0.9))
            _limb(draw, [shoulder, cuff, elbow, hand], thick, body.skin)


def draw_head(draw: ImageDraw.ImageDraw, body: Body, shoulders: float, rng: random.Random) -> None:
    half = shoulders * rng.uniform(0.17, 0.24)
    tall = half * rng.uniform(1.25, 1.45)
    x, neck = body.middle + body.lean * body.width, body.top + half * rng.uniform(-0.1, 0.3)
    y = neck - tall * rng.uniform(1.25, 1.5)
    if body.long_hair:
        wide, low = half * rng.uniform(1.2, 1.6), rng.uniform(0.2, 2.0) * tall
        draw.rounded_rectangle((x - wide, y - tall * 1.1, x + wide, y + tall + low), wide * 0.8, body.hair)
    draw.polygon([(x - half * 0.55, y), (x + half * 0.55, y),
                  (body.middle + half * 0.9, body.top + half), (body.middle - half * 0.9, body.top + half)],
                 rgb(np.array(body.skin) * 0.9))  # fmt: skip
    ellipse(draw, (x, y), (half, tall), body.skin)
    if rng.random() < 0.92:
        draw.chord((x - half * 1.08, y - tall * 1.12, x + half * 1.08, y + tall * rng.uniform(0.3, 0.9)),
                   180 + rng.uniform(-25, 15), 360 + rng.uniform(-15, 25), body.hair)  # fmt: skip
    for sign in (-1, 1):
        ellipse(draw, (x + sign * half * 0.42, y + tall * 0.05), (half * 0.16, half * 0.09), (40, 30, 28))
    draw.line(
        [(x - half * 0.3, y + tall * 0.5), (x + half * 0.3, y + tall * 0.5)], (150, 75, 70), max(1, int(half / 7))
    )
    if rng.random() < 0.15:
        ellipse(draw, (x, y + tall * 0.75), (half * 0.75, tall * 0.3), body.hair)


def draw_feet(picture: Image.Image, body: Body, rng: random.Random) -> None:
    draw = ImageDraw.Draw(picture)
    colour = body.skin if rng.random() < 0.25 else rgb(cloth_colour(rng) * rng.uniform(0.3, 1))
    for sign in (-1, 1):
        at = (body.middle + sign * body.width * rng.uniform(0.22, 0.42), body.bottom + body.width * 0.02)
        ellipse(draw, at, (body.width * 0.14, body.width * rng.uniform(0.07, 0.14)), colour)


def _limb(draw: ImageDraw.ImageDraw, points: list[Point], thick: float, colour: Colour) -> None:
    draw.line(points, colour, round(thick), joint="curve")
    ellipse(draw, points[-1], (thick * 0.55, thick * 0.75), colour)


def ellipse(draw: ImageDraw.ImageDraw, centre: Point, half: Point, colour: Colour | int) -> None:
    (x, y), (wide, high) = centre, half
    draw.ellipse((x - wide, y - high, x + wide, y + high), colour)


def rgb(values: NDArray[np.float64]) -> Colour:
    red, green, blue = (int(value) for value in np.clip(values, 0, 255))
    return red, green, blue

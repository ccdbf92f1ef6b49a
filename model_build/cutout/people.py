"""People drawn around a garment that they wear: skin, hair, arms, hands, legs, and other garments above and below it.

What is drawn behind the garment is finished first; hair, hands and a neckline in front of it hide parts of it.
"""

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from model_build.cutout.bodies import (
    Body,
    Colour,
    Point,
    body_around,
    draw_arms,
    draw_feet,
    draw_head,
    draw_legs,
    ellipse,
    rgb,
)
from model_build.cutout.garments import TOPS, Garment, cloth_colour, garment

_CLOSE_UPS: Final = 0.15  # of the tops
_HEIGHTS: Final[dict[int | None, tuple[float, float]]] = {1: (0.5, 0.95), 3: (0.5, 0.9)}  # of the picture, by class
_TOP_HEIGHTS: Final = (0.42, 0.85)
_CLOSE_HEIGHTS: Final = (0.8, 1.4)


@dataclass(frozen=True)
class Worn:
    """`picture` (RGB) of a person in front of a ground; `mask` (L): where the worn garment of `class_id` is seen."""

    picture: Image.Image
    mask: Image.Image
    class_id: int | None


def worn(rng: random.Random, ground: Image.Image) -> Worn:
    """A top, a dress or trousers on a person, drawn onto a copy of `ground`, as in shops: often cut by its edges."""
    classes = rng.choices([TOPS, (3,), (1,)], [0.66, 0.16, 0.18])[0]
    found = garment(rng, classes)
    picture, side = ground.copy(), ground.width
    cutout, place = _placed(found, rng, side)
    body = body_around(cutout, place, rng)
    if found.class_id == 1:
        _draw_above(picture, body, rng)
        draw_feet(picture, body, rng)
    else:
        _draw_behind(picture, body, cutout, rng, is_dress=found.class_id == 3)
    mask = Image.new("L", picture.size)
    _soften(picture, rng)
    _cast(picture, cutout, place, rng)
    picture.paste(cutout, place, cutout)
    mask.paste(cutout.getchannel("A"), place)
    if found.class_id != 1:
        mask = _draw_in_front(picture, mask, body, rng)
        if found.class_id in (2, 4) and rng.random() < 0.25:
            mask = _draw_hood(picture, mask, body, cutout)
    else:
        mask = _draw_hem(picture, mask, body, rng)
    return Worn(picture, mask, found.class_id)


def _placed(found: Garment, rng: random.Random, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """The garment as wide or high as it is on a person, and its left and top; close-ups reach beyond the picture."""
    cutout, is_close = found.cutout, found.class_id in TOPS and rng.random() < _CLOSE_UPS
    slim = rng.uniform(0.8, 1.3) if found.class_id == 1 else rng.uniform(0.62, 1.0)
    height = side * rng.uniform(*(_CLOSE_HEIGHTS if is_close else _HEIGHTS.get(found.class_id, _TOP_HEIGHTS)))
    width = height * slim * cutout.width / cutout.height
    widest = side * (1.4 if is_close else 0.95)
    if width > widest:
        height, width = height * widest / width, widest
    cutout = cutout.resize((max(4, round(width)), max(4, round(height))), Image.Resampling.BICUBIC)
    cutout = cutout.rotate(rng.gauss(0, 2.5), Image.Resampling.BICUBIC, expand=True)
    left = round((side - cutout.width) * min(max(rng.gauss(0.5, 0.12), 0), 1))
    if is_close:
        return cutout, (left, round(side * rng.uniform(0.15, 0.6)))
    share = rng.gauss(0.6, 0.25) if found.class_id == 1 else rng.gauss(0.55, 0.2)
    return cutout, (left, round((side - cutout.height) * min(max(share, -0.1), 1.15)))


def _draw_behind(picture: Image.Image, body: Body, cutout: Image.Image, rng: random.Random, *, is_dress: bool) -> None:
    """Legs or trousers, arms, neck and head, which the garment covers in part."""
    draw = ImageDraw.Draw(picture)
    shoulders = body.width * rng.uniform(0.5, 0.72)
    draw_legs(picture, body, shoulders, rng, bare=is_dress and rng.random() < 0.85)
    draw_arms(draw, body, cutout, rng)
    draw_head(draw, body, shoulders, rng)


class _Front:
    """What hides the garment: drawn on the picture, and remembered."""

    def __init__(self, picture: Image.Image) -> None:
        self._hiding = Image.new("L", picture.size)
        self._seen, self._hidden = ImageDraw.Draw(picture), ImageDraw.Draw(self._hiding)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        self._seen.polygon(points, colour)
        self._hidden.polygon(points, 255)

    def half_ellipse(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        self._seen.chord(box, 0, 180, colour)
        self._hidden.chord(box, 0, 180, 255)

    def ellipse(self, centre: Point, half: Point, colour: Colour) -> None:
        ellipse(self._seen, centre, half, colour)
        ellipse(self._hidden, centre, half, 255)

    def rectangle(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        self._seen.rectangle(box, colour)
        self._hidden.rectangle(box, 255)

    def without(self, mask: Image.Image) -> Image.Image:
        """`mask`, less what is hidden."""
        return Image.composite(Image.new("L", mask.size), mask, self._hiding)


def _draw_in_front(picture: Image.Image, mask: Image.Image, body: Body, rng: random.Random) -> Image.Image:
    """Skin in the neckline, long hair on the chest, a hand at the hip or in a pocket."""
    front = _Front(picture)
    if rng.random() < 0.6:
        _draw_neckline(front, body, rng)
    if body.long_hair and rng.random() < 0.6:
        for sign in (-1, 1) if rng.random() < 0.5 else (rng.choice([-1, 1]),):
            x, length = body.middle + sign * body.width * rng.uniform(0.1, 0.17), body.width * rng.uniform(0.1, 0.4)
            front.ellipse((x, body.top + length * 0.3), (body.width * 0.06, length * 0.7), body.hair)
    if rng.random() < 0.15:
        x = body.middle + rng.choice([-1, 1]) * body.width * rng.uniform(0.2, 0.42)
        front.ellipse((x, body.bottom - body.width * 0.1), (body.width * 0.06, body.width * 0.08), body.skin)
    return front.without(mask)


def _draw_neckline(front: _Front, body: Body, rng: random.Random) -> None:
    """Round or pointed: skin, or another garment below."""
    wide, deep = body.width * rng.uniform(0.07, 0.15), body.width * rng.uniform(0.04, 0.2)
    colour = body.skin if rng.random() < 0.8 else rgb(cloth_colour(rng))
    left, right, top = body.middle - wide, body.middle + wide, body.top - 2
    if rng.random() < 0.5:
        front.polygon([(left, top), (right, top), (body.middle, body.top + deep)], colour)
    else:
        front.half_ellipse((left, body.top - deep, right, body.top + deep), colour)


def _draw_hood(picture: Image.Image, mask: Image.Image, body: Body, cutout: Image.Image) -> Image.Image:
    """A hood in the garment's colour around the face: part of the garment."""
    colours, opaque = np.asarray(cutout.convert("RGB")), np.asarray(cutout.getchannel("A")) > 128
    colour = rgb(np.median(colours[opaque], axis=0) if opaque.any() else np.zeros(3))
    half = body.width * 0.17
    centre = (body.middle, body.top - half * 0.75)
    ellipse(ImageDraw.Draw(picture), centre, (half, half * 1.45), colour)
    ellipse(ImageDraw.Draw(mask), centre, (half, half * 1.45), 255)
    face, inside = (half * 0.62, half * 0.95), (half * 0.7, half * 1.05)
    ellipse(ImageDraw.Draw(picture), centre, inside, rgb(np.array(colour) * 0.5))
    ellipse(ImageDraw.Draw(picture), centre, face, body.skin)
    for sign in (-1, 1):
        eye = (centre[0] + sign * half * 0.27, centre[1])
        ellipse(ImageDraw.Draw(picture), eye, (half * 0.1, half * 0.06), (40, 30, 28))
    ellipse(ImageDraw.Draw(mask), centre, face, 0)
    return mask


def _draw_above(picture: Image.Image, body: Body, rng: random.Random) -> None:
    """Above trousers: a top or bare skin, arms, and the head if the picture reaches that far."""
    top = garment(rng, TOPS)
    wide = body.width * rng.uniform(1.2, 2.0)
    high = wide * rng.uniform(0.9, 1.2) * top.cutout.height / top.cutout.width
    cutout = top.cutout.resize((max(4, round(wide)), max(4, round(high))), Image.Resampling.BICUBIC)
    place = (round(body.middle - wide / 2), round(body.top + body.width * rng.uniform(0.05, 0.35) - high))
    upper = Body(place[0], place[1], place[0] + wide, place[1] + high, body.skin, body.hair, body.long_hair, body.lean)
    draw = ImageDraw.Draw(picture)
    draw_head(draw, upper, wide * 0.6, rng)
    draw_arms(draw, upper, cutout, rng)
    picture.paste(cutout, place, cutout)


def _draw_hem(picture: Image.Image, mask: Image.Image, body: Body, rng: random.Random) -> Image.Image:
    """A top may hang over the waist of trousers."""
    if rng.random() > 0.35:
        return mask
    front, far = _Front(picture), 0.05 * body.width
    low = body.top + body.width * rng.uniform(0.08, 0.3)
    front.rectangle((body.left - far, body.top - 0.6 * body.width, body.right + far, low), rgb(cloth_colour(rng)))
    return front.without(mask)


def _soften(picture: Image.Image, rng: random.Random) -> None:
    picture.paste(picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2))))


def _cast(picture: Image.Image, cutout: Image.Image, place: tuple[int, int], rng: random.Random) -> None:
    """The garment's own shadow on what is behind it."""
    if rng.random() < 0.5:
        shadow = Image.new("L", picture.size)
        strength = rng.uniform(0.05, 0.4)
        offset = (place[0] + rng.randint(-2, 2), place[1] + rng.randint(0, 3))
        shadow.paste(cutout.getchannel("A").point(lambda alpha: round(alpha * strength)), offset)
        picture.paste((0, 0, 0), mask=shadow.filter(ImageFilter.GaussianBlur(rng.uniform(1, 3))))

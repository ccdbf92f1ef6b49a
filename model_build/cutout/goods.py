"""Goods of shops, drawn: caps, socks, ties, wallets, belts, mugs (of no class), bags, backpacks and flip-flops.

Photos and Fashion-MNIST show none or few of them. Watches and glasses are drawn by `model_build.datasets.accessories`.
"""

import math
import random
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from model_build.cutout.bodies import Colour, Point, ellipse, rgb
from model_build.cutout.fabrics import fabric
from model_build.cutout.garments import Garment, cloth_colour

_SIDE: Final = 384  # pixels that a thing is drawn in
_SANDAL, _BAG = 5, 8

Canvas = ImageDraw.ImageDraw


def goods(rng: random.Random) -> Garment:
    """One thing, trimmed; `class_id` None: none of the ten."""
    kind = rng.choice(_KINDS)
    outline, lines = Image.new("L", (_SIDE, _SIDE)), Image.new("RGBA", (_SIDE, _SIDE))
    kind(ImageDraw.Draw(outline), ImageDraw.Draw(lines), rng)
    cloth = fabric(rng, outline.size) if rng.random() < 0.5 else Image.new("RGB", outline.size, _leather(rng))
    light = np.asarray(outline.filter(ImageFilter.GaussianBlur(rng.uniform(8, 30))), np.float32) / 255
    shade = 1 - rng.uniform(0.1, 0.7) * (1 - light)
    drawn = Image.fromarray((np.asarray(cloth, np.float32) * shade[..., None]).clip(0, 255).astype(np.uint8))
    drawn = Image.alpha_composite(drawn.convert("RGBA"), lines)
    alpha = np.maximum(np.asarray(outline), np.asarray(lines.getchannel("A")))
    drawn.putalpha(Image.fromarray(alpha))
    box = drawn.getchannel("A").getbbox()
    return Garment(drawn.crop(box), _CLASSES.get(kind))


def _leather(rng: random.Random) -> Colour:
    if rng.random() < 0.4:
        return rgb(cloth_colour(rng))
    return rgb(np.array([1, rng.uniform(0.45, 1), rng.uniform(0.25, 1)]) * rng.uniform(20, 190))


def _trim(rng: random.Random) -> Colour:
    return rgb(cloth_colour(rng))


def _cap(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A dome with a peak to one side, and an emblem."""
    high, wide, low = rng.uniform(100, 170), rng.uniform(110, 150), 260
    outline.chord((200 - wide, low - high, 200 + wide, low + high), 180, 360, 255)
    if rng.random() < 0.85:
        left = 200 - wide - rng.uniform(10, 70)
        front, end = (left, low + rng.uniform(5, 50)), (200 + rng.uniform(-60, 60), low + 12)
        outline.polygon([(200 - wide + 10, low - 30), front, end, (200 + wide * 0.6, low - 5)], 255)
    dark = (0, 0, 0, 90)
    lines.arc((200 - wide, low - 30, 200 + wide, low + 30), 180, 360, dark, 3)
    lines.line([(200, low - high), (200 + rng.uniform(-60, 60), low - 20)], dark, 2)
    if rng.random() < 0.6:
        ellipse(lines, (190, low - high / 2), (rng.uniform(15, 45), rng.uniform(15, 40)), _trim(rng))


def _sock(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A leg, a heel and a foot; or two or three of them, one beside another."""
    leg, thick, foot = rng.uniform(60, 200), rng.uniform(60, 85), rng.uniform(80, 140)
    for number in range(rng.choice([1, 2, 2, 3])):
        x, y = 70 + number * rng.uniform(25, 60), 40 + number * rng.uniform(-8, 15)
        ankle = y + leg
        outline.rectangle((x, y, x + thick, ankle), 255)
        outline.line([(x + thick / 2, ankle), (x + foot, ankle + foot * 0.8)], 255, round(thick))
        for point in ((x + thick / 2, ankle), (x + foot, ankle + foot * 0.8)):
            ellipse(outline, point, (thick / 2, thick / 2), 255)
        lines.line([(x, y + 25), (x + thick, y + 25)], (*_trim(rng), 200), rng.choice([2, 8, 14]))
        lines.line([(x + thick, y), (x + thick, ankle)], (0, 0, 0, 110), 3)


def _tie(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A long blade with a pointed end; the other end to one side, or rolled."""
    wide, x = rng.uniform(22, 42), 180
    outline.polygon([(x - wide / 2, 40), (x + wide / 2, 40), (x + wide, 320), (x, 365), (x - wide, 320)], 255)
    if rng.random() < 0.7:
        outline.line([(x, 45), (x + rng.uniform(60, 120), rng.uniform(60, 130))], 255, round(wide * 0.8))
        ellipse(outline, (x, 40), (wide * 1.1, wide * 0.8), 255)
    for y in range(60, 350, rng.choice([18, 30, 400])):
        lines.line([(x - wide / 2, y), (x + wide / 2, y - 15)], (*_trim(rng), 160), 4)


def _wallet(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A flat rectangle with a seam, a flap or a buckle."""
    wide, high = rng.uniform(120, 175), rng.uniform(50, 120)
    box = (192 - wide, 192 - high, 192 + wide, 192 + high)
    outline.rounded_rectangle(box, rng.uniform(2, 20), 255)
    seam = (0, 0, 0, 100)
    lines.rounded_rectangle((box[0] + 8, box[1] + 8, box[2] - 8, box[3] - 8), 8, None, seam, 2)
    fold = 192 + rng.uniform(-0.6, 0.6) * high
    lines.line([(box[0], fold), (box[2], fold + rng.uniform(-15, 15))], seam, 3)
    if rng.random() < 0.5:
        ellipse(lines, (192 + rng.uniform(-0.8, 0.8) * wide, fold), (12, 10), (200, 190, 160))


def _belt(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """Closed, from the side: a flat ring with a buckle in front."""
    high, thick = rng.uniform(25, 75), rng.uniform(18, 48)
    for y in range(round(thick)):
        outline.arc((20, 190 - high + y, 364, 190 + high + y), 0, 360, 255, 4)
    x, front = 192 + rng.uniform(-90, 90), 190 + high * 0.95
    metal = (*rgb(np.array(rng.choice([(200, 200, 205), (205, 175, 95), (60, 60, 60)]))), 255)
    lines.rectangle((x - thick * 0.8, front - 4, x + thick * 0.8, front + thick + 4), None, metal, 6)
    lines.line([(x, front + thick / 2), (x + thick, front + thick / 2)], metal, 5)


def _mug(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A cylinder or a cone, open on top, with a handle at one side: networks take it for a bag."""
    wide, low, deep = rng.uniform(60, 105), rng.uniform(180, 350), rng.uniform(4, 40)
    narrow, sign, x, top = rng.choice([0, 0, rng.uniform(0, 0.35) * wide]), rng.choice([-1, 1]), 192, 60
    middle, half = x + sign * wide * 0.95, rng.uniform(0.35, 0.75) * wide
    handle = (middle - half, top + 0.15 * (low - top), middle + half, top + rng.uniform(0.6, 0.9) * (low - top))
    outline.ellipse(handle, None, 255, rng.randint(10, 34))
    outline.polygon([(x - wide, top), (x + wide, top), (x + wide - narrow, low), (x - wide + narrow, low)], 255)
    ellipse(outline, (x, top), (wide, deep), 255)
    ellipse(outline, (x, low), (wide - narrow, deep * 0.7), 255)
    if rng.random() < 0.5:
        height = rng.uniform(top + deep, low)
        lines.line([(x - wide, height), (x + wide, height)], (*_trim(rng), 255), rng.randint(4, 40))
    ellipse(lines, (x, top), (wide, deep), _trim(rng))
    ellipse(lines, (x, top), (wide * 0.9, deep * 0.85), _leather(rng))


def _flip_flop(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A flat sole seen from the side and above, straps over its front; sometimes with a strap at the heel."""
    length, high, tilt = 165, rng.uniform(28, 60), rng.uniform(-10, 35)
    heel, toe = (192 - length, 200 - tilt), (192 + length, 200 + tilt)
    sole = [_around(heel, toe, high, turn) for turn in range(0, 360, 10)]
    thick = rng.uniform(8, 30)
    outline.polygon([(x, y + thick) for x, y in sole], 255)
    outline.polygon(sole, 255)
    lines.polygon([(x, y + thick) for x, y in sole], (*_trim(rng), 255))
    lines.polygon(sole, (*_trim(rng), 255))
    strap, width = (*_leather(rng), 255), round(rng.uniform(14, 45))
    front = (heel[0] + 2 * length * 0.82, heel[1] + 2 * tilt * 0.82 - 2)
    top = (heel[0] + 2 * length * 0.6, heel[1] + 2 * tilt * 0.6 - rng.uniform(45, 85))
    for sign in (-1, 1):
        side = (heel[0] + 2 * length * rng.uniform(0.35, 0.5), heel[1] + tilt + sign * high * 0.9)
        lines.line([side, top, front], strap, width, joint="curve")
    if rng.random() < 0.4:
        lines.line(
            [(heel[0] + 20, heel[1] - 5), (heel[0] + 25, heel[1] - 60), top], strap, max(8, width // 2), joint="curve"
        )


def _around(heel: Point, toe: Point, high: float, turn: int) -> Point:
    """A point of the sole's edge: wider in front than at the heel."""
    angle = math.radians(turn)
    along, across = math.cos(angle), math.sin(angle)
    middle, half = ((heel[0] + toe[0]) / 2, (heel[1] + toe[1]) / 2), ((toe[0] - heel[0]) / 2, (toe[1] - heel[1]) / 2)
    return middle[0] + half[0] * along, middle[1] + half[1] * along + high * across * (0.85 + 0.2 * along)


def _backpack(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A tall round body, a loop on top, straps behind it, and a pocket."""
    wide, top, round_ = rng.uniform(95, 140), rng.uniform(60, 100), rng.uniform(30, 90)
    body = (192 - wide, top, 192 + wide, 360)
    outline.rounded_rectangle(body, round_, 255)
    outline.arc((192 - 28, top - 40, 192 + 28, top + 40), 180, 360, 255, rng.randint(8, 16))
    if rng.random() < 0.5:
        for sign in (-1, 1):
            outline.ellipse((192 + sign * wide - 22, 200, 192 + sign * wide + 22, 350), 255)
    zip_ = (*_trim(rng), 255)
    pocket = (192 - wide * 0.75, rng.uniform(200, 250), 192 + wide * 0.75, 345)
    lines.rounded_rectangle(pocket, 22, (*_trim(rng), rng.choice([0, 0, 255])), zip_, rng.randint(3, 7))
    lines.arc((192 - wide * 0.85, top + 15, 192 + wide * 0.85, top + 180), 180, 360, zip_, 4)
    ellipse(lines, (192, pocket[1] - 30), (20, 10), zip_[:3])


def _bag(outline: Canvas, lines: Canvas, rng: random.Random) -> None:
    """A wide body, narrower at its top, one or two handles, a zip and stripes."""
    wide, slope, top = rng.uniform(110, 175), rng.uniform(0, 50), rng.uniform(150, 240)
    outline.polygon([(192 - wide + slope, top), (192 + wide - slope, top), (192 + wide, 330), (192 - wide, 330)], 255)
    outline.rounded_rectangle((192 - wide, 300, 192 + wide, 345), 15, 255)
    half, tall = wide * rng.uniform(0.3, 0.6), rng.uniform(20, top - 30)
    colour = (*_leather(rng), 255)
    for shift in (0, rng.uniform(-12, 12)):
        lines.arc(
            (192 - half + shift, top - tall, 192 + half + shift, top + tall), 180, 360, colour, rng.randint(6, 16)
        )
    dark = (0, 0, 0, 120)
    lines.line([(192 - wide + slope, top + 12), (192 + wide - slope, top + 12)], dark, 4)
    if rng.random() < 0.5:
        x = rng.uniform(0.2, 0.8) * wide
        for sign in (-1, 1):
            lines.line([(192 + sign * x, top), (192 + sign * x, 340)], (*_trim(rng), 255), rng.randint(4, 22))


_KINDS: Final[tuple[Callable[[Canvas, Canvas, random.Random], None], ...]] = (
    *(_cap, _sock, _tie, _wallet, _belt, _mug),
    *(_flip_flop, _flip_flop, _backpack, _bag),
)
_CLASSES: Final[dict[Callable[[Canvas, Canvas, random.Random], None], int]] = {
    _flip_flop: _SANDAL,
    _backpack: _BAG,
    _bag: _BAG,
}

"""A count and a seed in, shop pictures of what is worn and is none of the classes out: watches, belts, glasses.

Drawn, not photographed: no dataset at hand has them, and a shop that sells clothes sells these, too.
"""

import math
import random
from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from handler.contract import IMAGE_SIDE
from handler.inference.preprocessing import conversions
from model_build.datasets.shop_pictures import CUT_RANGE, SIDE, any_colour, ground
from model_build.progress import track

_DRAWN: Final = 2 * SIDE  # drawn twice as large, so that edges are smooth

Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw


def accessory_images(count: int, seed: int) -> Tensor:
    """(count, 28, 28) uint8, cut out as photos are: watches, belts and glasses in equal parts."""
    chance = random.Random(f"accessories {seed}")
    pictures = (accessory(chance) for _ in track(range(count), "drawing accessories"))
    images = [conversions(picture, [chance.uniform(*CUT_RANGE)])[0].pixels for picture in pictures]
    return torch.from_numpy(np.array(images, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE))


def accessory(chance: random.Random) -> Image.Image:
    """A picture, RGB, of one of them, turned a little or a lot."""
    colour = _colour(chance)
    drawn = Image.new("RGBA", (_DRAWN, _DRAWN), (*colour, 0))
    chance.choice(_KINDS)(ImageDraw.Draw(drawn), colour, chance)
    angle = chance.choice([chance.gauss(0, 8), chance.uniform(0, 360)])
    scale = chance.uniform(0.5, 1)
    side = max(8, round(SIDE * scale))
    cutout = drawn.rotate(angle, Image.Resampling.BICUBIC).resize((side, side), Image.Resampling.LANCZOS)
    picture = ground(np.array(colour, float), chance)
    spare = SIDE - side
    picture.paste(cutout, (chance.randint(0, spare), chance.randint(0, spare)), cutout)
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.8)))


def _watch(draw: Draw, colour: Colour, chance: random.Random) -> None:
    """A strap, a case upon it, a dial with hands."""
    middle, radius = _DRAWN / 2, _DRAWN * chance.uniform(0.14, 0.24)
    strap, length = radius * chance.uniform(0.5, 0.9), _DRAWN * chance.uniform(0.36, 0.48)
    draw.rounded_rectangle((middle - strap, middle - length, middle + strap, middle + length), strap / 3, colour)
    for step in range(chance.choice([0, 0, 6, 12])):  # links, or holes
        height = middle - length + step * length / 6
        draw.line((middle - strap, height, middle + strap, height), _colour(chance), 2)
    case = (middle - radius, middle - radius, middle + radius, middle + radius)
    if chance.random() < 0.75:
        draw.ellipse(case, _colour(chance), colour, round(radius * 0.15))
    else:
        draw.rounded_rectangle(case, radius / 4, _colour(chance), colour, round(radius * 0.15))
    for _ in range(2):
        turn = chance.uniform(0, 2 * math.pi)
        tip = (middle + 0.7 * radius * math.sin(turn), middle - 0.7 * radius * math.cos(turn))
        draw.line([(middle, middle), tip], _colour(chance), 4)


def _belt(draw: Draw, colour: Colour, chance: random.Random) -> None:
    """Laid straight or in a bow, or rolled up as a ring, with a buckle."""
    width = _DRAWN * chance.uniform(0.05, 0.12)
    near, far = 0.06 * _DRAWN, 0.94 * _DRAWN
    height = _DRAWN * chance.uniform(0.3, 0.7)
    match chance.choice(["straight", "bow", "ring"]):
        case "straight":
            draw.rectangle((near, height, far, height + width), colour)
            left = near
        case "bow":
            draw.arc((near, height - width, far, height + _DRAWN * 0.5), 180, 360, colour, round(width))
            left, height = near, height + _DRAWN * 0.25
        case _:
            flat = _DRAWN * chance.uniform(0.15, 0.4)
            for turn in range(chance.randint(1, 3)):
                inset = near + 1.2 * turn * width
                box = (inset, _DRAWN / 2 - flat + inset - near, _DRAWN - inset, _DRAWN / 2 + flat - inset + near)
                if box[3] > box[1]:
                    draw.ellipse(box, None, colour, round(width))
            left, height = _DRAWN / 2 - width, _DRAWN / 2 + flat - width
    buckle = (left, height - 0.25 * width, left + 1.6 * width, height + 1.25 * width)
    draw.rectangle(buckle, None, _colour(chance), max(3, round(width / 5)))


def _glasses(draw: Draw, colour: Colour, chance: random.Random) -> None:
    """Two lenses, dark or clear, a bridge, and the temples folded away or seen from the side."""
    wide, high = _DRAWN * chance.uniform(0.16, 0.22), _DRAWN * chance.uniform(0.11, 0.2)
    middle, gap, rim = _DRAWN / 2, _DRAWN * chance.uniform(0.02, 0.05), chance.randint(3, 12)
    dark = (*_colour(chance), chance.choice([0, 255, 255]))
    for side in (-1, 1):
        centre = middle + side * (gap + wide)
        lens = (centre - wide, middle - high, centre + wide, middle + high)
        if chance.random() < 0.5:
            draw.ellipse(lens, dark, colour, rim)
        else:
            draw.rounded_rectangle(lens, high * chance.uniform(0.3, 0.9), dark, colour, rim)
        end = middle + side * 0.47 * _DRAWN
        outer = centre + side * wide
        draw.line([(outer, middle - high / 2), (end, middle - high / 2 + _DRAWN * chance.uniform(0, 0.3))], colour, rim)
    draw.arc((middle - 1.5 * gap, middle - high / 2, middle + 1.5 * gap, middle + high / 2), 180, 360, colour, rim)


def _colour(chance: random.Random) -> Colour:
    """Leather and metal more often than any colour."""
    if chance.random() < 0.4:
        return any_colour(chance)
    lightness = chance.uniform(0.05, 0.9)
    red, green, blue = chance.choice([(255, 255, 255), (255, 170, 90), (255, 215, 130)])
    return (round(red * lightness), round(green * lightness), round(blue * lightness))


_KINDS: Final[tuple[Callable[[Draw, Colour, random.Random], None], ...]] = (_watch, _belt, _glasses)

"""Outlier-exposure negatives: synthetic shop pictures of watches, belts and glasses.

Clothes shops sell them, they are none of the classes, and none of the datasets here has them.
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
from handler.inference.preprocessing import preprocessed_views
from model_build.datasets.randomness import Colour, random_colour, random_threshold
from model_build.datasets.shop_pictures import SIDE, background
from model_build.progress import track

_DRAWN: Final = 2 * SIDE  # drawn twice as large, so that edges are smooth

Draw = ImageDraw.ImageDraw


def accessory_images(count: int, seed: int) -> Tensor:
    """(count, 28, 28) uint8, preprocessed as photos are: watches, belts and glasses in equal parts."""
    rng = random.Random(f"accessories {seed}")
    pictures = (accessory(rng) for _ in track(range(count), "synthesizing accessories"))
    images = [preprocessed_views(picture, [random_threshold(rng)])[0].pixels for picture in pictures]
    return torch.from_numpy(np.array(images, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE))


def accessory(rng: random.Random) -> Image.Image:
    """A shop picture (RGB) of one accessory, rotated by a small or any angle."""
    colour = _colour(rng)
    drawn = accessory_cutout(rng, colour)
    angle = rng.choice([rng.gauss(0, 8), rng.uniform(0, 360)])
    scale = rng.uniform(0.5, 1)
    side = max(8, round(SIDE * scale))
    cutout = drawn.rotate(angle, Image.Resampling.BICUBIC).resize((side, side), Image.Resampling.LANCZOS)
    picture = background(np.array(colour, float), rng)
    spare = SIDE - side
    picture.paste(cutout, (rng.randint(0, spare), rng.randint(0, spare)), cutout)
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))


def accessory_cutout(rng: random.Random, colour: Colour | None = None) -> Image.Image:
    """One accessory (RGBA, square), most of it in `colour` or in a random one."""
    colour = colour or _colour(rng)
    drawn = Image.new("RGBA", (_DRAWN, _DRAWN), (*colour, 0))
    rng.choice(_KINDS)(ImageDraw.Draw(drawn), colour, rng)
    return drawn


def _watch(draw: Draw, colour: Colour, rng: random.Random) -> None:
    """A strap with a case on it, a dial and hands."""
    middle, radius = _DRAWN / 2, _DRAWN * rng.uniform(0.14, 0.24)
    strap, length = radius * rng.uniform(0.5, 0.9), _DRAWN * rng.uniform(0.36, 0.48)
    draw.rounded_rectangle((middle - strap, middle - length, middle + strap, middle + length), strap / 3, colour)
    for step in range(rng.choice([0, 0, 6, 12])):  # links, or holes
        height = middle - length + step * length / 6
        draw.line((middle - strap, height, middle + strap, height), _colour(rng), 2)
    case = (middle - radius, middle - radius, middle + radius, middle + radius)
    if rng.random() < 0.75:
        draw.ellipse(case, _colour(rng), colour, round(radius * 0.15))
    else:
        draw.rounded_rectangle(case, radius / 4, _colour(rng), colour, round(radius * 0.15))
    for _ in range(2):
        turn = rng.uniform(0, 2 * math.pi)
        tip = (middle + 0.7 * radius * math.sin(turn), middle - 0.7 * radius * math.cos(turn))
        draw.line([(middle, middle), tip], _colour(rng), 4)


def _belt(draw: Draw, colour: Colour, rng: random.Random) -> None:
    """Straight, bent or rolled up, with a buckle."""
    width = _DRAWN * rng.uniform(0.05, 0.12)
    near, far = 0.06 * _DRAWN, 0.94 * _DRAWN
    height = _DRAWN * rng.uniform(0.3, 0.7)
    match rng.choice(["straight", "bent", "rolled up"]):
        case "straight":
            draw.rectangle((near, height, far, height + width), colour)
            left = near
        case "bent":
            draw.arc((near, height - width, far, height + _DRAWN * 0.5), 180, 360, colour, round(width))
            left, height = near, height + _DRAWN * 0.25
        case _:
            flat = _DRAWN * rng.uniform(0.15, 0.4)
            for turn in range(rng.randint(1, 3)):
                inset = near + 1.2 * turn * width
                box = (inset, _DRAWN / 2 - flat + inset - near, _DRAWN - inset, _DRAWN / 2 + flat - inset + near)
                if box[3] > box[1]:
                    draw.ellipse(box, None, colour, round(width))
            left, height = _DRAWN / 2 - width, _DRAWN / 2 + flat - width
    buckle = (left, height - 0.25 * width, left + 1.6 * width, height + 1.25 * width)
    draw.rectangle(buckle, None, _colour(rng), max(3, round(width / 5)))


def _glasses(draw: Draw, colour: Colour, rng: random.Random) -> None:
    """Two lenses, dark or clear, a bridge, and the temples, straight or slanted."""
    wide, high = _DRAWN * rng.uniform(0.16, 0.22), _DRAWN * rng.uniform(0.11, 0.2)
    middle, gap, rim = _DRAWN / 2, _DRAWN * rng.uniform(0.02, 0.05), rng.randint(3, 12)
    dark = (*_colour(rng), rng.choice([0, 255, 255]))
    for side in (-1, 1):
        centre = middle + side * (gap + wide)
        lens = (centre - wide, middle - high, centre + wide, middle + high)
        if rng.random() < 0.5:
            draw.ellipse(lens, dark, colour, rim)
        else:
            draw.rounded_rectangle(lens, high * rng.uniform(0.3, 0.9), dark, colour, rim)
        end = middle + side * 0.47 * _DRAWN
        outer = centre + side * wide
        draw.line([(outer, middle - high / 2), (end, middle - high / 2 + _DRAWN * rng.uniform(0, 0.3))], colour, rim)
    draw.arc((middle - 1.5 * gap, middle - high / 2, middle + 1.5 * gap, middle + high / 2), 180, 360, colour, rim)


def _colour(rng: random.Random) -> Colour:
    """Of leather or metal in most cases, else a random one."""
    if rng.random() < 0.4:
        return random_colour(rng)
    lightness = rng.uniform(0.05, 0.9)
    red, green, blue = rng.choice([(255, 255, 255), (255, 170, 90), (255, 215, 130)])
    return (round(red * lightness), round(green * lightness), round(blue * lightness))


_KINDS: Final[tuple[Callable[[Draw, Colour, random.Random], None], ...]] = (_watch, _belt, _glasses)

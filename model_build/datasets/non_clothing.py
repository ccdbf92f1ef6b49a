"""A count and a seed in, pictures of no clothing out, as the model will see them."""

import random
import string
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor

from handler.contract import IMAGE_SIDE, Views
from handler.inference.preprocessing import CUTS, conversions, views_of
from model_build.progress import track

_SIDE: Final = 112  # of a picture before its conversion, in pixels

Colour = tuple[int, int, int]


def unknown_images(count: int, seed: int, *, with_text: bool = True) -> Tensor:
    """(count, 28, 28) uint8: noise, blank grounds, gradients, text, drawings and stripes in equal parts."""
    drawn = _drawn(count, seed, with_text)
    images = [conversions(picture, CUTS[:1])[0].pixels for picture in drawn]
    return torch.from_numpy(np.array(images, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE))


def unknown_views(count: int, seed: int, *, with_text: bool = True) -> list[Views]:
    """The same, each in all its views: uint8 (views, 1, 28, 28)."""
    return [views_of(picture)[0][:, np.newaxis] for picture in _drawn(count, seed, with_text)]


def _drawn(count: int, seed: int, with_text: bool) -> Iterator[Image.Image]:
    chance = random.Random(seed)
    kinds = [kind for kind in _KINDS if with_text or kind is not _text]
    for draw in track([kinds[number % len(kinds)] for number in range(count)], "drawing pictures of no clothing"):
        yield draw(chance)


def _noise(chance: random.Random) -> Image.Image:
    generator = np.random.default_rng(chance.getrandbits(32))
    side = chance.choice([4, 8, 16, 28, 56, _SIDE])
    noise = Image.fromarray(generator.integers(0, 256, (side, side, 3), np.uint8))
    return noise.resize((_SIDE, _SIDE), chance.choice([Image.Resampling.NEAREST, Image.Resampling.BICUBIC]))


def _blank(chance: random.Random) -> Image.Image:
    generator = np.random.default_rng(chance.getrandbits(32))
    grain = generator.normal(0, chance.uniform(0, 12), (_SIDE, _SIDE, 3))
    return Image.fromarray(np.clip(np.array(_colour(chance)) + grain, 0, 255).astype(np.uint8))


def _gradient(chance: random.Random) -> Image.Image:
    ramp = Image.linear_gradient("L") if chance.random() < 0.5 else Image.radial_gradient("L")
    ramp = ramp.rotate(chance.uniform(0, 360)).resize((_SIDE, _SIDE))
    return Image.composite(_canvas(chance), _canvas(chance), ramp)


def _text(chance: random.Random) -> Image.Image:
    picture = _canvas(chance)
    draw = ImageDraw.Draw(picture)
    size = chance.uniform(8, 60)
    font = ImageFont.load_default(size)
    colour = _colour(chance)
    for line in range(chance.randint(1, 9)):
        letters = "".join(chance.choices(string.ascii_letters + string.digits + "   ", k=chance.randint(1, 16)))
        draw.text((chance.uniform(-10, 30), line * size * 1.2 + chance.uniform(-5, 20)), letters, colour, font)
    return picture


def _drawing(chance: random.Random) -> Image.Image:
    picture = _canvas(chance)
    draw = ImageDraw.Draw(picture)
    for _ in range(chance.randint(1, 6)):
        points = [(chance.uniform(0, _SIDE), chance.uniform(0, _SIDE)) for _ in range(chance.randint(2, 7))]
        (left, right), (top, bottom) = (sorted(side) for side in zip(*points[:2], strict=True))
        colour, width = _colour(chance), chance.randint(1, 12)
        match chance.choice(["ellipse", "arc", "line", "polygon", "box"]):
            case "ellipse":
                draw.ellipse((left, top, right, bottom), colour)
            case "arc":
                draw.arc((left, top, right, bottom), 0, chance.uniform(90, 360), colour, width)
            case "line":
                draw.line(points, colour, width)
            case "polygon":
                draw.polygon(points, colour)
            case "box":
                draw.rectangle((left, top, right, bottom), colour)
    return picture.filter(ImageFilter.GaussianBlur(chance.uniform(0, 2)))


def _stripes(chance: random.Random) -> Image.Image:
    picture = _canvas(chance)
    draw = ImageDraw.Draw(picture)
    step = chance.randint(4, 30)
    for position in range(-_SIDE, 2 * _SIDE, step):
        draw.line((position, -_SIDE, position + chance.choice([0, 0, 20]), 2 * _SIDE), _colour(chance), step // 2)
    return picture.rotate(chance.uniform(0, 180))


def _canvas(chance: random.Random) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), _colour(chance))


def _colour(chance: random.Random) -> Colour:
    return (chance.randrange(256), chance.randrange(256), chance.randrange(256))


_KINDS: Final[tuple[Callable[[random.Random], Image.Image], ...]] = (
    _noise,
    _blank,
    _gradient,
    _text,
    _drawing,
    _stripes,
)

"""Outlier-exposure negatives: synthetic images of no clothing, such as noise, text and stripes."""

import random
import string
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor

from handler.contract import IMAGE_SIDE, Views
from handler.inference.preprocessing import THRESHOLDS, preprocessed_views, views_of
from model_build.datasets.randomness import random_colour
from model_build.progress import track

_SIDE: Final = 112  # of an image before preprocessing, in pixels


def non_clothing_images(count: int, seed: int, *, with_text: bool = True) -> Tensor:
    """(count, 28, 28) uint8: noise, blanks, gradients, text, drawings and stripes in equal parts; preprocessed."""
    drawn = _drawn(count, seed, with_text)
    pixels = [preprocessed_views(image, THRESHOLDS[:1])[0].pixels for image in drawn]
    return torch.from_numpy(np.array(pixels, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE))


def non_clothing_views(count: int, seed: int, *, with_text: bool = True) -> list[Views]:
    """The same images, each in all its views: uint8 (views, 1, 28, 28)."""
    return [views_of(image)[0][:, np.newaxis] for image in _drawn(count, seed, with_text)]


def _drawn(count: int, seed: int, with_text: bool) -> Iterator[Image.Image]:
    rng = random.Random(seed)
    kinds = [kind for kind in _KINDS if with_text or kind is not _text]
    for draw in track([kinds[number % len(kinds)] for number in range(count)], "synthesizing images of no clothing"):
        yield draw(rng)


def _noise(rng: random.Random) -> Image.Image:
    generator = np.random.default_rng(rng.getrandbits(32))
    side = rng.choice([4, 8, 16, 28, 56, _SIDE])
    noise = Image.fromarray(generator.integers(0, 256, (side, side, 3), np.uint8))
    return noise.resize((_SIDE, _SIDE), rng.choice([Image.Resampling.NEAREST, Image.Resampling.BICUBIC]))


def _blank(rng: random.Random) -> Image.Image:
    generator = np.random.default_rng(rng.getrandbits(32))
    grain = generator.normal(0, rng.uniform(0, 12), (_SIDE, _SIDE, 3))
    return Image.fromarray(np.clip(np.array(random_colour(rng)) + grain, 0, 255).astype(np.uint8))


def _gradient(rng: random.Random) -> Image.Image:
    ramp = Image.linear_gradient("L") if rng.random() < 0.5 else Image.radial_gradient("L")
    ramp = ramp.rotate(rng.uniform(0, 360)).resize((_SIDE, _SIDE))
    return Image.composite(_canvas(rng), _canvas(rng), ramp)


def _text(rng: random.Random) -> Image.Image:
    image = _canvas(rng)
    draw = ImageDraw.Draw(image)
    size = rng.uniform(8, 60)
    font = ImageFont.load_default(size)
    colour = random_colour(rng)
    for line in range(rng.randint(1, 9)):
        letters = "".join(rng.choices(string.ascii_letters + string.digits + "   ", k=rng.randint(1, 16)))
        draw.text((rng.uniform(-10, 30), line * size * 1.2 + rng.uniform(-5, 20)), letters, colour, font)
    return image


def _drawing(rng: random.Random) -> Image.Image:
    image = _canvas(rng)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(1, 6)):
        points = [(rng.uniform(0, _SIDE), rng.uniform(0, _SIDE)) for _ in range(rng.randint(2, 7))]
        (left, right), (top, bottom) = (sorted(side) for side in zip(*points[:2], strict=True))
        colour, width = random_colour(rng), rng.randint(1, 12)
        match rng.choice(["ellipse", "arc", "line", "polygon", "box"]):
            case "ellipse":
                draw.ellipse((left, top, right, bottom), colour)
            case "arc":
                draw.arc((left, top, right, bottom), 0, rng.uniform(90, 360), colour, width)
            case "line":
                draw.line(points, colour, width)
            case "polygon":
                draw.polygon(points, colour)
            case "box":
                draw.rectangle((left, top, right, bottom), colour)
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))


def _stripes(rng: random.Random) -> Image.Image:
    image = _canvas(rng)
    draw = ImageDraw.Draw(image)
    step = rng.randint(4, 30)
    for position in range(-_SIDE, 2 * _SIDE, step):
        draw.line((position, -_SIDE, position + rng.choice([0, 0, 20]), 2 * _SIDE), random_colour(rng), step // 2)
    return image.rotate(rng.uniform(0, 180))


def _canvas(rng: random.Random) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), random_colour(rng))


_KINDS: Final[tuple[Callable[[random.Random], Image.Image], ...]] = (
    _noise,
    _blank,
    _gradient,
    _text,
    _drawing,
    _stripes,
)

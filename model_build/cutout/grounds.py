"""Grounds for composites: shop white, patches of the photos' own grounds, walls with furniture, and light on them."""

import random
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from model_build.cutout.garments import cloth_colour
from model_build.cutout.trusted import SIDE, trusted_photos
from model_build.datasets.mnist import DATA_DIR
from model_build.datasets.randomness import random_colour

_SMALLEST_STRIP: Final = 20  # pixels of a photo beside its garment

Colour = tuple[int, int, int]


def shop_ground(rng: random.Random, side: int) -> Image.Image:
    """RGB: white in most cases, else black, one colour, or a gradient of it."""
    if rng.random() < 0.65:
        return Image.new("RGB", (side, side), (rng.choice([255, 255, 250, rng.randint(232, 255)]),) * 3)
    if rng.random() < 0.15:
        return Image.new("RGB", (side, side), (rng.choice([0, 0, rng.randint(0, 30)]),) * 3)
    plain = Image.new("RGB", (side, side), _wall_colour(rng))
    return _shaded(plain, rng) if rng.random() < 0.7 else plain


def home_ground(rng: random.Random, side: int, root: Path = DATA_DIR) -> Image.Image:
    """RGB: floor, bed, table or carpet of a photo; or a wall, with furniture in front of it."""
    if len(trusted_photos(root)) and rng.random() < 0.6:
        ground = _of_photo(rng, side, root)
    else:
        ground = _textured(rng, side) if rng.random() < 0.6 else Image.new("RGB", (side, side), _wall_colour(rng))
    if rng.random() < 0.35:
        _draw_furniture(ground, rng)
    return _shaded(ground, rng) if rng.random() < 0.5 else ground


def _wall_colour(rng: random.Random) -> Colour:
    if rng.random() < 0.6:
        return _colour(np.array([rng.uniform(90, 250)] * 3) + [rng.uniform(-12, 12) for _ in range(3)])
    return random_colour(rng)


def _of_photo(rng: random.Random, side: int, root: Path) -> Image.Image:
    """The widest strip beside the garment, mirrored until it fills the square."""
    photos = trusted_photos(root)
    place = rng.randrange(len(photos))
    mask = Image.fromarray(np.array(photos.masks[place])).convert("L").filter(ImageFilter.MaxFilter(7))
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    strips = [(0, 0, left, SIDE), (right, 0, SIDE, SIDE), (0, 0, SIDE, top), (0, bottom, SIDE, SIDE)]
    strip = max(strips, key=lambda box: min(box[2] - box[0], box[3] - box[1]))
    if min(strip[2] - strip[0], strip[3] - strip[1]) < _SMALLEST_STRIP:
        return _textured(rng, side)
    patch = np.asarray(Image.fromarray(np.array(photos.images[place])).crop(strip))
    rows, columns = SIDE - patch.shape[0], SIDE - patch.shape[1]
    filled = np.pad(patch, ((0, rows), (0, columns), (0, 0)), "symmetric")
    turned = Image.fromarray(filled).rotate(rng.choice([0, 0, 90, 180, 270]))
    inner = rng.uniform(0.5, 1) * SIDE
    at = rng.uniform(0, SIDE - inner), rng.uniform(0, SIDE - inner)
    return turned.resize((side, side), Image.Resampling.BICUBIC, (*at, at[0] + inner, at[1] + inner))


def _textured(rng: random.Random, side: int) -> Image.Image:
    """Two colours in the grain of cloth, wood or stone, or in stripes, boards or tiles."""
    first = _wall_colour(rng)
    far = rng.choice([15, 40, 90])
    second = _colour(
        np.array(first) + [rng.uniform(-far, far)] * 3 + np.array([rng.uniform(-10, 10) for _ in range(3)])
    )
    rows, columns = (rng.choice([2, 5, 16, 40, side]) for _ in range(2))
    cells = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (rows, columns)).astype(np.uint8)
    if rng.random() < 0.3:
        cells = np.where(np.add.outer(np.arange(rows), np.arange(columns)) % 2, 255, 0).astype(np.uint8)
    how = rng.choice([Image.Resampling.BICUBIC, Image.Resampling.NEAREST])
    share = Image.fromarray(cells).resize((side, side), how)
    return Image.composite(Image.new("RGB", share.size, first), Image.new("RGB", share.size, second), share)


def _draw_furniture(ground: Image.Image, rng: random.Random) -> None:
    """Shelves, doors, rugs, bed edges: blocks at the sides of the picture, often darker than the wall."""
    side, draw = ground.width, ImageDraw.Draw(ground)
    for _ in range(rng.randint(1, 3)):
        colour = _colour(cloth_colour(rng) * rng.uniform(0.3, 1))
        depth, start, length = (
            rng.uniform(0.05, 0.3) * side,
            rng.uniform(-0.3, 0.7) * side,
            rng.uniform(0.3, 1.3) * side,
        )
        match rng.choice(["left", "right", "top", "bottom"]):
            case "left":
                draw.rectangle((0, start, depth, start + length), colour)
            case "right":
                draw.rectangle((side - depth, start, side, start + length), colour)
            case "top":
                draw.rectangle((start, 0, start + length, depth), colour)
            case _:
                draw.rectangle((start, side - depth, start + length, side), colour)


def _shaded(ground: Image.Image, rng: random.Random) -> Image.Image:
    """Light that falls off to one side, or a soft round shadow."""
    side = ground.width
    kind = Image.linear_gradient("L") if rng.random() < 0.6 else Image.radial_gradient("L")
    light = kind.rotate(rng.uniform(0, 360), fillcolor=128).resize((side, side))
    low, high = rng.uniform(0.5, 0.95), rng.uniform(0.95, 1)
    light = light.point([round(255 * (low + (high - low) * value / 255)) for value in range(256)])
    return ImageChops.multiply(ground, light.convert("RGB"))


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (int(value) for value in values.clip(0, 255))
    return red, green, blue

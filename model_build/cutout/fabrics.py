"""Fabrics for drawn garments: cloth out of photos, or one colour, stripes, checks and prints."""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from model_build.cutout.bodies import Colour, rgb
from model_build.cutout.garments import cloth_colour, woven
from model_build.cutout.trusted import trusted_photos

_FROM_PHOTO: Final = 0.5
_SMALLEST: Final = 24  # pixels of a patch


def fabric(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """RGB of `size`, all of it cloth."""
    patch = _of_photo(rng, size) if rng.random() < _FROM_PHOTO and len(trusted_photos()) else None
    return patch or _of_colours(rng, size)


def in_parts(cloth: Image.Image, seams: Sequence[float], rng: random.Random) -> Image.Image:
    """`cloth`, and below each of `seams`, in pixels from the top, another one."""
    parts = cloth.copy()
    for seam in seams:
        parts.paste(fabric(rng, cloth.size), (0, round(seam)))
    return parts


def _of_photo(rng: random.Random, size: tuple[int, int]) -> Image.Image | None:
    """A patch of a photo's garment, mirrored until it fills `size`; None if the garment has none as large."""
    photos = trusted_photos()
    place = rng.randrange(len(photos))
    mask = np.asarray(photos.masks[place])
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = (int(np.quantile(each, rng.uniform(0.25, 0.5))) for each in (rows, columns))
    high, wide = (int(rng.uniform(0.2, 0.45) * len(each)) for each in (rows, columns))
    if min(high, wide) < _SMALLEST or not mask[top : top + high, left : left + wide].all():
        return None
    patch = Image.fromarray(np.array(photos.images[place])[top : top + high, left : left + wide])
    scale = rng.uniform(1, 3) * size[0] / 384
    patch = patch.resize((round(wide * scale) + 1, round(high * scale) + 1), Image.Resampling.BICUBIC)
    pixels = np.asarray(patch)
    lacking = [(0, max(0, wanted - given)) for wanted, given in zip(size[::-1], pixels.shape[:2], strict=True)]
    filled = np.pad(pixels, (*lacking, (0, 0)), "symmetric")
    return Image.fromarray(filled[: size[1], : size[0]])


def _of_colours(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    colours = cloth_colour(rng) + np.zeros((size[1], size[0], 3))
    if rng.random() < 0.4:
        share = woven((size[1], size[0]), rng)[..., None]
        colours = colours * (1 - share) + cloth_colour(rng) * share
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


def darker(cloth: Image.Image, share: float) -> Colour:
    """The mean colour of `cloth`, times `share`."""
    return rgb(np.asarray(cloth.resize((1, 1), Image.Resampling.BOX), np.float64)[0, 0] * share)


def shaded(cloth: Image.Image, part: Image.Image, rng: random.Random) -> Image.Image:
    """`cloth` with folds, darker towards the outline of `part`."""
    side = cloth.width
    folds = Image.new("L", cloth.size, 128)
    draw = ImageDraw.Draw(folds)
    for _ in range(rng.randint(3, 25)):
        x, y, far = rng.uniform(0, side), rng.uniform(0, side), side * rng.uniform(0.03, 0.25)
        end = (x + rng.uniform(-far, far), y + rng.uniform(-far / 3, far))
        draw.line([(x, y), end], rng.choice([70, 100, 160, 190]), rng.randint(2, max(3, side // 50)))
    relief = np.asarray(folds.filter(ImageFilter.GaussianBlur(side / 120)), np.float32) / 128
    round_ = np.asarray(part.filter(ImageFilter.GaussianBlur(side / rng.uniform(25, 60))), np.float32) / 255
    strength = 1 + rng.uniform(0.1, 0.8) * (relief - 1)
    shade = strength * (1 - rng.uniform(0.1, 0.6) * (1 - round_))
    return Image.fromarray((np.asarray(cloth, np.float32) * shade[..., None]).clip(0, 255).astype(np.uint8))

"""Training images of the colour network: photos and composites, decoded once and altered each time they are shown."""

import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from torch import Tensor

from handler.inference.decoding import decode
from model_build.colour.recipe import SIDE, STORED_SIDE
from model_build.datasets.clothing_photos import ClothingPhoto
from model_build.datasets.weights import balanced
from model_build.run_files import save_array

NONE: Final = 10  # the class of what is none of the ten
_MAX_PIXELS: Final = 50_000_000

Stored = NDArray[np.uint8]


@dataclass(frozen=True)
class ColourImages:
    """`images` (N, 192, 192, 3) uint8, `classes` (N,) 0 to 10, and how likely each is to be drawn."""

    images: Stored
    classes: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)


def stored_photos(photos: list[ClothingPhoto], cache: Path) -> ColourImages:
    """`photos` as arrays, cached in the file `cache`; rare kinds are drawn more often than they occur."""
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        save_array(cache, np.stack([stored(_decoded(photo.path)) for photo in photos]))
    images = np.load(cache, mmap_mode="r")
    if len(images) != len(photos):
        raise ValueError(f"{cache} holds {len(images)} photos, but there are {len(photos)}: delete it")
    classes = [NONE if photo.class_id is None else photo.class_id for photo in photos]
    return ColourImages(images, np.array(classes), balanced([photo.kind for photo in photos]))


def stored(image: Image.Image) -> Stored:
    """(192, 192, 3): the whole image, whatever its shape, as `squeezed` makes it of other sides."""
    return np.asarray(image.convert("RGB").resize((STORED_SIDE, STORED_SIDE), Image.Resampling.BILINEAR))


def altered(image: Stored, rng: random.Random, side: int = SIDE) -> Stored:
    """(side, side, 3): another crop, turn, light, colour and sharpness of a stored image."""
    picture = _framed(Image.fromarray(image), rng, side)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return np.asarray(_degraded(_lit(picture, rng), rng))


def batch(images: Iterable[Stored]) -> Tensor:
    """uint8 (N, 3, side, side), channels last in memory."""
    return torch.from_numpy(np.stack(list(images))).permute(0, 3, 1, 2)


def as_served(image: Stored, side: int = SIDE) -> Stored:
    """(side, side, 3) of a stored image, without alterations."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def _decoded(path: Path) -> Image.Image:
    return decode(path.read_bytes(), _MAX_PIXELS, STORED_SIDE)


def _framed(picture: Image.Image, rng: random.Random, side: int) -> Image.Image:
    """A part of the picture, in its aspect or nearly so; turned a little, or by a multiple of 90 degrees."""
    if rng.random() < 0.35:
        picture = picture.rotate(rng.gauss(0, 10), Image.Resampling.BILINEAR, fillcolor=picture.getpixel((1, 1)))
    width, height = (picture.width * rng.uniform(0.7, 1) for _ in range(2))
    left, top = rng.uniform(0, picture.width - width), rng.uniform(0, picture.height - height)
    box = (left, top, left + width, top + height)
    framed = picture.resize((side, side), Image.Resampling.BILINEAR, box)
    return framed.rotate(rng.choice([90, 180, 270])) if rng.random() < 0.12 else framed


def _lit(picture: Image.Image, rng: random.Random) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        if rng.random() < 0.6:
            picture = enhance(picture).enhance(rng.uniform(0.55, 1.45))
    if rng.random() < 0.15:  # another hue
        channels = list(picture.split())
        rng.shuffle(channels)
        picture = Image.merge("RGB", channels)
    return picture


def _degraded(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Sometimes blurred, as small as a thumbnail, or compressed."""
    kind = rng.random()
    if kind < 0.12:
        return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8)))
    if kind < 0.2:
        small = (rng.randint(48, 100),) * 2
        return picture.resize(small, Image.Resampling.BILINEAR).resize(picture.size, Image.Resampling.BICUBIC)
    if kind < 0.35:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=rng.randint(12, 60))
        return Image.open(file).convert("RGB")
    return picture

"""Sources of training images of the colour network: photos in three framings, composites, enlarged images of datasets.

A source draws a stored image and its class; alterations of light and camera come afterwards.
"""

import random
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_build.colour.images import NONE, ColourImages, Stored
from model_build.colour.recipe import STORED_SIDE

_WHOLE: Final = 0.5  # shares of the photos that are shown
_PART: Final = 0.3  # the rest has another ground
_FOREGROUND: Final = 110  # of 255: a mask's places above are of the garment
_SMALLEST: Final = 60  # places of a mask (64, 64) that make a garment
_MARGIN: Final = 0.25  # the most that is left around a garment, in its widths and heights
_RESAMPLING: Final = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)

Box = tuple[float, float, float, float]


class Source(Protocol):
    """Where training images come from."""

    def drawn(self, rng: random.Random) -> tuple[Stored, int]:
        """A stored image (192, 192, 3), and its class, 0 to 10."""


class Images:
    """Stored images as they are, each drawn by its weight."""

    def __init__(self, images: ColourImages) -> None:
        self._images, self._bounds = images, np.cumsum(images.weights)

    def drawn(self, rng: random.Random) -> tuple[Stored, int]:
        place = self.place(rng)
        return np.array(self._images.images[place]), int(self._images.classes[place])

    def place(self, rng: random.Random) -> int:
        return min(int(np.searchsorted(self._bounds, rng.random() * self._bounds[-1])), len(self._images) - 1)


class Photos(Images):
    """Photos: whole, cut to their garment, or the garment alone on white or another colour, as in shops."""

    def __init__(self, photos: ColourImages, masks: NDArray[np.uint8]) -> None:
        """`masks` (N, 64, 64), 0 to 255: how likely a place is of the garment."""
        super().__init__(photos)
        self._masks = masks

    def drawn(self, rng: random.Random) -> tuple[Stored, int]:
        place = self.place(rng)
        image, mask, framing = np.array(self._images.images[place]), self._masks[place], rng.random()
        box = _garment_box(mask, rng)
        if framing >= _WHOLE and box is not None:
            picture = Image.fromarray(image)
            if framing >= _WHOLE + _PART:
                picture = _on_other_ground(picture, mask, box, rng)
            else:
                picture = picture.resize(picture.size, Image.Resampling.BILINEAR, box)
            image = np.asarray(picture)
        return image, int(self._images.classes[place])


@dataclass(frozen=True)
class Enlarged:
    """Images (N, 28, 28) of Fashion-MNIST as users see them: enlarged, negated, in colours. They keep their class.

    Digits and noise in the same manner are none of the classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    others: NDArray[np.uint8]

    def drawn(self, rng: random.Random) -> tuple[Stored, int]:
        kind = rng.random()
        if kind < 0.75:
            place = rng.randrange(len(self.images))
            return _enlarged(self.images[place], rng), int(self.labels[place])
        if kind < 0.9:
            return _enlarged(self.others[rng.randrange(len(self.others))], rng), NONE
        return _enlarged(_noise(rng), rng), NONE


def _garment_box(mask: NDArray[np.uint8], rng: random.Random) -> Box | None:
    """Around the garment with a random margin, in pixels of a stored image; None if there is no garment."""
    rows, columns = np.nonzero(mask > _FOREGROUND)
    if len(rows) < _SMALLEST:
        return None
    (top, bottom), (left, right) = (np.quantile(each, [0.01, 0.99]) for each in (rows, columns))
    high, wide = bottom + 1 - top, right + 1 - left
    before, above, after, below = (rng.uniform(0, _MARGIN) for _ in range(4))
    edges = (left - before * wide, top - above * high, left + (1 + after) * wide, top + (1 + below) * high)
    first, second, third, fourth = (float(np.clip(e / len(mask), 0, 1)) * STORED_SIDE for e in edges)
    return first, second, third, fourth


def _on_other_ground(picture: Image.Image, mask: NDArray[np.uint8], box: Box, rng: random.Random) -> Image.Image:
    kind = rng.random()
    colour = (255,) * 3 if kind < 0.6 else (rng.randint(200, 255),) * 3 if kind < 0.8 else _colour(rng)
    ground = Image.new("RGB", picture.size, colour)
    outline = Image.fromarray(mask).resize(picture.size, Image.Resampling.BICUBIC)
    alone = Image.composite(picture, ground, outline.point(lambda value: min(255, max(0, (value - 128) * 4 + 128))))
    if rng.random() < 0.5:
        return alone
    long = STORED_SIDE * rng.uniform(0.5, 0.95)
    size = (round(long * rng.uniform(0.75, 1)), round(long))
    wide, high = size if rng.random() < 0.7 else size[::-1]
    garment = alone.resize((wide, high), Image.Resampling.BILINEAR, box)
    ground.paste(garment, ((STORED_SIDE - wide) // 2, (STORED_SIDE - high) // 2))
    return ground


def _enlarged(image: NDArray[np.uint8], rng: random.Random) -> Stored:
    margin = rng.randint(1, 12) if rng.random() < 0.4 else 0
    framed = Image.fromarray(np.pad(image, margin)).resize((STORED_SIDE, STORED_SIDE), rng.choice(_RESAMPLING))
    share = np.asarray(framed, np.float32)[..., None] / 255
    kind = rng.random()
    ground, object_ = np.zeros(3), np.full(3, 255)
    if kind >= 0.85:
        ground, object_ = np.array(_colour(rng)), np.array(_colour(rng))
    elif kind >= 0.7:
        ground, object_ = np.full(3, 255 if rng.random() < 0.6 else 0), np.array(_colour(rng))
    elif kind >= 0.4:
        ground, object_ = object_, ground
    return (ground * (1 - share) + object_ * share).astype(np.uint8)


def _noise(rng: random.Random) -> NDArray[np.uint8]:
    cells = rng.randint(1, 28)
    grey = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (cells, cells), np.uint8)
    return np.asarray(Image.fromarray(grey).resize((28, 28), Image.Resampling.BICUBIC))


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)

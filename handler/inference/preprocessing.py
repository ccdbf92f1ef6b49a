"""A picture in, the 28x28 pixels that the model was trained on out: a bright garment on a black ground.

After H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST" (arXiv 1708.07747), section 2: trim, resize the longer side
to 28, sharpen, centre, negate. The paper's pictures stand on a clear ground; for people's photos the ground is found
first, as whatever differs little in colour from the picture's border, and blackened. How little is uncertain, so that
a photo is cut out several times, and the model's answers to these views are averaged: test-time augmentation, as
A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet Classification", NIPS 2012, section 4.1, do it with crops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handler.contract import IMAGE_SIDE, Frame

# The longer side, in pixels, at which the garment is cut out: eight times what the model sees.
DETAIL_SIDE: Final = 8 * IMAGE_SIDE

# The longer side at which garment and ground are told apart: at 56, 64, 96 and 128 a model that had seen no photo got
# 58, 57, 55 and 57 % of 630 photos right.
_GROUND_SIDE: Final = 2 * IMAGE_SIDE

# How large a difference in colour parts a garment from its ground, in multiples of Otsu's threshold: one for each view.
# Of 290 photos a model got 79 % right with the first alone, 84 % with all; of 255 others 81 and 83 %.
CUTS: Final = (1.0, 0.8, 0.65, 1.25)

_BORDER_SHARE = 0.05  # of the shorter side
_SMALLEST_CONTRAST = 8.0  # grey levels; less than this is noise, not a garment
_BRIGHT, _DARKEST = 200.0, 20.0  # a garment's brightest tenth is lifted to _BRIGHT, from _DARKEST on
_OPAQUE = 128  # an alpha value from here on counts as garment
_SMALLEST_PART = 0.15  # of the largest part's area

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Conversion:
    """A picture on its way to the model, step by step."""

    reduced: Image.Image  # the picture, its longer side at most DETAIL_SIDE
    garment: Mask  # (H, W) of `reduced`: where the garment is
    brightened: Grey  # (H, W), 0 to 255: the garment bright, the ground black
    trimmed: Image.Image  # what holds the garment
    pixels: NDArray[np.uint8]  # (28, 28)
    frame: Frame  # which part of the picture the pixels show


def views_of(picture: Image.Image) -> tuple[NDArray[np.uint8], Frame]:
    """What the model sees of a picture in mode L, LA, RGB or RGBA: uint8 (views, 28, 28), and what the first one shows.

    A grey picture of 28x28 pixels is taken as it is, and a transparent ground as it is told: these have one view.
    """
    unchanged = _already_converted(picture)
    if unchanged is not None:
        return unchanged[np.newaxis], Frame(0, 0, 1, 1)
    first, *others = conversions(picture, CUTS[:1] if _is_transparent(picture) else CUTS)
    return np.stack([first.pixels, *(other.pixels for other in others)]), first.frame


def conversions(picture: Image.Image, cuts: Sequence[float] = CUTS) -> list[Conversion]:
    """All steps from a picture in mode L, LA, RGB or RGBA to a view of it, for each of `cuts`."""
    reduced = _reduced(picture, DETAIL_SIDE)
    grey = np.asarray(reduced.convert("L"))
    garments = _garments(_reduced(reduced, _GROUND_SIDE), cuts)
    return [_converted(reduced, grey, _enlarged(garment, reduced.size)) for garment in garments]


def _converted(reduced: Image.Image, grey: NDArray[np.uint8], garment: Mask) -> Conversion:
    brightened = _brightened(grey, garment)
    box = _box(garment)
    trimmed = Image.fromarray(brightened[box].astype(np.uint8))
    return Conversion(reduced, garment, brightened, trimmed, _centred(trimmed), _frame(box, reduced.size))


def _reduced(picture: Image.Image, longer_side: int) -> Image.Image:
    reduced = picture.copy()
    reduced.thumbnail((longer_side, longer_side), Image.Resampling.LANCZOS)
    return reduced


def _enlarged(mask: Mask, size: tuple[int, int]) -> Mask:
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)) >= 128


def _already_converted(picture: Image.Image) -> NDArray[np.uint8] | None:
    if picture.size != (IMAGE_SIDE, IMAGE_SIDE) or _is_transparent(picture):
        return None
    if picture.mode == "L":
        return np.array(picture)
    red, green, blue = picture.convert("RGB").split()
    return np.array(red) if red == green == blue else None


def _is_transparent(picture: Image.Image) -> bool:
    return "A" in picture.getbands() and not _opaque(picture).all()


def _garments(picture: Image.Image, cuts: Sequence[float]) -> list[Mask]:
    """Where the garment is, by each cut: what is not transparent, or else what differs from the border's colour."""
    found = [_opaque(picture)] * len(cuts) if _is_transparent(picture) else _unlike_the_border(picture, cuts)
    return [garment if garment.any() else np.ones_like(garment) for garment in found]


def _opaque(picture: Image.Image) -> Mask:
    return np.asarray(picture.getchannel("A")) >= _OPAQUE


def _unlike_the_border(picture: Image.Image, cuts: Sequence[float]) -> list[Mask]:
    colours = _opponent_colours(picture.convert("RGB"))
    ground = _median_colour(colours[_border(picture.size)])
    distance = _blurred(np.linalg.norm(colours - ground, axis=-1))
    threshold = _otsu_threshold(distance)
    return [_large_parts(distance > max(cut * threshold, _SMALLEST_CONTRAST)) for cut in cuts]


def _opponent_colours(picture: Image.Image) -> Grey:
    """(H, W, 3): lightness at half weight, since shadows change it, then red against green and yellow against blue."""
    red, green, blue = np.moveaxis(np.asarray(picture, np.float32), -1, 0)
    return np.stack([(red + green + blue) / 6, 0.9 * (red - green), 0.5 * (red + green - 2 * blue)], axis=-1)


def _border(size: tuple[int, int]) -> Mask:
    width, height = size
    thickness = max(1, round(_BORDER_SHARE * min(size)))
    border = np.ones((height, width), bool)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _blurred(distance: Grey) -> Grey:
    image = Image.fromarray(np.clip(distance, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.5)), np.float32)


def _otsu_threshold(values: Grey) -> float:
    """The value that parts `values` best in two (N. Otsu, IEEE Trans. SMC 9(1), 1979)."""
    counts, edges = np.histogram(values, bins=64)
    centres = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    separation = (sums[-1] * below / below[-1] - sums) ** 2 / np.maximum(below * above, 1)
    return float(centres[np.argmax(separation)])


def _large_parts(mask: Mask) -> Mask:
    """`mask` without its connected parts that are small beside the largest."""
    part = np.arange(1, mask.size + 1).reshape(mask.shape) * mask
    rows, columns = _runs(mask), _runs(mask.T)
    while True:  # the highest number in a part spreads along its rows, then along its columns, until all have it
        grown = _spread(_spread(part, rows).T, columns).T
        if np.array_equal(grown, part):
            break
        part = grown
    area = np.bincount(part.ravel())
    area[0] = 0
    large: Mask = area >= _SMALLEST_PART * area.max()
    return mask & large[part]


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each run of True in a row of `mask` starts, in the flat mask, and the number of the run of each place."""
    before = np.zeros_like(mask)
    before[:, 1:] = mask[:, :-1]
    starts = mask & ~before
    return np.flatnonzero(starts), np.where(mask, np.cumsum(starts).reshape(mask.shape), 0)


def _spread(part: NDArray[np.intp], runs: tuple[NDArray[np.intp], NDArray[np.intp]]) -> NDArray[np.intp]:
    """`part`, 0 outside of the mask, with the highest number of each run throughout the run."""
    starts, run = runs
    if not len(starts):
        return part
    highest: NDArray[np.intp] = np.concatenate([[0], np.maximum.reduceat(part.ravel(), starts)])
    return highest[run]


def _median_colour(colours: Grey) -> Grey:
    """Of (N, 3). numpy's own median and percentiles load masked arrays, a fiftieth of a cold start."""
    middle = [(len(colours) - 1) // 2, len(colours) // 2]
    low, high = np.partition(colours, middle, axis=0)[middle]
    median: Grey = (low + high) / 2
    return median


def _quantile(values: NDArray[np.uint8], share: float) -> float:
    """The value that `share` of them reach at most, between two of them in proportion; in numpy's float32."""
    place = np.float32(len(values) - 1) * np.float32(share)
    before = int(place)
    at_most = np.bincount(values, minlength=256).cumsum()
    low, high = np.searchsorted(at_most, [before, min(before + 1, len(values) - 1)], side="right").astype(np.float32)
    above = place - np.float32(before)
    return float(low + (high - low) * above if above < 0.5 else high - (high - low) * (1 - above))


def _brightened(grey: NDArray[np.uint8], garment: Mask) -> Grey:
    """Grey values (H, W), 0 to 255: negated if the garment is darker than its ground; the ground black."""
    if garment.all() or _quantile(grey[garment], 0.5) <= _quantile(grey[~garment], 0.5):
        grey = 255 - grey
    gain = max(1.0, _BRIGHT / max(_quantile(grey[garment], 0.9), _DARKEST))
    return np.where(garment, np.clip(grey * np.float32(gain), 0, 255), np.float32(0))


def _box(garment: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(garment.any(axis=1)), np.flatnonzero(garment.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _frame(box: tuple[slice, slice], size: tuple[int, int]) -> Frame:
    """The square around `box`, as `_centred` lays it out."""
    rows, columns = box
    side = max(rows.stop - rows.start, columns.stop - columns.start)
    left, top = (columns.start + columns.stop - side) / 2, (rows.start + rows.stop - side) / 2
    width, height = size
    return Frame(float(left / width), float(top / height), float(side / width), float(side / height))


def _centred(garment: Image.Image) -> NDArray[np.uint8]:
    scale = IMAGE_SIDE / max(garment.size)
    width, height = (max(1, round(side * scale)) for side in garment.size)
    resized = garment.resize((width, height), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (IMAGE_SIDE, IMAGE_SIDE))
    sharpened = resized.filter(ImageFilter.UnsharpMask(radius=1, percent=60, threshold=0))
    canvas.paste(sharpened, ((IMAGE_SIDE - width) // 2, (IMAGE_SIDE - height) // 2))
    return np.array(canvas)

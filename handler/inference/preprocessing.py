"""Cut out the main object of an image: a view is small, grey, square, and shows it bright on a black background.

It is the preprocessing "cut-out" of a model card. The steps are those of H. Xiao, K. Rasul and R. Vollgraf,
"Fashion-MNIST" (arXiv 1708.07747), section 2: trim, resize the longer side to 28, sharpen, centre, negate. The paper's
images have a clear background. For other images the background is found first: whatever differs little in colour from
the border. It is blackened.

How little is uncertain. So the foreground is cut out with several thresholds, and the model's outputs for these views
are averaged: test-time augmentation, as A. Krizhevsky, I. Sutskever and G. Hinton, "ImageNet Classification",
NIPS 2012, section 4.1, do it with crops.

Clothes that somebody wears, and light clothes on light ground, need more than that rule. A learned cut-out finds them;
then one view is cut out by it, and one by the rule, for where the network errs.

A photo is squeezed to a square once; the colour network's input, the masks and the views all come from that square.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from handler.contract import COLOUR_SIDE, IMAGE_SIDE, Frame
from handler.inference.foreground import enlarged, foreground_masks, learned_foreground, with_thin_parts
from handler.inference.letterbox import squeezed
from handler.inference.transparency import Box, Mask, is_cut_out, opaque_part

# The least side, in pixels, of a decoded image, if it had as many: a photo of 3:4 then fills the square in its height.
DETAIL_SIDE: Final = 3 * COLOUR_SIDE // 4

# The longer side, in pixels, of objects that are cut out already: eight times that of Fashion-MNIST's images.
_OBJECT_SIDE: Final = 8 * IMAGE_SIDE
_OBJECT_MASK_SIDE: Final = 2 * IMAGE_SIDE

# The side at which the mask of a photo is computed, that of the learned cut-out. By colour, at 56, 64, 96 and 128
# pixels, a model trained without photos classified 58, 57, 55 and 57 % of 630 photos correctly.
_MASK_SIDE: Final = 64

# Thresholds on the colour distance between foreground and background, in multiples of Otsu's threshold: one per view.
# Accuracy on 290 photos: 79 % with the first alone, 84 % with all; on 255 others 81 and 83 %.
THRESHOLDS: Final = (1.0, 0.8, 0.65, 1.25)

# On the learned probability that a place is of the garment. Right of 231 photos of unseen senders and 208 shop pictures
# by the vote of the networks: 202 and 168 with this view and the first one by colour; 201 and 167 with two learned
# views, at 0.7 and 0.3, beside that. Without the one by colour, bags with handles are unknown: it adds thin parts.
_LEARNED_THRESHOLD: Final = 0.5

_BRIGHT, _DARKEST = 200.0, 20.0  # the foreground's brightest tenth is lifted to _BRIGHT, by at most _BRIGHT / _DARKEST

# From an image to the probability, 0 to 1, that each place of it is of the main garment: (H, W) of any size.
GarmentMask = Callable[[Image.Image], NDArray[np.float32]]


@dataclass(frozen=True)
class View:
    """One view of an image, with the intermediate results of preprocessing."""

    reduced: Image.Image  # the image, squeezed to a square unless it is cut out already
    foreground: Mask  # (H, W) of `reduced`
    trimmed: Image.Image  # the bounding box of the foreground: that bright, the background black
    pixels: NDArray[np.uint8]  # (S, S)
    frame: Frame  # which part of the image the pixels show


@dataclass(frozen=True)
class Preprocessed:
    """The views of an image, and what the first one shows."""

    views: NDArray[np.uint8]  # (views, S, S)
    frame: Frame  # the square of the first view, in the image
    part: Frame  # the image without a transparent margin
    foreground: Mask  # (H, W) of that part, reduced: what the first view shows
    photo: Image.Image | None  # that part, reduced likewise; None if it is grey pixels of the model's size already


def views_of(image: Image.Image, garment_mask: GarmentMask | None = None) -> tuple[NDArray[np.uint8], Frame]:
    """Fashion-MNIST's views of an image, uint8 (views, 28, 28), and the frame of the first one: see `preprocessed`."""
    found = preprocessed(image, garment_mask)
    return found.views, found.frame


def preprocessed(image: Image.Image, garment_mask: GarmentMask | None = None, side: int = IMAGE_SIDE) -> Preprocessed:
    """Preprocess an image in mode L, LA, RGB or RGBA to views of side x side pixels.

    A grey image of this size is used unchanged; a cut-out object's alpha channel is the foreground mask: these have one
    view. Any other has one by `garment_mask` and one by colour; or several by colour, if nothing is given or found.
    """
    image, part = opaque_part(image)
    unchanged = _already_preprocessed(image, side)
    if unchanged is not None:
        return Preprocessed(unchanged[np.newaxis], part, part, unchanged > 0, None)
    views = _views(image, garment_mask, side)
    first, pixels = views[0], np.stack([view.pixels for view in views])
    return Preprocessed(pixels, _within(part, first.frame), part, first.foreground, first.reduced)


def within_image(foreground: Mask, part: Frame, size: tuple[int, int], longest_side: int) -> Mask:
    """`foreground` of a `part` of an image of `size` as a mask of the whole image, of at most `longest_side` pixels."""
    width, height = (max(1, round(each * min(1, longest_side / max(size)))) for each in size)
    left, top = round(part.left * width), round(part.top * height)
    inside = (max(1, round(part.width * width)), max(1, round(part.height * height)))
    mask = Image.new("L", (width, height))
    mask.paste(Image.fromarray(foreground.astype(np.uint8) * 255).resize(inside, Image.Resampling.BOX), (left, top))
    return np.asarray(mask) >= 128


@dataclass(frozen=True)
class _Reduced:
    """An image at the sides at which it is cut out."""

    image: Image.Image
    small: Image.Image  # for the mask
    grey: Image.Image
    levels: Sequence[int]  # how often each of the 256 grey levels occurs
    size: tuple[int, int]  # width and height in their true ratio


def _reduced(image: Image.Image) -> _Reduced:
    """A photo, squeezed; the shape of an object that is cut out already stays as it is."""
    if is_cut_out(image):
        reduced = _thumbnail(image, _OBJECT_SIDE)
        small, size = _thumbnail(reduced, _OBJECT_MASK_SIDE), reduced.size
    else:
        reduced, size = squeezed(image, COLOUR_SIDE), image.size
        small = reduced.resize((_MASK_SIDE, _MASK_SIDE), Image.Resampling.BOX)
    grey = reduced.convert("L")
    return _Reduced(reduced, small, grey, grey.histogram(), size)


def _thumbnail(image: Image.Image, longer_side: int) -> Image.Image:
    reduced = image.copy()
    reduced.thumbnail((longer_side, longer_side), Image.Resampling.LANCZOS)
    return reduced


def _views(image: Image.Image, garment_mask: GarmentMask | None, side: int) -> list[View]:
    reduced = _reduced(image)
    if is_cut_out(image):
        return _views_by_colour(reduced, THRESHOLDS[:1], side)
    learned = garment_mask and learned_foreground(garment_mask(reduced.small), _LEARNED_THRESHOLD, reduced.image.size)
    if learned is None or not learned.getbbox():
        return _views_by_colour(reduced, THRESHOLDS, side)
    (by_colour,) = _masks_by_colour(reduced, THRESHOLDS[:1])
    return [_view(reduced, mask, side) for mask in (with_thin_parts(learned, by_colour), by_colour)]


def _masks_by_colour(reduced: _Reduced, thresholds: Sequence[float]) -> list[Image.Image]:
    return [enlarged(mask, reduced.image.size) for mask in foreground_masks(reduced.small, thresholds)]


def _views_by_colour(reduced: _Reduced, thresholds: Sequence[float], side: int) -> list[View]:
    return [_view(reduced, mask, side) for mask in _masks_by_colour(reduced, thresholds)]


def preprocessed_views(
    image: Image.Image, thresholds: Sequence[float] = THRESHOLDS, side: int = IMAGE_SIDE
) -> list[View]:
    """All steps from an image in mode L, LA, RGB or RGBA to a view of it, for each of `thresholds`."""
    return _views_by_colour(_reduced(image), thresholds, side)


def _view(reduced: _Reduced, mask: Image.Image, side: int) -> View:
    box = mask.getbbox() or (0, 0, *mask.size)
    brighter = _brightening(reduced.levels, reduced.grey.histogram(mask))
    trimmed = ImageChops.darker(reduced.grey.crop(box).point(brighter), mask.crop(box))
    frame, shape = _placed(box, reduced)
    return View(reduced.image, np.asarray(mask) > 0, trimmed, _centred(trimmed, shape, side), frame)


def _already_preprocessed(image: Image.Image, side: int) -> NDArray[np.uint8] | None:
    if image.size != (side, side) or is_cut_out(image):
        return None
    if image.mode == "L":
        return np.array(image)
    red, green, blue = image.convert("RGB").split()
    return np.array(red) if red == green == blue else None


def _quantile(counts: Sequence[int], share: float) -> float:
    """The `share` quantile of grey levels that occur `counts` (256) times.

    With linear interpolation, in the same float32 arithmetic as `np.quantile`.
    """
    at_most = list(accumulate(counts))
    place = np.float32(at_most[-1] - 1) * np.float32(share)
    before = int(place)
    low, high = (np.float32(bisect_right(at_most, each)) for each in (before, min(before + 1, at_most[-1] - 1)))
    above = place - np.float32(before)
    return float(low + (high - low) * above if above < 0.5 else high - (high - low) * (1 - above))


def _brightening(levels: Sequence[int], inside: Sequence[int]) -> list[int]:
    """The new level of each grey level: negated if the foreground, `inside`, is darker than the rest; brighter."""
    outside = [all_of_level - within for all_of_level, within in zip(levels, inside, strict=True)]
    brighter = np.arange(256, dtype=np.uint8)
    if not any(outside) or _quantile(inside, 0.5) <= _quantile(outside, 0.5):
        brighter, inside = brighter[::-1], inside[::-1]
    gain = max(1.0, _BRIGHT / max(_quantile(inside, 0.9), _DARKEST))
    lifted: list[int] = np.clip(brighter * np.float32(gain), 0, 255).astype(np.uint8).tolist()
    return lifted


def _placed(box: Box, reduced: _Reduced) -> tuple[Frame, tuple[float, float]]:
    """The square around `box` that `_centred` maps to the pixels of the view, and the box's true width and height."""
    (width, height), (right_edge, lower_edge) = reduced.size, reduced.image.size
    left, top, right, bottom = (
        each * scale for each, scale in zip(box, (width / right_edge, height / lower_edge) * 2, strict=True)
    )
    side = max(right - left, bottom - top)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    return Frame(x / width, y / height, side / width, side / height), (right - left, bottom - top)


def _within(part: Frame, frame: Frame) -> Frame:
    """`frame`, which is relative to `part` of an image, relative to the image."""
    left, top = part.left + frame.left * part.width, part.top + frame.top * part.height
    return Frame(left, top, frame.width * part.width, frame.height * part.height)


def _centred(trimmed: Image.Image, shape: tuple[float, float], side: int) -> NDArray[np.uint8]:
    """(S, S): `trimmed` in the middle, in the ratio of `shape`, its longer side S."""
    scale = side / max(shape)
    width, height = (max(1, round(length * scale)) for length in shape)
    resized = trimmed.resize((width, height), Image.Resampling.BICUBIC)
    canvas = Image.new("L", (side, side))
    sharpened = resized.filter(ImageFilter.UnsharpMask(radius=1, percent=60, threshold=0))
    canvas.paste(sharpened, ((side - width) // 2, (side - height) // 2))
    return np.array(canvas)

"""Foreground masks of an image: what differs in colour from the border, or where a learned cut-out is sure enough.

Masks at full size are images in mode L, 255 inside and 0 outside: Pillow's operations on them are faster than NumPy's.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from handler.inference.transparency import Mask, is_cut_out, opaque

_BORDER_SHARE: Final = 0.05  # of the shorter side
_SMALLEST_CONTRAST: Final = 8.0  # grey levels; smaller distances are noise
_SMALLEST_PART: Final = 0.15  # of the largest part's area
_AGREEMENT: Final = 0.85  # intersection over union of two outlines that differ in details alone

Plane = NDArray[np.floating]  # (H * W,)


def foreground_masks(image: Image.Image, thresholds: Sequence[float]) -> list[Mask]:
    """The foreground by each threshold: the opaque part, or else what differs from the colour of the border."""
    masks = [opaque(image)] * len(thresholds) if is_cut_out(image) else _unlike_the_border(image, thresholds)
    return [mask if mask.any() else np.ones_like(mask) for mask in masks]


def enlarged(mask: Mask, size: tuple[int, int]) -> Image.Image:
    """A mask (H, W) as an image of `size`."""
    return _resized(mask.view(np.uint8) * 255, size, 128)


def learned_foreground(probabilities: NDArray[np.float32], threshold: float, size: tuple[int, int]) -> Image.Image:
    """Where `probabilities` (H, W) reach `threshold`, at `size`. They are enlarged, not the mask: a smooth outline."""
    above = probabilities >= threshold
    large = np.where(above & ~_large_parts(above), 0, probabilities)
    return _resized((large * 255).round().astype(np.uint8), size, 255 * threshold)


def with_thin_parts(learned: Image.Image, classical: Image.Image) -> Image.Image:
    """Add handles and straps, which are too thin for the network, if both outlines nearly agree."""
    union = ImageChops.lighter(learned, classical)
    agree = _area(ImageChops.darker(learned, classical)) >= _AGREEMENT * _area(union)
    return union if agree else learned


def _area(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _resized(levels: NDArray[np.uint8], size: tuple[int, int], least: float) -> Image.Image:
    """The mask of where `levels` (H, W), resized to `size`, are at least `least`."""
    below = int(np.ceil(least))
    resized = Image.fromarray(levels).resize(size, Image.Resampling.BILINEAR)
    return resized.point([0] * below + [255] * (256 - below))


def _unlike_the_border(image: Image.Image, thresholds: Sequence[float]) -> list[Mask]:
    distance = _blurred(_distance_from_the_border(image))
    otsu = _otsu_threshold(distance)
    return [_large_parts(distance > max(threshold * otsu, _SMALLEST_CONTRAST)) for threshold in thresholds]


def _distance_from_the_border(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W): how much each colour differs from the median of the border's, in opponent colours.

    These are lightness at half weight, since shadows change it, then red-green and yellow-blue.
    """
    red, green, blue = np.asarray(image.convert("RGB"), np.float32).reshape(-1, 3).T.copy()
    opponents = ((red + green + blue) / 6, 0.9 * (red - green), 0.5 * (red + green - 2 * blue))
    border = _border(image.size)
    squares = sum((each - _median(each[border])) ** 2 for each in opponents)
    distance: NDArray[np.uint8] = np.sqrt(squares).clip(max=255).astype(np.uint8)
    return distance.reshape(image.height, image.width)


def _border(size: tuple[int, int]) -> NDArray[np.intp]:
    """The places of the border's pixels in a flat image."""
    width, height = size
    thickness = max(1, round(_BORDER_SHARE * min(size)))
    border = np.ones((height, width), bool)
    border[thickness:-thickness, thickness:-thickness] = False
    return np.flatnonzero(border)


def _median(values: Plane) -> np.float32:
    """`np.median` and `np.percentile` import masked arrays: 2 % of a cold start."""
    middle = ((len(values) - 1) // 2, len(values) // 2)
    low, high = np.partition(values, middle)[[*middle]]
    return np.float32((low + high) / 2)


def _blurred(distance: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(distance).filter(ImageFilter.GaussianBlur(0.5)))


def _otsu_threshold(values: NDArray[np.uint8]) -> float:
    """The threshold that separates `values` best in two classes (N. Otsu, IEEE Trans. SMC 9(1), 1979)."""
    occurrences = np.bincount(values.ravel())
    below = np.cumsum(occurrences)
    sums = np.cumsum(occurrences * np.arange(len(occurrences)))
    above = below[-1] - below
    separation = (sums[-1] * (below / below[-1]) - sums) ** 2 / np.maximum(below * above, 1)
    return float(np.argmax(separation))


def _large_parts(mask: Mask) -> Mask:
    """`mask` without the connected parts that are much smaller than the largest.

    Each row is a word of bits, with a zero at its end, and all rows are one integer: its shifts reach the neighbours of
    all pixels of a part at once.
    """
    height, width = mask.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, :-1] = mask
    parts = _parts(int.from_bytes(np.packbits(rows).tobytes()) >> (-rows.size % 8), width + 1)
    if len(parts) <= 1:
        return mask
    areas = [part.bit_count() for part in parts]
    large = sum(part for part, area in zip(parts, areas, strict=True) if area >= _SMALLEST_PART * max(areas))
    octets = (large << (-rows.size % 8)).to_bytes((rows.size + 7) // 8)
    bits = np.unpackbits(np.frombuffer(octets, np.uint8), count=rows.size)
    return bits.reshape(rows.shape)[:, :-1].astype(bool)


def _parts(pixels: int, width: int) -> list[int]:
    """The connected parts of `pixels`, the bits of rows of `width`."""
    parts = []
    while pixels:
        part, grown = 0, pixels & -pixels
        while grown != part:
            part = grown
            grown |= (grown << 1 | grown >> 1 | grown << width | grown >> width) & pixels
        parts.append(part)
        pixels ^= part
    return parts

"""Foreground masks of an image: what differs in colour from the border, or where a learned cut-out is sure enough."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from handler.inference.transparency import Mask, is_cut_out, opaque

_BORDER_SHARE: Final = 0.05  # of the shorter side
_SMALLEST_CONTRAST: Final = 8.0  # grey levels; smaller distances are noise
_SMALLEST_PART: Final = 0.15  # of the largest part's area
_AGREEMENT: Final = 0.85  # intersection over union of two outlines that differ in details alone

Grey = NDArray[np.float32]


def foreground_masks(image: Image.Image, thresholds: Sequence[float]) -> list[Mask]:
    """The foreground by each threshold: the opaque part, or else what differs from the colour of the border."""
    masks = [opaque(image)] * len(thresholds) if is_cut_out(image) else _unlike_the_border(image, thresholds)
    return [mask if mask.any() else np.ones_like(mask) for mask in masks]


def learned_foreground(probabilities: NDArray[np.float32], threshold: float, size: tuple[int, int]) -> Mask:
    """Where `probabilities` (H, W) reach `threshold`, at `size`. They are enlarged, not the mask: a smooth outline."""
    above = probabilities >= threshold
    if not above.any():
        return above
    large = np.where(above & ~_large_parts(above), 0, probabilities)
    image = Image.fromarray((large * 255).round().astype(np.uint8))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)) >= 255 * threshold


def with_thin_parts(learned: Mask, classical: Mask) -> Mask:
    """Add handles and straps, which are too thin for the network, if both outlines nearly agree."""
    agree = (learned & classical).sum() >= _AGREEMENT * (learned | classical).sum()
    return learned | classical if agree else learned


def _unlike_the_border(image: Image.Image, thresholds: Sequence[float]) -> list[Mask]:
    colours = _opponent_colours(image.convert("RGB"))
    background = _median_colour(colours[_border(image.size)])
    distance = _blurred(np.linalg.norm(colours - background, axis=-1))
    otsu = _otsu_threshold(distance)
    return [_large_parts(distance > max(threshold * otsu, _SMALLEST_CONTRAST)) for threshold in thresholds]


def _opponent_colours(image: Image.Image) -> Grey:
    """(H, W, 3): lightness at half weight, since shadows change it, then red-green and yellow-blue."""
    red, green, blue = np.moveaxis(np.asarray(image, np.float32), -1, 0)
    return np.stack([(red + green + blue) / 6, 0.9 * (red - green), 0.5 * (red + green - 2 * blue)], axis=-1)


def _border(size: tuple[int, int]) -> Mask:
    width, height = size
    thickness = max(1, round(_BORDER_SHARE * min(size)))
    border = np.ones((height, width), bool)
    border[thickness:-thickness, thickness:-thickness] = False
    return border


def _median_colour(colours: Grey) -> Grey:
    """Median of (N, 3). `np.median` and `np.percentile` import masked arrays: 2 % of a cold start."""
    middle = [(len(colours) - 1) // 2, len(colours) // 2]
    low, high = np.partition(colours, middle, axis=0)[middle]
    median: Grey = (low + high) / 2
    return median


def _blurred(distance: Grey) -> NDArray[np.uint8]:
    image = Image.fromarray(np.clip(distance, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.5)))


def _otsu_threshold(values: NDArray[np.uint8]) -> float:
    """The threshold that separates `values` best in two classes (N. Otsu, IEEE Trans. SMC 9(1), 1979)."""
    occurrences = np.bincount(values.ravel())
    levels = np.flatnonzero(occurrences)
    counts, edges = np.histogram(levels.astype(np.float32), bins=64, weights=occurrences[levels])
    centres = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    separation = (sums[-1] * below / below[-1] - sums) ** 2 / np.maximum(below * above, 1)
    return float(centres[np.argmax(separation)])


def _large_parts(mask: Mask) -> Mask:
    """`mask` without the connected parts that are much smaller than the largest."""
    part = np.arange(1, mask.size + 1).reshape(mask.shape) * mask
    rows, columns = _runs(mask), _runs(mask.T)
    while True:  # the highest number of a part spreads along rows, then along columns, until the whole part has it
        grown = _spread(_spread(part, rows).T, columns).T
        if np.array_equal(grown, part):
            break
        part = grown
    area = np.bincount(part.ravel())
    area[0] = 0
    large: Mask = area >= _SMALLEST_PART * area.max()
    return mask & large[part]


def _runs(mask: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For the runs of True in each row of `mask`: their starts in the flat mask, and the run number of each pixel."""
    before = np.zeros_like(mask)
    before[:, 1:] = mask[:, :-1]
    starts = mask & ~before
    return np.flatnonzero(starts), np.where(mask, np.cumsum(starts).reshape(mask.shape), 0)


def _spread(part: NDArray[np.intp], runs: tuple[NDArray[np.intp], NDArray[np.intp]]) -> NDArray[np.intp]:
    """`part`, 0 outside of the mask, with each run set to its highest number."""
    starts, run = runs
    if not len(starts):
        return part
    highest: NDArray[np.intp] = np.concatenate([[0], np.maximum.reduceat(part.ravel(), starts)])
    return highest[run]

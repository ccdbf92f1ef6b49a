"""Fit an image into a square: letterboxed, with its border's colour on two sides, or squeezed, whatever its shape.

Letterboxing is the preprocessing `resize` of a model card; the networks for photos take squeezed images. Training,
calibration and evaluation call both, too, so that a model sees the same pixels wherever it runs.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from handler.contract import Frame

_MODES = {1: "L", 3: "RGB"}


def letterboxed(image: Image.Image, side: int, channels: int) -> NDArray[np.uint8]:
    """An image in mode L, LA, RGB or RGBA as uint8 pixels (channels, side, side): grey values, or red, green and blue.

    Transparent pixels become white. An image of side x side pixels without them is used unchanged.
    """
    mode = _MODES[channels]
    resized = on_white(image).convert(mode).resize(_fitting(image.size, side), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized).reshape(resized.height, resized.width, channels)
    canvas = np.empty((side, side, channels), np.uint8)
    canvas[:] = _border_colour(pixels)
    left, top = (side - resized.width) // 2, (side - resized.height) // 2
    canvas[top : top + resized.height, left : left + resized.width] = pixels
    return np.ascontiguousarray(canvas.transpose(2, 0, 1))


def letterbox_frame(size: tuple[int, int]) -> Frame:
    """The square that the pixels show of an image of `size`, width and height."""
    width, height = size
    side = max(size)
    return Frame((width - side) / 2 / width, (height - side) / 2 / height, side / width, side / height)


def squeezed(image: Image.Image, side: int) -> Image.Image:
    """`image` in its mode, as side x side pixels.

    Whole blocks of pixels are averaged first where more than twice as many are there: much faster than one wide filter.
    """
    return image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=1.0)


def on_white(image: Image.Image) -> Image.Image:
    """An image in mode L, LA, RGB or RGBA, its transparent pixels white."""
    if image.mode not in ("LA", "RGBA"):
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def _fitting(size: tuple[int, int], side: int) -> tuple[int, int]:
    """`size`, scaled so that its longer side is `side`; no side is shorter than a pixel."""
    width, height = (max(1, round(each * side / max(size))) for each in size)
    return width, height


def _border_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The median (channels,) of the outermost rows and columns of pixels (H, W, channels), of two the lower one."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    median: NDArray[np.uint8] = np.sort(border, axis=0)[(len(border) - 1) // 2]
    return median

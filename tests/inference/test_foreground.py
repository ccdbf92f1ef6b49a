"""Foreground masks: their parts, and the mask at full size."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from handler.inference.foreground import foreground_masks, learned_foreground, with_thin_parts

SIDE = 64
SHARE = 0.15  # of the largest part


def large_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The slow way: fill one part after the other, in a colour of its own."""
    parts = Image.fromarray(mask.astype(np.int32) * -1, "I")
    for number, (row, column) in enumerate(np.argwhere(mask), 1):
        if parts.getpixel((int(column), int(row))) == -1:
            ImageDraw.floodfill(parts, (int(column), int(row)), number)
    areas = np.bincount(np.asarray(parts).ravel())
    areas[0] = 0
    return np.asarray((areas >= SHARE * areas.max())[np.asarray(parts)] & mask)


def spiral() -> NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[::4] = True
    for turn, top in enumerate(range(0, SIDE - 4, 4)):
        mask[top : top + 4, (0, -1)[turn % 2]] = True
    return mask


def noise(share: float, shape: tuple[int, int] = (SIDE, SIDE)) -> NDArray[np.bool_]:
    return np.random.default_rng(0).random(shape) < share


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(np.eye(SIDE, dtype=bool), id="touching at corners alone"),
        pytest.param(spiral(), id="a winding part"),
        pytest.param(noise(0.1), id="specks"),
        pytest.param(noise(0.6), id="holes"),
        pytest.param(noise(0.4, (7, 61)), id="any shape"),
        pytest.param(np.ones((SIDE, SIDE), bool), id="everything"),
        pytest.param(np.eye(SIDE, k=SIDE - 1, dtype=bool), id="one pixel"),
    ],
)
def test_parts_much_smaller_than_the_largest_are_dropped(mask: NDArray[np.bool_]) -> None:
    found = learned_foreground(mask.astype(np.float32), 0.5, mask.shape[::-1])
    assert np.array_equal(np.asarray(found) > 0, large_parts(mask))


def test_nothing_reaches_the_threshold() -> None:
    assert learned_foreground(np.full((SIDE, SIDE), 0.4, np.float32), 0.5, (160, 160)).getbbox() is None


def test_thin_parts_are_added_where_outlines_nearly_agree() -> None:
    bag = Image.new("L", (100, 100))
    ImageDraw.Draw(bag).rectangle((20, 40, 80, 90), 255)
    with_handle, elsewhere = bag.copy(), Image.new("L", bag.size, 255)
    ImageDraw.Draw(with_handle).line((30, 40, 50, 10, 70, 40), 255, width=2)
    assert with_thin_parts(bag, with_handle) == with_handle
    assert with_thin_parts(bag, elsewhere) == bag


def test_foreground_by_colour_is_what_differs_from_the_border() -> None:
    image = Image.new("RGB", (SIDE, SIDE), "beige")
    image.paste("navy", (16, 20, 48, 44))
    (mask,) = foreground_masks(image, [1.0])
    assert np.argwhere(mask).min(axis=0).tolist() == [20, 16]
    assert np.argwhere(mask).max(axis=0).tolist() == [43, 47]

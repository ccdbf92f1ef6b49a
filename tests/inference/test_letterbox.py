"""The letterbox: the whole image, centred in a square, what is beside it in the colour of its border."""

import numpy as np
import pytest
from PIL import Image

from handler.inference.letterbox import letterbox_frame, letterboxed

RED, WHITE = (200, 30, 20), (255, 255, 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 2), (97, 96), (30, 40)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_gets_the_shape_of_the_model(size: tuple[int, int], mode: str, channels: int) -> None:
    pixels = letterboxed(Image.new(mode, size), 96, channels)
    assert pixels.shape == (channels, 96, 96)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous


def test_image_of_the_models_size_is_unchanged() -> None:
    values = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.array_equal(letterboxed(Image.fromarray(values), 64, 3), values.transpose(2, 0, 1))
    assert np.array_equal(letterboxed(Image.fromarray(values[..., 0]), 64, 1), values[np.newaxis, ..., 0])


def test_image_is_centred_on_the_colour_of_its_border() -> None:
    image = Image.new("RGB", (200, 100), WHITE)
    image.paste(RED, (90, 40, 110, 60))
    pixels = letterboxed(image, 40, 3).transpose(1, 2, 0)
    assert (pixels[:17] == 255).all()
    assert (pixels[23:] == 255).all()
    assert tuple(pixels[20, 20]) == RED


def test_transparent_pixels_become_white() -> None:
    assert (letterboxed(Image.new("RGBA", (50, 80), (*RED, 0)), 32, 3) == 255).all()


def test_frame_is_the_square_around_the_image() -> None:
    frame = letterbox_frame((200, 100))
    assert (frame.left, frame.top, frame.width, frame.height) == (0, -0.5, 1, 2)

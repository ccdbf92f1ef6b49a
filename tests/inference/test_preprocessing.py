"""Preprocessing: the views of an image that the model gets."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from handler.inference.preprocessing import THRESHOLDS, views_of


def shirt(garment: str, background: str, size: tuple[int, int] = (300, 400)) -> Image.Image:
    """A T-shirt in one colour on a background of another, in the middle third of the image."""
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0.35 * width, 0.3 * height, 0.65 * width, 0.7 * height), fill=garment)
    draw.rectangle((0.25 * width, 0.3 * height, 0.75 * width, 0.42 * height), fill=garment)
    return image


def cut_out(image: Image.Image, outline: Image.Image) -> Image.Image:
    """`image` with an alpha channel that is opaque where `outline` is white."""
    transparent = image.convert("RGBA")
    transparent.putalpha(outline.convert("L"))
    return transparent


def first_view(image: Image.Image) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = views_of(image)[0][0]
    return pixels


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_28x28_grey_image_is_unchanged(mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(first_view(Image.fromarray(image).convert(mode)), image)


@pytest.mark.parametrize(
    ("garment", "background"),
    [
        pytest.param("black", "white", id="black on white"),
        pytest.param("navy", "white", id="blue on white"),
        pytest.param("red", "beige", id="red on beige"),
        pytest.param("white", "saddlebrown", id="white on wood"),
        pytest.param("white", "black", id="a negative"),
        pytest.param("lightgrey", "white", id="pale on white"),
        pytest.param("darkblue", "#101010", id="dark on dark"),
    ],
)
def test_garment_is_bright_on_black_and_fills_the_view(garment: str, background: str) -> None:
    pixels = first_view(shirt(garment, background))
    sleeves, body, below_sleeve = pixels[4, 4:24], pixels[18:24, 10:18], pixels[22, :4]
    assert sleeves.min() > 100
    assert body.min() > 100
    assert below_sleeve.max() == 0
    assert max(np.ptp(np.nonzero(pixels)[0]), np.ptp(np.nonzero(pixels)[1])) == 27


def test_transparent_pixels_are_background() -> None:
    pixels = first_view(cut_out(shirt("white", "white"), shirt("white", "black")))
    assert pixels[18:24, 10:18].min() > 100
    assert pixels[22, :4].max() == 0


def test_higher_threshold_gives_a_smaller_foreground() -> None:
    shaded = Image.composite(
        shirt("grey", "white"), shirt("black", "white"), Image.radial_gradient("L").resize((300, 400))
    )
    views = views_of(shaded)[0]
    assert len(views) == len(THRESHOLDS)
    foreground = [(view > 0).sum() for view in views]
    highest, lowest = np.argmax(THRESHOLDS), np.argmin(THRESHOLDS)
    assert foreground[highest] < foreground[lowest]


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.effect_noise((28, 28), 90), id="of the model's size"),
        pytest.param(cut_out(shirt("navy", "white"), shirt("white", "black")), id="cut out"),
    ],
)
def test_unambiguous_image_has_one_view(image: Image.Image) -> None:
    assert len(views_of(image)[0]) == 1


@pytest.mark.parametrize("size", [(240, 480), (480, 240), (90, 60)], ids=str)
def test_view_has_the_ratio_of_the_garment_in_the_image(size: tuple[int, int]) -> None:
    rows, columns = np.nonzero(first_view(shirt("navy", "white", size)))
    width, height = 0.5 * size[0], 0.4 * size[1]
    shorter, longer = sorted((np.ptp(columns) + 1, np.ptp(rows) + 1))
    assert (np.ptp(columns) > np.ptp(rows)) == (width > height)
    assert longer == 28
    assert shorter == pytest.approx(28 * min(width, height) / max(width, height), abs=1.5)


def test_frame_is_a_square_in_an_image_of_any_shape() -> None:
    frame = views_of(shirt("navy", "white", (300, 600)))[1]
    assert 300 * frame.width == pytest.approx(600 * frame.height)
    assert (frame.left + frame.width / 2, frame.top + frame.height / 2) == pytest.approx((0.5, 0.5), abs=0.01)


@pytest.mark.parametrize("transform", [Image.Image.copy, ImageOps.mirror])
def test_portrait_and_landscape_have_the_same_outline(transform: Callable[[Image.Image], Image.Image]) -> None:
    portrait = transform(shirt("black", "white", (300, 400)))
    landscape = ImageOps.pad(portrait, (800, 400), color="white")
    differing = (first_view(portrait) > 0) != (first_view(landscape) > 0)
    assert differing.mean() < 0.15  # a pixel along the edges, since the garment is smaller in the landscape


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.new("RGB", (1, 1)), id="one pixel"),
        pytest.param(Image.new("RGB", (1, 20_000), "white"), id="a line"),
        pytest.param(Image.new("L", (20_000, 1), 7), id="a line across"),
        pytest.param(Image.new("RGB", (300, 300), "white"), id="blank"),
        pytest.param(Image.new("RGBA", (300, 300)), id="all transparent"),
        pytest.param(Image.effect_noise((300, 300), 90), id="noise"),
    ],
)
def test_image_without_a_garment_has_a_view(image: Image.Image) -> None:
    pixels = first_view(image)
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8

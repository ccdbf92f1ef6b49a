"""A picture in, what the model sees of it out."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from handler.inference.preprocessing import CUTS, views_of

Picture = Image.Image


def shirt(garment: str, ground: str, size: tuple[int, int] = (300, 400)) -> Picture:
    """A T-shirt in one colour on a ground of another, in the middle third of the picture."""
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    width, height = size
    draw.rectangle((0.35 * width, 0.3 * height, 0.65 * width, 0.7 * height), fill=garment)
    draw.rectangle((0.25 * width, 0.3 * height, 0.75 * width, 0.42 * height), fill=garment)
    return picture


def first_view(picture: Picture) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = views_of(picture)[0][0]
    return pixels


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_grey_picture_of_the_models_size_is_taken_as_it_is(mode: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(first_view(Image.fromarray(image).convert(mode)), image)


@pytest.mark.parametrize(
    ("garment", "ground"),
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
def test_the_garment_comes_out_bright_on_black_and_fills_the_square(garment: str, ground: str) -> None:
    pixels = first_view(shirt(garment, ground))
    sleeves, body, below_sleeve = pixels[4, 4:24], pixels[18:24, 10:18], pixels[22, :4]
    assert sleeves.min() > 100
    assert body.min() > 100
    assert below_sleeve.max() == 0
    assert max(np.ptp(np.nonzero(pixels)[0]), np.ptp(np.nonzero(pixels)[1])) == 27


def test_what_is_transparent_is_ground() -> None:
    picture = shirt("white", "white").convert("RGBA")
    outline = shirt("white", "black").convert("L")
    picture.putalpha(outline)
    pixels = first_view(picture)
    assert pixels[18:24, 10:18].min() > 100
    assert pixels[22, :4].max() == 0


def test_a_photo_is_cut_out_more_and_less_strictly() -> None:
    shaded = Image.composite(
        shirt("grey", "white"), shirt("black", "white"), Image.radial_gradient("L").resize((300, 400))
    )
    views = views_of(shaded)[0]
    assert len(views) == len(CUTS)
    garment = [(view > 0).sum() for view in views]
    strictest, mildest = np.argmax(CUTS), np.argmin(CUTS)
    assert garment[strictest] < garment[mildest]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.effect_noise((28, 28), 90), id="of the model's size"),
        pytest.param(Image.new("RGBA", (300, 300)), id="transparent"),
    ],
)
def test_where_nothing_is_uncertain_there_is_one_view(picture: Picture) -> None:
    assert len(views_of(picture)[0]) == 1


@pytest.mark.parametrize("turned", [Picture.copy, ImageOps.mirror])
def test_portrait_and_landscape_give_the_same_outline(turned: Callable[[Picture], Picture]) -> None:
    portrait = turned(shirt("black", "white", (300, 400)))
    landscape = ImageOps.pad(portrait, (800, 400), color="white")
    differing = (first_view(portrait) > 0) != (first_view(landscape) > 0)
    assert differing.mean() < 0.15  # a pixel along the edges, since the garment is smaller in the landscape


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(Image.new("RGB", (1, 1)), id="one pixel"),
        pytest.param(Image.new("RGB", (1, 20_000), "white"), id="a line"),
        pytest.param(Image.new("L", (20_000, 1), 7), id="a line across"),
        pytest.param(Image.new("RGB", (300, 300), "white"), id="blank"),
        pytest.param(Image.new("RGBA", (300, 300)), id="all transparent"),
        pytest.param(Image.effect_noise((300, 300), 90), id="noise"),
    ],
)
def test_a_picture_of_nothing_still_gives_pixels(picture: Picture) -> None:
    pixels = first_view(picture)
    assert pixels.shape == (28, 28)
    assert pixels.dtype == np.uint8

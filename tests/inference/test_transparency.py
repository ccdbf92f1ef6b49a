"""Alpha channels: which of them outline a garment, and which must not change the answer for a photo."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from handler.inference.classifier import Classifier
from handler.inference.preprocessing import views_of
from handler.inference.transparency import opaque_part
from tests.support.images import trousers

SIZE = (300, 400)


def photo() -> Image.Image:
    """Dark trousers on a light, uneven ground."""
    ground = Image.radial_gradient("L").resize(SIZE).point([200 + value // 6 for value in range(256)]).convert("RGB")
    mask = trousers(300).convert("L").point([255 * (value > 0) for value in range(256)])
    ground.paste((60, 50, 90), (0, 50), mask)
    return ground


def with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    transparent = image.convert("RGBA")
    transparent.putalpha(alpha)
    return transparent


def rounded(size: tuple[int, int], radius: int, transparent: int = 0) -> Image.Image:
    """Alpha with rounded corners, drawn at four times the size for soft edges."""
    alpha = Image.new("L", (4 * size[0], 4 * size[1]), transparent)
    box = (0, 0, 4 * size[0] - 1, 4 * size[1] - 1)
    ImageDraw.Draw(alpha).rounded_rectangle(box, 4 * radius, fill=255)
    return alpha.resize(size, Image.Resampling.BOX)


def with_rectangle(value: int, box: tuple[int, int, int, int]) -> Image.Image:
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(value, box)
    return alpha


def from_noise(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8))


def in_window(image: Image.Image, margin: int = 40) -> Image.Image:
    """A screenshot of a window: soft edges, and a shadow around it that is half opaque at most."""
    size = (image.width + 2 * margin, image.height + 2 * margin)
    window = Image.new("L", size)
    window.paste(rounded(image.size, 10), (margin, margin))
    shadow = window.filter(ImageFilter.GaussianBlur(margin / 3)).point([value // 2 for value in range(256)])
    canvas = Image.new("RGB", size)
    canvas.paste(image, (margin, margin))
    return with_alpha(canvas, Image.fromarray(np.maximum(np.asarray(window), np.asarray(shadow))))


NOISE = np.random.default_rng(0)
MEANINGLESS = [
    *(pytest.param(rounded(SIZE, radius), id=f"corners of {radius}") for radius in (4, 10, 16, 24, 90, 150)),
    pytest.param(Image.new("L", SIZE, 100), id="100 everywhere"),
    pytest.param(Image.new("L", SIZE, 0), id="0 everywhere"),
    pytest.param(from_noise(NOISE.integers(95, 106, SIZE[::-1])), id="nearly the same everywhere"),
    pytest.param(from_noise(NOISE.integers(115, 141, SIZE[::-1])), id="nearly the same, around the middle"),
    pytest.param(from_noise(np.indices(SIZE[::-1]).sum(axis=0) % 2 * 255), id="ordered dither"),
    pytest.param(from_noise((NOISE.random(SIZE[::-1]) > 0.03) * 255), id="holes"),
    pytest.param(with_rectangle(0, (0, 0, 300, 5)), id="stripe"),
    pytest.param(with_rectangle(100, (80, 380, 220, 390)), id="watermark"),
    pytest.param(rounded(SIZE, 16).point([value * 120 // 255 for value in range(256)]), id="faint, with corners"),
]


def differing(image: Image.Image, other: Image.Image) -> float:
    """Mean difference of the first views, in grey levels."""
    first, second = (views_of(each)[0][0].astype(float) for each in (image, other))
    return float(np.abs(first - second).mean())


@pytest.mark.parametrize("alpha", MEANINGLESS)
def test_meaningless_alpha_leaves_the_garment_as_it_is(alpha: Image.Image) -> None:
    image = with_alpha(photo(), alpha)
    assert "A" not in opaque_part(image)[0].getbands()
    assert len(views_of(image)[0]) == len(views_of(photo())[0])
    assert differing(image, photo()) < 4


def test_hidden_colour_of_transparent_corners_is_not_seen() -> None:
    alpha = rounded(SIZE, 24)
    black, red = (
        with_alpha(Image.composite(photo(), Image.new("RGB", SIZE, colour), alpha), alpha)
        for colour in ("black", "red")
    )
    assert differing(black, photo()) < 4
    assert differing(black, red) < 1


def test_wide_stripe_is_cropped() -> None:
    image = with_alpha(photo(), with_rectangle(0, (0, 0, 30, 400)))
    assert differing(image, photo().crop((30, 0, *SIZE))) == 0


def test_window_with_a_shadow_is_cropped_to_the_window() -> None:
    part, frame = opaque_part(in_window(photo()))
    assert part.size == SIZE
    assert (frame.left, frame.top) == pytest.approx((40 / 380, 40 / 480))
    assert (frame.width, frame.height) == pytest.approx((300 / 380, 400 / 480))


def test_frame_is_relative_to_the_whole_image() -> None:
    alone, shown = views_of(photo())[1], views_of(in_window(photo()))[1]
    assert shown.left * 380 - 40 == pytest.approx(alone.left * 300, abs=3)
    assert shown.top * 480 - 40 == pytest.approx(alone.top * 400, abs=3)
    assert shown.width * 380 == pytest.approx(alone.width * 300, abs=3)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("highest", [255, 100])
def test_cut_out_garment_is_outlined_by_its_alpha(mode: str, highest: int) -> None:
    outline = trousers().convert("L").point([highest * (value > 0) for value in range(256)])
    image = Image.new("RGB", outline.size, trousers().getpixel((130, 100))).convert(mode)
    image.putalpha(outline)
    views = views_of(image)[0]
    assert len(views) == 1
    assert differing(image, trousers()) < 10


def test_cut_out_garment_that_touches_all_edges_is_outlined_by_its_alpha() -> None:
    alpha = Image.new("L", SIZE)
    ImageDraw.Draw(alpha).polygon([(100, 0), (200, 0), (299, 399), (0, 399)], fill=255)  # a dress
    assert opaque_part(with_alpha(photo(), alpha))[0].mode == "RGBA"


@pytest.mark.parametrize("side", [28, 60, 100, 300, 1_000])
def test_photo_in_a_round_frame_is_a_photo(side: int) -> None:
    for size in ((side, side), (side, 4 * side // 3)):
        alpha = Image.new("L", (4 * size[0], 4 * size[1]))
        ImageDraw.Draw(alpha).ellipse((0, 0, 4 * size[0] - 1, 4 * size[1] - 1), fill=255)
        framed = with_alpha(photo().resize(size), alpha.resize(size, Image.Resampling.BOX))
        assert opaque_part(framed)[0].mode == "RGB"


def test_small_opaque_rectangle_is_an_object() -> None:
    alpha = Image.new("L", SIZE)
    alpha.paste(255, (100, 130, 200, 270))
    assert opaque_part(with_alpha(photo(), alpha))[0].mode == "RGBA"


def test_28x28_image_with_transparent_corners_is_used_as_it_is() -> None:
    image = trousers(28).convert("L")
    alpha = Image.new("L", image.size, 255)
    for corner in ((0, 0), (27, 0), (0, 27), (27, 27)):
        alpha.putpixel(corner, 0)
    assert np.array_equal(views_of(with_alpha(image, alpha))[0], [np.asarray(image)])


@pytest.mark.data
@pytest.mark.parametrize("radius", [4, 8, 12, 16, 20, 24])
def test_rounded_corners_change_at_most_2_of_49_labels(radius: int, classifier: Classifier, datasets_dir: Path) -> None:
    paths = sorted((datasets_dir / "clothing-dataset-small" / "validation").glob("*/*.jpg"))
    chosen = np.random.default_rng(0).choice(len(paths), 49, replace=False)
    photos = [Image.open(paths[index]).convert("RGB") for index in chosen]
    plain = labels(classifier, photos, lambda image: image)
    assert (
        plain != labels(classifier, photos, lambda image: with_alpha(image, rounded(image.size, radius)))
    ).sum() <= 2


def labels(
    classifier: Classifier, photos: list[Image.Image], changed: Callable[[Image.Image], Image.Image]
) -> NDArray[np.int64]:
    views = [views_of(changed(image))[0][:, np.newaxis] for image in photos]
    found: NDArray[np.int64] = classifier.predict_views(views).probabilities.argmax(axis=1)
    return found

"""HEIC images are decoded upright, with alpha, from 10 bits, and from grids of tiles."""

import subprocess
import sys

import numpy as np
import pytest

from handler.errors import TooManyPixels
from handler.inference.heif import open_heif
from tests.inference.heif_files import heic, heic_grid
from tests.support.images import trousers

SIDE = 224  # pixels, needed


def test_heic_shows_what_was_encoded() -> None:
    decoded = np.asarray(open_heif(heic("trousers"), SIDE), np.int16)
    assert np.abs(decoded - np.asarray(trousers(256), np.int16)).mean() < 3


def test_rotated_heic_is_upright_and_has_no_orientation_left() -> None:
    image = open_heif(heic("rotated"), SIDE)
    assert image.size == (20, 40)
    assert image.getpixel((10, 3)) == (0, 0, 0)
    assert image.getpixel((10, 36)) == (255, 255, 255)
    assert image.getexif().get(274) == 1


def test_alpha_of_a_heic_is_kept() -> None:
    image = open_heif(heic("alpha"), SIDE)
    assert image.mode == "RGBA"
    assert (image.getpixel((3, 3)), image.getpixel((36, 3))) == ((0, 0, 0, 255), (255, 255, 255, 0))


def test_ten_bits_become_eight() -> None:
    image = open_heif(heic("ten_bits"), SIDE)
    assert image.mode == "RGB"
    assert (image.getpixel((3, 3)), image.getpixel((36, 3))) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize(("rotations", "size"), [(0, (512, 768)), (1, (768, 512))], ids=["upright", "turned left"])
def test_grid_of_tiles_is_put_together(rotations: int, size: tuple[int, int]) -> None:
    image = open_heif(heic_grid(2, 3, rotations), SIDE)
    assert image.size == size
    tile = np.asarray(open_heif(heic("trousers"), SIDE))
    whole = np.rot90(np.tile(tile, (3, 2, 1)), rotations)
    assert np.array_equal(np.asarray(image), whole)


def test_thumbnail_stands_for_a_grid_that_takes_too_long() -> None:
    image = open_heif(heic_grid(27, 27, thumbnail=True), SIDE)
    assert np.array_equal(np.asarray(image), np.asarray(open_heif(heic("trousers"), SIDE)))


def test_grid_that_is_decoded_in_time_needs_no_thumbnail() -> None:
    assert open_heif(heic_grid(2, 2, thumbnail=True), SIDE).size == (512, 512)
    assert open_heif(heic_grid(18, 18), SIDE).size == (4_608, 4_608)


@pytest.mark.parametrize(
    ("data", "needed_side"),
    [
        (heic_grid(27, 27), SIDE),
        (heic_grid(27, 27, thumbnail=True), 257),
        (heic_grid(31, 24, thumbnail=True), SIDE),
        (heic_grid(27, 27, thumbnail=True)[:-1], SIDE),
    ],
    ids=["none", "too small", "of another shape", "file cut off"],
)
def test_large_grid_is_refused_without_a_thumbnail_that_will_do(data: bytes, needed_side: int) -> None:
    with pytest.raises(TooManyPixels, match="at most 26,000,000"):
        open_heif(data, needed_side)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9])
def test_truncated_heic_is_refused(share: float) -> None:
    data = heic("trousers")
    with pytest.raises((ValueError, EOFError, SyntaxError, RuntimeError, OSError)):
        open_heif(data[: int(len(data) * share)], SIDE)


def test_pi_heif_is_not_imported_before_a_heic_comes() -> None:
    code = "import sys, handler.inference.pipeline, handler.inference.heif; sys.exit('pi_heif' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

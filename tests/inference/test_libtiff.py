"""Damaged TIFF files are refused in every compression, as other images are, and intact ones are not."""

import numpy as np
import pytest
from PIL import Image

from handler.errors import BrokenImage
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE
from tests.support.hostile_images import tiff_around_jpeg, tiff_compressed
from tests.support.images import encoded
from tests.support.tiff_files import laid_out, tiff_around_old_jpeg

LIMIT = 50_000_000
SIDE = 96
NOISE = np.random.default_rng(0).integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8)
IMAGE = Image.fromarray(NOISE).resize((SIDE, SIDE))
FAX = IMAGE.convert("L").point(lambda value: 255 * (value > 128)).convert("1")

FILES = {
    **{
        f"{compression}, {mode}": laid_out(tiff_compressed(IMAGE.convert(mode), compression))
        for compression in ("jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma")
        for mode in ("RGB", "YCbCr")
    },
    **{name: laid_out(tiff_compressed(FAX, name)) for name in ("tiff_ccitt", "group3", "group4")},
    "a whole JPEG": tiff_around_jpeg(encoded(IMAGE, "JPEG"), SIDE),
    "old-style JPEG": tiff_around_old_jpeg(IMAGE),
}
in_every_compression = pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())


def ends(data: bytes) -> list[int]:
    """Lengths from the middle of the file, where its pixels are, almost to its end."""
    return [*range(len(data) // 2, len(data) * 19 // 20, max(1, len(data) // 20))]


@in_every_compression
def test_intact_tiff_is_decoded(data: bytes) -> None:
    decoded = np.asarray(decode(data, LIMIT, DETAIL_SIDE).convert("L")).astype(int)
    original = FAX if decoded.max() == 255 and set(np.unique(decoded)) == {0, 255} else IMAGE
    assert np.abs(decoded - np.asarray(original.convert("L"))).mean() < 12


@in_every_compression
def test_tiff_that_is_cut_is_refused(data: bytes) -> None:
    for end in ends(data):
        with pytest.raises(BrokenImage, match="the TIFF image is truncated or damaged"):
            decode(data[:end], LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("damage", [b"\x5a", bytes(64)], ids=["wrong byte", "hole"])
@pytest.mark.parametrize("name", [name for name in FILES if "deflate" in name])
def test_damage_is_noticed_by_the_checksum_of_deflate(name: str, damage: bytes) -> None:
    data = FILES[name]
    for start in ends(data):
        with pytest.raises(BrokenImage, match="the TIFF image is truncated or damaged"):
            decode(data[:start] + damage + data[start + len(damage) :], LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("name", [name for name in FILES if "JPEG" in name or "jpeg" in name or "group" in name])
def test_tiff_with_a_damaged_place_is_refused(name: str) -> None:
    data = FILES[name]
    for start in ends(data):
        with pytest.raises(BrokenImage):
            decode(data[:start] + b"\xff\x01" * 16 + data[start + 32 :], LIMIT, DETAIL_SIDE)


def test_damage_does_not_count_for_the_next_image() -> None:
    data = FILES["old-style JPEG"]
    with pytest.raises(BrokenImage):
        decode(data[:-500], LIMIT, DETAIL_SIDE)
    assert decode(data, LIMIT, DETAIL_SIDE).size == (SIDE, SIDE)

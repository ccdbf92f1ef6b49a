"""Big-endian BigTIFF files are decoded as the same image in any other layout."""

import struct

import numpy as np
import pytest
from PIL import Image

from handler.errors import BrokenImage
from handler.inference.big_tiff import as_classic_tiff
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE
from tests.inference.headers.test_tiff import ONE_STRIP
from tests.inference.headers.test_tiff import tiff as one_directory
from tests.support.hostile_images import tiff, tiff_compressed
from tests.support.images import encoded
from tests.support.tiff_files import laid_out

LIMIT = 50_000_000
NOISE = np.random.default_rng(0).integers(0, 256, (97, 123, 3), np.uint8)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, LIMIT, DETAIL_SIDE))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "CMYK", "YCbCr"])
def test_bigtiff_is_decoded_as_the_classic_tiff(mode: str, compression: str, order: str) -> None:
    if (mode, compression) == ("P", "jpeg"):
        pytest.skip("JPEG has no palettes")
    image = Image.fromarray(NOISE)
    image = image.quantize(64) if mode == "P" else image.convert(mode)
    classic = tiff_compressed(image, compression)
    assert np.array_equal(pixels(laid_out(classic, big=True, order=order)), pixels(classic))


def test_sixteen_bit_samples_keep_their_byte_order() -> None:
    values = np.arange(0, 65_536, 64, dtype=np.uint16).reshape(32, 32)
    data = laid_out(encoded(Image.fromarray(values), "TIFF"), big=True, order=">")
    start = len(data) - values.nbytes
    swapped = data[:start] + values.astype(">u2").tobytes()
    assert np.array_equal(pixels(swapped), pixels(encoded(Image.fromarray(values), "TIFF")))


def test_orientation_is_kept() -> None:
    data = tiff(
        {256: (3, [4]), 257: (3, [2]), 258: (3, [8]), 262: (3, [1]), 273: (16, [0]), 274: (3, [6]), 279: (16, [8])},
        data=bytes(range(8)),
        big=True,
        order=">",
    )
    assert pixels(data).tolist() == [[4, 0], [5, 1], [6, 2], [7, 3]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"MM\0+", id="only a signature"),
        pytest.param(b"MM\0+\0\x08\0\0" + b"\xff" * 8, id="directory behind the end"),
        pytest.param(one_directory(ONE_STRIP, ">", big=True, tail=bytes(7_000)), id="pixels missing"),
        pytest.param(one_directory(ONE_STRIP, ">", big=True)[:100], id="directory cut"),
    ],
)
def test_broken_bigtiff_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenImage, match="the TIFF image is truncated or damaged"):
        decode(data, LIMIT, DETAIL_SIDE)


def test_other_directory_where_a_classic_tiff_has_its_first_is_not_read() -> None:
    data = one_directory(ONE_STRIP, ">", big=True, tail=bytes(8_000))
    (offset,) = struct.unpack_from(">I", data, 4)
    hidden = one_directory({**ONE_STRIP, 256: 10, 257: 10, 278: 10}, ">")[8:]
    assert decode(data.ljust(offset, b"\0") + hidden, LIMIT, DETAIL_SIDE).size == (100, 80)


def test_values_that_overlap_are_not_copied_again_and_again() -> None:
    texts = dict.fromkeys(range(50000, 51000), (7, 900000, 8))
    data = one_directory({**ONE_STRIP, **texts}, ">", big=True, tail=bytes(1_000_000))
    assert len(as_classic_tiff(data)) < 3_000_000

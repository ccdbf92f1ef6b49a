"""TIFF images that Pillow alone would misread: deep planes, YCbCr without compression, byte orders, 12-bit colours."""

import zlib

import numpy as np
import pytest
from PIL import Image

from handler.inference.decoding import decode
from handler.inference.headers import read_header
from handler.inference.preprocessing import DETAIL_SIDE
from tests.support.hostile_images import tiff

LIMIT = 50_000_000
SIDE = 64
GREY = np.arange(0, 256, 4, dtype=np.uint8).repeat(SIDE).reshape(SIDE, SIDE)
COLOURS = np.stack([GREY, 255 - GREY, GREY.T], axis=2)
PLAIN, DEFLATE = 1, 8
WHOLE, SIGNED, FLOAT = 1, 2, 3  # sample formats


def file_of(parts: list[bytes], tags: dict[int, list[int]], order: str = "<", compression: int = PLAIN) -> bytes:
    """A TIFF of one strip, or of one for each plane."""
    strips = [zlib.compress(part) if compression == DEFLATE else part for part in parts]
    lengths = [len(strip) for strip in strips]
    sides = {256: [SIDE], 257: [SIDE], 278: [SIDE], 259: [compression]}
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    entries = {tag: (3, values) for tag, values in {**sides, **tags}.items()}
    return tiff({**entries, 273: (4, starts), 279: (4, lengths)}, data=b"".join(strips), order=order)


def deep(values: np.ndarray, order: str, compression: int, *, planar: bool = False, white: int | None = None) -> bytes:
    """A TIFF of 16 bits a sample."""
    bands = values.shape[2]
    stored = values.astype(f"{order}u2")
    parts = [stored[..., band].tobytes() for band in range(bands)] if planar else [stored.tobytes()]
    tags = {258: [16] * bands, 262: [5 if bands == 4 else 2], 277: [bands], 284: [2 if planar else 1]}
    return file_of(parts, {**tags, **({281: [white] * bands} if white else {})}, order, compression)


def pixels(data: bytes, mode: str = "RGB") -> np.ndarray:
    return np.asarray(decode(data, LIMIT, DETAIL_SIDE).convert(mode)).astype(int)


in_every_layout = pytest.mark.parametrize(
    ("order", "compression"), [(order, compression) for order in "<>" for compression in (PLAIN, DEFLATE)], ids=str
)


@in_every_layout
@pytest.mark.parametrize("planar", [False, True], ids=["together", "in planes"])
def test_sixteen_bit_colours_are_read(order: str, compression: int, planar: bool) -> None:
    assert np.array_equal(pixels(deep(COLOURS.astype(int) * 257, order, compression, planar=planar)), COLOURS)


@in_every_layout
@pytest.mark.parametrize(
    ("stored", "sample_format"),
    [
        pytest.param(GREY.astype("u4") * 257, WHOLE, id="32 bits"),
        pytest.param(GREY.astype("i4") * 257, SIGNED, id="32 bits with a sign"),
        pytest.param(GREY.astype("f4") / 255, FLOAT, id="floating point"),
    ],
)
def test_long_samples_are_read_in_their_byte_order(
    stored: np.ndarray, sample_format: int, order: str, compression: int
) -> None:
    part = stored.astype(f"{order}{stored.dtype.kind}4").tobytes()
    data = file_of([part], {258: [32], 262: [1], 277: [1], 339: [sample_format]}, order, compression)
    assert np.array_equal(pixels(data, "L"), GREY)


@pytest.mark.parametrize("compression", [PLAIN, DEFLATE], ids=["plain", "deflate"])
@pytest.mark.parametrize("factor", [1, 2], ids=["not subsampled", "subsampled"])
def test_ycbcr_is_read(factor: int, compression: int) -> None:
    small = SIDE // factor
    luma, *chroma = Image.fromarray(COLOURS).convert("YCbCr").split()
    blocks = np.asarray(luma).reshape(small, factor, small, factor).swapaxes(1, 2).reshape(small, small, -1)
    reduced = [np.asarray(each.reduce(factor))[..., np.newaxis] for each in chroma]
    part = np.concatenate([blocks, *reduced], axis=2).tobytes()
    tags = {258: [8] * 3, 262: [6], 277: [3], 530: [factor, factor]}
    assert np.abs(pixels(file_of([part], tags, compression=compression)) - COLOURS).mean() < 3


@in_every_layout
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_sensor_colours_are_as_bright_as_their_highest_value_says(bits: int, order: str, compression: int) -> None:
    white = 2**bits - 1
    values = COLOURS.astype(int) * white // 255
    assert np.abs(pixels(deep(values, order, compression, white=white)) - COLOURS).max() <= 1


def test_sensor_inks_are_as_dark_as_their_highest_value_says() -> None:
    inks = np.concatenate([COLOURS, np.zeros((SIDE, SIDE, 1), np.uint8)], axis=2).astype(int)
    found = pixels(deep(inks * 4_095 // 255, "<", DEFLATE, white=4_095))
    assert np.abs(found - pixels(deep(inks * 257, "<", DEFLATE))).max() <= 2


def test_large_sensor_image_is_scaled_in_every_strip() -> None:
    values = np.tile(COLOURS, (14, 14, 1)).astype(int) * 16
    data = tiff(
        {
            256: (3, [SIDE * 14]),
            257: (3, [SIDE * 14]),
            258: (3, [16] * 3),
            262: (3, [2]),
            273: (4, [0]),
            277: (3, [3]),
            278: (3, [SIDE * 14]),
            279: (4, [values.size * 2]),
            281: (3, [4_095] * 3),
        },
        data=values.astype("<u2").tobytes(),
    )
    assert np.abs(pixels(data) - np.tile(COLOURS, (14, 14, 1))).max() <= 1


@pytest.mark.parametrize(
    "white",
    [
        pytest.param(None, id="no highest value"),
        pytest.param(5_000, id="a statistic"),
        pytest.param(65_535, id="all 16 bits"),
        pytest.param(1_023, id="less than its values"),
    ],
)
def test_dark_sixteen_bit_colours_stay_dark(white: int | None) -> None:
    values = COLOURS.astype(int) * 5_000 // 255
    assert np.array_equal(pixels(deep(values, "<", PLAIN, white=white)), values >> 8)


def test_memory_for_what_libtiff_decodes_is_counted() -> None:
    plain, planes = (read_header("TIFF", deep(COLOURS, "<", PLAIN, planar=planar)) for planar in (False, True))
    sensor = read_header("TIFF", deep(COLOURS, "<", PLAIN, white=4_095))
    assert plain.bytes_per_pixel < planes.bytes_per_pixel
    assert plain.bytes_per_pixel + 4 == sensor.bytes_per_pixel

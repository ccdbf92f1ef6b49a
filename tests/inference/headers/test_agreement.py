"""Headers agree with Pillow on the size of ordinary images of every format and mode, and trust the small ones."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handler.inference.headers import check_cost, read_header
from handler.inference.headers.brands import format_by_brands
from tests.inference.heif_files import SAMPLES, heic, heic_grid
from tests.support.images import encoded, trousers

LIMIT = 50_000_000
WIDE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (61, 123, 3), np.uint8))
FRAMES = {"save_all": True, "append_images": [WIDE.rotate(180)]}


def image_of(mode: str) -> Image.Image:
    return WIDE.convert("L").convert(mode) if mode in {"I;16", "I", "F", "1", "LA"} else WIDE.convert(mode)


ORDINARY = [
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    ("PNG", "RGB", FRAMES),
    *(("JPEG", mode, options) for mode in ("L", "RGB", "CMYK") for options in ({}, {"progressive": True})),
    ("JPEG", "RGB", {"restart_marker_blocks": 1, "subsampling": 0}),
    *(("WEBP", mode, options) for mode in ("RGB", "RGBA") for options in ({}, {"lossless": True}, FRAMES)),
    *(("GIF", mode, options) for mode in ("L", "P", "RGBA") for options in ({}, {"interlace": 0}, FRAMES)),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
    *(("TIFF", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F")),
    *(("TIFF", "RGB", {"compression": each}) for each in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "L", {"big_tiff": True}),
    ("TIFF", "RGB", {"tiffinfo": {274: 6}}),
    *(("AVIF", mode, options) for mode in ("RGB", "RGBA") for options in ({}, {"subsampling": "4:4:4"})),
    ("AVIF", "RGB", FRAMES),
]


@pytest.mark.parametrize(("name", "mode", "options"), ORDINARY)
def test_size_is_that_of_pillow_and_the_cost_is_fine(name: str, mode: str, options: dict[str, Any]) -> None:
    file = io.BytesIO()
    image_of(mode).save(file, name, **options)
    header = read_header(name, file.getvalue())
    assert (header.format, header.width, header.height) == (name, *WIDE.size)
    assert header.trusted == (name != "AVIF" and options.get("compression") != "jpeg")
    check_cost(header, LIMIT)


@pytest.mark.parametrize("name", SAMPLES)
def test_heic_is_as_large_as_its_coded_picture(name: str) -> None:
    header = read_header("HEIF", heic(name))
    coded = (256, 256) if name == "trousers" else (64, 64)  # smaller ones are cropped from 64 x 64
    assert (header.width, header.height, header.trusted) == (*coded, False)
    check_cost(header, LIMIT)


def test_heic_grid_has_the_size_of_all_its_tiles() -> None:
    header = read_header("HEIF", heic_grid(3, 2, rotations=1))
    assert (header.width, header.height, header.parts) == (768, 512, 6)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(encoded(trousers(), "AVIF"), "AVIF", id="AVIF"),
        pytest.param(heic("trousers"), "HEIF", id="HEIC"),
        pytest.param(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF", id="HEIC as a compatible brand"),
        pytest.param(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF", id="AVIF as a compatible brand"),
        pytest.param(b"\0\0\0\x14ftypmp42\0\0\0\0isom" + b"heic", None, id="film, brand only behind the box"),
        pytest.param(b"\0\0\0\x10ftyp", None, id="nothing but a box"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_format_is_recognised_by_the_brands(data: bytes, name: str | None) -> None:
    assert format_by_brands(data) == name


def test_old_os2_bitmap_is_read() -> None:
    header = read_header("BMP", b"BM" + bytes(12) + bytes([12, 0, 0, 0, 8, 0, 6, 0, 1, 0, 24, 0]) + bytes(144))
    assert (header.width, header.height, header.trusted) == (8, 6, True)


def test_bitmap_with_its_top_row_first_has_a_positive_height() -> None:
    data = encoded(trousers(), "BMP")
    header = read_header("BMP", data[:22] + (-280).to_bytes(4, "little", signed=True) + data[26:])
    assert (header.width, header.height) == (280, 280)


def test_gif_is_as_large_as_its_first_frame_reaches() -> None:
    data = encoded(trousers(60).convert("L"), "GIF")
    frame = data.index(b",")
    moved = data[: frame + 1] + (500).to_bytes(2, "little") + data[frame + 3 :]
    header = read_header("GIF", moved)
    assert (header.width, header.height) == Image.open(io.BytesIO(moved)).size == (560, 60)

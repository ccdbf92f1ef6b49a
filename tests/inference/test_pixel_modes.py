"""Pixel modes: transparent colours as an alpha channel gives them, and the memory that conversion takes."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handler.inference.decoding import decode, decode_here
from handler.inference.preprocessing import DETAIL_SIDE
from tests.support.images import encoded
from tests.support.machine import PROJECT

LIMIT = 50_000_000
GREY, COLOUR, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6  # PNG's colour types


def png(values: np.ndarray, depth: int, colour_type: int, transparent: bytes = b"") -> bytes:
    """A PNG of the samples (H, W, channels) in `depth` bits, with a tRNS chunk if it is given."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = values.shape
    if depth < 8:
        bits = (values.reshape(height, -1, 1).astype(np.uint8) >> np.arange(depth, dtype=np.uint8)[::-1]) & 1
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    else:
        rows = values.reshape(height, -1).astype(f">u{depth // 8}")
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    chunks = [(b"IHDR", header), *([(b"tRNS", transparent)] if transparent else []), (b"IDAT", content), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


@pytest.mark.parametrize("side", [40, 1_800], ids=["small", "reduced"])
@pytest.mark.parametrize(("depth", "channels"), [(1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (8, 3), (16, 3)], ids=str)
def test_transparent_colour_is_as_an_alpha_channel(depth: int, channels: int, side: int) -> None:
    values = np.random.default_rng(depth).integers(0, 2**depth, (side, side, channels))
    values[: side // 3] = colour = values[0, 0]
    transparent = struct.pack(f">{channels}H", *map(int, colour))
    named = decode(png(values, depth, COLOUR if channels == 3 else GREY, transparent), LIMIT, DETAIL_SIDE)

    twin_depth = max(8, depth)  # an alpha channel needs 8 bits
    alpha = np.where((values == colour).all(axis=2, keepdims=True), 0, 2**twin_depth - 1)
    scaled = values * (2**twin_depth - 1) // (2**depth - 1)
    with_alpha = np.concatenate([scaled, alpha], axis=2)
    twin = decode(png(with_alpha, twin_depth, COLOUR_ALPHA if channels == 3 else GREY_ALPHA), LIMIT, DETAIL_SIDE)
    assert np.array_equal(np.asarray(named.convert("RGBA")), np.asarray(twin.convert("RGBA")))


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
@pytest.mark.parametrize("transparency", [bytes([0, 128, 255]), 1], ids=["partly", "one colour"])
def test_transparent_palette_becomes_alpha(file_format: str, transparency: bytes | int) -> None:
    if file_format == "GIF" and isinstance(transparency, bytes):
        pytest.skip("GIF has no partial transparency")
    image = Image.new("P", (3, 1))
    image.putpalette([9, 9, 9, 99, 9, 9, 9, 9, 99])
    for index in range(3):
        image.putpixel((index, 0), index)
    found = decode(encoded(image, file_format, transparency=transparency), LIMIT, DETAIL_SIDE).getchannel("A")
    expected = [0, 128, 255] if isinstance(transparency, bytes) else [255, 0, 255]
    assert np.asarray(found).tolist() == [expected]


@pytest.mark.parametrize("size", [(2_400, 1_801), (1_801, 2_400), (5_000, 901), (1_793, 1_100)])
@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA"])
def test_conversion_in_strips_is_that_of_the_whole_image(mode: str, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 4), np.uint8)
    image = Image.fromarray(noise)
    image = image if mode == "RGBA" else image.convert("RGB").quantize(64) if mode == "P" else image.convert("RGB")
    image = image.resize(size).convert(mode)
    whole = image.convert("RGBA" if mode == "RGBA" else "RGB")
    factor = max(1, max(size) // 896)
    expected = whole.resize((size[0] // factor, size[1] // factor), Image.Resampling.BOX)
    found = decode_here(encoded(image, "TIFF"), "TIFF", LIMIT, DETAIL_SIDE)
    assert np.array_equal(np.asarray(found), np.asarray(expected))


@pytest.mark.parametrize("side", [40, 2_000], ids=["small", "in strips"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_colours_of_an_image_that_is_transparent_everywhere_are_kept(mode: str, side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    image = Image.fromarray(noise).convert({"LA": "L", "P": "P"}.get(mode, "RGB"))
    visible = decode(encoded(image), LIMIT, DETAIL_SIDE)
    if mode == "P":
        data = encoded(image, transparency=bytes(256))
    else:
        image.putalpha(0)
        data = encoded(image)
    found = decode(data, LIMIT, DETAIL_SIDE)
    assert found.mode == visible.mode
    assert np.array_equal(np.asarray(found), np.asarray(visible))


def tiff(pixels: bytes, byte_order: str, tags: dict[int, int]) -> bytes:
    """A grey TIFF of 32 x 32 pixels, in one strip, with further tags."""
    size = {256: 32, 257: 32, 273: 8, 278: 32, 279: len(pixels)}
    entries = sorted({**size, **tags}.items())
    packed = b"".join(struct.pack(f"{byte_order}HHII", tag, 4, 1, value) for tag, value in entries)
    start = b"II*\0" if byte_order == "<" else b"MM\0*"
    header = start + struct.pack(f"{byte_order}I", 8 + len(pixels))
    return header + pixels + struct.pack(f"{byte_order}H", len(entries)) + packed + bytes(4)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, LIMIT, DETAIL_SIDE).convert("L"))


@pytest.mark.parametrize(("photometric", "byte_order"), [(0, "<"), (0, ">"), (1, "<"), (1, ">")], ids=str)
def test_sixteen_bit_tiff_is_as_bright_as_it_says(photometric: int, byte_order: str) -> None:
    grey = np.arange(256, dtype=np.uint16).repeat(4).reshape(32, 32) * 257
    stored = 65_535 - grey if photometric == 0 else grey
    pixels = stored.astype(f"{byte_order}u2").tobytes()
    assert np.array_equal(decoded(tiff(pixels, byte_order, {258: 16, 262: photometric})), grey >> 8)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize(("photometric", "byte_order"), [(0, "<"), (0, ">"), (1, "<"), (1, ">")], ids=str)
def test_sixteen_bit_tiff_of_fewer_bits_is_as_bright_as_its_highest_value_says(
    photometric: int, byte_order: str, bits: int
) -> None:
    white = 2**bits - 1
    grey = np.arange(256).repeat(4).reshape(32, 32)
    values = grey * white // 255
    stored = white - values if photometric == 0 else values
    pixels = stored.astype(f"{byte_order}u2").tobytes()
    found = decoded(tiff(pixels, byte_order, {258: 16, 262: photometric, 281: white}))
    assert np.abs(found.astype(int) - grey).max() <= 1


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({}, id="no highest value"),
        pytest.param({281: 5_000}, id="a statistic"),
        pytest.param({281: 65_535}, id="all 16 bits"),
        pytest.param({281: 1_023}, id="less than its values"),
    ],
)
def test_dark_sixteen_bit_tiff_stays_dark(tags: dict[int, int]) -> None:
    pixels = np.linspace(0, 5_000, 1_024, dtype="<u2").tobytes()
    assert decoded(tiff(pixels, "<", {258: 16, 262: 1, **tags})).max() == 5_000 * 255 // 65_535


@pytest.mark.parametrize(("photometric", "byte_order"), [(0, "<"), (0, ">"), (1, "<"), (1, ">")], ids=str)
def test_twelve_bit_tiff_is_as_bright_as_its_bits_say(photometric: int, byte_order: str) -> None:
    grey = np.arange(256).repeat(4).reshape(32, 32)
    values = grey * 4_095 // 255
    first, second = (4_095 - values if photometric == 0 else values).reshape(-1, 2).T
    packed = np.stack([first >> 4, first << 4 & 240 | second >> 8, second & 255], axis=1).astype(np.uint8)
    found = decoded(tiff(packed.tobytes(), byte_order, {258: 12, 262: photometric}))
    assert np.abs(found.astype(int) - grey).max() <= 1


DECODE_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from PIL import Image
from handler.errors import ClassifierError
from handler.inference.decoding import decode_here, format_of
data = Path(sys.argv[1]).read_bytes()
Image.init()
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = size + int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    print(decode_here(data, format_of(data), 50_000_000, 224).mode)
except ClassifierError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        pytest.param("PNG", {"compress_level": 1}, id="PNG"),
        pytest.param("JPEG", {"progressive": True, "subsampling": 0}, id="progressive JPEG"),
        pytest.param("TIFF", {"compression": "tiff_lzw"}, id="TIFF"),
        pytest.param("WEBP", {"lossless": True, "quality": 0, "method": 0}, id="WebP"),
    ],
)
def test_short_memory_is_not_a_broken_image(file_format: str, options: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "image"
    Image.new("RGB", (4_000, 4_000), "navy").save(file, file_format, **options)
    found = {
        megabytes: subprocess.run(
            [sys.executable, "-c", DECODE_IN_LITTLE_MEMORY, str(file), str(megabytes)],
            cwd=PROJECT,
            env={"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for megabytes in (20, 400)
    }
    assert found == {20: "OutOfMemory", 400: "RGB"}

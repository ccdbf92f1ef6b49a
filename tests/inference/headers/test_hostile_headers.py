"""Headers of hostile files are read without errors and in little time, and their bounds hold."""

import contextlib
import struct
import zlib
from time import process_time

import numpy as np
import pytest

from handler.errors import RejectedImage, TooComplex, TooManyPixels
from handler.inference.headers import check_cost, read_header
from tests.inference.headers.jpegs import frame_header, scan, segment
from tests.inference.heif_files import heic, heic_grid
from tests.support.images import FORMATS, encoded, trousers

LIMIT = 50_000_000
LARGE = 44_000_000  # bytes
START = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF89a", "BMP": b"BM", "TIFF": b"II*\0"}
START |= {"WEBP": b"RIFF\0\0\0\0WEBP", "AVIF": b"\0\0\0\x14ftypavif", "HEIF": b"\0\0\0\x14ftypheic"}
ORDINARY = {**{name: encoded(trousers(64), name) for name in FORMATS}, "HEIF": heic("rotated")}

PNG_HEADER = START["PNG"] + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 8, 8, 8, 2, 0, 0, 0, 0)
GIF_SCREEN = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0)
PROGRESSIVE = b"\xff\xd8" + frame_header() + scan()
CANVAS = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\x63\0\0\x63\0\0"


def filled(start: bytes, repeated: bytes) -> bytes:
    return start + repeated * (LARGE // len(repeated))


def webp(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def bmp(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    info = struct.pack("<IiiHHIIIIII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<III", 0, 0, 54) + info + data


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


LARGE_FILES = [
    pytest.param("JPEG", lambda: filled(PROGRESSIVE, b"\xff\0"), id="JPEG: stuffed bytes"),
    pytest.param("JPEG", lambda: filled(PROGRESSIVE, b"\xff\xd0"), id="JPEG: restarts"),
    pytest.param("JPEG", lambda: filled(PROGRESSIVE, b"\xff"), id="JPEG: fill bytes in a scan"),
    pytest.param("JPEG", lambda: filled(PROGRESSIVE, b"\xff\x01"), id="JPEG: markers without parameters"),
    pytest.param("JPEG", lambda: filled(PROGRESSIVE, segment(0xC4)), id="JPEG: empty tables between scans"),
    pytest.param("JPEG", lambda: filled(b"\xff\xd8" + frame_header(), scan()), id="JPEG: scans"),
    pytest.param("JPEG", lambda: filled(b"\xff\xd8", b"\xff"), id="JPEG: fill bytes before a scan"),
    pytest.param("JPEG", lambda: filled(b"\xff\xd8" + segment(0xE0), b"\0"), id="JPEG: stray bytes"),
    pytest.param("JPEG", lambda: filled(b"\xff\xd8", segment(0xE0)), id="JPEG: empty segments"),
    pytest.param("PNG", lambda: filled(PNG_HEADER, struct.pack(">I4sI", 0, b"IDAT", 0)), id="PNG: empty chunks"),
    pytest.param("PNG", lambda: filled(PNG_HEADER, b"\0"), id="PNG: zeros"),
    pytest.param("GIF", lambda: filled(GIF_SCREEN + b"!\xfe", b"\x01a"), id="GIF: comment of single bytes"),
    pytest.param("GIF", lambda: filled(GIF_SCREEN, b"!\xfe\0"), id="GIF: empty extensions"),
    pytest.param("GIF", lambda: filled(GIF_SCREEN, b"\x55"), id="GIF: stray bytes"),
    pytest.param("TIFF", lambda: filled(b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**40), bytes(20)), id="BigTIFF"),
    pytest.param("WEBP", lambda: webp(filled(CANVAS, b"abcd" + bytes(4))), id="WebP: empty chunks"),
    pytest.param("WEBP", lambda: webp(filled(CANVAS, b"ANMF\x10\0\0\0" + bytes(16))), id="WebP: empty frames"),
    pytest.param("AVIF", lambda: filled(box(b"ftyp", b"avif"), box(b"free", b"")), id="AVIF: empty boxes"),
    pytest.param("HEIF", lambda: filled(b"", struct.pack(">I4sI", 2**31, b"meta", 0)), id="HEIF: nested boxes"),
]


@pytest.mark.parametrize(("name", "make"), LARGE_FILES)
def test_header_of_a_large_hostile_file_is_read_in_little_time(name: str, make: object) -> None:
    data = make()  # type: ignore[operator]
    before = process_time()
    header = read_header(name, data)
    assert process_time() - before < 0.5  # 10 to 60 ms here
    refused = name != "JPEG" or header.scans > 1 or header.chunks > 1_000
    if refused:
        with pytest.raises(TooComplex, match="the most allowed"):
            check_cost(header, LIMIT)


@pytest.mark.parametrize("name", START)
def test_random_bytes_behind_a_signature_raise_nothing(name: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        header = read_header(name, START[name] + rng.bytes(int(rng.integers(300))))
        assert header.width >= 0
        assert header.height >= 0


@pytest.mark.parametrize("name", ORDINARY)
def test_damaged_images_raise_nothing_but_rejections(name: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        data = bytearray(ORDINARY[name])
        for offset in rng.integers(min(len(data), 700), size=rng.integers(1, 9)):
            data[offset] = rng.choice(np.array([0, 1, 0xFF, rng.integers(256)]))
        header = read_header(name, bytes(data))
        assert header.format == name
        with contextlib.suppress(RejectedImage):
            check_cost(header, LIMIT)


@pytest.mark.parametrize("name", ORDINARY)
def test_no_end_of_an_image_raises_anything(name: str) -> None:
    data = ORDINARY[name]
    for length in range(min(len(data), 700)):
        read_header(name, data[:length])


@pytest.mark.parametrize(
    ("name", "data", "error", "sentence"),
    [
        pytest.param("PNG", PNG_HEADER + bytes(12) * 50_001, TooComplex, "more than 50,000 chunks", id="PNG chunks"),
        pytest.param(
            "BMP", bmp(999, 999, 8, 1, bytes(4_000_002)), TooComplex, "more than 2,000,000 runs", id="BMP runs"
        ),
        pytest.param(
            "WEBP",
            webp(b"VP8L" + struct.pack("<IBI", 5, 0x2F, 6_999 | 6_999 << 14)),
            TooManyPixels,
            "7000 x 7000 pixels; WebP images of this kind may have at most 21,0",
            id="49 megapixels of WebP in 30 bytes",
        ),
        pytest.param(
            "WEBP", webp(CANVAS[:12] + b"\xff" * 6), TooManyPixels, "16777216 x 16777216 pixels", id="WebP canvas"
        ),
        pytest.param(
            "PNG",
            PNG_HEADER[:16] + struct.pack(">IIBB", 50_000_000, 1, 16, 6) + PNG_HEADER[26:],
            TooManyPixels,
            "50000000 x 1 pixels; PNG images of this kind",
            id="a PNG row of 400 MB",
        ),
        pytest.param(
            "PNG",
            PNG_HEADER[:16] + struct.pack(">II", 1, 49_000_000) + PNG_HEADER[24:],
            TooManyPixels,
            "1 x 49000000 pixels; PNG images of this kind may have at most",
            id="49 million rows of a pixel",
        ),
        pytest.param(
            "AVIF",
            box(b"ftyp", b"avif") + box(b"ispe", struct.pack(">III", 0, 6_900, 6_900)) + box(b"av1C", b"\x81\0\x4c\0"),
            TooManyPixels,
            "AVIF images of this kind may have at most",
            id="AVIF of 10 bits",
        ),
        pytest.param("HEIF", heic_grid(30, 30), TooManyPixels, "7680 x 7680 pixels, more than", id="HEIC of 900 tiles"),
    ],
)
def test_file_beyond_a_bound_is_refused_with_the_bound(
    name: str, data: bytes, error: type[RejectedImage], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        check_cost(read_header(name, data), LIMIT)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("PNG", ORDINARY["PNG"][:33] + ORDINARY["PNG"][8:], id="PNG: two image headers"),
        pytest.param(
            "PNG",
            ORDINARY["PNG"][:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10_000))) * 21 + ORDINARY["PNG"][33:],
            id="PNG: 21 colour profiles",
        ),
        pytest.param("GIF", GIF_SCREEN + b";", id="GIF: no frame"),
        pytest.param("GIF", GIF_SCREEN + b"!\xf9\0" + ORDINARY["GIF"][13:], id="GIF: an empty extension"),
        pytest.param("GIF", GIF_SCREEN + b"!\xff\1a\0" + ORDINARY["GIF"][13:], id="GIF: an application without data"),
        pytest.param("BMP", bmp(50_000_000, 1, 8, 1, b"\0\2\0\xff" * 10), id="BMP: rows skipped in a wide image"),
        pytest.param("BMP", bmp(60, 60, 8, 1, bytes(200_000)), id="BMP: many runs"),
        pytest.param("BMP", bmp(60, 60, 24, 4, bytes(100)), id="BMP: JPEG within"),
        pytest.param("WEBP", webp(CANVAS), id="WebP: no frame"),
        pytest.param("WEBP", encoded(trousers(1_500), "WEBP"), id="WebP: more than 2 megapixels"),
        pytest.param(
            "WEBP",
            webp(b"VP8L" + struct.pack("<IBI", 30_000, 0x2F, 999 | 999 << 14) + bytes(29_995)),
            id="WebP: lossless, 30 kB for a megapixel",
        ),
        pytest.param("AVIF", ORDINARY["AVIF"], id="AVIF"),
        pytest.param("HEIF", ORDINARY["HEIF"], id="HEIC"),
    ],
)
def test_file_whose_cost_its_header_does_not_bound_is_not_trusted(name: str, data: bytes) -> None:
    assert not read_header(name, data).trusted

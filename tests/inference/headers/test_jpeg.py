"""JPEG scans are counted exactly, whatever stands between, before and behind them."""

import io

import numpy as np
import pytest
from PIL import Image

from handler.errors import TooComplex
from handler.inference.headers import check_cost, read_header
from tests.inference.headers.jpegs import frame_header, jpeg, scan, segment
from tests.support.images import encoded, trousers

LIMIT = 50_000_000
PROGRESSIVE = encoded(trousers(), "JPEG", progressive=True)
BASELINE = encoded(trousers(), "JPEG")
TABLES = segment(0xC4, b"\xff\xda\0\x08\xff\xd9" * 5)  # scans and ends that are none


def behind_start(data: bytes, *parts: bytes) -> bytes:
    """The JPEG `data` with more segments behind its first marker."""
    return data[:2] + b"".join(parts) + data[2:]


@pytest.mark.parametrize(
    ("data", "scans"),
    [
        pytest.param(BASELINE, 1, id="baseline"),
        pytest.param(PROGRESSIVE, 10, id="progressive, as libjpeg writes it"),
        pytest.param(encoded(trousers().convert("L"), "JPEG", progressive=True), 6, id="progressive, grey"),
        pytest.param(jpeg(frame_header(), *[scan()] * 7), 7, id="short scans"),
        pytest.param(jpeg(frame_header(), *[scan() + TABLES] * 7), 7, id="tables with markers in them"),
        pytest.param(jpeg(frame_header(), *[scan(b"\xff\0\xff\xd3\xff\0")] * 7), 7, id="stuffed bytes, restarts"),
        pytest.param(jpeg(frame_header(), *[scan(b"\x55\xff\xff\xff")] * 7), 7, id="fill bytes before markers"),
        pytest.param(jpeg(frame_header(), *[scan(bytes(300_001))] * 7), 7, id="long scans"),
        pytest.param(jpeg(frame_header(), *[scan(b"\xff\0" * 150_000)] * 7), 7, id="long scans of stuffed bytes"),
        pytest.param(
            jpeg(frame_header(0xC0, factors=(0x11, 0x11)), *[scan()] * 7), 7, id="sequential, components apart"
        ),
        pytest.param(jpeg(frame_header(0xC9), *[scan()] * 7), 1, id="arithmetic, sequential: the first scan has all"),
        pytest.param(jpeg(frame_header(0xCA), *[scan()] * 7), 7, id="arithmetic, progressive"),
        pytest.param(jpeg(frame_header(), *[scan()] * 7) + PROGRESSIVE * 3, 7, id="more images behind (MPO)"),
        pytest.param(behind_start(PROGRESSIVE, segment(0xE1, b"Exif\0\0" + PROGRESSIVE)), 10, id="a thumbnail"),
        pytest.param(PROGRESSIVE[:-2], 10, id="without an end"),
        pytest.param(jpeg(frame_header(), *[scan()] * 5_000), 101, id="counted to just above the bound"),
    ],
)
def test_scans_are_counted_to_the_end_of_the_image(data: bytes, scans: int) -> None:
    assert read_header("JPEG", data).scans == scans


@pytest.mark.parametrize(
    "pause", [b"", b"\xff", b"\0" * 5_000, b"\xff" * 5_000], ids=["none", "FF", "zeros", "many FF"]
)
@pytest.mark.parametrize("segments", [1, 3], ids=["one", "three"])
def test_size_is_found_behind_padding_and_segments(pause: bytes, segments: int) -> None:
    data = behind_start(PROGRESSIVE, *[segment(0xE5, b"\xff\xda\xff\xc0\0") + pause] * segments)
    header = read_header("JPEG", data)
    with Image.open(io.BytesIO(data)) as image:
        assert (header.width, header.height) == image.size == (280, 280)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(frame_header(0xC9), scan()), id="arithmetic coding"),
        pytest.param(jpeg(frame_header(0xC3), scan()), id="lossless"),
        pytest.param(jpeg(frame_header(), frame_header(width=9_000), scan()), id="two frame headers"),
        pytest.param(jpeg(frame_header(height=0), scan(), segment(0xDC, b"\0\x30")), id="height behind the scan (DNL)"),
        pytest.param(jpeg(frame_header()), id="no scan"),
        pytest.param(jpeg(scan()), id="no frame header"),
        pytest.param(jpeg(segment(0xC0, b"\x08\0"), scan()), id="frame header too short"),
        pytest.param(jpeg(frame_header(factors=()), scan()), id="no components"),
        pytest.param(jpeg(segment(0xC2, b"\x08\0\x30\0\x40\0\1\x11\0"), scan()), id="number of components 0"),
        pytest.param(behind_start(BASELINE, *[segment(0xE1, b"Exif\0\0")] * 100), id="a hundred EXIF segments"),
        pytest.param(behind_start(BASELINE, *[segment(0xE0)] * 5_000), id="five thousand segments"),
        pytest.param(jpeg(frame_header(width=3_000, height=3_000), *[scan()] * 30), id="many scans for its size"),
    ],
)
def test_unusual_jpeg_is_not_trusted(data: bytes) -> None:
    assert not read_header("JPEG", data).trusted


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(jpeg(frame_header(), *[scan()] * 101), "more than 100 scans, the most allowed", id="101 scans"),
        pytest.param(
            jpeg(frame_header(width=7_000, height=7_000), *[scan()] * 21),
            "has 21 scans; of its size, at most 20 are allowed",
            id="21 scans of 49 megapixels",
        ),
        pytest.param(jpeg(*[segment(0xE0)] * 10_001), "more than 10,000 segments", id="segments before a scan"),
        pytest.param(jpeg(b"\xff" * 200_000), "more than 10,000 segments", id="fill bytes"),
        pytest.param(jpeg(segment(0xE0), bytes(200_000)), "more than 10,000 segments", id="stray bytes"),
        pytest.param(
            jpeg(frame_header(), scan(), *[segment(0xC4)] * 10_001), "more than 10,000 segments", id="between scans"
        ),
    ],
)
def test_jpeg_beyond_its_bounds_is_refused_with_the_bound(data: bytes, sentence: str) -> None:
    with pytest.raises(TooComplex, match=sentence):
        check_cost(read_header("JPEG", data), LIMIT)


def test_100_scans_are_allowed() -> None:
    check_cost(read_header("JPEG", jpeg(frame_header(), *[scan()] * 100)), LIMIT)


def test_memory_of_a_progressive_jpeg_follows_its_sampling() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    whole, halved = (encoded(noise, "JPEG", progressive=True, subsampling=each) for each in (0, 2))
    saved = read_header("JPEG", whole).bytes_per_pixel - read_header("JPEG", halved).bytes_per_pixel
    assert saved == pytest.approx(3)  # 3 samples of 2 bytes against 1.5

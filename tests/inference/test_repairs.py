"""Files that strict decoders refuse although all pixels are there are answered; what is cut short is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from handler.errors import BrokenImage
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE
from tests.support.images import encoded

LIMIT = 50_000_000
IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (97, 123, 3), np.uint8)).resize((123, 97))
ORIENTATION = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # 6: on its side
LARGE = zlib.compress(bytes(3_000_000))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decode(data, LIMIT, DETAIL_SIDE))


def chunk(kind: bytes, content: bytes, *, wrong: int = 0) -> bytes:
    checksum = zlib.crc32(kind + content) ^ wrong
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def with_chunk(extra: bytes, *, at_end: bool = False) -> bytes:
    """A PNG with a further chunk behind its header, or behind its pixels."""
    png = encoded(IMAGE)
    place = len(png) - 12 if at_end else 33
    return png[:place] + extra + png[place:]


def with_segment(marker: int, content: bytes, **options: object) -> bytes:
    """A JPEG with a further segment behind its first marker."""
    jpeg = encoded(IMAGE, "JPEG", **options)
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


@pytest.mark.parametrize("at_end", [False, True], ids=["before the pixels", "after them"])
@pytest.mark.parametrize(
    "extra",
    [
        *(
            pytest.param(chunk(kind, bytes(40), wrong=1), id=f"checksum of {kind.decode()}")
            for kind in (
                b"iCCP",
                b"gAMA",
                b"cHRM",
                b"tEXt",
                b"zTXt",
                b"iTXt",
                b"tIME",
                b"pHYs",
                b"bKGD",
                b"prVt",
                b"tRNS",
            )
        ),
        *(pytest.param(chunk(kind, b""), id=f"empty {kind.decode()}") for kind in (b"gAMA", b"pHYs", b"iCCP", b"tRNS")),
        pytest.param(chunk(b"zTXt", b"Comment\0\0" + LARGE), id="long zTXt"),
        pytest.param(chunk(b"iTXt", b"Comment\0\1\0\0\0" + LARGE), id="long iTXt"),
        pytest.param(chunk(b"iCCP", b"profile\0\0" + LARGE), id="large profile"),
        pytest.param(chunk(b"iCCP", b"profile\0\7"), id="unknown compression"),
        pytest.param(chunk(b"tEXt", b"transparency\0none"), id="text called transparency"),
        pytest.param(chunk(b"tEXt", b"exif\0none"), id="text called exif"),
    ],
)
def test_png_chunk_beside_the_pixels_does_not_matter(extra: bytes, at_end: bool) -> None:
    found = decode(with_chunk(extra, at_end=at_end), LIMIT, DETAIL_SIDE)
    assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(IMAGE))


def png_of(stream: bytes, *, part: int = 1_000, wrong: int = 0) -> bytes:
    """A PNG with the pixels in the zlib stream `stream`, in chunks of `part` bytes; of one, the checksum is `wrong`."""
    parts = [stream[start : start + part] for start in range(0, len(stream), part)]
    pixels = [chunk(b"IDAT", each, wrong=wrong if i == 1 else 0) for i, each in enumerate(parts)]
    png = encoded(IMAGE)
    return b"".join([png[:33], *pixels, chunk(b"IEND", b"")])


def zlib_stream() -> bytes:
    rows = np.asarray(IMAGE).reshape(97, -1)
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))


@pytest.mark.parametrize("part", [1_000, len(zlib_stream()) - 2], ids=["in a chunk", "across two chunks"])
def test_wrong_checksum_of_the_pixels_of_a_png_does_not_matter(part: int) -> None:
    data = png_of(zlib_stream()[:-4] + b"\1\2\3\4", part=part)
    assert np.array_equal(pixels(data), np.asarray(IMAGE))


def test_png_with_damaged_pixels_is_refused() -> None:
    stream = bytearray(zlib_stream())
    stream[1_500] ^= 1  # of noise, which is stored: still a stream, of another pixel
    with pytest.raises(BrokenImage):
        decode(png_of(bytes(stream), wrong=1), LIMIT, DETAIL_SIDE)


def test_png_that_lacks_its_last_row_is_refused() -> None:
    rows = zlib.decompress(zlib_stream())
    for stream in (zlib.compress(rows[:-300]), zlib.compress(rows)[:-300]):
        with pytest.raises(BrokenImage):
            decode(png_of(stream), LIMIT, DETAIL_SIDE)


def test_orientation_and_transparency_of_a_repaired_png_are_kept() -> None:
    colour = struct.pack(">3H", *np.asarray(IMAGE)[0, 0].tolist())
    extra = chunk(b"gAMA", bytes(4), wrong=1) + chunk(b"tRNS", colour) + chunk(b"eXIf", ORIENTATION[6:])
    image = decode(with_chunk(extra), LIMIT, DETAIL_SIDE)
    assert (image.mode, image.size) == ("RGBA", (97, 123))
    assert image.getpixel((96, 0))[3] == 0  # type: ignore[index]


JPEGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "without subsampling": {"subsampling": 0},
    "restart intervals": {"restart_marker_blocks": 1},
    "rows as restart intervals": {"restart_marker_rows": 1, "progressive": True},
}


@pytest.mark.parametrize("missing", [1, 2], ids=["its last byte", "its end marker"])
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS.keys())
def test_jpeg_without_its_end_marker_is_decoded(options: dict[str, object], missing: int) -> None:
    data = encoded(IMAGE, "JPEG", **options)
    assert np.array_equal(pixels(data[:-missing]), pixels(data))


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS.keys())
def test_jpeg_cut_within_its_scans_is_refused(options: dict[str, object]) -> None:
    data = encoded(IMAGE, "JPEG", **options)
    for length in (*range(len(data) - 40, len(data) - 6), *range(700, len(data) - 40, 997)):
        with pytest.raises(BrokenImage):
            decode(data[:length], LIMIT, DETAIL_SIDE)


def test_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    data = encoded(IMAGE, "JPEG", progressive=True)
    for end in (place for place in range(700, len(data)) if data[place : place + 2] == b"\xff\xda"):
        with pytest.raises(BrokenImage):
            decode(data[:end], LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["without an end", "with its end"])
def test_metadata_of_a_jpeg_does_not_matter(ending: bytes) -> None:
    data = with_segment(0xE2, b"MPF\0broken")[:-2] + ending
    assert np.array_equal(pixels(data), pixels(encoded(IMAGE, "JPEG")))


def test_jpeg_without_end_marker_is_turned_upright() -> None:
    data = encoded(IMAGE, "JPEG", exif=ORIENTATION)
    assert decode(data[:-2], LIMIT, DETAIL_SIDE).size == (97, 123)


@pytest.mark.parametrize("interlace", [0, 1])
def test_gif_is_decoded_while_its_last_pixel_is_there(interlace: int) -> None:
    data = encoded(IMAGE.quantize(256), "GIF", interlace=interlace)
    decoded = []
    for missing in range(1, 40):
        try:
            found = pixels(data[:-missing])
        except BrokenImage:
            continue
        assert np.array_equal(found, pixels(data))
        decoded.append(missing)
    assert decoded == [1, 2, 3, 4][: len(decoded)]
    assert len(decoded) >= 3  # the file's end, that of the sub-blocks, and the end of the codes


def test_gif_whose_next_frame_is_cut_shows_its_first_one() -> None:
    file = io.BytesIO()
    first = IMAGE.quantize(256)
    first.save(file, "GIF", save_all=True, append_images=[IMAGE.rotate(180).quantize(256)])
    assert np.array_equal(pixels(file.getvalue()[:-500]), pixels(file.getvalue()))


@pytest.mark.parametrize("file_format", ["AVIF", "WEBP"])
def test_animation_is_decoded_while_its_first_frame_is_there(file_format: str) -> None:
    file = io.BytesIO()
    others = [IMAGE.rotate(90, expand=False), IMAGE.rotate(180)]
    IMAGE.save(file, file_format, save_all=True, append_images=others, quality=70)
    data = file.getvalue()
    refused = 0
    for length in range(len(data) // 8, len(data), len(data) // 16):
        try:
            found = pixels(data[:length])
        except BrokenImage:
            refused += 1
            assert length < len(data) / 2
        else:
            assert np.array_equal(found, pixels(data))
    assert refused > 0


@pytest.mark.parametrize("missing", [1, 40, 1_000])
def test_avif_that_lacks_some_of_its_pixels_is_refused(missing: int) -> None:
    with pytest.raises(BrokenImage):
        decode(encoded(IMAGE, "AVIF")[:-missing], LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_whose_metadata_is_cut_is_decoded(lossless: bool) -> None:
    data = encoded(IMAGE, "WEBP", lossless=lossless, exif=ORIENTATION, icc_profile=bytes(99), xmp=bytes(300))
    assert np.array_equal(pixels(data[:-100]), pixels(data))
    assert decode(data[:-100], LIMIT, DETAIL_SIDE).size == (97, 123)
    assert np.array_equal(pixels(data[:-320]), np.rot90(pixels(data)))  # within EXIF: its orientation is lost


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(99), "the PNG image is truncated or damaged", id="PNG"),
        pytest.param(encoded(IMAGE, "JPEG")[:900], "the JPEG image is truncated or damaged", id="JPEG"),
        pytest.param(
            b"II*\0\x10\0\0\0CR\2\0" + bytes(500),
            "the TIFF image is truncated or damaged, or of a kind that cannot be read, such as a camera's raw file",
            id="camera raw",
        ),
    ],
)
def test_sentence_of_a_broken_image_is_fixed(data: bytes, sentence: str) -> None:
    with pytest.raises(BrokenImage) as raised:
        decode(data, LIMIT, DETAIL_SIDE)
    assert str(raised.value) == sentence

"""Image decoding: formats, pixel modes, EXIF orientation, and errors for broken files."""

import io
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from handler.errors import BrokenImage, NotAnImage, RejectedImage, TooManyPixels
from handler.inference.decoding import decode, format_of
from handler.inference.preprocessing import DETAIL_SIDE
from tests.inference.headers.test_tiff import ONE_STRIP, tiff
from tests.support.hostile_images import tiff_compressed
from tests.support.images import FORMATS, encoded, png_that_claims, trousers
from tests.support.machine import PROJECT
from tests.support.shipped import prepare

LIMIT = 50_000_000


def half_and_half(mode: str, dark: object, light: object, size: tuple[int, int] = (40, 20)) -> Image.Image:
    """An image whose left half is `dark` and whose right half is `light`."""
    image = Image.new(mode, size, dark)  # type: ignore[arg-type]
    image.paste(light, (size[0] // 2, 0, *size))  # type: ignore[arg-type]
    return image


@pytest.mark.parametrize("name", FORMATS)
def test_format_is_detected_by_the_first_bytes(name: str) -> None:
    assert format_of(encoded(trousers(), name)) == name


@pytest.mark.parametrize(
    ("file_format", "image"),
    [
        pytest.param("PNG", half_and_half("1", 0, 1), id="two colours"),
        pytest.param("PNG", half_and_half("L", 0, 255), id="grey"),
        pytest.param("PNG", half_and_half("I;16", 0, 65_535), id="16-bit grey"),
        pytest.param("TIFF", half_and_half("I", 0, 65_535), id="32-bit integers"),
        pytest.param("TIFF", half_and_half("F", 0.0, 1.0), id="floating point"),
        pytest.param("PNG", half_and_half("RGB", "black", "white").quantize(2), id="palette"),
        pytest.param("GIF", half_and_half("RGB", "black", "white").quantize(2), id="GIF palette"),
        pytest.param("JPEG", half_and_half("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)), id="CMYK"),
        pytest.param("TIFF", half_and_half("LAB", (0, 128, 128), (255, 128, 128)), id="Lab"),
        pytest.param("PNG", half_and_half("LA", (0, 255), (255, 255)), id="grey with alpha"),
        pytest.param("PNG", half_and_half("RGBA", (0, 0, 0, 255), (255, 255, 255, 255)), id="alpha"),
    ],
)
def test_dark_and_light_are_kept_in_every_pixel_mode(file_format: str, image: Image.Image) -> None:
    grey = np.asarray(decode(encoded(image, file_format), LIMIT, DETAIL_SIDE).convert("L"))
    assert grey.shape == (20, 40)
    assert grey[:, :16].max() < 40
    assert grey[:, 24:].min() > 215


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_orientation_in_xmp_is_ignored_as_in_browsers(file_format: str) -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    options: dict[str, Any] = {"pnginfo": text} if file_format == "PNG" else {"xmp": xmp}
    data = encoded(Image.new("RGB", (40, 20)), file_format, **options)
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x0112] == 6  # as Pillow has it
    assert decode(data, LIMIT, DETAIL_SIDE).size == (40, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_image_is_rotated_by_its_exif_orientation(orientation: int) -> None:
    upright = half_and_half("RGB", "black", "white")
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    upright.save(file, "PNG", exif=exif)
    found = decode(file.getvalue(), LIMIT, DETAIL_SIDE)
    assert found.size == ((40, 20) if orientation < 5 else (20, 40))
    assert found.getpixel((0, 0)) == ((255,) * 3 if orientation in (2, 3, 7, 8) else (0,) * 3)


def test_large_jpeg_is_decoded_at_a_reduced_scale() -> None:
    assert decode(encoded(trousers(1_600), "JPEG"), LIMIT, DETAIL_SIDE).size == (200, 200)


def test_animation_is_decoded_to_its_first_frame() -> None:
    file = io.BytesIO()
    trousers().save(file, "GIF", save_all=True, append_images=[Image.new("RGB", (280, 280), "red")])
    first = decode(file.getvalue(), LIMIT, DETAIL_SIDE).convert("L")
    assert first.getpixel((0, 0)) == 0


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", NotAnImage, id="nothing"),
        pytest.param(b"%PDF-1.7 ...", NotAnImage, id="a PDF file"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", NotAnImage, id="SVG"),
        pytest.param(b"\x89PNG\r\n\x1a\n", BrokenImage, id="only a PNG's first bytes"),
        pytest.param(b"GIF89a", BrokenImage, id="only a GIF's first bytes"),
        pytest.param(b"II*\0" + bytes(4), BrokenImage, id="a TIFF without directory"),
        pytest.param(png_that_claims(60_000, 60_000), TooManyPixels, id="more pixels than allowed"),
        pytest.param(png_that_claims(8, 8), BrokenImage, id="fewer pixels than declared"),
    ],
)
def test_invalid_file_raises_its_error(data: bytes, error: type[RejectedImage]) -> None:
    with pytest.raises(error, match=r"image"):
        decode(data, LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", FORMATS)
def test_truncated_image_is_rejected(name: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), name)
    with pytest.raises(RejectedImage):
        decode(data[: int(len(data) * share)], LIMIT, DETAIL_SIDE)


def test_views_have_the_shape_and_type_of_the_model_input() -> None:
    pixels = prepare(encoded(trousers()), LIMIT).views
    assert pixels.shape == (2, 1, 28, 28)  # by the learned cut-out, and by colour
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("frame", "kind"),
    [(b"\xff\xc3", "lossless"), (b"\xff\xf7", "JPEG-LS"), (b"\xff\xc5", "hierarchical"), (b"\xff\xc0", "12 bits")],
    ids=str,
)
def test_jpeg_of_a_rare_kind_is_not_said_to_be_damaged(frame: bytes, kind: str) -> None:
    data = encoded(trousers(), "JPEG")
    place = data.index(b"\xff\xc0")
    bits = b"\x0c" if kind == "12 bits" else b"\x08"
    with pytest.raises(BrokenImage, match="of a kind that cannot be read: lossless"):
        decode(data[:place] + frame + data[place + 2 : place + 4] + bits + data[place + 5 :], LIMIT, DETAIL_SIDE)


def bmp(bits: int, compression: int, masks: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    """A BMP of 8 x 8 pixels; its colour masks follow the header."""
    header = struct.pack("<IiiHHI20x", 40, 8, 8, 1, bits, compression)
    content = struct.pack("<3I", *masks) + bytes(8 * bits)
    return b"BM" + struct.pack("<I4xI", 14 + len(header) + len(content), 66) + header + content


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bmp(16, 3, (0xF00, 0xF0, 0xF)), id="4 bits a colour"),
        pytest.param(bmp(32, 3, (0x3FF00000, 0xFFC00, 0x3FF)), id="10 bits a colour"),
        pytest.param(bmp(2, 0), id="2 bits a pixel"),
        pytest.param(bmp(24, 4), id="JPEG within"),
    ],
)
def test_bmp_of_a_rare_kind_is_not_said_to_be_damaged(data: bytes) -> None:
    with pytest.raises(BrokenImage, match="the BMP image is of a kind that cannot be read: of unusual colour masks"):
        decode(data, LIMIT, DETAIL_SIDE)


def test_bmp_of_a_common_kind_is_said_to_be_damaged() -> None:
    whole = bmp(16, 3, (0xF800, 0x7E0, 0x1F))
    assert decode(whole, LIMIT, DETAIL_SIDE).size == (8, 8)
    with pytest.raises(BrokenImage, match="the BMP image is truncated or damaged"):
        decode(whole[:-9], LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_damaged_tiff_prints_nothing(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = tiff_compressed(trousers(), compression)
    with pytest.raises(BrokenImage):
        decode(data[:40] + b"\xff" * 99 + data[139:], LIMIT, DETAIL_SIDE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("file_format", "side", "most"), [("AVIF", 32_769, "32,768"), ("JPEG", 65_501, "65,500")], ids=["AVIF", "JPEG"]
)
def test_side_that_is_too_long_for_the_decoder_is_named(file_format: str, side: int, most: str) -> None:
    data = encoded(Image.new("RGB", (32_769, 1)), file_format)
    if file_format == "JPEG":
        place = data.index(b"\xff\xc0") + 7
        data = data[:place] + struct.pack(">H", side) + data[place + 2 :]
    with pytest.raises(
        TooManyPixels, match=f"has {side} x 1 pixels; a side of {file_format} images may have at most {most}"
    ):
        decode(data, LIMIT, DETAIL_SIDE)


DECODE_ALONE = """
import sys
from handler.errors import BrokenImage
from handler.inference.decoding import decode
try:
    decode(sys.stdin.buffer.read(), 50_000_000, 224)
except BrokenImage:
    pass
"""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiff({**ONE_STRIP, 277: 515}, tail=bytes(8_000)), id="515 samples in a TIFF's pixel"),
        pytest.param(tiff({**ONE_STRIP, 305: (2, 5_000, 100_000)}, tail=bytes(8_000)), id="TIFF tag behind the end"),
        pytest.param(encoded(trousers(), "JPEG", exif=b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x09"), id="cut EXIF in a JPEG"),
    ],
)
def test_nothing_is_printed_about_a_file(data: bytes) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DECODE_ALONE], cwd=PROJECT, input=data, capture_output=True, check=True
    )
    assert ended.stdout + ended.stderr == b""

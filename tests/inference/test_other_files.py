"""What is sent in place of an image is named: base64, an address, a form, a file of another kind."""

import base64

import pytest

from handler.errors import NotAnImage
from handler.inference.decoding import decode
from handler.inference.preprocessing import DETAIL_SIDE
from tests.support.images import encoded, trousers

LIMIT = 50_000_000

TEXT = base64.b64encode(encoded(trousers()))
DECODE = "it is the base64 text of an image"
NO_IMAGE = "looks like base64 or a data URL, but not like that of an image"


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        pytest.param(TEXT, DECODE, id="base64"),
        pytest.param(base64.urlsafe_b64encode(encoded(trousers(), "JPEG")), DECODE, id="URL-safe base64"),
        pytest.param(repr(TEXT).encode(), DECODE, id="Python's repr of base64"),
        pytest.param(b"data:image/png;base64," + TEXT, DECODE, id="data URL"),
        pytest.param(b"data:text/plain,hello", NO_IMAGE, id="data URL of a text"),
        pytest.param(base64.b64encode(b"%PDF-1.7 " * 20), NO_IMAGE, id="base64 of a PDF file"),
    ],
)
def test_text_in_place_of_an_image_raises_an_error_that_names_base64(data: bytes, hint: str) -> None:
    with pytest.raises(NotAnImage, match=hint):
        decode(data, LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        pytest.param(b"\x1f\x8b\x08\0", "compressed by gzip, which its Content-Encoding should say", id="gzip"),
        pytest.param(b"PK\x03\x04\x14\0", "a ZIP archive or an office document", id="ZIP"),
        pytest.param(b"%PDF-1.7\n", "a PDF document", id="PDF"),
        pytest.param(b"8BPS\0\x01", "a Photoshop document", id="Photoshop"),
        pytest.param(b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", id="JPEG XL"),
        pytest.param(b"\xff\x0a\x90", "JPEG XL", id="bare JPEG XL"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", id="JPEG 2000"),
        pytest.param(b"https://example.com/a.jpg", "an address, not the image itself", id="address"),
        pytest.param(b" S3://bucket/a.jpg", "an address, not the image itself", id="address in S3"),
        pytest.param(b'--X\r\nContent-Disposition: form-data; name="file"\r\n\r\n', "a multipart form", id="form"),
        pytest.param(b'<?xml version="1.0"?>\n<svg xmlns="...">', "SVG", id="SVG"),
        pytest.param(b"<!DOCTYPE html><title>Log in</title>", "a web page", id="web page"),
        pytest.param(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video", id="video"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, hint: str) -> None:
    with pytest.raises(NotAnImage, match=f"^unknown image format: it is {hint}[^;]*; supported formats: PNG"):
        decode(data, LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize(
    "data", [b"hello", b"BA", b"-- a dash", b"<a>", b"\0\0\0\x18ftypabcd", b"\xff" * 9, b" " * 999]
)
def test_what_is_unknown_is_not_named(data: bytes) -> None:
    with pytest.raises(NotAnImage, match=r"^unknown image format; supported formats: PNG"):
        decode(data, LIMIT, DETAIL_SIDE)


def test_nothing_in_place_of_an_image_is_named() -> None:
    with pytest.raises(NotAnImage, match=r"^the image is empty"):
        decode(b"", LIMIT, DETAIL_SIDE)


@pytest.mark.parametrize("data", [b"hello world", b"a" * 39, bytes(80), "裤".encode() * 40], ids=repr)
def test_other_texts_raise_an_error_that_does_not_name_base64(data: bytes) -> None:
    with pytest.raises(NotAnImage, match=r"^unknown image format; supported formats: PNG"):
        decode(data, LIMIT, DETAIL_SIDE)

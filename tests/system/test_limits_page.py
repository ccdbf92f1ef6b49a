"""docs/limits.md states the limits that the code has, with the responses that it gives."""

import io
import re
from typing import Final

import pytest
from PIL import Image

from handler import errors
from handler.api.middleware.request_limits import Limits
from handler.api.requests.multipart import MAX_FORM_PARTS
from handler.errors import ClassifierError, RejectedImage, TooManyPixels
from handler.inference.headers import Header, check_cost, read_header
from handler.inference.headers.costs import MAX_BYTES, MAX_CHUNKS, MAX_PARTS, MAX_SCANNED_PIXELS, MAX_SCANS, MAX_SIDES
from handler.inference.heif import MAX_DECODED_PIXELS
from handler.inference.preprocessing import DETAIL_SIDE
from handler.serving.connections import BoundedConnection
from handler.settings import Settings
from tests.support.machine import PROJECT

PAGE: Final = (PROJECT / "docs" / "limits.md").read_text(encoding="utf-8")
ROWS: Final = {
    limit: (value, response)
    for limit, value, response in re.findall(r"^\| (.+?) \| (.*?) ?\| (.+) \|$", PAGE, re.MULTILINE)
    if limit not in ("limit", "---")
}
MILLION: Final = 1_000_000
ERRORS: Final = {
    error.title: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, ClassifierError) and hasattr(error, "title")
}


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("pixels, width times height", f"{Settings().max_pixels // MILLION} million"),
        (
            f"pixels of a HEIC that has no thumbnail with a side of {DETAIL_SIDE} pixels",
            f"{MAX_DECODED_PIXELS // MILLION} million",
        ),
        ("pixels of a side of a JPEG", f"{MAX_SIDES['JPEG']:,}"),
        ("pixels of a side of an AVIF", f"{MAX_SIDES['AVIF']:,}"),
        ("memory for decoding, by the header", f"{MAX_BYTES // 2**20} MiB"),
        ("scans of a JPEG", str(MAX_SCANS)),
        ("scans times pixels of a JPEG", f"{MAX_SCANNED_PIXELS:,}"),
        ("strips or tiles of a TIFF, tiles of an AVIF or HEIC", f"{MAX_PARTS:,}"),
        ("entries and values in a TIFF's first directory", f"{MAX_CHUNKS['TIFF'][1]:,}"),
        ("segments of a JPEG", f"{MAX_CHUNKS['JPEG'][1]:,}"),
        ("chunks of a PNG", f"{MAX_CHUNKS['PNG'][1]:,}"),
        ("chunks of a WebP", f"{MAX_CHUNKS['WEBP'][1]:,}"),
        ("blocks of a GIF before its first frame", f"{MAX_CHUNKS['GIF'][1]:,}"),
        ("boxes of an AVIF or HEIC", f"{MAX_CHUNKS['AVIF'][1]:,}"),
        ("runs of equal pixels of a BMP", f"{MAX_CHUNKS['BMP'][1]:,}"),
        ("bytes, also after `gzip` or `deflate`", f"{Settings().max_body_bytes // MILLION} MB; 4.5 MB on Lambda"),
        ("images", str(Settings().max_batch_images)),
        ("pixels of all images together", f"{Settings().max_batch_pixels // MILLION} million"),
        ("time until the last image is begun", f"{Settings().request_seconds} seconds"),
        ("parts of a form", str(MAX_FORM_PARTS)),
        ("connections", str(BoundedConnection.max_connections)),
        ("bytes of the head of a request that comes in parts", f"{BoundedConnection.max_head_bytes:,}"),
        ("requests on a connection that wait for the response to the first", str(BoundedConnection.max_queued)),
        ("request bodies at once", str(Limits(1).bodies_at_once)),
        ("time for each 64 KiB of a body", f"{Limits(1).stall_seconds:.0f} seconds"),
        ("time for a whole body", f"{Limits(1).body_seconds:.0f} seconds"),
        (
            "time for the rest of a body that is refused, if the client sends `Connection: close`",
            f"{Limits(1).discard_stall_seconds} seconds a part, {Limits(1).discard_seconds} seconds",
        ),
        ("bytes of an upload with a ticket", f"{Settings().max_upload_bytes // MILLION} MB"),
        ("bytes of files that the worker holds", f"{Settings().max_bytes_in_flight // MILLION} MB"),
    ],
)
def test_limit_equals_that_of_the_code(limit: str, value: str) -> None:
    stated, _ = ROWS[limit]
    assert stated.startswith(value)


def test_every_response_has_the_status_of_its_error() -> None:
    named = [found for _, response in ROWS.values() for found in re.findall(r"^(\d{3}) ([A-Z][a-z ]+)", response)]
    assert len(named) > 20
    for status, title in named:
        assert ERRORS[title].status == int(status)


def test_every_error_of_one_image_beyond_its_bounds_is_named() -> None:
    named = {title for title, error in ERRORS.items() if issubclass(error, RejectedImage) and title in PAGE}
    assert named == {"Too complex", "Too many pixels", "Too large"}


@pytest.mark.parametrize(
    ("file_format", "mode", "limit", "megapixels"),
    [
        ("WEBP", "RGB", "pixels of a WebP", 21),
        ("WEBP", "RGBA", "pixels of a WebP", 21),
        ("AVIF", "RGB", "pixels of an AVIF with 8 bits", 38),
        ("AVIF", "RGBA", "pixels of an AVIF with 8 bits", 30),
        ("PNG", "RGBA", "pixels, width times height", 50),
        ("GIF", "P", "pixels, width times height", 50),
        ("BMP", "RGB", "pixels, width times height", 50),
        ("TIFF", "RGB", "pixels, width times height", 50),
        ("JPEG", "RGB", "pixels, width times height", 50),
    ],
)
def test_format_has_the_stated_number_of_pixels(file_format: str, mode: str, limit: str, megapixels: int) -> None:
    value, _ = ROWS[limit]
    assert f"{megapixels} million" in value
    file = io.BytesIO()
    Image.new(mode, (64, 64)).save(file, file_format)
    check_cost(_resized(read_header(file_format, file.getvalue()), megapixels * MILLION), Settings().max_pixels)
    with pytest.raises(TooManyPixels):
        check_cost(
            _resized(read_header(file_format, file.getvalue()), (megapixels + 1) * MILLION), Settings().max_pixels
        )


def _resized(header: Header, pixels: int) -> Header:
    """The same kind of image, 5,000 pixels wide."""
    per_pixel = round(header.bytes_per_pixel - 0.05, 1)  # without what is kept for each row of the small image
    trusted = header.format not in {"AVIF", "TIFF", "WEBP"}
    return Header(header.format, 5_000, pixels // 5_000, bytes_per_pixel=per_pixel, trusted=trusted)

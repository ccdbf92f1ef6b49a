"""Bounds on the cost of one image: pixels, memory, JPEG scans, TIFF strips, chunks.

Measured on one core of an AMD EPYC, with Pillow 13: a scan costs up to 0.7 ns a pixel, beside 30 ns for each byte of
data; a strip 4 us and 360 bytes; a chunk or a segment 1 to 4 us; a run of a BMP 0.7 us.
"""

from typing import Final

from handler.errors import TooComplex, TooManyPixels
from handler.inference.headers.header import Header

MAX_BYTES: Final = 400 * 2**20  # of memory for one image, above that of its file
_CHILD_BYTES: Final = 60 * 2**20  # of the process in which an image is decoded whose header is not trusted
_ROW_BYTES: Final = 32  # pointers to the rows of the image and its copies, and weights of those that are averaged
_COLUMN_BYTES: Final = 16
# Of their decoders: libavif's, and libjpeg's.
MAX_SIDES: Final = {"AVIF": 32_768, "JPEG": 65_500}
MAX_SCANS: Final = 100
MAX_SCANNED_PIXELS: Final = 1_000_000_000  # scans times pixels
MAX_PARTS: Final = 50_000
# What a decoder walks one by one, in Python; what it is called; and how many may be there.
MAX_CHUNKS: Final = {
    "AVIF": ("boxes", 10_000),
    "BMP": ("runs of equal pixels", 2_000_000),
    "GIF": ("blocks before its first frame", 100_000),
    "HEIF": ("boxes", 10_000),
    "JPEG": ("segments", 10_000),
    "PNG": ("chunks", 50_000),
    "TIFF": ("entries and values in its first directory", 1_000_000),
    "WEBP": ("chunks", 20_000),
}


def check_cost(header: Header, max_pixels: int) -> None:
    """Check an image against all bounds.

    Raises TooManyPixels (more than `max_pixels`, than fit the memory for one image of its kind, or a side too long)
    or TooComplex (too many scans, strips, tiles or chunks).
    """
    size = f"{header.width} x {header.height} pixels"
    if header.pixels > max_pixels:
        raise TooManyPixels(f"the image has {size}, more than the {max_pixels:,} allowed")
    side = MAX_SIDES.get(header.format)
    if side and max(header.width, header.height) > side:
        raise TooManyPixels(f"the image has {size}; a side of {_kind(header)} may have at most {side:,}")
    most = MAX_BYTES if header.trusted else MAX_BYTES - _CHILD_BYTES
    if (memory := _bytes(header)) > most:
        fitting = most * header.pixels // int(memory)
        raise TooManyPixels(f"the image has {size}; {_kind(header)} of this kind may have at most {fitting:,}")
    _check_scans(header)
    if header.parts > MAX_PARTS:
        raise TooComplex(f"the image has more than {MAX_PARTS:,} strips or tiles, the most allowed")
    noun, most = MAX_CHUNKS[header.format]
    if header.chunks > most:
        raise TooComplex(f"the image has more than {most:,} {noun}, the most allowed")


def _bytes(header: Header) -> float:
    """Memory at the peak. In a very long image, what is kept for each row and column is more than the pixels."""
    return header.pixels * header.bytes_per_pixel + header.height * _ROW_BYTES + header.width * _COLUMN_BYTES


def _check_scans(header: Header) -> None:
    if header.scans > MAX_SCANS:
        raise TooComplex(f"the image has more than {MAX_SCANS} scans, the most allowed")
    if header.scans > 1 and header.scans * header.pixels > MAX_SCANNED_PIXELS:
        most = MAX_SCANNED_PIXELS // header.pixels
        raise TooComplex(f"the image has {header.scans} scans; of its size, at most {most} are allowed")


def _kind(header: Header) -> str:
    return f"{'WebP' if header.format == 'WEBP' else header.format} images"

"""BMP headers of Windows and OS/2: size, bit depth and compression."""

import struct
from typing import Final

from handler.inference.headers.header import CONVERSION_BYTES, Header

_CORE: Final = struct.Struct("<HHHH")  # OS/2 1.x: width, height, planes, bits
_INFO: Final = struct.Struct("<iiHHI")  # width, height (negative: top row first), planes, bits, compression
_CORE_SIZE: Final = 12
_INFO_SIZES: Final = frozenset((40, 52, 56, 64, 108, 124))
_RUN_LENGTH: Final = frozenset((1, 2))
_STORED: Final = frozenset((0, 3))  # plain, or with bit masks
_PALETTE_BITS: Final = 8
_LEAST_RUN: Final = 2  # bytes
_MOST_ROWS_SKIPPED: Final = 255  # by one instruction of the run-length encoding
_MAX_TRUSTED_RUNS: Final = 50_000
_MAX_TRUSTED_SKIP: Final = 4_000_000  # pixels


def read(data: bytes) -> Header:
    """Facts of the bitmap header; a run-length encoded image may have a run in every two bytes."""
    (size,) = struct.unpack_from("<I", data, 14)
    if size == _CORE_SIZE:
        (width, height, _, bits), compression = _CORE.unpack_from(data, 18), 0
    elif size in _INFO_SIZES:
        width, height, _, bits, compression = _INFO.unpack_from(data, 18)
    else:
        return Header("BMP", 0, 0, trusted=False)
    width, height = width % 2**32, abs(height)  # decoders take a negative width for a huge one
    runs = len(data) // _LEAST_RUN if compression in _RUN_LENGTH else 0
    skip = width * _MOST_ROWS_SKIPPED if runs else 0
    return Header(
        "BMP",
        width,
        height,
        chunks=runs,
        bytes_per_pixel=_pixel_bytes(bits, runs) + bits / 8 / max(height, 1),
        trusted=compression in _STORED or (runs <= _MAX_TRUSTED_RUNS and skip <= _MAX_TRUSTED_SKIP and runs > 0),
    )


def _pixel_bytes(bits: int, runs: int) -> float:
    if runs:
        return 4  # Pillow collects all pixels as bytes before it copies them
    return (1 if bits <= _PALETTE_BITS else 4) + CONVERSION_BYTES

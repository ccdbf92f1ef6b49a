"""PNG headers (ISO/IEC 15948): size, bit depth, interlacing and number of chunks."""

import struct
from typing import Final

from handler.inference.headers.costs import MAX_CHUNKS
from handler.inference.headers.header import CONVERSION_BYTES, Header

_CHUNK: Final = struct.Struct(">I4s")
_IHDR: Final = struct.Struct(">IIBBBBB")
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_GREY, _PALETTE = 0, 3
_DEEP: Final = 16  # bits
_ADAM7_PASSES: Final = 7
_PACKED: Final = frozenset((b"iCCP", b"iTXt", b"zTXt"))  # each inflates to up to 1 MB
_MAX_TRUSTED_CHUNKS: Final = 5_000
_MAX_TRUSTED_PACKED: Final = 20


def read(data: bytes) -> Header:
    """Facts of the image header chunk; chunks are counted to the end of the image, or to the bound."""
    length, kind = _CHUNK.unpack_from(data, 8)
    if kind != b"IHDR":  # another file behind PNG's signature: what stands there are no sizes
        return Header("PNG", 0, 0, trusted=False)
    width, height, depth, colour, _, _, interlaced = _IHDR.unpack_from(data, 16)
    chunks, packed, headers = _count(data)
    row = width * depth * _SAMPLES.get(colour, 4) / 8
    whole = length == _IHDR.size and headers == 1 and colour in _SAMPLES
    return Header(
        "PNG",
        width,
        height,
        scans=_ADAM7_PASSES if interlaced else 1,
        chunks=chunks,
        bytes_per_pixel=_pixel_bytes(depth, colour) + 2 * row / max(width, 1) / max(height, 1),
        trusted=whole and chunks <= _MAX_TRUSTED_CHUNKS and packed <= _MAX_TRUSTED_PACKED,
    )


def _count(data: bytes) -> tuple[int, int, int]:
    """Numbers of chunks, of compressed ones beside the pixels, and of image headers."""
    chunks, packed, headers, offset = 0, 0, 0, 8
    while offset + _CHUNK.size <= len(data) and chunks <= MAX_CHUNKS["PNG"][1]:
        length, kind = _CHUNK.unpack_from(data, offset)
        chunks += 1
        packed += kind in _PACKED
        headers += kind == b"IHDR"
        if kind == b"IEND":
            break
        offset += length + 12
    return chunks, packed, headers


def _pixel_bytes(depth: int, colour: int) -> float:
    """Memory for each pixel, as Pillow keeps it and as it is converted."""
    if colour == _GREY and depth == _DEEP:
        return 2 + 1.6  # with a transparent colour, strips are numpy's
    return (1 if colour in {_GREY, _PALETTE} else 4) + CONVERSION_BYTES

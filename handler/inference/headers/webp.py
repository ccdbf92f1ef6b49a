"""WebP headers (RFC 9649): canvas, first frame, lossy or lossless, transparency and animation."""

import struct
from dataclasses import dataclass
from typing import Final

from handler.inference.headers.costs import MAX_CHUNKS
from handler.inference.headers.header import Header

_CHUNK: Final = struct.Struct("<4sI")
_MAX_TRUSTED_PIXELS: Final = 2_000_000
_MAX_TRUSTED_CHUNKS: Final = 1_000
# Each group of Huffman codes of a lossless image takes up to 12 kB of memory, but 3 bytes of the file; one may come
# for every 16 pixels.
_MAX_TRUSTED_LOSSLESS_PIXELS: Final = 128_000
_MAX_TRUSTED_LOSSLESS_BYTES: Final = 24_000


@dataclass
class _Found:
    canvas: tuple[int, int] | None = None
    frame: tuple[int, int] | None = None  # of the first frame's own bit stream
    lossless_bytes: int = 0  # in the first frame, with its alpha plane
    frames: int = 0
    chunks: int = 0


def read(data: bytes) -> Header:
    """Size of the canvas, or of the first frame where that is larger (a decoder refuses it)."""
    found = _walk(data, 12, len(data), _Found())
    sizes = [size for size in (found.canvas, found.frame) if size]
    width, height = (max(side) for side in zip(*sizes, strict=True)) if sizes else (0, 0)
    pixels = width * height
    light = (
        not found.lossless_bytes
        or pixels <= _MAX_TRUSTED_LOSSLESS_PIXELS
        or found.lossless_bytes <= _MAX_TRUSTED_LOSSLESS_BYTES
    )
    return Header(
        "WEBP",
        width,
        height,
        chunks=found.chunks,
        bytes_per_pixel=16.9,  # the canvas twice, its bytes, and the image
        trusted=(
            found.frame is not None
            and 0 < pixels <= _MAX_TRUSTED_PIXELS
            and found.chunks <= _MAX_TRUSTED_CHUNKS
            and light
        ),
    )


def _walk(data: bytes, offset: int, end: int, found: _Found) -> _Found:
    """Walk the chunks of a file, and those within its first animation frame."""
    while offset + _CHUNK.size <= end and found.chunks <= MAX_CHUNKS["WEBP"][1]:
        kind, length = _CHUNK.unpack_from(data, offset)
        offset += _CHUNK.size
        found.chunks += 1
        if kind == b"VP8X":
            found.canvas = _sides_of_24_bits(data, offset + 4)
        elif kind == b"ANMF":
            found.frames += 1
            if found.frames == 1:
                _walk(data, offset + 16, min(end, offset + length), found)
        elif found.frame is None:
            _take_frame(data, kind, offset, length, found)
        offset += length + length % 2
    return found


def _take_frame(data: bytes, kind: bytes, offset: int, length: int, found: _Found) -> None:
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, offset + 6)
        found.frame = (width & 0x3FFF, height & 0x3FFF)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, offset + 1)
        found.frame = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        found.lossless_bytes += length
    elif kind == b"ALPH" and data[offset] & 3:  # compressed as a lossless image
        found.lossless_bytes += length


def _sides_of_24_bits(data: bytes, offset: int) -> tuple[int, int]:
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (offset, offset + 3))
    return width, height

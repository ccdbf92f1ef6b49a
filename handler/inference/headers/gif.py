"""GIF headers (GIF89a): the logical screen, and the first frame with the blocks before it."""

import struct
from typing import Final

from handler.inference.headers.costs import MAX_CHUNKS
from handler.inference.headers.header import CONVERSION_BYTES, Header

_SCREEN: Final = struct.Struct("<HHB")
_FRAME: Final = struct.Struct("<HHHH")
_EXTENSION, _IMAGE = 0x21, 0x2C
_APPLICATION, _COMMENT = 0xFF, 0xFE  # labels of extensions
_MAX_TRUSTED_BLOCKS: Final = 20_000


def read(data: bytes) -> Header:
    """Size of the logical screen, or up to the far corner of the first frame where that lies outside."""
    width, height, flags = _SCREEN.unpack_from(data, 6)
    first, blocks, is_plain = _first_frame(data, 13 + _palette_bytes(flags))
    if first is None:
        return Header("GIF", width, height, chunks=blocks, trusted=False)
    left, top, frame_width, frame_height = _FRAME.unpack_from(data, first)
    width, height = max(width, left + frame_width), max(height, top + frame_height)
    return Header(
        "GIF",
        width,
        height,
        chunks=blocks,
        bytes_per_pixel=1 + CONVERSION_BYTES + 1 / max(height, 1),
        trusted=is_plain and blocks <= _MAX_TRUSTED_BLOCKS,
    )


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _first_frame(data: bytes, offset: int) -> tuple[int | None, int, bool]:
    """Offset of the first frame's position and size, None if there is none; the blocks before it; are they plain?

    Stray bytes between blocks are skipped, as decoders do, and counted as blocks. An extension that is empty, or an
    application's without data, is not plain: Pillow reads on behind its end, and may find another frame.
    """
    blocks, end, most, is_plain = 0, len(data), MAX_CHUNKS["GIF"][1], True
    while offset < end and blocks <= most:
        kind = data[offset]
        offset += 1
        blocks += 1
        if kind == _IMAGE:
            return offset, blocks, is_plain
        if kind == _EXTENSION:
            label, before = data[offset], blocks
            offset += 1
            while offset < end and data[offset] and blocks <= most:
                offset += data[offset] + 1
                blocks += 1
            offset += 1  # the terminator
            is_plain &= label == _COMMENT or blocks - before > (label == _APPLICATION)
    return None, blocks, is_plain

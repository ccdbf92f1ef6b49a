"""AVIF and HEIF headers (ISO/IEC 14496-12, 23008-12): image sizes, bit depth, chroma, alpha and grids."""

import struct
from dataclasses import dataclass
from typing import Final

from handler.inference.headers.costs import MAX_CHUNKS
from handler.inference.headers.header import Header

_MOST_USED: Final = 256  # bytes of a box
_BOX: Final = struct.Struct(">I4s")
# Boxes with boxes in them, and how many bytes come before those.
_CONTAINERS: Final = {
    **dict.fromkeys((b"iprp", b"ipco", b"moov", b"trak"), 0),
    **dict.fromkeys((b"meta", b"iref"), 4),
}
_LONG_SIZE, _TO_THE_END = 1, 0  # instead of a box's size
_CHROMA: Final = (0.0, 0.5, 1.0, 2.0)  # samples for each pixel beside luma, by HEVC's chroma_format_idc
_ALPHA: Final = b"auxid:1", b":auxiliary:alpha"  # in the URNs of HEIF and MIAF


@dataclass
class _Found:
    width: int = 0
    height: int = 0
    plane_bytes: float = 0.0  # for each pixel, in all decoded planes; 0 if no codec was found
    alpha: bool = False
    tiles: int = 1
    boxes: int = 0


def read_avif(data: bytes) -> Header:
    """Size of the largest image in an AVIF file."""
    return _header("AVIF", data)


def read_heif(data: bytes) -> Header:
    """Size of the largest image in a HEIF file."""
    return _header("HEIF", data)


def _header(format: str, data: bytes) -> Header:  # noqa: A002  Pillow's name
    found = _walk(data)
    planes = found.plane_bytes or 6.0  # as of 10 bits without subsampling
    if format == "AVIF":
        memory = 1.5 * planes + (9.5 if found.alpha else 7.0)
    else:
        memory = max(7.2, 2 * planes + 3.6) + (1.5 if found.alpha else 0.0)
    return Header(
        format,
        found.width,
        found.height,
        parts=found.tiles,
        chunks=found.boxes,
        bytes_per_pixel=memory,
        trusted=False,
    )


def _walk(data: bytes) -> _Found:
    found, open_boxes = _Found(), [(0, len(data))]
    while open_boxes and found.boxes <= MAX_CHUNKS["AVIF"][1]:
        offset, end = open_boxes.pop()
        box = read_box(data, offset, end)
        if box is None:
            continue
        kind, content, after = box
        after = min(after, end)
        found.boxes += 1
        open_boxes.append((after, end))
        if kind in _CONTAINERS:
            open_boxes.append((content + _CONTAINERS[kind], after))
        else:
            _take(found, kind, data[content : min(after, content + _MOST_USED)])
    return found


def read_box(data: bytes, offset: int, end: int) -> tuple[bytes, int, int] | None:
    """Type of the box at `offset`, where its content starts, and where it ends by its header; None if there is none.

    A box that is cut off ends after `end`, which is where its surroundings end.
    """
    if offset + 8 > end:
        return None
    size, kind = _BOX.unpack_from(data, offset)
    content = offset + 8
    if size == _LONG_SIZE and offset + 16 <= end:
        size, content = int.from_bytes(data[offset + 8 : offset + 16], "big"), offset + 16
    elif size == _TO_THE_END:
        size = end - offset
    after = offset + size
    return (kind, content, after) if after >= content else None


def _take(found: _Found, kind: bytes, content: bytes) -> None:
    """Keep the facts of a box; if several boxes have the same fact, the largest."""
    if kind == b"ispe" and len(content) >= 12:
        _keep_size(found, *struct.unpack_from(">II", content, 4))
    elif kind == b"tkhd" and len(content) >= 8:
        _keep_size(found, *(side >> 16 for side in struct.unpack(">II", content[-8:])))
    elif kind == b"av1C" and len(content) > 2:
        flags = content[2]
        chroma = 0.0 if flags & 0x10 else 2 / (1 << (flags >> 3 & 1) + (flags >> 2 & 1))
        found.plane_bytes = max(found.plane_bytes, (1 + chroma) * (2 if flags & 0x40 else 1))
    elif kind == b"hvcC" and len(content) > 18:
        deep = content[17] & 7 or content[18] & 7
        found.plane_bytes = max(found.plane_bytes, (1 + _CHROMA[content[16] & 3]) * (2 if deep else 1))
    elif kind == b"auxC":
        found.alpha |= any(name in content for name in _ALPHA)
    elif kind == b"dimg":  # references to the tiles of a grid: its own item, their number, their items
        found.tiles = max(found.tiles, *(int.from_bytes(content[at : at + 2], "big") for at in (2, 4)))


def _keep_size(found: _Found, width: int, height: int) -> None:
    if width * height > found.width * found.height:
        found.width, found.height = width, height

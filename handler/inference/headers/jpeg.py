"""JPEG headers (ITU-T T.81): size, components and number of scans, found by walking the markers."""

import re
from dataclasses import dataclass, field
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from handler.inference.headers.costs import MAX_CHUNKS, MAX_SCANS
from handler.inference.headers.header import Header

_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # not DHT, JPG and DAC
_COMMON: Final = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))  # sequential and progressive, also with arithmetic coding
_JPEG_LS: Final = 0xF7  # ITU-T T.87
_HUFFMAN_CODED: Final = frozenset((0xC0, 0xC1, 0xC2))  # baseline, extended sequential, progressive
_PROGRESSIVE: Final = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
# Markers without parameters, and those at which decoders give up: TEM, reserved ones, RST, SOI, JPG.
_BARE: Final = frozenset((*range(0x01, 0xC0), 0xC8, *range(0xD0, 0xD9), *range(0xF0, 0xFE)))
_LEAST_FRAME_HEADER: Final = 9  # bytes, with one component
_NOT_FILL: Final = re.compile(rb"[^\xff]")
_PADDING_PER_CHUNK: Final = 16  # Pillow reads padding byte by byte, but that is faster than a segment
_MAX_SEGMENTS: Final = MAX_CHUNKS["JPEG"][1]
_FIRST_BLOCK, _LAST_BLOCK = 1_024, 262_144  # bytes
_MAX_TRUSTED_SEGMENTS: Final = 1_000
_MAX_TRUSTED_EXIF: Final = 16  # Pillow joins them one by one, in quadratic time
_MAX_TRUSTED_SCANNED_PIXELS: Final = 200_000_000  # scans times pixels
_SCALES: Final = (8, 4, 2)  # the decoder reduces by them on request
_REDUCED_SIDE: Final = 256  # pixels; a shorter side is not asked for


@dataclass
class _Tables:
    """What stands before the first scan."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)  # marker and content of each frame header
    scan: bytes = b""  # the first scan's header
    end: int = 0  # offset of the first scan's data; 0 if there is none
    segments: int = 0
    exif: int = 0
    is_jpeg_ls: bool = False


def read(data: bytes) -> Header:
    """Size of the last frame header before the first scan; scans are counted up to the bound, to the end of the image.

    A second image behind the first (MPO), and thumbnails within segments, are not counted.
    """
    tables = _read_tables(data)
    marker, frame = tables.frames[-1] if tables.frames else (0, b"")
    if not tables.end or len(frame) < _LEAST_FRAME_HEADER:
        return Header("JPEG", 0, 0, chunks=tables.segments, trusted=False)
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    components, in_scan = frame[5], tables.scan[0]
    in_scans = marker in _PROGRESSIVE or in_scan < components
    scans, between = _count_scans(data, tables.end) if in_scans else (1, 0)
    trusted = (
        marker in _HUFFMAN_CODED
        and len(tables.frames) == 1
        and width * height > 0
        and 0 < in_scan <= components
        and scans * width * height <= _MAX_TRUSTED_SCANNED_PIXELS * (1 if in_scans else 10)
        and tables.segments + between <= _MAX_TRUSTED_SEGMENTS
        and tables.exif <= _MAX_TRUSTED_EXIF
    )
    coefficients = 2 * _samples_per_pixel(frame) if in_scans else 0.0
    return Header(
        "JPEG",
        width,
        height,
        scans=scans,
        chunks=tables.segments + between,
        bytes_per_pixel=0.3 + coefficients + (4 if components > 1 else 1) / _scale(width, height) ** 2,
        trusted=trusted,
    )


def is_of_a_common_kind(data: bytes) -> bool:
    """False for a JPEG that decoders for the web do not read: lossless, hierarchical, JPEG-LS, not 8 bits a sample."""
    tables = _read_tables(data)
    kinds = [marker in _COMMON and content[:1] == b"\x08" for marker, content in tables.frames]
    return all(kinds) and not tables.is_jpeg_ls


def _read_tables(data: bytes) -> _Tables:
    """Walk the segments before the first scan, as Pillow does; stray bytes between them are skipped, and counted."""
    tables, offset = _Tables(), 2
    while offset < len(data) and tables.segments <= _MAX_SEGMENTS:
        code = _marker_code(data, offset)
        tables.segments += 1 + (code - offset) // _PADDING_PER_CHUNK
        marker, offset = data[code] if code < len(data) else 0, code + 1
        tables.is_jpeg_ls |= marker == _JPEG_LS
        if marker == 0 or marker in _BARE or marker == _EOI:
            continue
        content = offset + 2
        offset += int.from_bytes(data[offset:content], "big")
        _take(tables, marker, data[content : min(offset, content + 32)])
        if marker == _SOS:
            tables.end = offset
            break
    return tables


def _marker_code(data: bytes, start: int) -> int:
    """Offset of the next marker's last byte, behind stray and fill bytes; at most the padding that is allowed away."""
    prefix = data.find(b"\xff", start)
    end = start + _PADDING_PER_CHUNK * _MAX_SEGMENTS
    code = _NOT_FILL.search(data, prefix, end) if prefix >= 0 else None
    return code.start() if code else min(end, len(data))


def _take(tables: _Tables, marker: int, content: bytes) -> None:
    if marker in _FRAME_HEADERS:
        tables.frames.append((marker, content))
    elif marker == _SOS:
        tables.scan = content
    elif marker == _APP1 and content.startswith(b"Exif"):
        tables.exif += 1


def _count_scans(data: bytes, first: int) -> tuple[int, int]:
    """Numbers of scans and of segments from the first scan's data on, to the end of the image or just past a bound."""
    scans, segments, codes = 1, 0, np.frombuffer(data, np.uint8)
    offset = _next_marker(codes, first)
    while offset is not None and data[offset] != _EOI and scans <= MAX_SCANS and segments <= _MAX_SEGMENTS:
        scans += data[offset] == _SOS
        segments += 1
        length = 0 if data[offset] in _BARE else int.from_bytes(data[offset + 1 : offset + 3], "big")
        offset = _next_marker(codes, offset + 1 + length)
    return scans, segments


def _next_marker(codes: NDArray[np.uint8], start: int) -> int | None:
    """Offset of the next marker's second byte, other than RST; stuffed bytes (FF 00) are data.

    In blocks of numpy's, so that it takes the same time for any bytes: about 1 ns for each.
    """
    size = _FIRST_BLOCK
    while start + 1 < len(codes):
        block = codes[start : start + size]
        code = block[1:]
        # Without 00 and FF: one less is below 254, since 0 - 1 is 255.
        found = (block[:-1] == 0xFF) & (code - np.uint8(1) < 254) & (code & 0xF8 != 0xD0)
        nearest = int(found.argmax())
        if found[nearest]:
            return start + nearest + 1
        start += len(block) - 1
        size = min(2 * size, _LAST_BLOCK)
    return None


def _samples_per_pixel(frame: bytes) -> float:
    """How many samples are stored for each pixel: 3 of a colour image without subsampling, 1.5 of most photos."""
    factors = [(each >> 4 or 1, each & 15 or 1) for each in frame[7 : 6 + 3 * max(1, frame[5]) : 3]]
    whole = max(x for x, _ in factors) * max(y for _, y in factors)
    return sum(map(prod, factors)) / whole


def _scale(width: int, height: int) -> int:
    return next((scale for scale in _SCALES if min(width, height) >= scale * _REDUCED_SIDE), 1)

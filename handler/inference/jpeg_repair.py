"""Repair JPEG files that lack their end marker, or have broken metadata, if all of their scans are complete.

libjpeg silently fills up what is missing with grey. So completeness is checked in two ways: the scans cover every
coefficient to its last bit (ITU-T T.81, Annex G), and the pixels do not depend on what follows the last scan.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from handler.inference.completeness import FILLINGS, have_equal_pixels

_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither stuffed bytes nor restart markers
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_END: Final = b"\xff\xd9"
_SOS, _EOI, _COM = 0xDA, 0xD9, 0xFE
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; the others are tables
_APPLICATION: Final = range(0xE0, 0xF0)
_KEPT: Final = {0xE0: b"JFIF\0", 0xE1: b"Exif\0", 0xEE: b"Adobe"}  # of colours and orientation
_COEFFICIENTS: Final = 64

# Completeness takes two decodings more. With these bounds, all together take 1.5 seconds of computing time at most.
_MOST_BYTES: Final = 12_000_000
_MOST_SCANNED_PIXELS: Final = 200_000_000  # scans times pixels


@dataclass(frozen=True)
class _Segment:
    marker: int
    start: int  # of the marker
    content: bytes
    end: int


def repaired_jpeg(data: bytes) -> bytes | None:
    """`data` without metadata that Pillow would stumble over, and with an end marker; None if scans are missing."""
    segments = list(_segments(data))
    first_scan = next((segment for segment in segments if segment.marker == _SOS), None)
    if first_scan is None:
        return None
    header = b"".join(data[s.start : s.end] for s in segments if s.start < first_scan.start and not _is_metadata(s))
    whole = b"\xff\xd8" + header + data[first_scan.start :]
    if segments[-1].marker == _EOI:
        return whole
    whole = whole.rstrip(b"\xff")
    return whole + _END if _is_cheap(whole, segments) and _is_covered(segments) and _is_complete(whole) else None


def _segments(data: bytes) -> Iterator[_Segment]:
    """All segments behind SOI, up to EOI; the entropy-coded data behind a scan's header belong to none."""
    position = 2
    while found := _MARKER.search(data, position):
        marker = data[found.end() - 1]
        length = int.from_bytes(data[found.end() : found.end() + 2], "big") if marker != _EOI else 0
        position = found.end() + length
        yield _Segment(marker, found.start(), data[found.end() + 2 : position], position)
        if marker == _EOI:
            break


def _is_metadata(segment: _Segment) -> bool:
    if segment.marker == _COM:
        return True
    kept = _KEPT.get(segment.marker)
    return segment.marker in _APPLICATION and not (kept and segment.content.startswith(kept))


def _is_cheap(data: bytes, segments: list[_Segment]) -> bool:
    sizes = [struct.unpack_from(">HH", s.content, 1) for s in segments if s.marker in _FRAMES and len(s.content) > 5]
    scans = sum(segment.marker == _SOS for segment in segments)
    pixels = max((height * width for height, width in sizes), default=0)
    return len(data) <= _MOST_BYTES and scans * pixels <= _MOST_SCANNED_PIXELS


def _is_covered(segments: list[_Segment]) -> bool:
    """Whether the scans reach the last bit of every coefficient of every component."""
    missing: set[tuple[int, int]] = set()
    for segment in segments:
        content = segment.content
        if segment.marker in _FRAMES and len(content) > 5:
            components = content[6 : 6 + 3 * content[5] : 3]
            missing |= {(component, index) for component in components for index in range(_COEFFICIENTS)}
        elif segment.marker == _SOS and len(content) >= 4 + 2 * content[0]:
            first, last, bits = content[1 + 2 * content[0] : 4 + 2 * content[0]]
            components = content[1 : 1 + 2 * content[0] : 2]
            if bits & 15 == 0:  # the low bits follow in later scans
                missing -= {(component, index) for component in components for index in range(first, last + 1)}
    return not missing


def _is_complete(data: bytes) -> bool:
    """Whether the pixels are the same, whatever follows the last scan; with and without a further restart interval."""
    restarts = _RESTART.findall(data)
    restart = bytes([0xFF, 0xD0 + (restarts[-1][1] + 1) % 8 if restarts else 0xD0])
    return have_equal_pixels((data + filling + restart + filling + _END for filling in FILLINGS), "JPEG")

"""TIFF headers (TIFF 6.0, and BigTIFF): size, strips or tiles, samples and compression of the first directory."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from handler.inference.headers.header import CONVERSION_BYTES, Header

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _MAX_SAMPLE_VALUE = 273, 277, 278, 279, 281
_ORIENTATION, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 274, 284, 322, 323, 324, 325
_PART_LISTS: Final = frozenset((_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES))
_SINGLE: Final = frozenset((_WIDTH, _HEIGHT, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT, _SAMPLES, _COMPRESSION))
_DIRECTORIES: Final = frozenset((34665, 34853, 40965))  # EXIF, GPS, interoperability: decoders read them, too

_TYPES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}  # of whole numbers without a sign, by code
_TEXT: Final = frozenset((1, 2, 7))  # types that are read in one piece
_RATIONAL: Final = frozenset((5, 10))
_RATIONAL_COST: Final = 16  # as slow to read as so many integers
_ENTRY_COST: Final = 16
_BIG_TIFF: Final = 43  # instead of 42
_PLAIN: Final = 1  # no compression
_SEPARATE: Final = 2  # each sample in strips of its own
_RGB, _CMYK, _YCBCR = 2, 5, 6  # photometric interpretations

_MAX_ENTRIES: Final = 10_000
_MAX_TRUSTED_PIXELS: Final = 2_000_000
_MAX_TRUSTED_ROWS: Final = 100_000  # libtiff reports each damaged row of a fax
_MAX_TRUSTED_PARTS: Final = 5_000
_MAX_TRUSTED_VALUES: Final = 50_000
_MAX_TRUSTED_BYTES_WITH_DIRECTORIES: Final = 500_000
# Stored, CCITT, LZW, Deflate (two codes) and PackBits. Others can hide work: JPEG has scans, LZMA and ZSTD windows.
_TRUSTED_COMPRESSIONS: Final = frozenset((1, 2, 3, 4, 5, 8, 32773, 32946))


@dataclass(frozen=True)
class _Directory:
    values: Mapping[int, int]  # the largest first value of each tag
    counts: Mapping[int, int]  # the largest number of values of each tag
    cost: int  # of reading its entries, and the numbers in them; 1 for an integer
    consistent: bool  # no tag comes twice, and no list points outside the file

    def value(self, tag: int, default: int) -> int:
        return self.values.get(tag, default)


def read(data: bytes) -> Header:
    """Facts of the first directory; `parts` is the larger of the declared and the computed number."""
    directory = _read_directory(data)
    if directory is None:
        return Header("TIFF", 0, 0, trusted=False)
    width, height = directory.value(_WIDTH, 0), directory.value(_HEIGHT, 0)
    declared = max((directory.counts.get(tag, 0) for tag in _PART_LISTS), default=0)
    computed, part_pixels = _parts(directory, width, height)
    compression = directory.value(_COMPRESSION, _PLAIN)
    part_bytes = part_pixels * _stored_bytes_per_pixel(directory) if _is_for_libtiff(directory) else 0.0
    return Header(
        "TIFF",
        width,
        height,
        parts=max(declared, computed, 1),
        chunks=directory.cost,
        bytes_per_pixel=_bytes_per_pixel(directory) + part_bytes / max(width * height, 1),
        trusted=(
            directory.consistent
            and 0 < width * height <= _MAX_TRUSTED_PIXELS
            and height <= _MAX_TRUSTED_ROWS
            and part_pixels <= _MAX_TRUSTED_PIXELS
            and max(declared, computed) <= _MAX_TRUSTED_PARTS
            and compression in _TRUSTED_COMPRESSIONS
            and directory.cost <= _MAX_TRUSTED_VALUES
            and (len(data) <= _MAX_TRUSTED_BYTES_WITH_DIRECTORIES or not _DIRECTORIES & directory.counts.keys())
        ),
    )


def _read_directory(data: bytes) -> _Directory | None:
    """The first directory, by at most 10,000 entries; None if its header is none of a TIFF, or points outside."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return None
    (version,) = struct.unpack_from(order + "H", data, 2)
    big = version == _BIG_TIFF
    (offset,) = struct.unpack_from(order + "Q", data, 8) if big else struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, offset) if offset < len(data) else (0,)
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    start = offset + (8 if big else 2)
    there = min(count, _MAX_ENTRIES, max(0, len(data) - start) // entry.size)
    if not there:
        return None
    table = data[start : start + there * entry.size]
    return _sorted_out(data, order, list(entry.iter_unpack(table)), count)


def _sorted_out(data: bytes, order: str, entries: list[tuple[int, int, int, bytes]], declared: int) -> _Directory:
    values: dict[int, int] = {}
    counts: dict[int, int] = {}
    cost, consistent = declared * _ENTRY_COST, declared == len(entries)
    for tag, kind, count, field in entries:
        consistent &= tag not in counts and (tag not in _SINGLE or count == 1)
        counts[tag] = max(counts.get(tag, 0), count)
        values[tag] = max(values.get(tag, 0), _first_value(data, order, kind, count, field))
        if tag not in _PART_LISTS and kind not in _TEXT:
            cost += min(count, len(data)) * (_RATIONAL_COST if kind in _RATIONAL else 1)
    return _Directory(values, counts, cost, consistent)


def _first_value(data: bytes, order: str, kind: int, count: int, field: bytes) -> int:
    """The first number of an entry; 0 if it is none, or lies outside the file."""
    letter = _TYPES.get(kind)
    if letter is None:
        return 0
    size = struct.calcsize(letter)
    if size * count > len(field):
        at = int.from_bytes(field, "little" if order == "<" else "big")
        field = data[at : at + size]
    return int(struct.unpack_from(order + letter, field)[0]) if len(field) >= size else 0


def _parts(directory: _Directory, width: int, height: int) -> tuple[int, int]:
    """How many strips or tiles the image has by its sizes, and the pixels of one."""
    planes = directory.value(_SAMPLES, 1) if directory.value(_PLANAR, 1) == _SEPARATE else 1
    if _TILE_WIDTH in directory.counts or _TILE_HEIGHT in directory.counts:
        across, down = max(1, directory.value(_TILE_WIDTH, width)), max(1, directory.value(_TILE_HEIGHT, height))
        return ceil(width / across) * ceil(height / down) * planes, across * down
    rows = min(directory.value(_ROWS_PER_STRIP, height) or height, height)
    return ceil(height / max(1, rows)) * planes, rows * width


def _is_for_libtiff(directory: _Directory) -> bool:
    """Whether libtiff decodes the image, for which it needs memory for a whole strip or tile (see `inference.tiff`)."""
    is_plain = directory.value(_COMPRESSION, _PLAIN) == _PLAIN
    has_deep_planes = directory.value(_PLANAR, 1) == _SEPARATE and directory.value(_BITS, 1) > 8
    return not is_plain or has_deep_planes or directory.value(_PHOTOMETRIC, 1) == _YCBCR


def _stored_bytes_per_pixel(directory: _Directory) -> float:
    stored = max(1, directory.value(_BITS, 1)) * max(1, directory.value(_SAMPLES, 1)) / 8
    return max(4.0, stored) if directory.value(_PHOTOMETRIC, 1) == _YCBCR else stored


def _bytes_per_pixel(directory: _Directory) -> float:
    """Memory for each pixel, as Pillow keeps it; twice where it is turned upright."""
    samples, bits = directory.value(_SAMPLES, 1), directory.value(_BITS, 1)
    colour = samples > 1 or directory.value(_PHOTOMETRIC, 1) in {_RGB, _YCBCR, _CMYK}
    kept = 4 if colour or bits > 16 else 2 if bits > 8 else 1
    lower_bytes = kept if colour and bits > 8 and _MAX_SAMPLE_VALUE in directory.counts else 0
    return kept * (2 if directory.value(_ORIENTATION, 1) > 1 else 1) + lower_bytes + CONVERSION_BYTES

"""Rewrite big-endian BigTIFF files as classic TIFF files, which is what Pillow takes them for."""

import struct
from collections.abc import Iterator
from typing import Final

BIG_ENDIAN_BIG_TIFF: Final = b"MM\0+"
_CLASSIC: Final = b"MM\0*"
_BIG_ENTRY: Final = struct.Struct(">HHQ8s")  # tag, type, number of values, and the values or their offset
_ENTRY: Final = struct.Struct(">HHI4s")
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # by type, in bytes
_LONG, _LONG8 = 4, 16
_OTHER_DIRECTORIES: Final = frozenset((330, 34665, 34853, 40965))  # laid out as in a BigTIFF, too
_MAX_LONG: Final = 2**32 - 1


def as_classic_tiff(data: bytes) -> bytes:
    """The same image, with its first directory rewritten behind all else. The file must have less than 4 GB.

    Entries whose values are not in the file are left out, and those that together are larger than it.
    Raises struct.error if the directory is not in the file.
    """
    entries = [*_entries(data)]
    padding = bytes(len(data) % 2)
    start = len(data) + len(padding)
    outside_at = start + 2 + len(entries) * _ENTRY.size + 4
    fields, outside = [], bytearray()
    for tag, kind, count, values in entries:
        field = values
        if len(values) > 4:
            field = struct.pack(">I", outside_at + len(outside))
            outside += values + bytes(len(values) % 2)
        fields.append(_ENTRY.pack(tag, kind, count, field))
    directory = struct.pack(">H", len(entries)) + b"".join(fields) + bytes(4)
    return b"".join((_CLASSIC, struct.pack(">I", start), data[8:], padding, directory, outside))


def _entries(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Tag, type, number and bytes of the values of each entry of the first directory."""
    (start,) = struct.unpack_from(">Q", data, 8)
    (number,) = struct.unpack_from(">Q", data, start)
    room = len(data)  # values that overlap would be copied again and again
    for index in range(number):
        tag, kind, count, field = _BIG_ENTRY.unpack_from(data, start + 8 + index * _BIG_ENTRY.size)
        size = count * (8 if kind == _LONG8 else _SIZES.get(kind, 0))
        if tag in _OTHER_DIRECTORIES or not 0 < size <= room:
            continue
        at = int.from_bytes(field, "big")
        values = field[:size] if size <= len(field) else data[at : at + size]
        if len(values) == size:
            room -= size
            yield (tag, _LONG, count, _shortened(values)) if kind == _LONG8 else (tag, kind, count, values)


def _shortened(values: bytes) -> bytes:
    numbers = struct.unpack(f">{len(values) // 8}Q", values)
    return struct.pack(f">{len(numbers)}I", *(min(number, _MAX_LONG) for number in numbers))

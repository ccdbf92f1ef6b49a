"""Strip shared objects: remove symbol tables and padding that are never loaded, in pure Python, on any system.

GNU's strip breaks the libraries of wheels, whose segments auditwheel has moved to the end of the file. Here segments
keep their addresses; only their offsets in the file get smaller, by whole pages, as the loader requires ("ELF-64 Object
File Format", 1998: p_offset and p_vaddr are equal modulo p_align).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ELF64: Final = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_PROGRAM_HEADERS, _SECTION_HEADERS, _COUNTS = 32, 40, 54  # where the ELF header has them
_HEADER_BYTES: Final = 64
_LEAST_PAGE: Final = 4096


@dataclass(frozen=True)
class Segment:
    """A program header: what the loader maps into memory, or reads."""

    place: int  # of the header in the file
    offset: int
    size: int
    align: int


def strip_shared_objects(package: Path) -> None:
    """Strip every shared object in the folder `package`."""
    for path in sorted(package.rglob("*.so*")):
        content = path.read_bytes()
        if content.startswith(_ELF64):
            path.write_bytes(stripped(content))


def stripped(content: bytes) -> bytes:
    """Remove what no segment has, and the section headers, which only linkers and debuggers read."""
    segments = _segments(content)
    page = max(_LEAST_PAGE, *(segment.align for segment in segments))
    kept = [(0, _HEADER_BYTES), *((each.offset, each.offset + each.size) for each in segments)]
    headers = _number("<Q", content, _PROGRAM_HEADERS)
    kept.append((headers, segments[-1].place + struct.calcsize("<IIQQQQQQ")))
    gaps = list(_gaps(sorted(kept), page))
    changed = bytearray(content)
    for segment in segments:
        struct.pack_into("<Q", changed, segment.place + 8, segment.offset - _removed_before(segment.offset, gaps))
    struct.pack_into("<Q", changed, _PROGRAM_HEADERS, headers - _removed_before(headers, gaps))
    struct.pack_into("<Q", changed, _SECTION_HEADERS, 0)
    struct.pack_into("<HHH", changed, _COUNTS + 4, _HEADER_BYTES, 0, 0)
    for start, end in reversed(gaps):
        del changed[start:end]
    return bytes(changed[: max(end for _, end in kept) - sum(end - start for start, end in gaps)])


def _segments(content: bytes) -> list[Segment]:
    start = _number("<Q", content, _PROGRAM_HEADERS)
    size, count = struct.unpack_from("<HH", content, _COUNTS)
    places = [start + number * size for number in range(count)]
    found = [(place, struct.unpack_from("<IIQQQQQQ", content, place)) for place in places]
    return [Segment(place, fields[2], fields[5], fields[7]) for place, fields in found]


def _gaps(kept: list[tuple[int, int]], page: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges between `kept` ones that can be removed: a multiple of `page` in length."""
    reached = 0
    for start, end in kept:
        removable = (start - reached) // page * page
        if removable > 0:
            yield start - removable, start
        reached = max(reached, end)


def _removed_before(offset: int, gaps: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in gaps if end <= offset)


def _number(kind: str, content: bytes, place: int) -> int:
    return int(struct.unpack_from(kind, content, place)[0])

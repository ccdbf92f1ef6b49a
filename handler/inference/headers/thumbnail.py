"""Take the thumbnail of a HEIF file for its image (ISO/IEC 14496-12, 8.11; 23008-12, 6.4.4)."""

from typing import Final

from handler.inference.headers.isobmff import read_box

_THUMBNAIL: Final = b"thmb"  # the type of a reference from a thumbnail to its image
_PASSED_OVER: Final = b"free"  # a type that readers pass over
_VERSION: Final = 4  # bytes of a box's version and flags
_COUNT: Final = 2  # bytes of the number of images that a reference names


def with_thumbnail_as_image(data: bytes) -> bytes | None:
    """A copy of a HEIF file in which the thumbnail of its primary image is the primary image.

    None if it has no thumbnail, or is cut off.
    """
    outermost = _boxes(data, 0, len(data))
    if not outermost or outermost[-1][2] != len(data):
        return None
    meta = [box for kind, start, end in outermost if kind == b"meta" for box in _boxes(data, start + _VERSION, end)]
    places = {kind: (start, end) for kind, start, end in meta}
    if not {b"pitm", b"iref"} <= places.keys():
        return None
    (primary_at, _), (references_at, end) = places[b"pitm"], places[b"iref"]
    primary_bytes, reference_bytes = (4 if _number(data, at, 1) else 2 for at in (primary_at, references_at))
    primary_at += _VERSION
    primary = _number(data, primary_at, primary_bytes)
    for kind, start, after in _boxes(data, references_at + _VERSION, end):
        images = range(start + reference_bytes + _COUNT, after, reference_bytes)
        if kind == _THUMBNAIL and primary in (_number(data, at, reference_bytes) for at in images):
            thumbnail = _number(data, start, reference_bytes).to_bytes(4, "big")[-primary_bytes:]
            parts = (
                data[:primary_at],
                thumbnail,
                data[primary_at + primary_bytes : start - 4],
                _PASSED_OVER,
                data[start:],
            )
            return b"".join(parts)
    return None


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _boxes(data: bytes, offset: int, end: int) -> list[tuple[bytes, int, int]]:
    """Type, start of the content and end of each box between `offset` and `end`."""
    found = []
    while box := read_box(data, offset, end):
        found.append(box)
        offset = box[2]
    return found

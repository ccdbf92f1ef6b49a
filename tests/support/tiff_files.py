"""TIFF files in layouts that Pillow does not write: the directory first, big-endian, BigTIFF, old-style JPEG."""

import io
from collections.abc import Iterable

from PIL import Image

from tests.support.hostile_images import TIFF_TYPES, tiff
from tests.support.images import encoded

_STRIP_OFFSETS, _STRIP_BYTES = 273, 279


def laid_out(data: bytes, *, big: bool = False, order: str = "<") -> bytes:
    """The pixels of a TIFF behind its directory, in another layout; those of more than 8 bits keep their byte order."""
    with Image.open(io.BytesIO(data)) as image:
        tags, types = dict(image.tag_v2), image.tag_v2.tagtype  # type: ignore[attr-defined]
    entries = {tag: (types[tag], _numbers(value)) for tag, value in tags.items() if types[tag] in TIFF_TYPES}
    starts, lengths = entries[_STRIP_OFFSETS][1], entries[_STRIP_BYTES][1]
    kind = 16 if big else 4
    entries[_STRIP_OFFSETS] = kind, [sum(lengths[:index]) for index in range(len(lengths))]
    strips = (data[start : start + length] for start, length in zip(starts, lengths, strict=True))
    return tiff(entries, data=b"".join(strips), big=big, order=order)


def _numbers(value: int | Iterable[int]) -> list[int]:
    return [value] if isinstance(value, int) else [*value]


def tiff_around_old_jpeg(image: Image.Image) -> bytes:
    """A TIFF with a JPEG in the way of TIFF 6.0 (compression 6)."""
    jpeg = encoded(image, "JPEG")
    entries = {
        256: (4, [image.width]),
        257: (4, [image.height]),
        258: (3, [8, 8, 8]),
        259: (3, [6]),
        262: (3, [6]),
        277: (3, [3]),
        278: (4, [image.height]),
        279: (4, [len(jpeg)]),
        513: (4, [0]),
        514: (4, [len(jpeg)]),
        530: (3, [2, 2]),
    }
    offset = len(tiff({**entries, 273: (4, [0])}))
    return tiff({**entries, 273: (4, [0]), 513: (4, [offset])}, data=jpeg)

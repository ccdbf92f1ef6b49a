"""Check whether the compressed pixels of an image file are complete: whether they depend on what is put behind them.

Decoders silently fill up missing pixels, or need bytes beyond the last pixel. With two continuations that differ in
every bit, a missing code decodes to two different codes.
"""

import io
import zlib
from collections.abc import Iterable
from typing import Final

from PIL import Image

_FILLING: Final = bytes.fromhex("4e93a71bc658d2356ca92d7494e3398b")
FILLINGS: Final = (_FILLING, bytes(255 - value for value in _FILLING))

# Larger JPEG files are compared at half the scale: a progressive one takes 6 bytes per pixel beside its pixels.
_MOST_COMPARED: Final = 16_000_000  # pixels
_ROWS: Final = 256  # compared at once


def have_equal_pixels(files: Iterable[bytes], format: str) -> bool:  # noqa: A002  Pillow's name
    """Whether all files decode to the same pixels. Raises what Pillow raises for a broken file."""
    return len({_checksum(file, format) for file in files}) == 1


def _checksum(file: bytes, format: str) -> int:  # noqa: A002
    with Image.open(io.BytesIO(file), formats=[format]) as image:
        if image.width * image.height > _MOST_COMPARED:
            image.draft(None, ((image.width + 1) // 2, (image.height + 1) // 2))
        image.load()
        checksum = 0
        for top in range(0, image.height, _ROWS):
            strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
            checksum = zlib.crc32(strip.tobytes(), checksum)
    return checksum

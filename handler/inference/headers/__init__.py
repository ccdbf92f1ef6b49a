"""Read image headers without decoding, and refuse images that would cost too much memory or time."""

import struct
from collections.abc import Callable, Mapping
from typing import Final

from handler.inference.headers import bmp, gif, isobmff, jpeg, png, tiff, webp
from handler.inference.headers.costs import check_cost
from handler.inference.headers.header import Header

__all__ = ["Header", "check_cost", "read_header"]

_READERS: Final[Mapping[str, Callable[[bytes], Header]]] = {
    "AVIF": isobmff.read_avif,
    "BMP": bmp.read,
    "GIF": gif.read,
    "HEIF": isobmff.read_heif,
    "JPEG": jpeg.read,
    "PNG": png.read,
    "TIFF": tiff.read,
    "WEBP": webp.read,
}


def read_header(format: str, data: bytes) -> Header:  # noqa: A002  Pillow's name
    """The facts of an image file in `format`, a name of Pillow's; a broken header is of size 0, and not trusted.

    Raises nothing, whatever the bytes; takes milliseconds for 50 MB.
    """
    try:
        return _READERS[format](data)
    except (IndexError, struct.error):  # the file ends within its header
        return Header(format, 0, 0, trusted=False)

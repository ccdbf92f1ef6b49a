"""Tell costly images from ordinary ones by their headers, so that the worker can leave them for the end."""

from typing import Final

from handler.errors import RejectedImage
from handler.inference.decoding import format_of
from handler.inference.headers import check_cost, read_header

_ORDINARY_PIXELS: Final = 25_000_000  # a phone's photo; it takes a fraction of a second
_ORDINARY_BYTES: Final = 10_000_000  # of a file


def is_costly(content: bytes | RejectedImage, max_pixels: int) -> bool:
    """Whether decoding may take seconds or much memory; not if the header alone is enough to refuse the image."""
    if isinstance(content, RejectedImage):
        return False
    image_format = format_of(content)
    if image_format is None:
        return False
    header = read_header(image_format, content)
    try:
        check_cost(header, max_pixels)
    except RejectedImage:
        return False
    return not header.trusted or header.pixels > _ORDINARY_PIXELS or len(content) > _ORDINARY_BYTES

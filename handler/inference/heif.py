"""Decode HEIC and other HEIF images, which iPhones take, with pi-heif (libheif and libde265)."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from PIL import Image

from handler.errors import TooManyPixels
from handler.inference.headers.thumbnail import with_thumbnail_as_image

if TYPE_CHECKING:
    from pi_heif import HeifImage

MAX_DECODED_PIXELS: Final = 26_000_000  # 1.1 seconds on one core of an Intel Xeon of 2.5 GHz, if they show little
_WITHOUT_THUMBNAIL: Final = 20_000_000  # pixels up to which the thumbnail is left alone
_SAME_SHAPE: Final = 0.03  # of the ratio of the sides: a thumbnail's are rounded


def open_heif(data: bytes, needed_side: int) -> Image.Image:
    """The primary image of a HEIF file, decoded, in mode L, LA, RGB, RGBA, RGBa or I;16 (grey of more than 8 bits).

    Of a large one, such as those of 24 and 48 megapixels that phones take, the thumbnail is taken if it has the same
    shape and mode, and `needed_side` pixels on its longer side.
    It is upright: libheif applies the file's rotation and mirroring (irot, imir; ISO/IEC 23008-12), and the EXIF
    orientation, which repeats them, is reset to 1. Colours of 10 or 12 bits are reduced to 8.
    Raises TooManyPixels if it has no such thumbnail, and is too large to be decoded in time.
    Raises what pi-heif raises for files it cannot decode: ValueError, EOFError, SyntaxError, RuntimeError or OSError;
    MemoryError where memory is short, if it notices: libde265 may abort the process, or give no image (ValueError).
    """
    import pi_heif  # noqa: PLC0415  takes 30 ms, and is rarely needed

    pi_heif.options.DECODE_THREADS = 1  # each thread would reserve memory of its own
    try:
        image = _primary(data)
        pixels = math.prod(image.size)
        thumbnail = _thumbnail(data, image, needed_side) if pixels > _WITHOUT_THUMBNAIL else None
        if thumbnail is None and pixels > MAX_DECODED_PIXELS:
            size = "{} x {}".format(*image.size)
            most = f"{MAX_DECODED_PIXELS:,}"
            raise TooManyPixels(f"the image has {size} pixels; HEIC images without a thumbnail may have at most {most}")
        decoded: Image.Image = thumbnail or image.to_pillow()
    except RuntimeError as error:
        if "Allocating" in str(error):
            raise MemoryError from error
        raise
    return decoded


def _primary(data: bytes) -> "HeifImage":
    """The primary image, not decoded yet."""
    from pi_heif import open_heif as opened  # noqa: PLC0415

    file = opened(data)
    return file[file.primary_index]


def _thumbnail(data: bytes, image: "HeifImage", needed_side: int) -> Image.Image | None:
    """The thumbnail of `image`, decoded; None if it has none that can stand for it."""
    if changed := with_thumbnail_as_image(data):
        with suppress(ValueError, EOFError, SyntaxError, RuntimeError, OSError):
            thumbnail: Image.Image = _primary(changed).to_pillow()
            same_shape = math.isclose(_ratio(thumbnail), _ratio(image), rel_tol=_SAME_SHAPE)
            if same_shape and thumbnail.mode == image.mode and max(thumbnail.size) >= needed_side:
                return thumbnail
    return None


def _ratio(image: "Image.Image | HeifImage") -> float:
    width, height = image.size
    return width / height
